//! A node: its columns, and what is wrong with it.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::objects::{self, condition};
use super::{ExpectedNode, Node, join};

/// What kubectl prints where there is nothing.
pub(super) const NONE: &str = "<none>";
/// The conditions that should be false.
pub(super) const TROUBLES: [&str; 4] = [
    "MemoryPressure",
    "DiskPressure",
    "PIDPressure",
    "NetworkUnavailable",
];

pub(super) fn read(node: &objects::NodeJson) -> Node {
    let (problem, waiting) = diagnose(node);
    let internal = |address: &&objects::Address| address.kind == "InternalIP";
    let internal_ip = node.status.addresses.iter().find(internal);
    Node {
        name: node.metadata.name.clone(),
        status: status(node),
        roles: roles(node),
        version: node.status.node_info.kubelet_version.clone(),
        internal_ip: internal_ip
            .map_or(NONE, |address| &address.address)
            .to_owned(),
        created: node.metadata.created(),
        problem,
        waiting,
    }
}

/// Whether its own condition says so.
pub(super) fn is_ready(node: &objects::NodeJson) -> bool {
    condition(&node.status.conditions, "Ready").is_some_and(|ready| ready.status == "True")
}

/// The STATUS column (Kubernetes, `printNode`).
pub(super) fn status(node: &objects::NodeJson) -> String {
    let ready = match condition(&node.status.conditions, "Ready") {
        Some(_) if is_ready(node) => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = if node.spec.unschedulable {
        ",SchedulingDisabled"
    } else {
        ""
    };
    format!("{ready}{cordoned}")
}

/// The ROLES column (Kubernetes, `findNodeRoles`).
fn roles(node: &objects::NodeJson) -> String {
    let role = |(label, value): (&String, &String)| match label.as_str() {
        "kubernetes.io/role" => Some(value.clone()),
        label => Some(label.strip_prefix("node-role.kubernetes.io/")?.to_owned()),
    };
    let roles = node.metadata.labels.iter().filter_map(role);
    let roles: BTreeSet<String> = roles.filter(|role| !role.is_empty()).collect();
    if roles.is_empty() {
        return NONE.to_owned();
    }
    roles.into_iter().collect::<Vec<_>>().join(",")
}

/// What is wrong, and what it still lacks.
fn diagnose(node: &objects::NodeJson) -> (Option<String>, Option<String>) {
    let (mut problem, mut waiting) = (None, None);
    match condition(&node.status.conditions, "Ready") {
        Some(ready) if ready.status == "True" => {}
        // False is what it says itself, while it starts; else K3s has not heard of it for a while.
        Some(ready) if ready.status == "False" => {
            waiting = Some(format!("is not ready yet: {}", ready.message));
        }
        Some(ready) => problem = Some(format!("no longer reports: {}", ready.message)),
        None => waiting = Some("has not reported yet".to_owned()),
    }
    let conditions = TROUBLES
        .iter()
        .filter_map(|kind| condition(&node.status.conditions, kind));
    for trouble in conditions.filter(|condition| condition.status == "True") {
        problem = join(
            problem,
            Some(format!("{}: {}", trouble.kind, trouble.message)),
        );
    }
    if node.spec.unschedulable {
        let name = &node.metadata.name;
        let cordoned =
            format!("is cordoned and takes no new pods. To undo: kubectl uncordon {name}");
        problem = join(problem, Some(cordoned));
    }
    (problem, waiting)
}

/// Adds what differs from what is wanted.
pub(super) fn compare(node: &mut Node, wanted: &ExpectedNode) {
    if node.version != wanted.version {
        let differs = format!("runs {} instead of {}", node.version, wanted.version);
        node.problem = join(node.problem.take(), Some(differs));
    }
    let same = match (
        node.internal_ip.parse::<IpAddr>(),
        wanted.ip.parse::<IpAddr>(),
    ) {
        (Ok(has), Ok(wanted)) => has == wanted,
        _ => node.internal_ip == wanted.ip,
    };
    if !same {
        let differs = format!(
            "has joined with the address {} instead of {}: check node-ip in its config.yaml",
            node.internal_ip, wanted.ip
        );
        node.problem = join(node.problem.take(), Some(differs));
    }
}

pub(super) fn absent(name: &str) -> Node {
    Node {
        name: name.to_owned(),
        status: "Absent".to_owned(),
        roles: NONE.to_owned(),
        version: NONE.to_owned(),
        internal_ip: NONE.to_owned(),
        created: None,
        problem: None,
        waiting: Some("has not joined the cluster".to_owned()),
    }
}
