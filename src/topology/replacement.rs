//! A part of a pair of Postgres hosts that is lost for good, and the new machine in its place.

use std::net::IpAddr;

use crate::answers::{Answers, Host, Role};

/// A Postgres host of a pair, or its monitor, that a new machine replaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// As it was applied.
    pub lost: String,
    pub lost_ip: IpAddr,
    /// The same, if the machine has the same name and address.
    pub new: String,
    pub new_ip: IpAddr,
    /// It monitors the pair; otherwise it is a member of it.
    pub is_monitor: bool,
}

/// Why a host cannot be replaced.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReplacement {
    #[error("the cluster has no host {name}; it has: {known}")]
    Unknown { name: String, known: String },
    #[error(
        "{0} is neither a Postgres host of a pair nor its monitor, and only these can be replaced. An agent, a \
         server or a load balancer on a new machine: see \"Afterwards\" in README.md"
    )]
    NotOfAPair(String),
    #[error(
        "the answers have neither {name} nor one new host in its place: give the new machine its name, or \
         replace it in the answers by one host with the same roles ({roles})"
    )]
    NoNew { name: String, roles: String },
    #[error("{0} has no IP address in the cluster's network: set node_ip at this host")]
    NoAddress(String),
}

impl Replacement {
    /// Of the applied host `name` by the host that these answers have in its place.
    pub fn of(applied: &Answers, wanted: &Answers, name: &str) -> Result<Self, NoReplacement> {
        let lost = applied.host(name).ok_or_else(|| {
            let known: Vec<_> = applied.hosts.iter().map(|host| &*host.name).collect();
            NoReplacement::Unknown {
                name: name.to_owned(),
                known: known.join(", "),
            }
        })?;
        let is_monitor = lost.roles.contains(&Role::Monitor);
        if !applied.is_pair() || !is_monitor && lost.role() != Role::Postgres {
            return Err(NoReplacement::NotOfAPair(name.to_owned()));
        }
        let new = in_its_place(applied, wanted, lost).ok_or_else(|| NoReplacement::NoNew {
            name: name.to_owned(),
            roles: lost.roles_text(),
        })?;
        let ip = |host: &Host| {
            let missing = || NoReplacement::NoAddress(host.name.clone());
            host.cluster_ip().ok_or_else(missing)
        };
        Ok(Self {
            lost: lost.name.clone(),
            lost_ip: ip(lost)?,
            new: new.name.clone(),
            new_ip: ip(new)?,
            is_monitor,
        })
    }

    /// The applied answers as if they had always had the new host.
    pub fn in_applied(&self, applied: &Answers, wanted: &Answers) -> Answers {
        let mut applied = applied.clone();
        let hosts = applied.hosts.iter_mut();
        for host in hosts.filter(|host| host.name == self.lost) {
            if let Some(new) = wanted.host(&self.new) {
                *host = new.clone();
            }
        }
        applied
    }

    /// `k3s-postgres-2 (198.51.100.8)`, and with another name or address the new one too.
    pub fn told(&self) -> String {
        let Self {
            lost,
            lost_ip,
            new,
            new_ip,
            ..
        } = self;
        if self.is_in_place() {
            format!("{lost} ({lost_ip})")
        } else {
            format!("{lost} ({lost_ip}) by {new} ({new_ip})")
        }
    }

    /// Under the same name and address.
    pub fn is_in_place(&self) -> bool {
        self.lost == self.new && self.lost_ip == self.new_ip
    }
}

/// The host of the same name, or the only one that is new; with the same roles.
fn in_its_place<'a>(applied: &Answers, wanted: &'a Answers, lost: &Host) -> Option<&'a Host> {
    let mut others = wanted.hosts.iter();
    let mut others =
        std::iter::from_fn(move || others.find(|host| applied.host(&host.name).is_none()));
    let new = wanted.host(&lost.name).or_else(|| {
        let first = others.next();
        first.filter(|_| others.next().is_none())
    });
    new.filter(|new| new.roles_text() == lost.roles_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Answers {
        let lab = include_str!("../../tests/lab/answers.toml");
        let roles = "roles = [\"load-balancer\", \"monitor\"]";
        let text = lab.replacen("role = \"load-balancer\"", roles, 1);
        let second = "[[hosts]]\nname = \"pg-2\"\nrole = \"postgres\"\naddress = \"198.51.100.8\"";
        Answers::from_toml(&format!("{text}\n{second}\n")).unwrap()
    }

    fn told(name: &str, change: impl FnOnce(&mut Answers)) -> String {
        let mut wanted = pair();
        change(&mut wanted);
        match Replacement::of(&pair(), &wanted, name) {
            Ok(replacement) => {
                let kind = if replacement.is_monitor {
                    "monitor"
                } else {
                    "member"
                };
                format!("{kind} {}", replacement.told())
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_part_of_a_pair_is_replaced_by_the_host_in_its_place() {
        let other = |wanted: &mut Answers| {
            let host = wanted.hosts.last_mut().unwrap();
            host.name = "pg-3".into();
            host.address = "198.51.100.9".into();
        };
        let cases = [
            told("pg-2", |_| {}),
            told("k3s-nginx", |_| {}),
            told("pg-2", other),
            told("k3s-agent", |_| {}),
            told("pg-9", |_| {}),
            told("pg-2", |wanted| drop(wanted.hosts.pop())),
            told("pg-2", |wanted| {
                other(wanted);
                wanted
                    .hosts
                    .push(Host::new("pg-4", Role::Postgres, "198.51.100.10"));
            }),
            told("pg-2", |wanted| {
                wanted.hosts.last_mut().unwrap().roles = vec![Role::Agent];
            }),
        ];
        insta::assert_snapshot!(cases.join("\n"));
    }
}
