//! What was given to log in with, and what an error says is missing.

use std::collections::BTreeMap;

use super::ask::Stop;
use super::{Walk, text as say};
use crate::answers::{Answers, LoginSecretError, Secret, SecretText, login_secret_problem};
use crate::remote::RemoteError;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Passphrase,
    Password,
    Sudo,
}

/// By host and kind. In no answers, and so in no draft and no saved file.
#[derive(Debug, Default)]
pub struct Logins(BTreeMap<(String, Kind), SecretText>);

/// A secret that would help: of whom, and on which hosts.
#[derive(Debug, PartialEq, Eq)]
pub struct Wanted {
    pub kind: Kind,
    pub user: String,
    pub hosts: Vec<String>,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Passphrase => say::PASSPHRASE,
            Self::Password => say::PASSWORD,
            Self::Sudo => say::SUDO_PASSWORD,
        }
    }
}

impl Logins {
    /// The answers with what was given.
    pub fn to_answers(&self, answers: &Answers) -> Answers {
        let mut answers = answers.clone();
        for host in &mut answers.hosts {
            for (kind, secret) in [
                (Kind::Passphrase, &mut host.passphrase),
                (Kind::Password, &mut host.password),
                (Kind::Sudo, &mut host.sudo_password),
            ] {
                if let Some(given) = self.0.get(&(host.name.clone(), kind)) {
                    *secret = Some(Secret::Inline(given.clone()));
                }
            }
        }
        answers
    }
}

/// What these errors want, the same of several hosts together; what is likeliest comes first.
pub fn wanted<'a>(errors: impl IntoIterator<Item = &'a RemoteError>) -> Vec<Wanted> {
    let mut all: Vec<Wanted> = Vec::new();
    for error in errors {
        let (kinds, user) = wants(error);
        for kind in kinds {
            let host = error.host().to_owned();
            let mut known = all.iter_mut();
            match known.find(|wanted| wanted.kind == kind && wanted.user == user) {
                Some(wanted) => wanted.hosts.push(host),
                None => all.push(Wanted {
                    kind,
                    user: user.to_owned(),
                    hosts: vec![host],
                }),
            }
        }
    }
    all.sort_by_key(|wanted| wanted.kind);
    all
}

/// The errors say it in words alone.
fn wants(error: &RemoteError) -> (Vec<Kind>, &str) {
    match error {
        RemoteError::NoRoot { user, why, .. } if why.contains("password") => {
            (vec![Kind::Sudo], user)
        }
        RemoteError::Auth { user, why, .. } => {
            let encrypted = ["is encrypted", "passphrase does not open"];
            let encrypted = encrypted.iter().any(|words| why.contains(words));
            let takes = why.split("the server takes: ").nth(1).unwrap_or_default();
            let takes = takes.split(')').next().unwrap_or_default();
            let mut methods = takes.split(',');
            let asks = methods.any(|method| ["password", "keyboard-interactive"].contains(&method));
            let kinds = [(encrypted, Kind::Passphrase), (asks, Kind::Password)];
            let kinds = kinds.into_iter().filter(|(is_so, _)| *is_so);
            (kinds.map(|(_, kind)| kind).collect(), user)
        }
        _ => (Vec::new(), ""),
    }
}

/// A secret that the answers name and that is not there.
pub fn missing(error: &LoginSecretError) -> Option<Wanted> {
    let (LoginSecretError::Unavailable { host, key, .. }
    | LoginSecretError::Unfit { host, key, .. }) = error;
    let kind = match *key {
        "passphrase" => Kind::Passphrase,
        "password" => Kind::Password,
        "sudo_password" => Kind::Sudo,
        _ => return None,
    };
    Some(Wanted {
        kind,
        user: String::new(),
        hosts: vec![host.clone()],
    })
}

impl Walk {
    /// Asks for secrets; whether one was given. One kind is enough for a host.
    pub(super) fn log_in(&mut self, all: Vec<Wanted>) -> Result<bool, Stop> {
        let mut helped: Vec<String> = Vec::new();
        for mut wanted in all {
            wanted.hosts.retain(|host| !helped.contains(host));
            helped.extend(self.give(&wanted)?);
        }
        Ok(!helped.is_empty())
    }

    /// Asks once for all of these hosts, then for each by itself; those for which one was given.
    fn give(&mut self, wanted: &Wanted) -> Result<Vec<String>, Stop> {
        let mut given = Vec::new();
        let (all, each) = (wanted.hosts.as_slice(), wanted.hosts.chunks(1));
        let each = each.filter(|_| all.len() > 1);
        for hosts in [all].into_iter().filter(|all| !all.is_empty()).chain(each) {
            let Some(secret) = self.secret(wanted, hosts)? else {
                continue;
            };
            for host in hosts {
                let key = (host.clone(), wanted.kind);
                self.logins.0.insert(key, secret.clone());
                given.push(host.clone());
            }
            if hosts.len() == all.len() {
                break;
            }
        }
        Ok(given)
    }

    fn secret(&mut self, wanted: &Wanted, hosts: &[String]) -> Result<Option<SecretText>, Stop> {
        let prompt = say::secret(wanted.kind.words(), &wanted.user, hosts);
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
    use crate::plain::console::Console;
    use crate::tui::wizard::Found;

    fn auth(host: &str, why: &str) -> RemoteError {
        RemoteError::Auth {
            host: host.into(),
            user: "kay".into(),
            why: why.into(),
        }
    }

    fn kinds(error: &RemoteError) -> Vec<Kind> {
        wanted([error]).iter().map(|wanted| wanted.kind).collect()
    }

    #[test]
    fn errors_tell_what_is_missing() {
        let nothing = "there is no key, no agent and no password to try";
        let both = format!("{nothing} (the server takes: publickey,password). Give the host a key");
        assert_eq!(kinds(&auth("h", &both)), [Kind::Password]);
        let keys = format!("{nothing} (the server takes: publickey). Or give its password");
        assert_eq!(kinds(&auth("h", &keys)), []);
        let encrypted = "the key /k is encrypted: give its passphrase (the server takes: \
                         publickey,keyboard-interactive). Give the host a key";
        let either = [Kind::Passphrase, Kind::Password];
        assert_eq!(kinds(&auth("h", encrypted)), either);
        let no_root = |why: &str| RemoteError::NoRoot {
            host: "h".into(),
            user: "kay".into(),
            why: why.into(),
        };
        let sudo = no_root("sudo wants a password, or does not allow kay anything");
        assert_eq!(kinds(&sudo), [Kind::Sudo]);
        assert_eq!(kinds(&no_root("there is no sudo. Install it there")), []);
        let host = "h".to_owned();
        assert_eq!(kinds(&RemoteError::Cancelled { host }), []);
    }

    #[test]
    fn the_same_of_several_hosts_is_one_question() {
        let why = "the password: refused (the server takes: password). Give";
        let errors = [auth("one", why), auth("two", why)];
        let all = wanted(&errors);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].hosts, ["one", "two"]);
    }

    fn asked(typed: &'static [u8], all: Vec<Wanted>) -> (Result<bool, Stop>, Logins) {
        let echo = Box::new(crate::plain::echo::Shown);
        let console = Console::new(typed, std::io::sink(), echo, None).expect("a thread");
        let mut walk = Walk::new(console, Found::default(), None);
        let given = walk.log_in(all);
        (given, walk.logins)
    }

    #[test]
    fn one_secret_is_for_all_or_each_has_its_own() {
        let of = |kind, hosts: &[&str]| Wanted {
            kind,
            user: "kay".into(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        let both = || vec![of(Kind::Sudo, &["one", "two"])];
        let secrets = |logins: &Logins| -> Vec<String> {
            let all = logins.0.iter();
            all.map(|((host, kind), secret)| format!("{host} {kind:?} {}", secret.expose()))
                .collect()
        };
        let (given, logins) = asked(b"=secret \n", both());
        assert_eq!(given, Ok(true));
        assert_eq!(secrets(&logins), ["one Sudo =secret ", "two Sudo =secret "]);
        let (given, logins) = asked(b"\n\nsecret\n", both());
        assert_eq!(given, Ok(true));
        assert_eq!(secrets(&logins), ["two Sudo secret"]);
        let (given, logins) = asked(b"\n\n\n", both());
        assert_eq!((given, logins.0.len()), (Ok(false), 0));
        // One kind is enough for a host.
        let kinds = vec![
            of(Kind::Passphrase, &["one"]),
            of(Kind::Password, &["one", "two"]),
        ];
        let (given, logins) = asked(b"phrase\nword\n", kinds);
        assert_eq!(given, Ok(true));
        assert_eq!(
            secrets(&logins),
            ["one Passphrase phrase", "two Password word"]
        );
    }

    #[test]
    fn what_was_given_is_for_its_host_alone() {
        let mut answers = Answers::default();
        for name in ["one", "two"] {
            answers
                .hosts
                .push(Host::new(name, Role::Server, "10.0.0.1"));
        }
        let mut logins = Logins::default();
        let secret = SecretText::from("hunter2".to_owned());
        logins.0.insert(("two".into(), Kind::Sudo), secret.clone());
        let with = logins.to_answers(&answers);
        assert_eq!(with.hosts[0], answers.hosts[0]);
        assert_eq!(with.hosts[1].sudo_password, Some(Secret::Inline(secret)));
        assert!(!format!("{logins:?}").contains("hunter2"));
    }
}
