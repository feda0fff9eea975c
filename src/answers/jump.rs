//! The bastions in front of a host: `jump` in the answers, or `ProxyJump` in the SSH configuration.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::forms::is_login;
use super::problems::Problem;
use super::{Answers, Host, Secret};

/// What the answers say of a bastion that a `jump` names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bastion {
    /// As `jump` and the SSH configuration name it, without user and port.
    pub name: String,
    pub user: Option<String>,
    pub port: Option<u16>,
    pub key: Option<PathBuf>,
    pub passphrase: Option<Secret>,
    pub password: Option<Secret>,
    /// The fingerprint that its host key must have.
    pub host_key: Option<String>,
}

impl Bastion {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }
}

/// Written for: without a bastion.
const NONE: &str = "none";

/// What is wrong with the bastions of these answers.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    const FORM: &str = "must be bastions as OpenSSH writes them, [user@]name[:port], in the order of the way, \
                        separated by commas; or \"none\"";
    let mut problems = Vec::new();
    let of_all = answers.ssh.jump.as_ref();
    if of_all.is_some_and(|jump| hops(jump).is_none()) {
        problems.push(Problem::new("ssh.jump", FORM));
    }
    for (number, host) in answers.hosts.iter().enumerate() {
        let key = format!("hosts[{number}].jump");
        let own = host.jump.as_ref();
        let Some(hops) = own.or(of_all).and_then(|jump| hops(jump)) else {
            if own.is_some() {
                problems.push(Problem::new(key, FORM));
            }
            continue;
        };
        if hops.iter().any(|hop| hop.name == host.address) {
            let itself = "goes through this host itself: write jump = \"none\" for it";
            problems.push(Problem::new(key, itself));
        }
    }
    for (number, bastion) in answers.bastions.iter().enumerate() {
        let (key, name) = (format!("bastions[{number}].name"), &bastion.name);
        let before = answers.bastions.iter().take(number);
        if !is_name(name) {
            let form =
                "must be the name of a bastion as it is written in jump, without user and port";
            problems.push(Problem::new(key, form));
        } else if before.into_iter().any(|other| other.name == *name) {
            problems.push(Problem::new(key, "is the name of another bastion already"));
        }
    }
    problems
}

/// A bastion as OpenSSH writes it: `[user@]name[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenHop {
    pub user: Option<String>,
    /// A name that the SSH configuration or DNS knows, or an IP address.
    pub name: String,
    pub port: Option<u16>,
}

/// The bastions in the order of the way to the host. `None` if one is not written as OpenSSH does.
pub(super) fn hops(text: &str) -> Option<Vec<WrittenHop>> {
    if text.trim().eq_ignore_ascii_case(NONE) {
        return Some(Vec::new());
    }
    text.split(',')
        .map(|hop| WrittenHop::read(hop.trim()))
        .collect()
}

impl WrittenHop {
    fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix("ssh://").unwrap_or(text);
        let (user, place) = match text.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, text),
        };
        let (name, port) = match place.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']')?;
                name.parse::<IpAddr>().ok()?;
                (name, Some(port).filter(|port| !port.is_empty()))
            }
            None if place.parse::<IpAddr>().is_ok() => (place, None),
            None => match place.find(':') {
                Some(at) => (&place[..at], Some(&place[at..])),
                None => (place, None),
            },
        };
        let port = match port {
            None => None,
            Some(port) => {
                let port = port.strip_prefix(':')?.parse().ok();
                Some(port.filter(|port| *port > 0)?)
            }
        };
        (is_name(name) && user.is_none_or(is_login)).then(|| Self {
            user: user.map(str::to_owned),
            name: name.to_owned(),
            port,
        })
    }

    /// The bastion as a host without roles. Its name tells it from the hosts of the cluster.
    pub(super) fn host(&self) -> Host {
        let name = match self.port {
            Some(port) if self.name.contains(':') => format!("[{}]:{port}", self.name),
            Some(port) => format!("{}:{port}", self.name),
            None => self.name.clone(),
        };
        Host {
            roles: Vec::new(),
            user: self.user.clone(),
            port: self.port,
            ..Host::new(format!("bastion {name}"), super::Role::Agent, &*self.name)
        }
    }
}

/// Whatever the SSH configuration may call a host, but no option of a program.
fn is_name(name: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "._-:".contains(letter);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Role;

    #[test]
    fn bastions_are_written_as_openssh_writes_them() {
        let read = |text: &str| -> Option<Vec<String>> {
            let told = |hop: WrittenHop| format!("{:?} {} {:?}", hop.user, hop.name, hop.port);
            Some(hops(text)?.into_iter().map(told).collect())
        };
        let some = |hops: &[&str]| Some(hops.iter().map(|hop| (*hop).to_owned()).collect());
        assert_eq!(read("gate"), some(&["None gate None"]));
        assert_eq!(
            read("kay@gate:2222, my_inner.example"),
            some(&[
                "Some(\"kay\") gate Some(2222)",
                "None my_inner.example None"
            ])
        );
        assert_eq!(read("ssh://a@b:1"), some(&["Some(\"a\") b Some(1)"]));
        assert_eq!(read("fd00::1"), some(&["None fd00::1 None"]));
        assert_eq!(read("[fd00::1]:22"), some(&["None fd00::1 Some(22)"]));
        assert_eq!(read("NONE"), some(&[]));
        for wrong in [
            "",
            ",",
            "gate,",
            "gate:",
            "gate:0",
            "gate:ssh",
            "@gate",
            "-oX",
            "a b",
            "[gate]:1",
            "[::1]2",
            "kay@",
            "none,gate:x",
            "%h",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    fn server() -> Host {
        Host::new("s1", Role::Server, "10.0.0.11")
    }

    #[test]
    fn mistakes_are_said_at_their_keys() {
        let mut answers = Answers {
            hosts: vec![server(), Host::new("s2", Role::Server, "10.0.0.12")],
            ..Answers::default()
        };
        answers.ssh.jump = Some("10.0.0.12".into());
        answers.hosts[0].jump = Some("a b".into());
        answers.bastions = vec![
            Bastion::new("gate"),
            Bastion::new("gate"),
            Bastion::new("a@b"),
        ];
        let told: Vec<_> = problems(&answers)
            .into_iter()
            .map(|problem| problem.key)
            .collect();
        let expected = [
            "hosts[0].jump",
            "hosts[1].jump",
            "bastions[1].name",
            "bastions[2].name",
        ];
        assert_eq!(told, expected);
        answers.ssh.jump = Some("gate,".into());
        let told = problems(&answers);
        assert!(
            told[0]
                .to_string()
                .starts_with("ssh.jump: must be bastions"),
            "{}",
            told[0]
        );
    }
}
