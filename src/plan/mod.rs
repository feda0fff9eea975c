//! The steps of a procedure, in phases. Printing it is the dry run.
//!
//! A step is one thing that must be true on one host. Most are shell files (`assets/steps`, see
//! `prelude.sh`); what one host's shell cannot do is a [`Task`], which the engine carries out. Both
//! contain all their inputs: carrying out a plan needs nothing else.
//!
//! * `print`: the dry run; `script`: from a step to the script for a host
//! * `files`: what it will write, next to what exists

mod files;
mod print;
mod script;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::address::Endpoint;
use crate::answers::AdminLogin;
use crate::cluster::ExpectedNode;
use crate::events::{Outline, OutlinePhase, OutlineStep, StepId};
use crate::platform::Platform;
use crate::platform::bundled::Needs;
use crate::secrets::SecretText;
use crate::topology::{DatastoreEndpoint, Link, Proxy};

pub use files::{PlannedFile, preview_script, read_previews};
pub use script::{
    Asked, CheckStatus, LateValues, UnboundInput, act_script, apply_script, ask_script, ended,
    read_answers,
};

#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is the plan of: `install`, `backup`.
    pub procedure: &'static str,
    pub cluster: String,
    pub phases: Vec<Phase>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Phase {
    /// `postgres`, `server-1` …
    pub id: &'static str,
    pub title: &'static str,
    pub steps: Vec<Step>,
}

/// One thing that must be true.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: StepId,
    /// The host where it runs; `None` for this machine alone.
    pub host: Option<String>,
    /// What will be true, in a few words.
    pub title: String,
    /// The steps that must have succeeded before.
    pub needs: Vec<StepId>,
    /// It changes nothing: steps that need it may run without it.
    pub may_be_skipped: bool,
    /// The time limit.
    pub limit: Duration,
    pub work: Work,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Something must be so on the host: checked, applied, checked again.
    Shell(Shell),
    /// Something is done once, and never found done.
    Act(Act),
    Task(Task),
}

/// A shell file that does something: `act` in it. What it prints on standard output is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    pub shell: Shell,
    pub output: ActOutput,
}

/// What becomes of what an act prints on standard output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActOutput {
    /// It is shown.
    Shown,
    /// A new backup of the datastore in the state folder.
    Backup {
        database: String,
        /// By what the cluster's token is known, without which the data cannot be read.
        token: String,
    },
}

/// A shell file with its inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Shell {
    /// Its path in `assets/steps`, without `.sh`.
    pub file: &'static str,
    pub source: &'static str,
    pub platform: Platform,
    pub inputs: Vec<(&'static str, Value)>,
    /// Where its file defines `ready`: the nodes that must be Ready, and with them the API of its host.
    pub ready_nodes: Vec<String>,
}

/// The value of an input.
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

/// A value that exists only after an earlier step of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Late {
    /// The text of the official install script.
    Installer,
    InstallerSha256,
    /// The agents' token with the hash of the cluster's CA.
    JoinToken,
    /// The pod ranges of the nodes, one line each: name and range.
    PodNetworks,
    /// Whether the load balancer that was looked at first holds the virtual address: its name, or
    /// nothing.
    Holder,
    /// Whether this machine reaches the virtual address: `yes` or nothing.
    ReachedFromHere,
}

/// What one host's shell cannot do; carried out by the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// The certificates are in the state folder.
    KeepCertificates,
    /// The install script is in the state folder, downloaded through a host.
    FetchInstaller {
        url: String,
        /// Its SHA-256, if the answers set one.
        sha256: Option<String>,
        /// The host's.
        proxy: Option<Proxy>,
    },
    /// The host has what it installs from the bundle.
    SendBundle(Box<Needs>),
    /// From a server: only the right client certificate is accepted.
    ProveDatastore(DatastoreProof),
    /// An external Postgres has the role and the database, which an administrator creates if need be.
    CreateDatabase(Box<DatabaseOrder>),
    /// From a server: an external Postgres lets it in, and refuses others as far as it is set to.
    ProveExternal(Box<DatastoreEndpoint>),
    /// From a server: the data of the cluster is in the external Postgres.
    ProveStored {
        datastore: Box<DatastoreEndpoint>,
        /// By what its token is known.
        token: String,
    },
    /// The cluster's CA is known.
    LearnClusterCa,
    /// Every server answers through a load balancer.
    ProveBalancer(BalancerProof),
    /// From a client of the API: every server answers through an external load balancer.
    ProveExternalBalancer(ExternalBalancerProof),
    /// From an agent: its server address answers under the cluster's CA.
    ProveEndpoint { at: Endpoint },
    /// One load balancer holds the virtual address.
    ProveHolder {
        ip: IpAddr,
        /// The load balancer that was looked at before; `None` for the first.
        other: Option<String>,
    },
    /// From a server, and from this machine where that is possible: the virtual address answers
    /// under the cluster's CA, before and after it has moved to the other load balancer.
    ProveVirtualAddress { at: Endpoint, has_moved: bool },
    /// The kubeconfig for the operator is in the state folder.
    KeepKubeconfig {
        /// The URL of the API for `kubectl`.
        url: String,
        /// Of its cluster, user and context.
        name: String,
    },
    /// The pod ranges of the nodes are known.
    LearnPodNetworks,
    /// From a node: the others can be reached through the pod network.
    ProveOverlay(OverlayProof),
    /// From a host: these links work.
    ProveLinks(Vec<Link>),
    /// All nodes are Ready, all pods healthy.
    WaitForCluster { nodes: Vec<ExpectedNode> },
    /// From a node: clients of the API begin to write and read.
    StartProbe(DrillProbe),
    /// They are served again, and end; what was acknowledged is there.
    StopProbe(DrillProbe),
}

/// What a drill is measured with.
#[derive(Debug, Clone, PartialEq)]
pub struct DrillProbe {
    /// Names the drill: `reset@k3s-server-1`.
    pub drill: String,
    /// The API endpoint.
    pub at: Endpoint,
    /// How long the API may be unreachable; `None` where what is taken down has no second one.
    pub limit: Option<Duration>,
    /// How long it is away; `None` where it comes back as soon as it can.
    pub away: Option<Duration>,
}

/// What an administrator of an external Postgres creates.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseOrder {
    pub datastore: DatastoreEndpoint,
    pub admin: AdminLogin,
    /// What Postgres stores of the password.
    pub verifier: SecretText,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DatastoreProof {
    /// The name that each member's certificate must have, and its address.
    pub members: Vec<(String, SocketAddr)>,
    pub database: String,
    pub user: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct BalancerProof {
    /// The address of the load balancer.
    pub at: SocketAddr,
    /// The servers behind it.
    pub servers: Vec<(String, SocketAddr)>,
}

/// What is proven of a load balancer without a look into it.
#[derive(Debug, Clone, PartialEq)]
pub struct ExternalBalancerProof {
    pub at: Endpoint,
    /// What the certificate behind it must be good for.
    pub names: Vec<String>,
    /// The servers that must be behind it.
    pub servers: Vec<(String, SocketAddr)>,
}

impl BalancerProof {
    /// How long the load balancer leaves a server alone after two connections that failed. It ends
    /// every connection at once while it leaves all of them alone.
    pub const REST: Duration = Duration::from_secs(5);
}

#[derive(Debug, Clone, PartialEq)]
pub struct OverlayProof {
    /// The node's own address.
    pub own: IpAddr,
    /// Set if the cluster's network is of a kind that is not tested.
    pub untried_because: Option<String>,
    pub neighbours: Vec<Neighbour>,
}

/// Another node.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    pub name: String,
    /// Its address outside of the pod network.
    pub ip: IpAddr,
}

impl Plan {
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }

    pub fn outline(&self) -> Outline {
        let step = |step: &Step| OutlineStep {
            id: step.id.clone(),
            host: step.host.clone(),
            title: step.title.clone(),
            needs: step.needs.clone(),
            may_be_skipped: step.may_be_skipped,
        };
        let phase = |phase: &Phase| OutlinePhase {
            id: phase.id.to_owned(),
            title: phase.title.to_owned(),
            steps: phase.steps.iter().map(step).collect(),
        };
        Outline {
            cluster: self.cluster.clone(),
            procedure: self.procedure.to_owned(),
            phases: self.phases.iter().map(phase).collect(),
        }
    }
}

impl Step {
    /// Marks a step that changes nothing: steps that need it may run without it.
    #[must_use]
    pub fn skippable(mut self) -> Self {
        self.may_be_skipped = true;
        self
    }

    /// Marks a shell step that is satisfied only once these nodes are Ready.
    #[must_use]
    pub fn until_ready(mut self, nodes: Vec<String>) -> Self {
        if let Work::Shell(shell) = &mut self.work {
            shell.ready_nodes = nodes;
        }
        self
    }

    #[must_use]
    pub fn needing(mut self, needs: impl IntoIterator<Item = StepId>) -> Self {
        self.needs.extend(needs);
        self
    }

    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }
}
