//! Secrets that are not in the answers: which one a login needs, and what the operator typed. They
//! are never saved.

use std::path::PathBuf;

use super::Host;
use crate::secrets::SecretText;

/// A secret that a login needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRequest {
    pub what: CredentialKind,
    /// A secret was given and refused.
    pub wrong: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialKind {
    /// Of a private key on this machine.
    Passphrase { key: PathBuf },
    /// For SSH. `question`: the server's own prompt, if it sent one.
    Password { user: String, question: String },
    /// For sudo: of this user, if sudo named one.
    SudoPassword { of: Option<String> },
}

/// What was given for a host; see [`crate::remote::Credentials`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginSecrets {
    pub passphrase: Option<SecretText>,
    pub password: Option<SecretText>,
    pub sudo_password: Option<SecretText>,
}

/// What the operator typed. It lives only in this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnteredCredentials {
    /// Keyed by destination: another address or user is another key.
    hosts: Vec<(LoginPlace, LoginSecrets)>,
    /// For every host that has none of its own.
    all: LoginSecrets,
}

/// The host, address and user of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LoginPlace {
    address: String,
    port: Option<u16>,
    user: Option<String>,
}

impl LoginPlace {
    fn of(host: &Host) -> Self {
        Self {
            address: host.address.clone(),
            port: host.port,
            user: host.user.clone(),
        }
    }
}

impl EnteredCredentials {
    /// Stores a secret for a host, and for all others that have none.
    pub fn take(&mut self, host: &Host, what: &CredentialKind, secret: &SecretText, for_all: bool) {
        let place = LoginPlace::of(host);
        let known = self.hosts.iter().position(|(other, _)| *other == place);
        let at = known.unwrap_or_else(|| {
            self.hosts.push((place, LoginSecrets::default()));
            self.hosts.len() - 1
        });
        self.hosts[at].1.set(what, secret);
        if for_all {
            self.all.set(what, secret);
        }
    }

    /// What was typed for this host only.
    pub(super) fn of(&self, host: &Host) -> LoginSecrets {
        let place = LoginPlace::of(host);
        let own = self.hosts.iter().find(|(other, _)| *other == place);
        own.map(|(_, secrets)| secrets.clone()).unwrap_or_default()
    }

    pub(super) fn of_all(&self) -> &LoginSecrets {
        &self.all
    }
}

impl LoginSecrets {
    fn set(&mut self, what: &CredentialKind, secret: &SecretText) {
        let field = match what {
            CredentialKind::Passphrase { .. } => &mut self.passphrase,
            CredentialKind::Password { .. } => &mut self.password,
            CredentialKind::SudoPassword { .. } => &mut self.sudo_password,
        };
        *field = Some(secret.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Answers, Role, Secret};

    fn text(text: &str) -> SecretText {
        text.to_owned().into()
    }

    #[test]
    fn what_was_typed_for_a_host_comes_first_and_for_all_before_what_answers_say_of_all() {
        let mut answers = Answers::default();
        answers.ssh.password = Some(Secret::Inline(text("of all")));
        let mut one = Host::new("one", Role::Agent, "10.0.0.1");
        let other = Host::new("other", Role::Agent, "10.0.0.2");
        let mut own = Host::new("own", Role::Agent, "10.0.0.3");
        own.password = Some(Secret::Inline(text("its own")));
        let what = CredentialKind::Password {
            user: "u".into(),
            question: String::new(),
        };
        let mut asked = EnteredCredentials::default();
        let password = |asked: &EnteredCredentials, host: &Host| {
            let secrets = answers.login_secrets(host, asked).unwrap();
            secrets.password.unwrap().expose().to_owned()
        };
        asked.take(&one, &what, &text("typed"), false);
        assert_eq!(password(&asked, &one), "typed");
        assert_eq!(password(&asked, &other), "of all");
        asked.take(&one, &what, &text("typed again"), true);
        assert_eq!(password(&asked, &one), "typed again");
        assert_eq!(password(&asked, &other), "typed again");
        assert_eq!(password(&asked, &own), "its own");
        // A secret is only used for its own destination.
        asked = EnteredCredentials::default();
        asked.take(&one, &what, &text("typed"), false);
        one.address = "10.0.0.9".into();
        assert_eq!(password(&asked, &one), "of all");
        assert!(!format!("{asked:?}").contains("typed"));
    }
}
