//! The steps of each component on its hosts. Their order among components is the procedures'.
//!
//! * [`postgres`], [`pair`], [`certificates`], [`k3s`], [`load_balancer`], [`virtual_address`],
//!   [`cluster`]: a component each
//! * [`external`]: a Postgres without a shell on it
//! * [`firewall`], [`selinux`]: what stands between them
//! * [`drill`]: what is taken down, and how it is seen that it is back
//! * [`bundle`]: what hosts without internet are sent
//! * `images`: where K3s gets images from
//! * `template`: configuration files from `assets/templates`
//!
//! A step is a shell file in `assets/steps` (see `prelude.sh`) and a function here; what one host's
//! shell cannot do is a [`Task`].

pub mod bundle;
pub mod certificates;
pub mod cluster;
pub mod drill;
pub mod external;
pub mod firewall;
mod images;
pub mod k3s;
pub mod load_balancer;
pub mod pair;
pub mod postgres;
pub mod selinux;
mod template;
pub mod virtual_address;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use crate::answers::{AdminLogin, Answers, Registries};
use crate::bundle::Contents;
use crate::events::StepId;
use crate::pki::Pki;
use crate::plan::{Act, Shell, Step, Task, Value, Work};
use crate::platform::Platform;
use crate::platform::bundled::{FOLDER, Needs};
use crate::secrets::{SecretText, Secrets};
use crate::topology::{Member, Proxies, Proxy, Replacement, Topology};

/// The first line of a file that the wizard writes, as in `assets/templates`.
const HEAD: &str =
    "# Written by k3s-ha-wizard: what is changed here is changed back by its next run.\n";

/// The input of steps that install from a bundle.
const BUNDLE: &str = "BUNDLE";

/// Packages are downloaded, and another package manager may hold the lock.
const PACKAGES: Duration = Duration::from_secs(30 * 60);
/// A large database over a slow line.
const DUMP_TIME: Duration = Duration::from_secs(6 * 60 * 60);
/// Two restarts of Postgres, the second with the old settings: each has its own limit in the prelude.
const RESTARTS: Duration = Duration::from_secs(10 * 60);
/// What takes seconds, on a slow machine.
const SHORT: Duration = Duration::from_secs(3 * 60);
/// How long K3s may take to become ready, in seconds: minutes at most (docs/facts.md, "Start").
const START_SECONDS: u32 = 600;
const START: Duration = Duration::from_secs(START_SECONDS as u64 + 60);

/// The name and the text of a shell file in `assets/steps`.
macro_rules! step_file {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../assets/steps/", $name, ".sh")),
        )
    };
}
pub(crate) use step_file;

/// What steps are built from.
#[derive(Clone, Copy)]
pub struct PlanInputs<'a> {
    /// Validated.
    pub answers: &'a Answers,
    /// Of these answers.
    pub topology: &'a Topology,
    /// Of every host, by name.
    pub platforms: &'a BTreeMap<String, Platform>,
    /// The hosts on which K3s of this cluster runs already, by name.
    pub running: &'a BTreeSet<String>,
    /// The hosts on which a part of a pair of Postgres hosts exists already, by name.
    pub created: &'a BTreeSet<String>,
    /// The part of a pair that is replaced.
    pub replaced: Option<&'a Replacement>,
    /// The hosts on which `SELinux` enforces, by name.
    pub enforcing: &'a BTreeSet<String>,
    /// Secrets are encrypted in the datastore, where the answers do not say.
    pub encrypts: bool,
    pub pki: &'a Pki,
    pub secrets: &'a Secrets,
    /// Of an external Postgres, if one is given.
    pub admin: Option<&'a AdminLogin>,
    pub proxies: &'a Proxies,
    /// With their passwords.
    pub registries: &'a Registries,
    /// What is installed from a bundle, where the answers name one.
    pub bundle: Option<BundleInputs<'a>>,
}

/// A bundle to install from.
#[derive(Clone, Copy)]
pub struct BundleInputs<'a> {
    /// `None` for a comparison: it needs no bundle.
    pub contents: Option<&'a Contents>,
    /// What every host needs of it, by name.
    pub needs: &'a BTreeMap<String, Needs>,
}

/// Why steps cannot be built. With validated answers and the facts of all hosts they always can.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    #[error("the facts of {0} are missing")]
    NoFacts(String),
    #[error("{0} has no certificate")]
    NoCertificate(String),
    #[error("the distribution of {0} has no pg_auto_failover")]
    NoAutoFailover(String),
    #[error("there is no node besides {0} to measure from")]
    NoOtherNode(String),
    #[error("a template cannot be filled in: {0}")]
    Template(#[from] minijinja::Error),
}

/// The members of the topology with what steps need to know about them.
pub struct StepContext<'a> {
    given: PlanInputs<'a>,
    pub postgres: Vec<StepHost<'a>>,
    pub monitors: Vec<StepHost<'a>>,
    pub balancers: Vec<StepHost<'a>>,
    /// Server 1 first.
    pub servers: Vec<StepHost<'a>>,
    pub agents: Vec<StepHost<'a>>,
}

/// A host on which steps run.
#[derive(Clone, Copy)]
pub struct StepHost<'a> {
    pub name: &'a str,
    member: &'a Member,
    ip: IpAddr,
    platform: Platform,
}

impl<'a> StepContext<'a> {
    pub fn new(given: PlanInputs<'a>) -> Result<Self, StepError> {
        let node = |member: &'a Member| -> Result<StepHost<'a>, StepError> {
            let platform = given.platforms.get(&member.name);
            let platform = platform.ok_or_else(|| StepError::NoFacts(member.name.clone()))?;
            Ok(StepHost::of(member, *platform))
        };
        let all = |members: &'a [Member]| members.iter().map(node).collect::<Result<Vec<_>, _>>();
        let topology = given.topology;
        Ok(Self {
            given,
            postgres: all(&topology.datastore.members)?,
            monitors: all(&topology.datastore.monitors)?,
            balancers: all(&topology.api.members)?,
            servers: all(&topology.servers)?,
            agents: all(&topology.agents)?,
        })
    }

    /// The running node before this one: nodes restart one at a time.
    pub fn before<'n>(
        &self,
        node: &StepHost<'_>,
        nodes: &'n [StepHost<'a>],
    ) -> Option<&'n StepHost<'a>> {
        let runs = |node: &&StepHost<'_>| self.given.running.contains(node.name);
        if !runs(&node) {
            return None;
        }
        let before = nodes.iter().take_while(|other| other.name != node.name);
        before.filter(runs).last()
    }

    /// Two Postgres hosts, with a monitor.
    pub fn has_pair(&self) -> bool {
        self.given.topology.datastore.is_pair()
    }

    /// The part of a pair that is replaced.
    pub fn replaced(&self) -> Option<&'a Replacement> {
        self.given.replaced
    }

    /// Whether a part of a pair exists on a host.
    pub fn is_created(&self, host: &StepHost<'_>) -> bool {
        self.given.created.contains(host.name)
    }

    /// A Postgres that others run.
    pub fn is_external(&self) -> bool {
        self.given.topology.datastore.external.is_some()
    }

    /// All hosts of the cluster.
    pub fn hosts(&self) -> impl Iterator<Item = &StepHost<'a>> {
        let monitors = self.monitors.iter();
        // A monitor's host is often a load balancer's.
        let is_balancer = |name: &str| self.balancers.iter().any(|one| one.name == name);
        let monitors = monitors.filter(move |host| !is_balancer(host.name));
        let others = self.postgres.iter().chain(monitors).chain(&self.balancers);
        others.chain(self.nodes())
    }

    pub fn server_1(&self) -> StepHost<'a> {
        self.servers[0]
    }

    /// The first node that uses the API endpoint as agents do ([`Topology::clients`]).
    fn api_client(&self) -> StepHost<'a> {
        self.agents.first().copied().unwrap_or(self.server_1())
    }

    /// The hosts on which K3s runs, servers first.
    pub fn nodes(&self) -> impl Iterator<Item = &StepHost<'a>> {
        self.servers.iter().chain(&self.agents)
    }

    /// Whether `SELinux` enforces on a host.
    fn confines(&self, host: &StepHost<'_>) -> bool {
        self.given.enforcing.contains(host.name)
    }

    /// The proxy of a host, if it has one.
    fn proxy(&self, host: &StepHost<'_>) -> Option<&'a Proxy> {
        self.given.proxies.get(host.name)
    }

    /// The inputs of a step that downloads: with those of `use_proxy`, where the host has a proxy, or
    /// with the folder of what came from a bundle.
    fn downloading(
        &self,
        host: &StepHost<'_>,
        mut inputs: Vec<(&'static str, Value)>,
    ) -> Vec<(&'static str, Value)> {
        if self.given.bundle.is_some() {
            inputs.push((BUNDLE, FOLDER.into()));
            return inputs;
        }
        let proxy = self.proxy(host).into_iter();
        inputs.extend(proxy.flat_map(|proxy| {
            let value = |text: SecretText| secret_if(proxy.is_secret(), text);
            proxy.inputs().map(|(name, text)| (name, value(text)))
        }));
        inputs
    }

    fn db_port(&self) -> String {
        self.given.topology.datastore.port.to_string()
    }

    /// The marks around the wizard's lines in shared files.
    fn marks(&self) -> (String, String) {
        let cluster = &self.given.topology.cluster;
        (
            format!("# BEGIN k3s-ha-wizard {cluster}"),
            format!("# END k3s-ha-wizard {cluster}"),
        )
    }
}

/// A value that is shown, unless it is a secret.
fn secret_if(is_secret: bool, text: SecretText) -> Value {
    if is_secret {
        Value::Secret(text)
    } else {
        Value::Plain(text.expose().to_owned())
    }
}

/// The ids of a step on each of these hosts.
pub fn on_each(step: &str, nodes: &[StepHost<'_>]) -> Vec<StepId> {
    nodes.iter().map(|node| node.id(step)).collect()
}

impl<'a> StepHost<'a> {
    pub fn of(member: &'a Member, platform: Platform) -> Self {
        Self {
            name: &member.name,
            member,
            ip: member.ip,
            platform,
        }
    }

    /// The id of a step on this host.
    pub fn id(&self, step: &str) -> StepId {
        StepId::new(step, Some(self.name))
    }

    fn shell(
        &self,
        step: &str,
        title: impl Into<String>,
        (file, source): (&'static str, &'static str),
        inputs: Vec<(&'static str, Value)>,
    ) -> Step {
        let platform = self.platform;
        self.step(
            step,
            title.into(),
            Work::Shell(Shell {
                file,
                source,
                platform,
                inputs,
                ready_nodes: Vec::new(),
            }),
        )
    }

    fn act(&self, step: &str, title: impl Into<String>, act: Act) -> Step {
        self.step(step, title.into(), Work::Act(act))
    }

    fn task(&self, step: &str, title: impl Into<String>, task: Task) -> Step {
        self.step(step, title.into(), Work::Task(task))
    }

    fn step(&self, step: &str, title: String, work: Work) -> Step {
        Step {
            id: self.id(step),
            host: Some(self.name.to_owned()),
            title,
            needs: Vec::new(),
            may_be_skipped: false,
            limit: SHORT,
            work,
        }
    }
}
