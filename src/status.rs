//! How a cluster is now: asked once, over connections that change nothing and take no lease.

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use crate::answers::{Answers, Problems, Role};
use crate::cluster::datastore::Datastore;
use crate::cluster::{Cluster, Node, Pod};
use crate::engine::look::{self, Balancer};
use crate::engine::watch::Place;
use crate::pki::{self, Certificate};
use crate::remote::{Cancel, Remote, RemoteError};
use crate::session::{SessionError, Tried, ways};
use crate::state::{self, Folder, StateError};
use crate::topology::{Topology, TopologyError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub cluster: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// There is no problem.
    pub healthy: bool,
    /// What is ill, or could not be asked; a line each.
    pub problems: Vec<String>,
    /// The server that told of nodes and pods.
    pub from: Option<String>,
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
    pub load_balancer: Option<Balancer>,
    pub datastore: Option<Datastore>,
    pub certificates: Vec<Certificate>,
}

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    #[error("no cluster is known here yet: the first run of `k3s-ha-wizard` makes one known")]
    NoCluster,
    #[error("no cluster {name} is known here, but {known}")]
    Unknown { name: String, known: String },
    #[error("several clusters are known here, say which one with --cluster: {0}")]
    Several(String),
    #[error("the answers are those of the cluster {theirs}, not of {name}")]
    OtherAnswers { name: String, theirs: String },
    #[error(transparent)]
    Answers(#[from] Problems),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error("{0}. Other answers than those that are kept are given with --answers FILE")]
    Session(#[from] SessionError),
}

/// A cluster that is known here.
#[derive(Debug)]
pub struct Asked {
    folder: Folder,
    answers: Answers,
    topology: Topology,
    /// The certificate of its own authority, where a run came so far.
    authority: Option<String>,
}

impl Asked {
    /// Finds it in the state folder: by its name, by that in the answers, or because there is no
    /// other.
    pub fn find(
        root: Option<PathBuf>,
        name: Option<&str>,
        answers: Option<&Path>,
    ) -> Result<Self, StatusError> {
        let root = state::root(root)?;
        let known = state::clusters(&root)?;
        let given = answers.map(Answers::load).transpose()?;
        let theirs = given.as_ref().map(|answers| answers.cluster.name.clone());
        let name = match (name.map(str::to_owned), theirs) {
            (Some(name), Some(theirs)) if name != theirs => {
                return Err(StatusError::OtherAnswers { name, theirs });
            }
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => match &known[..] {
                [] => return Err(StatusError::NoCluster),
                [only] => only.clone(),
                several => return Err(StatusError::Several(several.join(", "))),
            },
        };
        if known.is_empty() {
            return Err(StatusError::NoCluster);
        }
        // Nothing is made for a name that was mistyped.
        if !known.contains(&name) {
            let known = known.join(", ");
            return Err(StatusError::Unknown { name, known });
        }
        let folder = Folder::open(Some(root), &name)?;
        let Some(state) = folder.state()? else {
            return Err(StatusError::NoCluster);
        };
        let answers = given.unwrap_or(state.answers);
        Ok(Self {
            folder,
            topology: Topology::of(&answers)?,
            answers,
            authority: state.cluster_ca,
        })
    }

    pub fn ask(&self) -> Result<Status, StatusError> {
        let tried = Tried::default();
        let places = |role| ways::places(&self.answers, &self.folder, role, &tried);
        let (servers, postgres) = (places(Role::Server)?, places(Role::Postgres)?);
        Ok(self.ask_at(servers, postgres, OffsetDateTime::now_utc()))
    }

    fn ask_at(&self, servers: Vec<Place>, postgres: Vec<Place>, now: OffsetDateTime) -> Status {
        let (answers, topology) = (&self.answers, &self.topology);
        let nodes = topology.expected_nodes(&answers.k3s.version);
        let mut problems = Vec::new();
        let (cluster, datastore) = std::thread::scope(|scope| {
            let datastore = scope.spawn(|| {
                let look = |remote: &mut dyn Remote| look::datastore(remote, topology);
                first(postgres, look)
            });
            let cluster = first(servers, |remote| {
                let cluster = look::cluster(remote, &nodes)?;
                let balancer = match &self.authority {
                    Some(authority) => Some(look::balancer(remote, topology.api.at(), authority)?),
                    None => None,
                };
                Ok((cluster, balancer))
            });
            (cluster, datastore.join().unwrap_or_default())
        });
        problems.extend(cluster.failed);
        let (from, picture) = cluster.answered.unzip();
        let (cluster, load_balancer) = picture.unwrap_or_default();
        if from.is_some() {
            problems.extend(ill(&cluster));
        }
        let balancer = load_balancer.iter();
        problems.extend(balancer.filter_map(|balancer| {
            let problem = balancer.problem.as_ref()?;
            Some(format!("load balancer {}: {problem}", balancer.address))
        }));
        problems.extend(datastore.failed);
        let datastore = datastore.answered.map(|(_, datastore)| datastore);
        problems.extend(datastore.iter().flat_map(Datastore::problems));
        let certificates = pki::certificates(&self.folder.pki_dir(), topology, now);
        let certificates = certificates.unwrap_or_else(|error| {
            problems.push(error.to_string());
            Vec::new()
        });
        problems.extend(certificates.iter().filter_map(|it| {
            let problem = it.problem.as_ref()?;
            Some(format!("certificate of {}: {problem}", it.name))
        }));
        Status {
            cluster: answers.cluster.name.clone(),
            when: crate::session::rfc_3339(now),
            healthy: problems.is_empty(),
            problems,
            from,
            nodes: cluster.nodes,
            pods: cluster.pods,
            load_balancer,
            datastore,
            certificates,
        }
    }
}

/// What is wrong, and what is not there yet: whoever asks once cannot tell which of it will come.
fn ill(cluster: &Cluster) -> Vec<String> {
    let mut all: Vec<String> = cluster.problems().chain(cluster.waiting()).collect();
    if cluster.nodes.is_empty() {
        all.push("there is no node".to_owned());
    }
    all
}

/// The first host that answers, and why those before it did not.
struct First<T> {
    answered: Option<(String, T)>,
    failed: Vec<String>,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self {
            answered: None,
            failed: Vec::new(),
        }
    }
}

fn first<T>(
    places: Vec<Place>,
    mut look: impl FnMut(&mut dyn Remote) -> Result<T, RemoteError>,
) -> First<T> {
    let mut first = First::default();
    for Place {
        host,
        mut connector,
    } in places
    {
        let cancel = match Cancel::new() {
            Ok(cancel) => cancel,
            Err(error) => {
                first.failed.push(format!("{host}: {error}"));
                continue;
            }
        };
        let looked = connector(&cancel).and_then(|mut remote| look(remote.as_mut()));
        match looked {
            Ok(seen) => {
                first.answered = Some((host, seen));
                break;
            }
            Err(error) => first.failed.push(explained(&error)),
        }
    }
    first
}

fn explained(error: &RemoteError) -> String {
    let refused = matches!(error, RemoteError::Auth { .. } | RemoteError::NoRoot { .. });
    if refused {
        return format!(
            "{error}. (A password that stands in answers is kept nowhere: --answers FILE gives it)"
        );
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
