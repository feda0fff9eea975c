//! What was given to log in with, and what an error says is missing.

use std::collections::BTreeMap;

use super::ask::Stop;
use super::{Walk, text as say};
use crate::answers::{Answers, Lacks, LoginSecretError, Secret, SecretText, login_secret_problem};
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

/// What an error lacks, and whose it is.
fn wants(error: &RemoteError) -> (Vec<Kind>, &str) {
    let (RemoteError::NoRoot { user, wants, .. } | RemoteError::Auth { user, wants, .. }) = error
    else {
        return (Vec::new(), "");
    };
    let mut user = user.as_str();
    let mut kinds = Vec::new();
    for wanted in wants {
        kinds.push(match &wanted.what {
            Lacks::Passphrase { .. } => Kind::Passphrase,
            Lacks::Password { .. } => Kind::Password,
            Lacks::SudoPassword { of } => {
                user = of.as_deref().unwrap_or(user);
                Kind::Sudo
            }
        });
    }
    (kinds, user)
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

    fn auth(host: &str, lacks: &[Lacks]) -> RemoteError {
        let wanted = lacks.iter().map(|what| crate::answers::Wanted {
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

    fn password() -> Lacks {
        Lacks::Password {
            user: "kay".into(),
            question: String::new(),
        }
    }

    #[test]
    fn errors_tell_what_is_missing() {
        let passphrase = Lacks::Passphrase { key: "/k".into() };
        let root = Some("root".to_owned());
        let sudo = Lacks::SudoPassword { of: root };
        let told = |lacks: &[Lacks]| -> Vec<(Kind, String)> {
            let all = wanted([&auth("h", lacks)]);
            all.into_iter()
                .map(|wanted| (wanted.kind, wanted.user))
                .collect()
        };
        assert_eq!(told(&[]), []);
        let kay = || "kay".to_owned();
        let both = [(Kind::Passphrase, kay()), (Kind::Password, kay())];
        assert_eq!(told(&[passphrase, password()]), both);
        assert_eq!(told(&[sudo]), [(Kind::Sudo, "root".to_owned())]);
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
