//! Which host, and what it takes to log in there.

use std::path::PathBuf;

use super::Trials;
use crate::answers::HostKeys;
use crate::secrets::SecretText;

/// A host as SSH sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host's name in the answers.
    pub name: String,
    /// An IP address or a DNS name.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// Private keys that were named, tried in this order; none: those that OpenSSH tries by itself.
    pub keys: Vec<PathBuf>,
    /// No other key is tried, though an agent may hold more.
    pub only_these_keys: bool,
    /// Read besides `~/.ssh/known_hosts`, never written. One that is not there is an error.
    pub known_hosts: Vec<PathBuf>,
    /// The wizard's own: read, and where keys are written that were believed.
    pub own_known_hosts: PathBuf,
    pub policy: HostKeys,
    /// What the host key must be, whatever `known_hosts` says: `SHA256:…`.
    pub fingerprint: Option<String>,
}

/// The secrets that were given for a host. Each is used where it fits; none is kept.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Of private keys.
    pub passphrase: Option<SecretText>,
    /// Of the user, for SSH.
    pub password: Option<SecretText>,
    /// What sudo asks for: on most systems the user's own password, on SUSE root's.
    pub sudo_password: Option<SecretText>,
    /// Somebody can be asked for what is missing: then sudo is asked whose password it wants, once
    /// for a login. That leaves its question without an answer, which some systems count.
    pub asks: bool,
    /// What is known of the passwords already. Hosts that share it share what it costs to try a
    /// wrong one.
    pub trials: Trials,
}
