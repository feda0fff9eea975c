//! The cluster as a whole: shown, not claimed.

use super::{Phase, START, Step, Task, Topology, agents, servers};

pub(super) fn phase(topology: &Topology<'_>) -> Phase {
    let server = topology.server_1();
    let all_servers = servers::all_started(topology);
    let datastore = servers::datastore(topology, "cluster/datastore", &topology.servers)
        .needing(all_servers.clone());
    let kubeconfig = server
        .task(
            "cluster/kubeconfig",
            "the kubeconfig is kept on this machine",
            Task::KeepKubeconfig,
        )
        .needing([servers::started(topology, &server)]);
    let health = server
        .task(
            "cluster/health",
            "every node is Ready, every pod healthy",
            Task::WaitForCluster,
        )
        .needing(all_servers)
        .needing(agents::all_ready(topology))
        .within(START);
    let mut steps = vec![datastore, kubeconfig];
    steps.extend(overlay(topology));
    steps.push(health);
    Phase {
        id: "cluster",
        title: "Cluster",
        steps,
    }
}

/// Whether pods reach each other across nodes, from each of the nodes. Not after `health`: that
/// waits long for a cluster that may be ill just because they do not.
fn overlay(topology: &Topology<'_>) -> Vec<Step> {
    let nodes: Vec<_> = topology.servers.iter().chain(&topology.agents).collect();
    if nodes.len() < 2 {
        return Vec::new();
    }
    let networks = topology
        .server_1()
        .task(
            "cluster/networks",
            "the networks of the nodes' pods are known",
            Task::LearnPodNetworks,
        )
        .needing(servers::all_started(topology))
        .needing(agents::all_ready(topology));
    let known = networks.id.clone();
    let proof = |node: &&super::Node<'_>| {
        let title = "the other nodes answer through the pods' network";
        node.task("cluster/overlay", title, Task::ProveOverlay)
            .needing([known.clone()])
    };
    let proofs: Vec<_> = nodes.iter().map(proof).collect();
    [vec![networks], proofs].concat()
}
