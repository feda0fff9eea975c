//! The cluster as a whole: shown, not claimed.

use super::{Phase, START, Task, Topology, agents, servers};

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
    Phase {
        id: "cluster",
        title: "Cluster",
        steps: vec![datastore, kubeconfig, health],
    }
}
