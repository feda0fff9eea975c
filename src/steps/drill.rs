//! What a drill takes down, and how it is seen that everything is back.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{StepError, StepHost, step_file};
use crate::events::StepId;
use crate::plan::{Act, ActOutput, DrillProbe, Shell, Step, Task, Work};
use crate::platform::Platform;
use crate::topology::{MONITOR, Topology};

/// How long a service or a host is away.
const AWAY: Duration = Duration::from_secs(30);
/// How long the cluster may take to be whole again.
const RETURN: Duration = Duration::from_secs(10 * 60);
/// Before a drill the cluster is looked at once: it must be whole.
pub const AT_ONCE: Duration = Duration::from_secs(60);
/// What a drill itself may take besides, on a slow machine.
const AROUND: Duration = Duration::from_secs(5 * 60);

/// What is done to a service or a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrillKind {
    /// The service is stopped, and started again later.
    Stop,
    /// Its processes are killed: its own manager must start it again.
    Kill,
    /// The host is cut off the network, but for SSH.
    Cut,
    /// The host is reset, as if it had lost power.
    Reset,
    /// The standby takes over, as before planned work.
    Switchover,
}

impl DrillKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Kill => "kill",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Switchover => "switchover",
        }
    }
}

/// A service that can be taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Server,
    Agent,
    LoadBalancer,
    VirtualAddress,
    Postgres,
    /// A member of a pair.
    Member,
    Monitor,
}

impl Service {
    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Server => "k3s",
            Self::Agent => "k3s-agent",
            Self::LoadBalancer => "nginx",
            Self::VirtualAddress => "keepalived",
            Self::Postgres | Self::Member => "postgres",
            Self::Monitor => "monitor",
        }
    }

    /// Its unit; the platform knows that of a single Postgres.
    fn unit(self) -> &'static str {
        match self {
            Self::Server => "k3s",
            Self::Agent => "k3s-agent",
            Self::LoadBalancer => "k3s-lb",
            Self::VirtualAddress => "k3s-vip",
            Self::Postgres => "",
            Self::Member => "k3s-postgres",
            Self::Monitor => "k3s-postgres-monitor",
        }
    }
}

/// One thing that is taken down and brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    pub how: DrillKind,
    pub host: String,
    /// `None` for the whole host.
    pub service: Option<Service>,
    /// Another one does its work meanwhile.
    pub has_second: bool,
}

/// `kill-nginx@k3s-nginx`, `reset@k3s-server-1`
impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}@{}", self.kind(), self.host))
    }
}

impl Drill {
    /// `kill-nginx`, `reset`
    pub fn kind(&self) -> String {
        let how = self.how.as_str();
        match self.service {
            Some(service) if self.how != DrillKind::Switchover => {
                format!("{how}-{}", service.as_str())
            }
            _ => how.to_owned(),
        }
    }

    /// What is done, for people.
    pub fn title(&self) -> String {
        let host = &self.host;
        let seconds = AWAY.as_secs();
        let service = self.service.map_or("", Service::as_str);
        match self.how {
            DrillKind::Stop => format!("Stop {service} for {seconds} s"),
            DrillKind::Kill => format!("Kill {service}"),
            DrillKind::Cut => {
                format!("Cut {host} off from the network for {seconds} s, except for SSH")
            }
            DrillKind::Reset => format!("Reset {host}, as if it had lost power"),
            DrillKind::Switchover => "Let the standby take over, as before planned work".to_owned(),
        }
    }

    /// What may be seen of it outside, for people; with how long the API may be unreachable.
    pub fn risk(&self, limit: Duration) -> String {
        let limit = limit.as_secs();
        match (self.has_second, self.service) {
            (false, _) => {
                "Nothing else does its work: the API is unreachable until it is back.".to_owned()
            }
            (true, Some(Service::Agent | Service::Monitor))
                if self.how != DrillKind::Switchover =>
            {
                format!("The API does not need it; a gap of more than {limit} s fails the drill.")
            }
            (true, Some(_)) => {
                format!("Another host takes over; a gap of more than {limit} s fails the drill.")
            }
            (true, None) => format!(
                "Everything on this host is down, and other hosts take over; a gap of more than {limit} s \
                 fails the drill."
            ),
        }
    }

    /// The id of a step of this drill.
    fn id(&self, step: &str) -> String {
        format!("{}.{}/{step}", self.kind(), self.host)
    }
}

/// What the steps of drills need to know.
pub struct DrillContext<'a> {
    pub topology: &'a Topology,
    /// Of every host, by name.
    pub platforms: &'a BTreeMap<String, Platform>,
    /// The version of K3s.
    pub version: &'a str,
    /// Where SSH listens on each host.
    pub ssh_ports: &'a BTreeMap<String, u16>,
    /// How long the API may not answer.
    pub limit: Duration,
}

/// The node from which a drill of a host is measured: one that it leaves alone.
pub fn measured_from<'a>(topology: &'a Topology, host: &str) -> Option<&'a str> {
    let mut nodes = topology.agents.iter().chain(&topology.servers);
    let node = nodes.find(|node| node.name != host);
    node.map(|node| node.name.as_str())
}

impl<'a> DrillContext<'a> {
    fn host(&self, name: &str) -> Result<StepHost<'a>, StepError> {
        let missing = || StepError::NoFacts(name.to_owned());
        let topology = self.topology;
        let member = topology.members().find(|member| member.name == name);
        let platform = self.platforms.get(name).ok_or_else(missing)?;
        Ok(StepHost::of(member.ok_or_else(missing)?, *platform))
    }

    /// The cluster is healthy, the pair is in sync, and one load balancer holds the virtual address;
    /// seen without what is taken down, if it can be.
    pub fn sound(
        &self,
        id: &dyn Fn(&str) -> String,
        without: Option<&str>,
        patience: Duration,
        mut before: Vec<StepId>,
    ) -> Result<Vec<Step>, StepError> {
        let topology = self.topology;
        let mut servers = topology.servers.iter();
        let server = servers.find(|server| Some(server.name.as_str()) != without);
        let server = self.host(&server.unwrap_or(topology.server_1()).name)?;
        let healthy = server.task(
            &id("healthy"),
            "Wait until every node is Ready and every pod healthy",
            Task::WaitForCluster {
                nodes: topology.expected_nodes(self.version),
            },
        );
        let mut steps = vec![healthy.within(patience).needing(before)];
        if topology.datastore.is_pair() {
            before = last(&steps);
            for member in &topology.datastore.members {
                let in_sync = self.host(&member.name)?.shell(
                    &id("in-sync"),
                    "Wait until the pair is in sync",
                    step_file!("pair/in-sync"),
                    vec![("DB_PORT", self.db_port().into())],
                );
                steps.push(in_sync.needing(before.clone()));
            }
        }
        let Some(ip) = topology.api.virtual_ip() else {
            return Ok(steps);
        };
        let mut other = None;
        for balancer in &topology.api.members {
            let title = "Prove that one load balancer holds the virtual address";
            let task = Task::ProveHolder { ip, other };
            let step = self.host(&balancer.name)?.task(&id("holder"), title, task);
            let before = last(&steps);
            steps.push(step.needing(before));
            other = Some(balancer.name.clone());
        }
        Ok(steps)
    }

    /// One drill, from its first question to its figures.
    pub fn steps(&self, drill: &Drill, before: Vec<StepId>) -> Result<Vec<Step>, StepError> {
        let from = measured_from(self.topology, &drill.host);
        let from = self.host(from.ok_or_else(|| StepError::NoOtherNode(drill.host.clone()))?)?;
        let probe = DrillProbe {
            drill: drill.to_string(),
            at: self.topology.api.at.clone(),
            limit: drill.has_second.then_some(self.limit),
            away: matches!(drill.how, DrillKind::Stop | DrillKind::Cut).then_some(AWAY),
        };
        let start = from.task(
            &drill.id("watch"),
            "Start clients that write and read through the API",
            Task::StartProbe(probe.clone()),
        );
        let mut steps = vec![start.needing(before)];
        let host = self.host(&drill.host)?;
        steps.push(self.act(drill, &host).needing(last(&steps)));
        let back = host.shell(
            &drill.id("back"),
            "Wait until the host's services run again",
            step_file!("drill/back"),
            vec![
                ("SERVICES", self.units(&drill.host).join(" ").into()),
                ("POSTGRES", self.single_postgres(&drill.host).into()),
                ("DB_PORT", self.db_port().into()),
            ],
        );
        steps.push(back.within(RETURN).needing(last(&steps)));
        let sound = self.sound(
            &|step| drill.id(step),
            Some(&drill.host),
            RETURN,
            last(&steps),
        )?;
        let ends: Vec<_> = sound.iter().map(|step| step.id.clone()).collect();
        steps.extend(sound);
        let stop = from.task(
            &drill.id("measured"),
            "Check that no acknowledged write is lost, and that the API answered in time",
            Task::StopProbe(probe),
        );
        steps.push(stop.within(AROUND).needing(ends));
        Ok(steps)
    }

    fn act(&self, drill: &Drill, host: &StepHost<'_>) -> Step {
        let ((file, source), inputs) = if drill.how == DrillKind::Switchover {
            let inputs = vec![("MONITOR_PORT", MONITOR.to_string().into())];
            (step_file!("drill/switchover"), inputs)
        } else {
            let unit = drill.service.map_or("", Service::unit);
            let port = self.ssh_ports.get(&drill.host).copied().unwrap_or(22);
            let inputs = vec![
                ("HOW", drill.how.as_str().into()),
                ("UNIT", unit.into()),
                ("SECONDS_AWAY", AWAY.as_secs().to_string().into()),
                ("SSH_PORT", port.to_string().into()),
                ("DB_PORT", self.db_port().into()),
            ];
            (step_file!("drill/take-away"), inputs)
        };
        let shell = Shell {
            file,
            source,
            platform: host.platform,
            inputs,
            ready_nodes: Vec::new(),
        };
        let output = ActOutput::Shown;
        let act = Work::Act(Act { shell, output });
        host.step(&drill.id("act"), drill.title(), act)
            .within(AWAY + AROUND)
    }

    fn db_port(&self) -> String {
        self.topology.datastore.port.to_string()
    }

    fn units(&self, host: &str) -> Vec<&'static str> {
        let services = services(self.topology, host).into_iter();
        let units = services.map(Service::unit);
        units.filter(|unit| !unit.is_empty()).collect()
    }

    fn single_postgres(&self, host: &str) -> &'static str {
        let is = services(self.topology, host).contains(&Service::Postgres);
        if is { "yes" } else { "" }
    }
}

/// What runs on a host.
pub fn services(topology: &Topology, host: &str) -> Vec<Service> {
    let Topology {
        datastore,
        api,
        servers,
        agents,
        ..
    } = topology;
    let postgres = if datastore.is_pair() {
        Service::Member
    } else {
        Service::Postgres
    };
    let places = [
        (agents, Service::Agent),
        (servers, Service::Server),
        (&api.members, Service::LoadBalancer),
        (&datastore.monitors, Service::Monitor),
        (&datastore.members, postgres),
    ];
    let is_there = |members: &[crate::topology::Member]| members.iter().any(|one| one.name == host);
    let mut services = Vec::new();
    for (members, service) in places {
        if is_there(members) {
            services.push(service);
            let shares = service == Service::LoadBalancer && api.virtual_ip().is_some();
            services.extend(shares.then_some(Service::VirtualAddress));
        }
    }
    services
}

fn last(steps: &[Step]) -> Vec<StepId> {
    steps
        .last()
        .map(|step| step.id.clone())
        .into_iter()
        .collect()
}
