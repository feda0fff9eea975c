//! Why a run did not start, or could not go on.

use std::io;
use std::path::PathBuf;

use crate::answers::{LoginSecretError, Problem, SshConfigError};
use crate::bundle::BundleError;
use crate::engine::collecting::CollectError;
use crate::pki::PkiError;
use crate::procedures::differences::Difference;
use crate::remote::lease::LeaseError;
use crate::state::{SecretsError, StateError};
use crate::steps::StepError;
use crate::topology::{ProxyError, TopologyError};

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("{}", list_of(.0))]
    Answers(Vec<Problem>),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    #[error(transparent)]
    Steps(#[from] StepError),
    #[error("the answers have no host {0}")]
    NoHost(String),
    #[error("--read-only refuses a run, because it changes hosts")]
    ReadOnly,
    /// Changes to an existing cluster that `install` refuses.
    #[error("{}\nNothing was changed.", list_of(.0))]
    Refused(Vec<Difference>),
    #[error(transparent)]
    SshConfig(#[from] SshConfigError),
    #[error(transparent)]
    LoginSecret(#[from] LoginSecretError),
    #[error("cannot write {}: {error}", path.display())]
    Log { path: PathBuf, error: io::Error },
    #[error("no random numbers available: {0}")]
    Random(#[from] openssl::error::ErrorStack),
    /// Hosts that were not reached, or that another run uses.
    #[error("{}\nNothing was changed.", list_of(.0))]
    Unreached(Vec<LeaseError>),
    /// What each member of the datastore says instead.
    #[error(
        "No Postgres of the pair is a primary that can be written to:\n{}\nNothing was changed.",
        list_of(.0)
    )]
    NoPrimary(Vec<String>),
    /// What must be typed instead.
    #[error(
        "The datastore is an external Postgres: the wizard has no shell on it, and does not dump it. Leave \
         its backups to its operator; or run this on a machine that has a pg_dump of the same version or \
         a newer one, and the files that the answers name:\n  {command}\nKeep the token with each dump: \
         without it the data cannot be read. It is in {}", secrets.display()
    )]
    ExternalBackup { command: String, secrets: PathBuf },
    #[error(
        "The preflight failed: see above for what to do. Nothing was changed.\n\
         To override a check, name it in the answers: override = [\"NAME\"], under [cluster] or at one host."
    )]
    Unfit,
    /// Before anything was started on a host.
    #[error("stopped ({why}). Nothing was changed.")]
    Aborted { why: String },
    #[error("Internal error of the wizard. Please report it.")]
    WentWrong,
}

fn list_of(lines: &[impl ToString]) -> String {
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Whether another run uses the host.
pub(super) fn is_held(error: &LeaseError) -> bool {
    matches!(error, LeaseError::Held { .. })
}
