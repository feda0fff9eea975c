//! The datastore as its members tell it: which is the primary, whether the other one follows, and who
//! is connected.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::join;

/// The members of the datastore, and who is connected to it, those with a problem first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Datastore {
    /// Of a pair; one Postgres alone is listed only where it is a standby.
    #[serde(default)]
    pub members: Vec<DatastoreMember>,
    pub clients: Vec<Client>,
}

/// A Postgres of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatastoreMember {
    pub name: String,
    /// `None` for one that was not seen.
    pub role: Option<MemberRole>,
    /// Of a standby, as the primary tells it: every commit waits for it.
    pub in_sync: Option<bool>,
    /// Of a standby: how much of the primary's log it has not replayed yet, in bytes.
    pub lag_bytes: Option<u64>,
    /// Of a standby: how long ago the primary wrote what it replays now, in ms.
    pub lag_ms: Option<u64>,
    pub problem: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRole {
    Primary,
    Standby,
}

impl MemberRole {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Standby => "standby",
        }
    }
}

/// A server, or another client that is connected as if it were one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Client {
    /// The server's name; of others the address.
    pub name: String,
    pub connections: u32,
    /// `TLSv1.3`; `none` for a connection in the clear. Several, where they differ.
    pub tls: Vec<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// What is said of the datastore, on one of its members; or by one server of an external Postgres.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatastoreLook {
    Member(MemberLook),
    /// An endpoint each.
    External(Vec<DatastoreMember>),
}

/// What one Postgres says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberLook {
    Primary {
        /// Its commits wait for a standby.
        waits: bool,
        followers: Vec<Follower>,
        connected: Vec<Connected>,
    },
    Standby {
        /// It receives the log of its primary.
        receives: bool,
    },
}

/// A standby, as its primary sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follower {
    ip: IpAddr,
    in_sync: bool,
    lag_bytes: u64,
    lag_ms: u64,
}

/// Connections of one kind from one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    ip: IpAddr,
    tls: String,
    /// With the client certificate that it must have.
    certified: bool,
    count: u32,
}

impl MemberLook {
    /// Reads the lines of assets/remote/datastore.sh; `None` if they do not say what it is. Lines of
    /// another form do not count.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut look = None;
        for line in lines {
            let fields: Vec<_> = line.split('|').collect();
            match (&fields[..], &mut look) {
                (["standby", receives], None) => {
                    let receives = *receives == "t";
                    look = Some(Self::Standby { receives });
                }
                (["primary", waits], None) => {
                    look = Some(Self::Primary {
                        waits: *waits == "t",
                        followers: Vec::new(),
                        connected: Vec::new(),
                    });
                }
                (["follower", rest @ ..], Some(Self::Primary { followers, .. })) => {
                    followers.extend(follower(rest));
                }
                (["client", rest @ ..], Some(Self::Primary { connected, .. })) => {
                    connected.extend(client(rest));
                }
                _ => {}
            }
        }
        look
    }

    /// Whether it is a primary that can acknowledge a write now. One that waits for a standby that no
    /// longer follows cannot: the other member may have taken over.
    pub fn acknowledges(&self) -> bool {
        match self {
            Self::Primary {
                waits, followers, ..
            } => !waits || followers.iter().any(|follower| follower.in_sync),
            Self::Standby { .. } => false,
        }
    }

    /// In one line, for people.
    pub fn told(&self) -> &'static str {
        match self {
            Self::Standby { .. } => "it is the standby",
            Self::Primary { .. } if self.acknowledges() => "it is the primary",
            Self::Primary { .. } => {
                "it says that it is the primary, but it waits for a standby that does not follow"
            }
        }
    }
}

fn follower(fields: &[&str]) -> Option<Follower> {
    let [ip, in_sync, lag_bytes, lag_ms] = fields else {
        return None;
    };
    Some(Follower {
        ip: ip.parse().ok()?,
        in_sync: *in_sync == "t",
        lag_bytes: lag_bytes.parse().ok()?,
        lag_ms: lag_ms.parse().ok()?,
    })
}

fn client(fields: &[&str]) -> Option<Connected> {
    let [ip, tls, certified, count] = fields else {
        return None;
    };
    Some(Connected {
        ip: ip.parse().ok()?,
        tls: (*tls).to_owned(),
        certified: *certified == "t",
        count: count.parse().ok()?,
    })
}

/// A host that is asked, by its name and its address in the cluster's network.
pub type Named = (String, IpAddr);

impl DatastoreMember {
    /// Its role, whether it is in sync, and its lag, for people.
    pub fn told(&self) -> [String; 3] {
        let role = self.role.map_or("not seen", MemberRole::as_str);
        let in_sync = match (self.role, self.in_sync) {
            (Some(MemberRole::Standby), Some(true)) => "yes",
            (Some(MemberRole::Standby), Some(false)) => "no",
            _ => "-",
        };
        let lag = self.lag_ms.zip(self.lag_bytes);
        let lag = lag.map_or("-".into(), |(ms, bytes)| format!("{ms} ms, {bytes} bytes"));
        [role.to_owned(), in_sync.to_owned(), lag]
    }
}

impl Datastore {
    /// What the members say, in their order; `None` of one that was not seen. `servers` must be
    /// connected.
    pub fn of(members: &[(Named, Option<MemberLook>)], servers: &[Named]) -> Self {
        let is_pair = members.len() > 1;
        let looks = || members.iter().filter_map(|(_, look)| look.as_ref());
        // A Postgres alone has no other one to be mistaken for.
        let primary = looks().find(|look| !is_pair || look.acknowledges());
        let connected = match primary {
            Some(MemberLook::Primary { connected, .. }) => Some(connected),
            _ => None,
        };
        let clients = connected.map(|connected| clients(connected, servers));
        let is_standby =
            |look: &Option<MemberLook>| matches!(look, Some(MemberLook::Standby { .. }));
        let listed = members.iter();
        let listed = listed.filter(|(_, look)| is_pair || is_standby(look));
        Self {
            members: listed
                .map(|((name, ip), look)| match look {
                    Some(MemberLook::Standby { .. }) if !is_pair => standby_alone(name),
                    look => member(name, *ip, look.as_ref(), primary),
                })
                .collect(),
            clients: clients.unwrap_or_default(),
        }
    }

    /// What servers see of the endpoints of an external Postgres, each server by its name. Its clients
    /// are not looked at: they may have other addresses there.
    pub fn external(looks: &[(String, Vec<DatastoreMember>)]) -> Self {
        let mut members: Vec<DatastoreMember> = Vec::new();
        for (server, endpoints) in looks {
            for seen in endpoints {
                let problem = seen.problem.as_ref();
                let problem = problem.map(|why| format!("from {server}: {why}"));
                let known = members.iter_mut().find(|known| known.name == seen.name);
                if let Some(known) = known {
                    known.role = known.role.or(seen.role);
                    known.problem = join(known.problem.take(), problem);
                } else {
                    members.push(DatastoreMember {
                        problem,
                        ..seen.clone()
                    });
                }
            }
        }
        let is_primary = |member: &DatastoreMember| member.role == Some(MemberRole::Primary);
        if !members.iter().any(is_primary)
            && let Some(first) = members.first_mut()
        {
            let none = "no endpoint can be written to".to_owned();
            first.problem = join(first.problem.take(), Some(none));
        }
        let clients = Vec::new();
        Self { members, clients }
    }

    /// The name of the primary of a pair.
    pub fn primary(&self) -> Option<&str> {
        let mut members = self.members.iter();
        let is_primary = |member: &&DatastoreMember| {
            member.role == Some(MemberRole::Primary) && member.in_sync != Some(false)
        };
        members.find(is_primary).map(|member| member.name.as_str())
    }

    /// What is wrong, a line each.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let members = self.members.iter();
        let members = members.filter_map(|member| {
            let problem = member.problem.as_ref()?;
            Some(format!("Postgres on {}: {problem}", member.name))
        });
        let clients = self.clients.iter();
        members.chain(
            clients
                .filter_map(|client| Some(format!("{} {}", client.name, client.problem.as_ref()?))),
        )
    }
}

fn standby_alone(name: &str) -> DatastoreMember {
    let problem = "it is a standby, and the servers are connected to a primary elsewhere";
    DatastoreMember {
        name: name.to_owned(),
        role: Some(MemberRole::Standby),
        problem: Some(problem.to_owned()),
        ..DatastoreMember::default()
    }
}

/// `primary` is what the primary says, if one is known.
fn member(
    name: &str,
    ip: IpAddr,
    look: Option<&MemberLook>,
    primary: Option<&MemberLook>,
) -> DatastoreMember {
    let followers = match primary {
        Some(MemberLook::Primary { followers, .. }) => followers.as_slice(),
        _ => &[],
    };
    let seen = followers.iter().find(|follower| follower.ip == ip);
    let (role, problem) = match look {
        None => (None, None),
        Some(MemberLook::Standby { receives: true }) => (Some(MemberRole::Standby), None),
        Some(MemberLook::Standby { receives: false }) => {
            let problem = "this standby does not follow a primary";
            (Some(MemberRole::Standby), Some(problem))
        }
        Some(look @ MemberLook::Primary { waits, .. }) => {
            let problem = match (look.acknowledges(), waits) {
                (true, true) => None,
                (true, false) => Some(
                    "it has no standby: a commit is on this host only, and no other one can take over",
                ),
                (false, _) if primary.is_some() => Some(
                    "it still claims to be the primary, but it is not: it cannot acknowledge writes, because \
                     the other member does not follow it",
                ),
                (false, _) => Some("writes wait: its standby does not follow it"),
            };
            (Some(MemberRole::Primary), problem)
        }
    };
    let is_standby = role == Some(MemberRole::Standby);
    let seen = seen.filter(|_| is_standby);
    DatastoreMember {
        name: name.to_owned(),
        role,
        in_sync: (is_standby && primary.is_some())
            .then(|| seen.is_some_and(|seen| seen.in_sync))
            .or_else(|| {
                let is_primary = role == Some(MemberRole::Primary);
                let cannot = look.is_some_and(|look| !look.acknowledges());
                (is_primary && cannot).then_some(false)
            }),
        lag_bytes: seen.map(|seen| seen.lag_bytes),
        lag_ms: seen.map(|seen| seen.lag_ms),
        problem: problem.map(str::to_owned),
    }
}

fn clients(connected: &[Connected], servers: &[Named]) -> Vec<Client> {
    let known = servers.iter().map(|(name, _)| Client {
        name: name.clone(),
        ..Client::default()
    });
    let mut clients: Vec<Client> = known.collect();
    for one in connected {
        let place = servers.iter().position(|(_, ip)| *ip == one.ip);
        let place = place.unwrap_or_else(|| stranger(&mut clients, one.ip));
        let client = &mut clients[place];
        client.connections = client.connections.saturating_add(one.count);
        if !client.tls.contains(&one.tls) {
            client.tls.push(one.tls.clone());
        }
        if !one.certified {
            let clear = "is connected without TLS or without the client certificate";
            client.problem = join(client.problem.take(), Some(clear.to_owned()));
        }
    }
    for client in clients.iter_mut().filter(|client| client.connections == 0) {
        client.problem = Some("has no connection to the datastore: is K3s running?".into());
    }
    clients.sort_by_key(|client| client.problem.is_none());
    clients
}

/// The place of a client that is no server.
fn stranger(clients: &mut Vec<Client>, address: IpAddr) -> usize {
    let name = address.to_string();
    let known = clients.iter().position(|client| client.name == name);
    known.unwrap_or_else(|| {
        clients.push(Client {
            name,
            problem: Some("is connected as the cluster's role, and is none of its servers".into()),
            ..Client::default()
        });
        clients.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str, ip: &str) -> Named {
        (name.to_owned(), ip.parse().expect("an address"))
    }

    #[test]
    fn every_server_is_told_and_whoever_else_is_there() {
        let servers = [
            named("s1", "10.0.0.11"),
            named("s2", "10.0.0.12"),
            named("s3", "fd00::13"),
        ];
        let lines = [
            "primary|f",
            "client|10.0.0.11|TLSv1.3|t|5",
            "client|10.0.0.11|TLSv1.2|t|1",
            "client|fd00::13|none|f|2",
            "client|10.0.0.99|TLSv1.3|t|1",
            "psql: something else",
        ];
        let look = MemberLook::parse(lines);
        assert!(look.is_some());
        let datastore = Datastore::of(&[(named("pg", "10.0.0.5"), look)], &servers);
        assert_eq!(datastore.members, []);
        let told: Vec<_> = datastore.problems().collect();
        insta::assert_debug_snapshot!(told, @r#"
        [
            "s2 has no connection to the datastore: is K3s running?",
            "s3 is connected without TLS or without the client certificate",
            "10.0.0.99 is connected as the cluster's role, and is none of its servers",
        ]
        "#);
        let well = &datastore.clients[3];
        assert_eq!((well.name.as_str(), well.connections), ("s1", 6));
        assert_eq!(well.tls, ["TLSv1.3", "TLSv1.2"]);
    }

    #[test]
    fn endpoints_are_seen_by_every_server() {
        let seen = |name: &str, role, problem: Option<&str>| DatastoreMember {
            name: name.into(),
            role,
            problem: problem.map(str::to_owned),
            ..DatastoreMember::default()
        };
        let (primary, standby) = (Some(MemberRole::Primary), Some(MemberRole::Standby));
        let look = |server: &str, endpoints| (server.to_owned(), endpoints);
        let both = Datastore::external(&[
            look("s1", vec![seen("a:1", None, Some("no connection"))]),
            look("s2", vec![seen("a:1", primary, None)]),
        ]);
        let told: Vec<_> = both.problems().collect();
        assert_eq!(told, ["Postgres on a:1: from s1: no connection"]);
        assert_eq!(both.primary(), Some("a:1"));
        let standbys = Datastore::external(&[look("s1", vec![seen("a:1", standby, None)])]);
        let told: Vec<_> = standbys.problems().collect();
        assert_eq!(told, ["Postgres on a:1: no endpoint can be written to"]);
    }

    #[test]
    fn the_primary_of_a_pair_is_the_member_that_acknowledges() {
        const IN_SYNC: &str =
            "primary|t\nfollower|10.0.0.6|t|4096|12\nclient|10.0.0.11|TLSv1.3|t|5";
        const ALONE: &str = "primary|f\nclient|10.0.0.11|TLSv1.3|t|5";
        const CUT_OFF: &str = "primary|t\nclient|10.0.0.11|TLSv1.3|t|5";
        let servers = [named("s1", "10.0.0.11")];
        let told = |one: Option<&str>, other: Option<&str>| {
            let look = |text: Option<&str>| text.and_then(|text| MemberLook::parse(text.lines()));
            let members = [
                (named("pg-1", "10.0.0.5"), look(one)),
                (named("pg-2", "10.0.0.6"), look(other)),
            ];
            let datastore = Datastore::of(&members, &servers);
            let lines = datastore.members.iter().map(|member| {
                format!(
                    "{}: {:?}, in sync {:?}, lag {:?} ms, {:?} bytes",
                    member.name, member.role, member.in_sync, member.lag_ms, member.lag_bytes
                )
            });
            let lines: Vec<_> = lines.chain(datastore.problems()).collect();
            let primary = datastore.primary().unwrap_or("none").to_owned();
            format!("primary: {primary}\n  {}", lines.join("\n  "))
        };
        let cases = [
            told(Some(IN_SYNC), Some("standby|t")),
            told(Some("standby|f"), Some(ALONE)),
            told(Some(ALONE), None),
            // It was cut off, and the other one has taken over.
            told(Some(CUT_OFF), Some(ALONE)),
            told(Some(CUT_OFF), Some("standby|f")),
            told(None, Some("standby|t")),
        ];
        insta::assert_snapshot!(cases.join("\n"));
    }

    #[test]
    fn lines_that_say_nothing_are_no_look() {
        for text in ["", "follower|10.0.0.6|t|1|1", "primary", "psql: error"] {
            assert_eq!(MemberLook::parse(text.lines()), None, "{text}");
        }
        let odd =
            "primary|t\nfollower|nowhere|t|1|1\nfollower|10.0.0.6|t|-1|1\nclient|x\nstandby|t";
        let look = MemberLook::parse(odd.lines());
        assert!(look.is_some_and(|look| !look.acknowledges()));
    }
}
