//! The cluster as a whole: tested.

use super::{START, StepContext, StepHost, step_file};
use crate::plan::{Neighbour, OverlayProof, Step, Task};

pub const DATASTORE: &str = "cluster/datastore";
pub const KUBECONFIG: &str = "cluster/kubeconfig";
pub const NETWORKS: &str = "cluster/networks";
pub const OVERLAY: &str = "cluster/overlay";
pub const HEALTH: &str = "cluster/health";

/// The backend of flannel whose packets are tried.
const VXLAN: &str = "vxlan";

/// Whether the data of these servers is in Postgres.
pub fn datastore(
    context: &StepContext<'_>,
    step: &str,
    postgres: &StepHost<'_>,
    servers: &[StepHost<'_>],
) -> Step {
    let wanted = &context.given.topology.datastore;
    let addresses: Vec<_> = servers.iter().map(|server| server.ip.to_string()).collect();
    postgres.shell(
        step,
        "Check that the cluster's data is in Postgres, over TLS with client certificates",
        step_file!("cluster/datastore"),
        vec![
            ("DB_NAME", wanted.database.clone().into()),
            ("DB_USER", wanted.user.clone().into()),
            ("DB_PORT", context.db_port().into()),
            ("SERVERS", addresses.join(" ").into()),
            ("WAIT", "60".into()),
        ],
    )
}

pub fn kubeconfig(context: &StepContext<'_>) -> Step {
    let topology = context.given.topology;
    context.server_1().task(
        KUBECONFIG,
        "Keep the kubeconfig on this machine",
        Task::KeepKubeconfig {
            url: topology.api.url(),
            name: topology.cluster.clone(),
        },
    )
}

pub fn health(context: &StepContext<'_>) -> Step {
    let version = &context.given.answers.k3s.version;
    let nodes = context.given.topology.expected_nodes(version);
    context
        .server_1()
        .task(
            HEALTH,
            "Wait until every node is Ready and every pod healthy",
            Task::WaitForCluster { nodes },
        )
        .skippable()
        .within(START)
}

pub fn networks(context: &StepContext<'_>) -> Step {
    context.server_1().task(
        NETWORKS,
        "Read the pod networks of the nodes",
        Task::LearnPodNetworks,
    )
}

/// Whether pods reach each other across nodes, tested from a node.
pub fn overlay(context: &StepContext<'_>, node: &StepHost<'_>) -> Step {
    let config = &context.given.answers.k3s.server_config;
    let backend = config.get("flannel-backend");
    let neighbours = context.given.topology.neighbours(node.name).into_iter();
    let proof = OverlayProof {
        own: node.ip,
        untried_because: backend
            .filter(|backend| backend.as_str() != Some(VXLAN))
            .map(|other| format!("flannel-backend is {other}, not {VXLAN}")),
        neighbours: neighbours
            .map(|member| Neighbour {
                name: member.name.clone(),
                ip: member.ip,
            })
            .collect(),
    };
    let title = "Prove that the pod network reaches the other nodes";
    node.task(OVERLAY, title, Task::ProveOverlay(proof))
        .skippable()
        .needing([context.server_1().id(NETWORKS)])
}
