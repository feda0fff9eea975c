//! Every machine and every service is taken down once, measured and brought back, one after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::events::{DRILL, DrillFigures};
use crate::plan::{Phase, Plan};
use crate::steps::StepError;
use crate::steps::drill::{
    AT_ONCE, Drill, DrillContext, DrillKind, Service, measured_from, services,
};
use crate::topology::Topology;

/// Why there is no drill to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoDrill {
    #[error("there is no drill \"{name}\"; these are: {known}")]
    Unknown { name: String, known: KnownDrills },
    #[error("{0} is the cluster's only node: no other node could measure a drill of it")]
    OnlyNode(String),
    #[error(
        "There is no drill for the external Postgres: the wizard has no shell on it. Ask its operator for a \
         failover while `k3s-ha-wizard status --watch` runs."
    )]
    ExternalPostgres,
    #[error(
        "There is no drill for the external load balancer: the wizard has no shell on it. Ask its operator for \
         a failover while `k3s-ha-wizard status --watch` runs."
    )]
    ExternalBalancer,
}

/// A drill as an operator chooses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillOffer {
    /// `reset@k3s-server-1`
    pub name: String,
    /// What is done.
    pub title: String,
    /// What it risks.
    pub risk: String,
    /// Nothing else does its work meanwhile.
    pub interrupts: bool,
    /// What it showed last.
    pub last: Option<DrillFigures>,
    /// Why it cannot be done.
    pub refused: Option<NoDrill>,
}

/// What can be drilled, with the limit of the answers and the figures of earlier drills; and what cannot,
/// and why.
pub fn offers(
    topology: &Topology,
    limit: Duration,
    last: &BTreeMap<String, DrillFigures>,
) -> Vec<DrillOffer> {
    let drills = all(topology).into_iter().map(|drill| {
        let name = drill.to_string();
        let is_measured = measured_from(topology, &drill.host).is_some();
        DrillOffer {
            title: drill.title(),
            risk: drill.risk(limit),
            interrupts: !drill.has_second,
            last: last.get(&name).cloned(),
            refused: (!is_measured).then_some(NoDrill::OnlyNode(drill.host)),
            name,
        }
    });
    let external = external(topology).map(|(name, why)| DrillOffer {
        name: name.to_owned(),
        title: String::new(),
        risk: String::new(),
        interrupts: false,
        last: None,
        refused: Some(why),
    });
    drills.chain(external).collect()
}

/// The parts of the cluster on which the wizard has no shell.
pub fn external(topology: &Topology) -> impl Iterator<Item = (&'static str, NoDrill)> {
    let balancer = topology.api.is_external();
    let postgres = topology.datastore.external.is_some();
    let balancer = balancer.then_some(("load-balancer", NoDrill::ExternalBalancer));
    let postgres = postgres.then_some(("postgres", NoDrill::ExternalPostgres));
    balancer.into_iter().chain(postgres)
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDrills(Vec<String>);

impl fmt::Display for KnownDrills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// All drills of a topology, in the order in which they are done: services before hosts, and what the
/// API needs least first.
pub fn all(topology: &Topology) -> Vec<Drill> {
    let mut drills = Vec::new();
    let nodes = topology.agents.iter().chain(&topology.servers);
    let api = topology.api.members.iter();
    let datastore = topology.datastore.monitors.iter();
    let datastore = datastore.chain(&topology.datastore.members);
    let mut seen = Vec::new();
    for host in nodes.chain(api).chain(datastore).map(|member| &member.name) {
        if seen.contains(&host) {
            continue;
        }
        seen.push(host);
        let services = services(topology, host);
        let drill = |how, service, has_second| Drill {
            how,
            host: host.clone(),
            service,
            has_second,
        };
        for service in &services {
            let second = has_second(topology, *service);
            drills.push(drill(DrillKind::Stop, Some(*service), second));
            drills.push(drill(DrillKind::Kill, Some(*service), second));
            if *service == Service::Monitor {
                drills.push(drill(DrillKind::Switchover, Some(*service), true));
            }
        }
        let second = services
            .iter()
            .all(|service| has_second(topology, *service));
        drills.push(drill(DrillKind::Cut, None, second));
        drills.push(drill(DrillKind::Reset, None, second));
    }
    drills.sort_by_key(|drill| drill.service.is_none());
    drills
}

/// Those with one of these names: of a drill (`reset@k3s-server-1`), of what is done (`reset`,
/// `kill-nginx`), or of a host. Without a name, all that can be measured.
pub fn chosen(topology: &Topology, names: &[String]) -> Result<Vec<Drill>, NoDrill> {
    let all = all(topology);
    let (measurable, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|drill| measured_from(topology, &drill.host).is_some());
    let fits = |drill: &Drill, name: &str| {
        drill.to_string() == name
            || drill.kind() == name
            || drill.how.as_str() == name
            || drill.host == name
    };
    for name in names {
        if measurable.iter().any(|drill| fits(drill, name)) {
            continue;
        }
        if let Some(drill) = others.iter().find(|drill| fits(drill, name)) {
            return Err(NoDrill::OnlyNode(drill.host.clone()));
        }
        return Err(NoDrill::Unknown {
            name: name.clone(),
            known: KnownDrills(measurable.iter().map(ToString::to_string).collect()),
        });
    }
    let wanted = |drill: &Drill| names.is_empty() || names.iter().any(|name| fits(drill, name));
    let chosen: Vec<_> = measurable.into_iter().filter(wanted).collect();
    match others.into_iter().next() {
        Some(drill) if chosen.is_empty() => Err(NoDrill::OnlyNode(drill.host)),
        _ => Ok(chosen),
    }
}

/// Whether the API goes on without one of these.
fn has_second(topology: &Topology, service: Service) -> bool {
    match service {
        Service::Server => topology.servers.len() > 1,
        Service::LoadBalancer => topology.api.members.len() > 1,
        Service::Postgres => false,
        // The API needs neither an agent nor the monitor.
        Service::Member | Service::VirtualAddress | Service::Agent | Service::Monitor => true,
    }
}

/// Nothing is taken down unless everything is there.
pub fn plan(context: &DrillContext<'_>, drills: &[Drill]) -> Result<Plan, StepError> {
    let before = context.sound(&|step| format!("drill/{step}"), None, AT_ONCE, Vec::new())?;
    let mut ends: Vec<_> = before.iter().map(|step| step.id.clone()).collect();
    let mut steps = Vec::new();
    for drill in drills {
        let of_drill = context.steps(drill, ends)?;
        ends = of_drill
            .last()
            .map(|step| step.id.clone())
            .into_iter()
            .collect();
        steps.extend(of_drill);
    }
    let phase = |id, title, steps| Phase { id, title, steps };
    Ok(Plan {
        procedure: DRILL,
        cluster: context.topology.cluster.clone(),
        phases: vec![
            phase("before", "Before", before),
            phase("drills", "Drills", steps),
        ],
    })
}
