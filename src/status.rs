//! How a cluster is now: asked once, over connections that change nothing and take no lease.

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use crate::answers::{Answers, Problems};
use crate::cluster::datastore::Datastore;
use crate::cluster::{Cluster, Node, Pod};
use crate::engine::look::Balancer;
use crate::engine::watch::Place;
use crate::pki::Certificate;
use crate::remote::{Cancel, Remote, RemoteError};
use crate::run::poll::Poll;
use crate::run::{RunError, Tried, exit, rfc_3339};
use crate::state::{self, Folder, StateError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    pub cluster: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// There is no problem.
    pub healthy: bool,
    /// What is ill, or could not be asked; a line each.
    pub problems: Vec<String>,
    /// No host was reached that tells of the cluster, or none that tells of its datastore.
    pub unseen: bool,
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
    #[error("no run of this cluster has ended well yet, so there is nothing to compare it with")]
    NotApplied,
    #[error("{0}. Other answers than those that are kept are given with --answers FILE")]
    Run(#[from] RunError),
}

/// A cluster that is known here.
pub struct Known {
    folder: Folder,
    /// How its hosts are reached.
    answers: Answers,
    /// What the last successful run applied.
    applied: Option<Answers>,
    authority: Option<String>,
}

impl Known {
    /// It is compared with what was applied; before a run has ended well, with what was wanted.
    pub fn poll(self) -> Result<Poll, StatusError> {
        let expected = self.applied.unwrap_or_else(|| self.answers.clone());
        Ok(Poll::new(
            self.folder,
            self.answers,
            &expected,
            self.authority,
        )?)
    }

    /// The answers as they were applied, with which its hosts are logged in to as it is known now.
    pub fn applied(self) -> Result<Answers, StatusError> {
        let applied = self.applied.ok_or(StatusError::NotApplied)?;
        Ok(applied.with_logins_of(&self.answers))
    }
}

/// Finds a cluster in the state folder: by its name, by that in the answers, or because there is no
/// other.
pub fn find(
    root: Option<PathBuf>,
    name: Option<&str>,
    answers: Option<&Path>,
) -> Result<Known, StatusError> {
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
    Ok(Known {
        folder,
        answers: given.unwrap_or(state.answers),
        applied: state.applied.map(|applied| applied.answers),
        authority: state.cluster_ca,
    })
}

impl Status {
    /// How the cluster is now.
    pub fn ask(poll: &Poll) -> Result<Self, StatusError> {
        let tried = Tried::default();
        let (servers, postgres) = (poll.servers(&tried)?, poll.postgres(&tried)?);
        Ok(Self::ask_at(
            poll,
            servers,
            postgres,
            OffsetDateTime::now_utc(),
        ))
    }

    fn ask_at(poll: &Poll, servers: Vec<Place>, postgres: Vec<Place>, now: OffsetDateTime) -> Self {
        let mut problems = Vec::new();
        let (cluster, datastore) = std::thread::scope(|scope| {
            let datastore = scope.spawn(|| first(postgres, |remote| poll.datastore(remote)));
            let cluster = first(servers, |remote| {
                Ok((poll.cluster(remote)?, poll.balancer(remote)?))
            });
            (cluster, datastore.join().unwrap_or_default())
        });
        let unseen = cluster.unreached || datastore.unreached;
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
        let certificates = poll.certificates(now).unwrap_or_else(|error| {
            problems.push(error.to_string());
            Vec::new()
        });
        problems.extend(certificates.iter().filter_map(|it| {
            let problem = it.problem.as_ref()?;
            Some(format!("certificate of {}: {problem}", it.name))
        }));
        Self {
            cluster: poll.name().to_owned(),
            when: rfc_3339(now),
            healthy: problems.is_empty(),
            problems,
            unseen,
            from,
            nodes: cluster.nodes,
            pods: cluster.pods,
            load_balancer,
            datastore,
            certificates,
        }
    }
}

/// The exit code of `status`.
pub fn exit_code(told: &Result<Status, StatusError>) -> u8 {
    match told {
        Ok(status) if status.unseen => exit::UNSEEN,
        Ok(status) if status.healthy => 0,
        Ok(_) => exit::FAILED,
        Err(error) => error_code(error),
    }
}

/// The exit code of a command for a cluster that is not found, or cannot be asked.
pub fn error_code(error: &StatusError) -> u8 {
    match error {
        StatusError::State(_) => exit::FAILED,
        StatusError::Run(error) => exit::of_error(error),
        StatusError::NoCluster
        | StatusError::Unknown { .. }
        | StatusError::Several(_)
        | StatusError::NotApplied
        | StatusError::OtherAnswers { .. }
        | StatusError::Answers(_) => exit::USAGE,
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
    /// There are hosts to ask, and none was reached.
    unreached: bool,
}

impl<T> Default for First<T> {
    fn default() -> Self {
        Self {
            answered: None,
            failed: Vec::new(),
            unreached: false,
        }
    }
}

fn first<T>(
    places: Vec<Place>,
    mut look: impl FnMut(&mut dyn Remote) -> Result<T, RemoteError>,
) -> First<T> {
    let mut first = First {
        unreached: !places.is_empty(),
        ..First::default()
    };
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
        let looked = connector(&cancel).and_then(|mut remote| {
            first.unreached = false;
            look(remote.as_mut())
        });
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
