//! The given login secrets, and those that an error reports missing.

use std::io::{self, BufRead, Write};

use crossbeam_channel::Receiver;

use super::ask::NoAnswer;
use super::console::Console;
use super::echo::Echo;
use super::{Walk, text as say};
use crate::answers::{
    Answers, CredentialKind, EnteredCredentials, LoginSecretError, login_secret_problem,
};
use crate::interview::offers::Found;
use crate::remote::RemoteError;
use crate::secrets::SecretText;

/// A missing secret: of which user, on which hosts.
#[derive(Debug, PartialEq, Eq)]
pub struct MissingSecret {
    pub what: CredentialKind,
    pub user: String,
    pub hosts: Vec<String>,
}

/// The kinds of secrets, the most likely first.
fn words(what: &CredentialKind) -> (u8, &'static str) {
    match what {
        CredentialKind::Passphrase { .. } => (0, say::PASSPHRASE),
        CredentialKind::Password { .. } => (1, say::PASSWORD),
        CredentialKind::SudoPassword { .. } => (2, say::SUDO_PASSWORD),
    }
}

/// The secrets that these errors need, grouped over hosts; the most likely first.
pub fn wanted<'a>(errors: impl IntoIterator<Item = &'a RemoteError>) -> Vec<MissingSecret> {
    let mut all: Vec<MissingSecret> = Vec::new();
    for error in errors {
        for wanted in error.wants() {
            let cause = error.cause();
            let user = whose(cause, &wanted.what);
            let host = cause.host().to_owned();
            let is_same = |known: &&mut MissingSecret| {
                words(&known.what) == words(&wanted.what) && known.user == user
            };
            match all.iter_mut().find(is_same) {
                // Several hosts may be behind a bastion.
                Some(known) if known.hosts.contains(&host) => {}
                Some(known) => known.hosts.push(host),
                None => all.push(MissingSecret {
                    what: wanted.what.clone(),
                    user: user.to_owned(),
                    hosts: vec![host],
                }),
            }
        }
    }
    all.sort_by_key(|wanted| words(&wanted.what));
    all
}

/// The user whose secret is missing: sudo may ask for another user's password than the login's.
fn whose<'a>(error: &'a RemoteError, what: &'a CredentialKind) -> &'a str {
    match (what, error) {
        (CredentialKind::SudoPassword { of: Some(other) }, _) => other,
        (_, RemoteError::NoRoot { user, .. } | RemoteError::Auth { user, .. }) => user,
        _ => "",
    }
}

/// A secret that the answers name and that is not available.
pub fn missing(error: &LoginSecretError) -> Option<MissingSecret> {
    Some(MissingSecret {
        what: error.wants()?,
        user: String::new(),
        hosts: vec![error.host().to_owned()],
    })
}

/// Asks for missing login secrets where there is no dialogue otherwise.
pub struct LoginPrompt(Walk);

impl LoginPrompt {
    /// For the hosts of these answers. A signal ends a question.
    pub fn new(
        input: impl BufRead + Send + 'static,
        out: impl Write + 'static,
        echo: Box<dyn Echo>,
        answers: Answers,
        signals: &Receiver<i32>,
        columns: fn() -> Option<usize>,
    ) -> io::Result<Self> {
        let console = Console::new(input, out, echo, Some(signals), columns)?;
        let mut walk = Walk::new(console, Found::default(), None);
        walk.interview.answers = answers;
        Ok(Self(walk))
    }

    /// Asks for what these errors want, and says why; whether something was given.
    pub fn unreached(&mut self, errors: &[&RemoteError]) -> bool {
        let errors = errors.iter().copied();
        let errors: Vec<_> = errors.filter(|error| !error.wants().is_empty()).collect();
        for error in &errors {
            self.0.console.say(&error.to_string());
        }
        self.0.log_in(wanted(errors)).unwrap_or(false)
    }

    /// Asks for a secret that the answers name and that is not available.
    pub fn unavailable(&mut self, error: &LoginSecretError) -> bool {
        self.0.console.say(&error.to_string());
        let missing = missing(error).into_iter().collect();
        self.0.log_in(missing).unwrap_or(false)
    }

    /// Everything that was given.
    pub fn entered(&self) -> EnteredCredentials {
        self.0.asked.clone()
    }
}

impl Walk {
    /// Asks for secrets; returns whether one was given. One kind is enough for a host.
    pub(super) fn log_in(&mut self, all: Vec<MissingSecret>) -> Result<bool, NoAnswer> {
        let mut helped: Vec<String> = Vec::new();
        for mut wanted in all {
            wanted.hosts.retain(|host| !helped.contains(host));
            helped.extend(self.give(&wanted)?);
        }
        Ok(!helped.is_empty())
    }

    /// Asks once for all of these hosts, then for each one; returns those that got one.
    fn give(&mut self, wanted: &MissingSecret) -> Result<Vec<String>, NoAnswer> {
        let mut given = Vec::new();
        let (all, each) = (wanted.hosts.as_slice(), wanted.hosts.chunks(1));
        let each = each.filter(|_| all.len() > 1);
        for hosts in [all].into_iter().filter(|all| !all.is_empty()).chain(each) {
            let Some(secret) = self.secret(wanted, hosts)? else {
                continue;
            };
            for name in hosts {
                if let Some(host) = self.interview.answers.login_place(name) {
                    self.asked.take(&host, &wanted.what, &secret, false);
                    given.push(name.clone());
                }
            }
            if hosts.len() == all.len() {
                break;
            }
        }
        Ok(given)
    }

    fn secret(
        &mut self,
        wanted: &MissingSecret,
        hosts: &[String],
    ) -> Result<Option<SecretText>, NoAnswer> {
        let prompt = say::secret(words(&wanted.what).1, &wanted.user, hosts);
        loop {
            let line = self.answer(&prompt, say::SECRET_HELP, true)?;
            if line.is_empty() {
                return Ok(None);
            }
            match login_secret_problem(&line) {
                Some(why) => self.console.say(&format!("It {why}.")),
                None => return Ok(Some(SecretText::from(line.to_string()))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Host, Role};

    fn auth(host: &str, lacks: &[CredentialKind]) -> RemoteError {
        let wanted = lacks.iter().map(|what| crate::answers::CredentialRequest {
            what: what.clone(),
            wrong: false,
        });
        RemoteError::Auth {
            host: host.into(),
            user: "kay".into(),
            why: "nothing got in".into(),
            wants: wanted.collect(),
        }
    }

    fn password() -> CredentialKind {
        CredentialKind::Password {
            user: "kay".into(),
            question: String::new(),
        }
    }

    #[test]
    fn errors_tell_what_is_missing() {
        let passphrase = CredentialKind::Passphrase { key: "/k".into() };
        let root = Some("root".to_owned());
        let sudo = CredentialKind::SudoPassword { of: root };
        let told = |lacks: &[CredentialKind]| -> Vec<(&str, String)> {
            let all = wanted([&auth("h", lacks)]);
            all.into_iter()
                .map(|wanted| (words(&wanted.what).1, wanted.user))
                .collect()
        };
        assert_eq!(told(&[]), []);
        let kay = || "kay".to_owned();
        let both = [(say::PASSPHRASE, kay()), (say::PASSWORD, kay())];
        assert_eq!(told(&[passphrase, password()]), both);
        assert_eq!(told(&[sudo]), [(say::SUDO_PASSWORD, "root".to_owned())]);
        let host = "h".to_owned();
        assert_eq!(wanted([&RemoteError::Cancelled { host }]), []);
    }

    #[test]
    fn the_same_of_several_hosts_is_one_question() {
        let errors = [auth("one", &[password()]), auth("two", &[password()])];
        let all = wanted(&errors);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].hosts, ["one", "two"]);
    }

    const SUDO: CredentialKind = CredentialKind::SudoPassword { of: None };

    fn of(what: CredentialKind, hosts: &[&str]) -> MissingSecret {
        MissingSecret {
            what,
            user: "kay".into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        }
    }

    /// Whether something was given, what for each of two hosts, and how that shows itself.
    fn asked(
        typed: &'static [u8],
        all: Vec<MissingSecret>,
    ) -> (Result<bool, NoAnswer>, Vec<String>, String) {
        let echo = Box::new(crate::frontends::plain::echo::Shown);
        let console = Console::new(typed, std::io::sink(), echo, None, || None).expect("a thread");
        let mut walk = Walk::new(console, Found::default(), None);
        for (name, address) in [("one", "10.0.0.1"), ("two", "10.0.0.2")] {
            let host = Host::new(name, Role::Server, address);
            walk.interview.answers.hosts.push(host);
        }
        let given = walk.log_in(all);
        let mut secrets = Vec::new();
        for host in &walk.interview.answers.hosts {
            let logins = walk.interview.answers.login_secrets(host, &walk.asked);
            let logins = logins.expect("nothing is read");
            for (kind, secret) in [
                ("Passphrase", logins.passphrase),
                ("Password", logins.password),
                ("Sudo", logins.sudo_password),
            ] {
                let told = |secret: SecretText| format!("{} {kind} {}", host.name, secret.expose());
                secrets.extend(secret.map(told));
            }
        }
        (given, secrets, format!("{:?}", walk.asked))
    }

    #[test]
    fn one_secret_is_for_all_or_each_has_its_own() {
        let both = || vec![of(SUDO, &["one", "two"])];
        let (given, secrets, _) = asked(b"=secret \n", both());
        assert_eq!(given, Ok(true));
        assert_eq!(secrets, ["one Sudo =secret ", "two Sudo =secret "]);
        let (given, secrets, _) = asked(b"\n\nsecret\n", both());
        assert_eq!(given, Ok(true));
        assert_eq!(secrets, ["two Sudo secret"]);
        let (given, secrets, _) = asked(b"\n\n\n", both());
        assert_eq!((given, secrets.len()), (Ok(false), 0));
        // One kind is enough for a host.
        let passphrase = CredentialKind::Passphrase { key: "/k".into() };
        let kinds = vec![of(passphrase, &["one"]), of(password(), &["one", "two"])];
        let (given, secrets, _) = asked(b"phrase\nword\n", kinds);
        assert_eq!(given, Ok(true));
        assert_eq!(secrets, ["one Passphrase phrase", "two Password word"]);
    }

    #[test]
    fn what_was_given_is_for_its_host_alone() {
        let (_, secrets, shown) = asked(b"hunter2\n", vec![of(SUDO, &["two"])]);
        assert_eq!(secrets, ["two Sudo hunter2"]);
        assert!(!shown.contains("hunter2"));
    }
}
