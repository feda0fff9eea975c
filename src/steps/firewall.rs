//! The firewall of a host allows the links of the cluster; and they are tried.

use super::{StepContext, StepHost, step_file};
use crate::answers::ManageFirewall;
use crate::events::StepId;
use crate::plan::{Step, Task};

const OPEN: &str = "firewall/open";
const PROOF: &str = "firewall/proof";

/// On every host, if the answers want it: which firewall is active there, the step itself sees.
pub fn open(context: &StepContext<'_>) -> Vec<Step> {
    let hosts = is_wanted(context).then(|| context.hosts());
    let hosts = hosts.into_iter().flatten();
    hosts.map(|host| open_on(context, host)).collect()
}

/// The ids of these steps.
pub fn opened(context: &StepContext<'_>) -> Vec<StepId> {
    let hosts = is_wanted(context).then(|| context.hosts());
    let hosts = hosts.into_iter().flatten();
    hosts.map(|host| host.id(OPEN)).collect()
}

fn is_wanted(context: &StepContext<'_>) -> bool {
    context.given.answers.firewall.manage == ManageFirewall::Open
}

fn open_on(context: &StepContext<'_>, host: &StepHost<'_>) -> Step {
    let topology = context.given.topology;
    let settings = &context.given.answers.k3s.server_config;
    let openings = topology.openings(host.name, settings);
    let peers = openings.peers.iter();
    let peers = peers.map(|peer| {
        let port = peer.port.number();
        let port = port.map_or("-".to_owned(), |port| port.to_string());
        format!("{} {port} {}", peer.from, peer.port.protocol())
    });
    host.shell(
        OPEN,
        "Allow the cluster's links in the firewall, if one is active",
        step_file!("firewall/open"),
        vec![
            ("PEERS", peers.collect::<Vec<_>>().join("\n").into()),
            ("NETWORKS", openings.networks.join("\n").into()),
            ("CLUSTER", topology.cluster.clone().into()),
        ],
    )
}

/// From every host that must reach others: it does, once they all run.
pub fn proofs(context: &StepContext<'_>) -> Vec<Step> {
    let hosts = is_wanted(context).then(|| context.hosts());
    let links = context.given.topology.links();
    let proof = |host: &StepHost<'_>| {
        let own = links.iter().filter(|link| link.from == host.name);
        let own: Vec<_> = own.cloned().collect();
        let title = "Prove that this host reaches the hosts that it must reach";
        let step = (!own.is_empty()).then(|| host.task(PROOF, title, Task::ProveLinks(own)));
        step.map(Step::skippable)
    };
    hosts.into_iter().flatten().filter_map(proof).collect()
}
