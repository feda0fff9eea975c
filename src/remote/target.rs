//! A host and its login.

use std::path::PathBuf;

use super::bastion::BastionLogin;
use super::{AcceptedKeys, Bastions, Trials};
use crate::answers::HostKeys;
use crate::secrets::SecretText;

/// A host as an SSH target.
#[derive(Debug, Clone)]
pub struct Target {
    /// The host's name in the answers.
    pub name: String,
    /// An IP address or a DNS name.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// Named private keys, tried in this order; if empty, those that OpenSSH tries by itself.
    pub keys: Vec<PathBuf>,
    /// No other keys are tried, even if an agent has more.
    pub only_these_keys: bool,
    /// Read in addition to `~/.ssh/known_hosts`, never written. A missing file is an error.
    pub known_hosts: Vec<PathBuf>,
    /// The wizard's own: read, and extended by keys trusted on first use.
    pub own_known_hosts: PathBuf,
    pub policy: HostKeys,
    /// The keys that the session has trusted so far.
    pub accepted: AcceptedKeys,
    /// The required host key, regardless of `known_hosts`: `SHA256:…`.
    pub fingerprint: Option<String>,
    /// The bastions in front of it: the first one is reached directly, each other one through the
    /// one before.
    pub via: Vec<Way>,
    /// The connections to bastions that the session has so far.
    pub bastions: Bastions,
}

/// A target with the secrets for it. Of a bastion in front of another target, `via` is not used.
#[derive(Debug, Clone)]
pub struct Way {
    pub target: Target,
    pub credentials: Credentials,
}

impl Way {
    /// Every secret for the target and for the bastions in front of it.
    pub fn secrets(&self) -> Vec<SecretText> {
        let Credentials {
            passphrase,
            password,
            sudo_password,
            ..
        } = &self.credentials;
        let own = [passphrase, password, sudo_password].into_iter().flatten();
        let of_bastions = self.target.via.iter().flat_map(Self::secrets);
        own.cloned().chain(of_bastions).collect()
    }

    /// As a bastion.
    pub(super) fn login(&self) -> BastionLogin {
        let target = &self.target;
        BastionLogin {
            user: target.user.clone(),
            address: target.address.clone(),
            port: target.port,
            fingerprint: target.fingerprint.clone(),
            keys: target.keys.clone(),
            secrets: self.secrets(),
        }
    }
}

/// The secrets for a host. None is stored.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// Of private keys.
    pub passphrase: Option<SecretText>,
    /// Of the user, for SSH.
    pub password: Option<SecretText>,
    /// The password that sudo asks for: usually the user's own, on SUSE root's.
    pub sudo_password: Option<SecretText>,
    /// An operator can be asked for missing secrets: then sudo is asked once per login whose
    /// password it needs. That leaves its prompt unanswered, which some systems count as a failure.
    pub asks: bool,
    /// The known results of passwords. Hosts that share it send a wrong password only once.
    pub trials: Trials,
}
