//! A node: its conditions, addresses, version and taints.

use super::super::node;
use super::super::objects::{Condition, NodeJson, Taint, condition};
use super::{Details, MANY, ObjectPart, clean, with};

pub(super) fn details(node: &NodeJson) -> Details {
    let status = &node.status;
    let info = &status.node_info;
    let fact = |label: &str, text: &str| (label.to_owned(), clean(text));
    let mut facts = vec![
        fact("version", &info.kubelet_version),
        fact("system", &info.os_image),
        fact("kernel", &info.kernel_version),
        fact("runtime", &info.container_runtime_version),
    ];
    let addresses = status.addresses.iter().take(MANY);
    facts.extend(addresses.map(|address| fact(&clean(&address.kind), &address.address)));
    facts.push(fact("pod CIDR", &node.spec.pod_cidr));
    facts.retain(|(_, text)| !text.is_empty());
    let taints = node.spec.taints.iter().take(MANY);
    facts.extend(taints.map(|taint| fact("taint", &written(taint))));
    Details {
        facts,
        parts: status.conditions.iter().take(MANY).map(part).collect(),
        next: next(node),
        ..Details::default()
    }
}

/// As kubectl writes it.
fn written(taint: &Taint) -> String {
    let value = match taint.value.as_str() {
        "" => String::new(),
        value => format!("={value}"),
    };
    format!("{}{value}:{}", taint.key, taint.effect)
}

fn part(condition: &Condition) -> ObjectPart {
    let is_wrong = match condition.kind.as_str() {
        "Ready" => condition.status != "True",
        kind if node::TROUBLES.contains(&kind) => condition.status != "False",
        _ => false,
    };
    let since = condition.last_transition_time.as_deref();
    let since = since.map(|since| format!("since {}", clean(since)));
    let why = clean(&with(&condition.reason, &condition.message));
    ObjectPart {
        name: clean(&condition.kind),
        state: clean(&condition.status),
        is_wrong,
        notes: [Some(why), since]
            .into_iter()
            .flatten()
            .filter(|note| !note.is_empty())
            .collect(),
    }
}

/// What to look at next; what keeps it from being Ready first.
fn next(node: &NodeJson) -> Option<String> {
    let conditions = &node.status.conditions;
    let name = clean(&node.metadata.name);
    let unit = if node.metadata.labels.keys().any(|label| is_server(label)) {
        "k3s"
    } else {
        "k3s-agent"
    };
    let journal = format!("journalctl -u {unit} -n 100");
    let ready = condition(conditions, "Ready").map(|ready| ready.status.as_str());
    let holds = |kind: &str| condition(conditions, kind).is_some_and(|it| it.status == "True");
    Some(match ready {
        Some("Unknown") => format!(
            "Is {name} running, and does it reach the API endpoint? There: systemctl status \
             {unit}, then {journal}"
        ),
        Some("True") if holds("DiskPressure") => format!(
            "Free disk space on {name}: df -h /var/lib/rancher /var/lib/kubelet shows how full it \
             is, and k3s crictl rmi --prune removes unused images"
        ),
        Some("True") if holds("MemoryPressure") => format!(
            "Find what uses the memory of {name}: kubectl top pods -A --sort-by=memory, and there \
             free -m"
        ),
        Some("True") if holds("PIDPressure") => {
            format!("Find what starts so many processes on {name}: ps -eLf | wc -l counts them")
        }
        Some("True") if holds("NetworkUnavailable") => {
            format!("The pod network of {name} is not set up. There: {journal}")
        }
        Some("True") if node.spec.unschedulable => {
            format!("If its maintenance is done: kubectl uncordon {name}")
        }
        Some("True") => return None,
        _ => format!("The condition Ready says why. On {name}: {journal}"),
    })
}

/// What a pod's details say of its node: where that is not Ready, it comes first.
pub(in crate::cluster) fn add_to_pod(details: &mut Details, node: &NodeJson) {
    if !node::is_ready(node) {
        let (name, status) = (clean(&node.metadata.name), node::status(node));
        let text = format!(
            "Its node {name} is {status}, so what is said here may be old: look at that node first"
        );
        details.next = Some(text);
    }
}

fn is_server(label: &str) -> bool {
    matches!(
        label,
        "node-role.kubernetes.io/control-plane" | "node-role.kubernetes.io/master"
    )
}
