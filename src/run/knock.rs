//! Trying one host alone, while the answers are still being written: connected, asked what it is,
//! closed again. Nothing is changed, there or here.

use std::path::PathBuf;

use super::ways::{connector, target};
use super::{RunError, Tried};
use crate::answers::{Answers, Host};
use crate::engine::control::Control;
use crate::engine::hosts;
use crate::platform::Facts;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::state;

#[derive(Debug, thiserror::Error)]
pub enum KnockError {
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error(transparent)]
    Lease(LeaseError),
}

impl From<LeaseError> for KnockError {
    fn from(error: LeaseError) -> Self {
        match error {
            LeaseError::Remote(error) => Self::Remote(error),
            held @ LeaseError::Held { .. } => Self::Lease(held),
        }
    }
}

/// What a host is. A hard abort of `control` ends it.
pub fn knock(
    answers: &Answers,
    host: &Host,
    tried: &Tried,
    control: &Control,
) -> Result<Facts, KnockError> {
    let config = answers.ssh_config().map_err(RunError::from)?;
    let login = answers.login(host, &config).map_err(RunError::from)?;
    let secrets = answers
        .login_secrets(host, &tried.asked)
        .map_err(RunError::from)?;
    // A key that is believed at first sight is written down by the run, in the folder that the
    // cluster has then.
    let mut target = target(answers, host, &login, PathBuf::from("/dev/null"));
    target.known_hosts.extend(own_known_hosts(answers));
    let connector = connector(target, secrets, tried);
    // These answers are not checked yet: no Postgres is asked about what they say of it.
    Ok(hosts::reach(&host.name, None, connector, None, control)?.facts)
}

/// Those of an earlier run of the cluster. Its name may be half typed.
fn own_known_hosts(answers: &Answers) -> Option<PathBuf> {
    let name = &answers.cluster.name;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return None;
    }
    let path = state::root(None).ok()?.join(name).join("known_hosts");
    path.is_file().then_some(path)
}
