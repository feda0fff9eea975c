//! Probes one host while the operator still enters the answers: connects, reads its facts,
//! disconnects. Nothing is changed, there or here.

use std::path::PathBuf;

use super::ways::{StoredHostKeys, connector, way};
use super::{RunError, Tried};
use crate::answers::{Answers, Host};
use crate::engine::control::Control;
use crate::engine::hosts;
use crate::platform::Facts;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::state;

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Lease(LeaseError),
}

impl From<LeaseError> for ProbeError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Remote(error) => Self::Remote(error),
            held @ LeaseError::Held { .. } => Self::Lease(held),
        }
    }
}

/// The facts of a host. A hard abort of `control` interrupts it.
pub fn probe(
    answers: &Answers,
    host: &Host,
    tried: &Tried,
    control: &Control,
) -> Result<Facts, ProbeError> {
    let config = answers.ssh_config().map_err(RunError::from)?;
    // The run stores keys that are trusted on first use, in the cluster's folder.
    let stored = StoredHostKeys {
        earlier: own_known_hosts(answers),
        own: PathBuf::from("/dev/null"),
    };
    let connector = connector(way(answers, host, &config, &stored, tried)?);
    // These answers are not validated yet, so Postgres is not queried.
    Ok(hosts::reach(&host.name, None, connector, None, control)?.facts)
}

/// The known hosts of an earlier run. The cluster's name may be half typed.
pub(super) fn own_known_hosts(answers: &Answers) -> Option<PathBuf> {
    let name = &answers.cluster.name;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    let path = state::root(None).ok()?.join(name).join("known_hosts");
    path.is_file().then_some(path)
}
