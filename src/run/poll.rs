//! Looking at what runs have left of a cluster: whom to ask, and for what. Nothing is changed on
//! any host, and no lease is taken: a run may work there.

use time::OffsetDateTime;

use super::{RunError, Tried, ways};
use crate::answers::{Answers, Role};
use crate::cluster::datastore::{Datastore, DatastoreLook, Named};
use crate::cluster::details::{Details, ObjectName};
use crate::cluster::{Cluster, ExpectedNode};
use crate::engine::Administrator;
use crate::engine::control::Control;
use crate::engine::external::ExternalAccess;
use crate::engine::hosts::worth_another;
use crate::engine::look::{self, Balancer, VirtualAddress};
use crate::engine::watch::PollTarget;
use crate::pki::{self, Certificate, PkiError};
use crate::redact::Redactor;
use crate::remote::{Remote, RemoteError};
use crate::secrets::Secrets;
use crate::state::Folder;
use crate::topology::{Member, Topology};

/// A cluster that can be looked at.
#[derive(Debug)]
pub struct Poll {
    folder: Folder,
    administrator: Administrator,
    /// How its hosts are reached.
    answers: Answers,
    /// What it is compared with.
    topology: Topology,
    nodes: Vec<ExpectedNode>,
    /// The certificate of its own authority, where a run came so far.
    authority: Option<String>,
}

impl Poll {
    /// With these answers the hosts are logged in to; with those ones their cluster is compared.
    pub fn new(
        folder: Folder,
        answers: Answers,
        expected: &Answers,
        authority: Option<String>,
    ) -> Result<Self, RunError> {
        let topology = Topology::of(expected)?;
        Ok(Self {
            administrator: Administrator::of(&folder),
            folder,
            answers,
            nodes: topology.expected_nodes(&expected.k3s.version),
            topology,
            authority,
        })
    }

    /// What it is compared with.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// The certificate of its own authority, where a run came so far.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    pub fn name(&self) -> &str {
        &self.answers.cluster.name
    }

    /// How its hosts are reached.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Who can be asked for nodes, pods and the load balancer.
    pub fn servers(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        ways::places(&self.answers, &self.folder, Role::Server, tried)
    }

    /// Who sees an external load balancer as agents do. Empty if there are no agents, or if it is
    /// the wizard's own.
    pub fn clients(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        if self.topology.api.is_external() {
            ways::places(&self.answers, &self.folder, Role::Agent, tried)
        } else {
            Ok(Vec::new())
        }
    }

    /// Who is asked about the datastore: its members, or every server where it is external.
    pub fn postgres(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        match self.topology.datastore.external {
            Some(_) => self.servers(tried),
            None => ways::places(&self.answers, &self.folder, Role::Postgres, tried),
        }
    }

    /// The two load balancers that share an address; none of one alone.
    pub fn balancers(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        match self.topology.api.virtual_ip() {
            Some(_) => ways::places(&self.answers, &self.folder, Role::LoadBalancer, tried),
            None => Ok(Vec::new()),
        }
    }

    /// Whether a load balancer holds the address of the API.
    pub fn holds(&self, balancer: &mut dyn Remote) -> Result<bool, RemoteError> {
        let ip = self.topology.api.virtual_ip();
        ip.map_or(Ok(false), |ip| look::holds(balancer, ip))
    }

    /// What both say together: each with its host's name.
    pub fn virtual_address(&self, looks: &[(String, bool)]) -> VirtualAddress {
        VirtualAddress::of(&self.topology.api.at.name, looks)
    }

    pub fn cluster(&self, server: &mut dyn Remote) -> Result<Cluster, RemoteError> {
        look::cluster(server, &self.administrator, &self.nodes)
    }

    pub fn balancer(&self, server: &mut dyn Remote) -> Result<Option<Balancer>, RemoteError> {
        match &self.authority {
            Some(authority) => look::balancer(server, &self.topology.api.at, authority).map(Some),
            None => Ok(None),
        }
    }

    /// What one member of the datastore says, or what a server sees of an external one.
    pub fn member(&self, remote: &mut dyn Remote) -> Result<DatastoreLook, RemoteError> {
        let Some(external) = &self.topology.datastore.external else {
            return look::member(remote, &self.topology).map(DatastoreLook::Member);
        };
        let failed = |why: String| RemoteError::Failed {
            host: remote.host().to_owned(),
            what: "asking the external Postgres".to_owned(),
            status: 0,
            why,
        };
        let secrets = self.folder.secrets();
        let secrets = secrets.map_err(|error| failed(error.to_string()))?;
        let kept = pki::load(&self.folder.external_pki_dir());
        let kept = kept.map_err(|error| failed(error.to_string()))?;
        let servers = self.topology.servers.iter();
        let servers: Vec<_> = servers.map(|server| server.name.clone()).collect();
        let pki = pki::kept_external(&kept, external.certified, &servers);
        let missing = || failed("its password or its CA is not in the state folder".to_owned());
        let (secrets, pki) = secrets.zip(pki).ok_or_else(missing)?;
        let datastore = &self.topology.datastore;
        let access = ExternalAccess::of(datastore, &pki, &secrets.db_password);
        let access = access.ok_or_else(missing)?;
        access.members(remote).map(DatastoreLook::External)
    }

    /// What all of them say together: each with its host's name.
    pub fn datastore(&self, looks: &[(String, DatastoreLook)]) -> Datastore {
        if self.topology.datastore.external.is_some() {
            let looks = looks.iter().filter_map(|(name, look)| match look {
                DatastoreLook::External(seen) => Some((name.clone(), seen.clone())),
                DatastoreLook::Member(_) => None,
            });
            return Datastore::external(&looks.collect::<Vec<_>>());
        }
        let named = |member: &Member| -> Named { (member.name.clone(), member.ip) };
        let members = self.topology.datastore.members.iter().map(|member| {
            let mut looks = looks.iter();
            let look = looks.find(|(name, _)| *name == member.name);
            let look = look.and_then(|(_, look)| match look {
                DatastoreLook::Member(look) => Some(look.clone()),
                DatastoreLook::External(_) => None,
            });
            (named(member), look)
        });
        let servers: Vec<_> = self.topology.servers.iter().map(named).collect();
        Datastore::of(&members.collect::<Vec<_>>(), &servers)
    }

    /// More of one object, as the first server tells it that answers; else why none does.
    pub fn details(&self, tried: &Tried, object: &ObjectName) -> Result<Details, String> {
        let servers = self.servers(tried).map_err(|error| error.to_string())?;
        let control = Control::default();
        let servers = servers.into_iter();
        let mut places: Vec<_> = servers.map(|server| Place::of(server, &control)).collect();
        let asked = first(&mut places, |server| {
            look::details(server, &self.administrator, object)
        });
        let unseen = asked.unseen.iter().map(explained_on_screens);
        let why: Vec<_> = asked.failed.into_iter().chain(unseen).collect();
        let (_, details) = asked.answered.ok_or_else(|| why.join("; "))?;
        Ok(details.redacted(&self.redactor()?))
    }

    /// Keeps the cluster's secrets out of what its pods print.
    fn redactor(&self) -> Result<Redactor, String> {
        let kept = self.folder.secrets().map_err(|error| error.to_string())?;
        let kept = kept.iter().flat_map(Secrets::all);
        Ok(Redactor::new(kept))
    }

    /// Those that are kept on this machine.
    pub fn certificates(&self, now: OffsetDateTime) -> Result<Vec<Certificate>, PkiError> {
        pki::certificates(&self.folder.pki_dir(), &self.topology, now)
    }
}

/// A host that is asked over one connection, for as long as there is one.
pub(super) struct Place<'a> {
    target: PollTarget,
    control: &'a Control,
    connection: Option<Box<dyn Remote>>,
    /// A refused login is not tried again: hosts lock out those who do.
    refused: Option<RemoteError>,
}

impl<'a> Place<'a> {
    pub fn of(target: PollTarget, control: &'a Control) -> Self {
        Self {
            target,
            control,
            connection: None,
            refused: None,
        }
    }

    fn ask<T>(
        &mut self,
        look: impl FnOnce(&mut dyn Remote) -> Result<T, RemoteError>,
    ) -> PlaceReply<T> {
        let looked = match self.connected() {
            Ok(remote) => look(remote),
            Err(error) => return PlaceReply::Unseen(error),
        };
        match looked {
            Ok(seen) => PlaceReply::Answered(seen),
            Err(error) if error.ends_connection() => {
                self.connection = None;
                PlaceReply::Unseen(error)
            }
            Err(error) => PlaceReply::Failed(error.to_string()),
        }
    }

    fn connected(&mut self) -> Result<&mut dyn Remote, RemoteError> {
        if let Some(refused) = &self.refused {
            return Err(refused.clone());
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.target.connect(self.control).inspect_err(|error| {
                self.refused = (!worth_another(error)).then(|| error.clone());
            })?,
        };
        Ok(self.connection.insert(connection).as_mut())
    }
}

/// What came of asking a host.
enum PlaceReply<T> {
    Answered(T),
    Failed(String),
    Unseen(RemoteError),
}

/// The first host that answers, and why those before it did not.
pub(super) struct First<T> {
    pub answered: Option<(String, T)>,
    /// What hosts that were reached said instead of an answer.
    pub failed: Vec<String>,
    /// Why hosts were not reached, or were lost.
    pub unseen: Vec<RemoteError>,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self {
            answered: None,
            failed: Vec::new(),
            unseen: Vec::new(),
        }
    }
}

pub(super) fn first<T>(
    places: &mut [Place<'_>],
    mut look: impl FnMut(&mut dyn Remote) -> Result<T, RemoteError>,
) -> First<T> {
    let mut first = First::default();
    for place in places {
        match place.ask(&mut look) {
            PlaceReply::Answered(seen) => {
                first.answered = Some((place.target.host.clone(), seen));
                break;
            }
            PlaceReply::Failed(why) => first.failed.push(why),
            PlaceReply::Unseen(error) => first.unseen.push(error),
        }
    }
    first
}

/// What all hosts answered, each with its name.
pub(super) struct Each<T> {
    pub answered: Vec<(String, T)>,
    /// As for the first one.
    pub failed: Vec<String>,
    pub unseen: Vec<RemoteError>,
}

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self {
            answered: Vec::new(),
            failed: Vec::new(),
            unseen: Vec::new(),
        }
    }
}

/// All are asked at the same time.
pub(super) fn each<T: Send>(
    places: &mut [Place<'_>],
    look: impl Fn(&mut dyn Remote) -> Result<T, RemoteError> + Sync,
) -> Each<T> {
    let look = &look;
    let asked: Vec<_> = std::thread::scope(|scope| {
        let asking = places.iter_mut().map(|place| {
            let host = place.target.host.clone();
            (host, scope.spawn(move || place.ask(look)))
        });
        let asking: Vec<_> = asking.collect();
        let asked = asking.into_iter();
        asked
            .filter_map(|(host, thread)| Some((host, thread.join().ok()?)))
            .collect()
    });
    let mut each = Each::default();
    for (host, asked) in asked {
        match asked {
            PlaceReply::Answered(seen) => each.answered.push((host, seen)),
            PlaceReply::Failed(why) => each.failed.push(why),
            PlaceReply::Unseen(error) => each.unseen.push(error),
        }
    }
    each
}

pub(super) const NO_PASSWORDS: &str =
    "(The wizard does not store passwords: add --answers FILE, with the password in it)";

pub(super) fn explained(error: &RemoteError) -> String {
    with_hint(error, NO_PASSWORDS)
}

/// For the screens.
fn explained_on_screens(error: &RemoteError) -> String {
    let hint =
        "A password is needed: open the live page from the welcome page, and it asks for it.";
    with_hint(error, hint)
}

fn with_hint(error: &RemoteError, hint: &str) -> String {
    match error {
        RemoteError::Auth { .. } | RemoteError::NoRoot { .. } => format!("{error}. {hint}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frontend_is_told_of_a_way_to_give_a_password_that_it_has() {
        let error = RemoteError::NoRoot {
            host: "s1".into(),
            user: "admin".into(),
            why: "sudo asks for a password".into(),
            wants: Vec::new(),
        };
        assert!(explained(&error).contains("--answers FILE"));
        let shown = explained_on_screens(&error);
        let hint = "open the live page from the welcome page, and it asks for it.";
        assert!(
            shown.ends_with(hint) && !shown.contains("--answers"),
            "{shown}"
        );
    }
}
