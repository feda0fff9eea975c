//! What will be done: phases made of steps, a pure function of answers, platforms, certificates
//! and secrets. Printing it is the dry run.
//!
//! A step is one thing that must be true on one host. Most are shell files with two functions
//! (`assets/steps`, see `prelude.sh`); what is not a matter of one host's shell is a [`Task`], which
//! the engine knows how to do. To add a step is to add a shell file, and a line in its phase.
//!
//! * `postgres`, `certificates`, `servers`, `load_balancer`, `agents`, `cluster`: a phase each
//! * `print`: the dry run; `script`: from a step to what is sent to a host
//! * `outline`: what a plan tells about itself; `files`: what it will write, beside what is there

mod agents;
mod certificates;
mod cluster;
mod files;
mod load_balancer;
mod postgres;
mod print;
mod script;
mod servers;
mod template;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::answers::{Answers, Host, Role};
use crate::events::{Outline, OutlinePhase, OutlineStep, StepId};
use crate::pki::Pki;
use crate::platform::Platform;
use crate::secrets::SecretText;
use crate::secrets::Secrets;

pub use files::{PlannedFile, preview_script, read_previews};
pub use script::{
    Asked, LateValues, Status, UnboundInput, apply_script, ask_script, ended, read_answers,
};

/// What a plan is made from.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Validated.
    pub answers: &'a Answers,
    /// Of every host, by name.
    pub platforms: &'a BTreeMap<String, Platform>,
    pub pki: &'a Pki,
    pub secrets: &'a Secrets,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub cluster: String,
    pub phases: Vec<Phase>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// `postgres`, `server-1` …; the part of a step's id before the `/`.
    pub id: &'static str,
    pub title: &'static str,
    pub steps: Vec<Step>,
}

/// One thing that must be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    /// Where it runs; nothing for the jump host alone.
    pub host: Option<String>,
    /// What is to be true, in a few words.
    pub title: String,
    /// What must have succeeded before.
    pub needs: Vec<StepId>,
    /// How long it may take to get there.
    pub limit: Duration,
    pub work: Work,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    Shell(Shell),
    Task(Task),
}

/// A shell file with its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shell {
    /// Below `assets/steps`, without `.sh`.
    pub file: &'static str,
    pub source: &'static str,
    pub platform: Platform,
    pub inputs: Vec<(&'static str, Value)>,
}

/// What an input is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Plain(String),
    Secret(SecretText),
    /// Known only after an earlier step.
    Late(Late),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<&SecretText> for Value {
    fn from(text: &SecretText) -> Self {
        Self::Secret(text.clone())
    }
}

impl From<Late> for Value {
    fn from(late: Late) -> Self {
        Self::Late(late)
    }
}

/// What exists only after an earlier step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Late {
    /// The text of the official install script.
    Installer,
    InstallerSha256,
    /// What agents join with: the hash of the cluster's CA and their token.
    JoinToken,
    /// The ranges of the nodes' pods, a line each: name and range.
    PodNetworks,
}

/// What is not a matter of one host's shell; done by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// The certificates are in the state folder.
    KeepCertificates,
    /// The install script is in the state folder, fetched through a host.
    FetchInstaller,
    /// From a server: the right client certificate is let in, anything else refused.
    ProveDatastore,
    /// The cluster's CA is known.
    LearnClusterCa,
    /// Every server answers through the load balancer.
    ProveBalancer,
    /// From an agent: the load balancer answers under the cluster's CA.
    ProveWay,
    /// The kubeconfig for the operator is in the state folder.
    KeepKubeconfig,
    /// The ranges of the nodes' pods are known.
    LearnPodNetworks,
    /// From a node: the others answer through the pods' network.
    ProveOverlay,
    /// All nodes are Ready, all pods healthy.
    WaitForCluster,
}

/// Packages come over the network, and other package managers may be at work.
const PACKAGES: Duration = Duration::from_secs(30 * 60);
/// What takes seconds, on a slow machine.
const SHORT: Duration = Duration::from_secs(3 * 60);
/// How long K3s may take to become ready (facts 6: minutes at most), in seconds.
const START_SECONDS: u32 = 600;
const START: Duration = Duration::from_secs(START_SECONDS as u64 + 60);

/// The name, the text and nothing else of a shell file below `assets/steps`.
macro_rules! step_file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../assets/steps/", $name, ".sh")),
        )
    };
}
pub(crate) use step_file;

impl Plan {
    /// The plan for these answers on these hosts.
    pub fn make(given: Given<'_>) -> Result<Self, PlanError> {
        let topology = Topology::new(given)?;
        let phases = [
            postgres::phase(&topology),
            certificates::phase(&topology)?,
            servers::first(&topology)?,
            servers::others(&topology)?,
            load_balancer::phase(&topology)?,
            agents::phase(&topology)?,
            cluster::phase(&topology),
        ];
        Ok(Self {
            cluster: given.answers.cluster.name.clone(),
            phases: phases
                .into_iter()
                .filter(|phase| !phase.steps.is_empty())
                .collect(),
        })
    }

    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }

    pub fn outline(&self) -> Outline {
        let step = |step: &Step| OutlineStep {
            id: step.id.clone(),
            host: step.host.clone(),
            title: step.title.clone(),
            needs: step.needs.clone(),
            may_be_skipped: step.may_be_skipped(),
        };
        let phase = |phase: &Phase| OutlinePhase {
            id: phase.id.to_owned(),
            title: phase.title.to_owned(),
            steps: phase.steps.iter().map(step).collect(),
        };
        Outline {
            cluster: self.cluster.clone(),
            phases: self.phases.iter().map(phase).collect(),
        }
    }
}

/// Why there is no plan. Validated answers and the facts of all their hosts always have one.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    #[error("the answers have no host with the role {0}")]
    NoHost(Role),
    #[error("{0} has no address in the cluster's network")]
    NoAddress(String),
    #[error("nothing is known of {0}")]
    NoFacts(String),
    #[error("{0} has no certificate")]
    NoCertificate(String),
    #[error("a template cannot be filled in: {0}")]
    Template(#[from] minijinja::Error),
}

/// The hosts in their places, with everything that a phase asks about them.
struct Topology<'a> {
    given: Given<'a>,
    postgres: Node<'a>,
    balancer: Node<'a>,
    /// Server 1 first.
    servers: Vec<Node<'a>>,
    agents: Vec<Node<'a>>,
}

#[derive(Clone, Copy)]
struct Node<'a> {
    host: &'a Host,
    name: &'a str,
    ip: IpAddr,
    platform: Platform,
}

impl<'a> Topology<'a> {
    fn new(given: Given<'a>) -> Result<Self, PlanError> {
        let node = |host: &'a Host| -> Result<Node<'a>, PlanError> {
            let missing = |error: fn(String) -> PlanError| error(host.name.clone());
            Ok(Node {
                host,
                name: &host.name,
                ip: host
                    .cluster_ip()
                    .ok_or_else(|| missing(PlanError::NoAddress))?,
                platform: *given
                    .platforms
                    .get(&host.name)
                    .ok_or_else(|| missing(PlanError::NoFacts))?,
            })
        };
        let all = |role| -> Result<Vec<_>, _> { given.answers.with_role(role).map(node).collect() };
        let one = |role| -> Result<_, PlanError> {
            let hosts: Vec<_> = all(role)?;
            hosts.first().copied().ok_or(PlanError::NoHost(role))
        };
        // Server 1 is asked for as well: nothing goes without it.
        one(Role::Server)?;
        Ok(Self {
            given,
            postgres: one(Role::Postgres)?,
            balancer: one(Role::LoadBalancer)?,
            servers: all(Role::Server)?,
            agents: all(Role::Agent)?,
        })
    }

    fn server_1(&self) -> Node<'a> {
        self.servers[0]
    }

    fn db_port(&self) -> String {
        self.given.answers.postgres.port.to_string()
    }

    /// What stands before and after our lines in files that are not ours alone.
    fn marks(&self) -> (String, String) {
        let cluster = &self.given.answers.cluster.name;
        (
            format!("# BEGIN k3s-ha-wizard {cluster}"),
            format!("# END k3s-ha-wizard {cluster}"),
        )
    }
}

impl Node<'_> {
    /// The id of a step on this host.
    fn id(&self, step: &str) -> StepId {
        StepId::new(step, Some(self.name))
    }

    fn shell(
        &self,
        step: &str,
        title: impl Into<String>,
        (file, source): (&'static str, &'static str),
        inputs: Vec<(&'static str, Value)>,
    ) -> Step {
        Step {
            id: self.id(step),
            host: Some(self.name.to_owned()),
            title: title.into(),
            needs: Vec::new(),
            limit: SHORT,
            work: Work::Shell(Shell {
                file,
                source,
                platform: self.platform,
                inputs,
            }),
        }
    }

    fn task(&self, step: &str, title: impl Into<String>, task: Task) -> Step {
        Step {
            id: self.id(step),
            host: Some(self.name.to_owned()),
            title: title.into(),
            needs: Vec::new(),
            limit: SHORT,
            work: Work::Task(task),
        }
    }
}

impl Step {
    /// Whether what needs this step may run without it: it only looks.
    pub fn may_be_skipped(&self) -> bool {
        match &self.work {
            Work::Shell(_) => false,
            Work::Task(task) => match task {
                Task::ProveDatastore
                | Task::ProveBalancer
                | Task::ProveWay
                | Task::ProveOverlay
                | Task::WaitForCluster => true,
                Task::KeepCertificates
                | Task::FetchInstaller
                | Task::LearnClusterCa
                | Task::LearnPodNetworks
                | Task::KeepKubeconfig => false,
            },
        }
    }

    fn needing(mut self, needs: impl IntoIterator<Item = StepId>) -> Self {
        self.needs.extend(needs);
        self
    }

    fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}

/// An address as it stands in a URL.
fn in_url(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests;
