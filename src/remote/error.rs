//! Errors of connections to hosts.

use std::path::PathBuf;
use std::time::Duration;

use crate::answers::CredentialRequest;

/// Each says what happened, on which host, why, and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// No SSH server answers there, or a relay cannot connect.
    #[error("{host}: cannot reach {to}: {why}")]
    Unreachable {
        host: String,
        to: String,
        why: String,
    },
    /// The host key is unknown.
    #[error(
        "{host}: the host key of {address} is not known yet: {fingerprint}. Compare it with the \
         output of `ssh-keygen -lf /etc/ssh/ssh_host_{kind}_key.pub` on the host itself; then \
         write host_key = \"{fingerprint}\" {at} in the answers, or add the host to \
         ~/.ssh/known_hosts, or trust keys on first use with host_keys = \"accept-new\" under \
         [ssh]",
        at = place_in_answers(host)
    )]
    HostKeyUnknown {
        host: String,
        /// In the format of `known_hosts`: `10.0.0.1`, `[10.0.0.1]:2222`.
        address: String,
        /// `SHA256:…`, as `ssh-keygen -l` prints it.
        fingerprint: String,
        /// `ed25519`, `ecdsa` or `rsa`.
        kind: String,
    },
    /// The host presents another key than the known one.
    #[error(
        "{host}: the host key of {address} is {fingerprint}, but {known} is known from {place}. \
         Either the host was reinstalled, or an attacker is in between: nothing was sent. If you \
         know why it changed, remove the old key there and try again"
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
         sent. Give the host new keys, or remove that line if it is wrong"
    )]
    HostKeyRevoked {
        host: String,
        address: String,
        fingerprint: String,
        place: String,
    },
    /// What happened is at a bastion in front of the host.
    #[error("{host}: its {error}")]
    Bastion {
        host: String,
        error: Box<RemoteError>,
    },
    #[error("{host}: cannot log in as {user}: {why}")]
    Auth {
        host: String,
        user: String,
        why: String,
        /// The secrets that might help; the likeliest first.
        wants: Vec<CredentialRequest>,
    },
    /// Logged in, but cannot become root.
    #[error("{host}: {user} cannot become root: {why}")]
    NoRoot {
        host: String,
        user: String,
        why: String,
        /// The secrets that might help; the likeliest first.
        wants: Vec<CredentialRequest>,
    },
    #[error("{host}: the connection was lost: {why}")]
    Lost { host: String, why: String },
    #[error(
        "{host}: not finished after {} s; the script may still be running",
        limit.as_secs_f32()
    )]
    Timeout { host: String, limit: Duration },
    /// What it printed was not wanted any more.
    #[error("{host}: the wizard stopped reading its output: {why}")]
    Stopped { host: String, why: String },
    #[error("{host}: cancelled")]
    Cancelled { host: String },
    /// One of the wizard's own scripts failed on the host.
    #[error("{host}: {what} failed with status {status}: {why}")]
    Failed {
        host: String,
        what: String,
        status: i32,
        /// Its output.
        why: String,
    },
    /// A program on the host did not answer the question.
    #[error("{host}: {why}")]
    Unanswered { host: String, why: String },
    /// A script that cannot be sent.
    #[error("{host}: a script cannot be sent to a shell: {why}")]
    Unsendable { host: String, why: String },
    /// A problem on this machine, not on the host.
    #[error("{host}: cannot use {} on this machine: {why}", path.display())]
    Local {
        host: String,
        path: PathBuf,
        why: String,
    },
}

/// Where the answers say something of a host. Names of bastions begin with `bastion `.
fn place_in_answers(host: &str) -> &'static str {
    if host.starts_with("bastion ") {
        "for it under [[bastions]]"
    } else {
        "at this host"
    }
}

impl RemoteError {
    /// The host's name in the answers.
    pub fn host(&self) -> &str {
        match self {
            Self::Unreachable { host, .. }
            | Self::HostKeyUnknown { host, .. }
            | Self::HostKeyChanged { host, .. }
            | Self::HostKeyRevoked { host, .. }
            | Self::Bastion { host, .. }
            | Self::Auth { host, .. }
            | Self::NoRoot { host, .. }
            | Self::Lost { host, .. }
            | Self::Timeout { host, .. }
            | Self::Stopped { host, .. }
            | Self::Cancelled { host }
            | Self::Failed { host, .. }
            | Self::Unanswered { host, .. }
            | Self::Unsendable { host, .. }
            | Self::Local { host, .. } => host,
        }
    }

    /// The error itself: that of the bastion, where it is one's.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Bastion { error, .. } => error.cause(),
            other => other,
        }
    }

    /// The secrets that might help, for the host of the [`RemoteError::cause`].
    pub fn wants(&self) -> &[CredentialRequest] {
        match self.cause() {
            Self::Auth { wants, .. } | Self::NoRoot { wants, .. } => wants,
            _ => &[],
        }
    }

    /// Whether the connection is unusable after this error.
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
