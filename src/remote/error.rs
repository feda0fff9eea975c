//! What can go wrong between here and a host.

use std::path::PathBuf;
use std::time::Duration;

use crate::answers::CredentialRequest;

/// Says what happened, on which host, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// Nothing answers there, or not as SSH; or a relay does not come through.
    #[error("{host}: cannot reach {to}: {why}")]
    Unreachable {
        host: String,
        to: String,
        why: String,
    },
    /// Nobody vouches for the key that the host shows.
    #[error(
        "{host}: nobody vouches for the host key of {address}, {fingerprint}. Compare it with what \
         `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` prints on the host itself; then write \
         host_key = \"{fingerprint}\" at this host in the answers, or add the host to \
         ~/.ssh/known_hosts, or believe first contacts with host_keys = \"accept-new\" under [ssh]"
    )]
    HostKeyUnknown {
        host: String,
        /// As `known_hosts` names it: `10.0.0.1`, `[10.0.0.1]:2222`.
        address: String,
        /// `SHA256:…`, as `ssh-keygen -l` prints it.
        fingerprint: String,
        /// `ed25519`, `ecdsa` or `rsa`.
        kind: String,
    },
    /// The host shows another key than the one it is known by.
    #[error(
        "{host}: the host key of {address} is {fingerprint}, but {known} is known from {place}. \
         Either the host was installed anew, or somebody sits in between: nothing was sent. If you \
         know why it changed, take the old key away there and start again"
    )]
    HostKeyChanged {
        host: String,
        address: String,
        fingerprint: String,
        /// The fingerprints that were expected.
        known: String,
        /// The file and the line, or the answers.
        place: String,
    },
    #[error(
        "{host}: the host key of {address}, {fingerprint}, is revoked in {place}: nothing was \
         sent. Give the host new keys, or take that line away if it is wrong"
    )]
    HostKeyRevoked {
        host: String,
        address: String,
        fingerprint: String,
        place: String,
    },
    #[error("{host}: cannot log in as {user}: {why}")]
    Auth {
        host: String,
        user: String,
        why: String,
        /// With which secrets it might go on; the likeliest first.
        wants: Vec<CredentialRequest>,
    },
    /// Logged in, but there is no way to become root.
    #[error("{host}: {user} cannot become root: {why}")]
    NoRoot {
        host: String,
        user: String,
        why: String,
        /// With which secrets it might go on; the likeliest first.
        wants: Vec<CredentialRequest>,
    },
    #[error("{host}: the connection was lost: {why}")]
    Lost { host: String, why: String },
    #[error(
        "{host}: no end after {} s; what was started there may still be running",
        limit.as_secs_f32()
    )]
    Timeout { host: String, limit: Duration },
    /// What it printed was not wanted any more.
    #[error("{host}: the wizard stopped reading its output: {why}")]
    Stopped { host: String, why: String },
    #[error("{host}: cancelled")]
    Cancelled { host: String },
    /// A script of the wizard's own went wrong on the host.
    #[error("{host}: {what} failed with status {status}: {why}")]
    Failed {
        host: String,
        what: String,
        status: i32,
        /// What it said.
        why: String,
    },
    /// What was to be sent cannot be.
    #[error("{host}: a script cannot be sent to a shell: {why}")]
    Unsendable { host: String, why: String },
    /// Something on this machine, not on the host.
    #[error("{host}: cannot use {} on this machine: {why}", path.display())]
    Local {
        host: String,
        path: PathBuf,
        why: String,
    },
}

impl RemoteError {
    /// The host's name in the answers.
    pub fn host(&self) -> &str {
        match self {
            Self::Unreachable { host, .. }
            | Self::HostKeyUnknown { host, .. }
            | Self::HostKeyChanged { host, .. }
            | Self::HostKeyRevoked { host, .. }
            | Self::Auth { host, .. }
            | Self::NoRoot { host, .. }
            | Self::Lost { host, .. }
            | Self::Timeout { host, .. }
            | Self::Stopped { host, .. }
            | Self::Cancelled { host }
            | Self::Failed { host, .. }
            | Self::Unsendable { host, .. }
            | Self::Local { host, .. } => host,
        }
    }

    /// The secrets with which it might go on.
    pub fn wants(&self) -> &[CredentialRequest] {
        match self {
            Self::Auth { wants, .. } | Self::NoRoot { wants, .. } => wants,
            _ => &[],
        }
    }

    /// Whether the connection is of no use after this.
    pub fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Lost { .. }
                | Self::Timeout { .. }
                | Self::Stopped { .. }
                | Self::Cancelled { .. }
        )
    }
}
