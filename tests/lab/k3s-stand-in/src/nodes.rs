//! Nodes: what the API keeps of them, and what it shows when their kubelets fall silent.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::log::stamp;

/// A node whose lease is older is taken for lost.
const GRACE: Duration = Duration::seconds(40);

const SILENT: &str = "Kubelet stopped posting node status.";

/// Completes a node that registers: identity, and the lowest range of pod addresses that is free.
pub fn admit(
    mut node: Value,
    others: &[Value],
    cluster_cidr: &str,
    uid: &str,
    now: OffsetDateTime,
) -> Value {
    let name = name(&node).to_owned();
    let range = free_range(others, cluster_cidr);
    node["apiVersion"] = json!("v1");
    node["kind"] = json!("Node");
    node["metadata"]["creationTimestamp"] = json!(stamp(now));
    node["metadata"]["uid"] = json!(uid);
    node["metadata"]["finalizers"] = json!(["wrangler.cattle.io/node"]);
    node["spec"]["podCIDR"] = json!(range);
    node["spec"]["podCIDRs"] = json!([range]);
    node["spec"]["providerID"] = json!(format!("k3s://{name}"));
    node
}

/// Takes out what is only shown, never kept.
pub fn kept(mut node: Value) -> Value {
    if let Some(metadata) = node["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    retain_taints(&mut node, |key| {
        !["unreachable", "not-ready"]
            .iter()
            .any(|shown| key.ends_with(shown))
    });
    node
}

/// Makes a node schedulable or not, with the taint that goes with it.
pub fn cordon(node: &mut Value, unschedulable: bool, now: OffsetDateTime) {
    retain_taints(node, |key| key != "node.kubernetes.io/unschedulable");
    if unschedulable {
        node["spec"]["unschedulable"] = json!(true);
        taint(node, "unschedulable", &["NoSchedule"], now);
    } else if let Some(spec) = node["spec"].as_object_mut() {
        spec.remove("unschedulable");
    }
}

/// A node as the API shows it: with its revision, and lost when its lease is too old.
pub fn shown(
    mut node: Value,
    revision: i64,
    renewed: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> Value {
    node["metadata"]["resourceVersion"] = json!(revision.to_string());
    let renewed = renewed.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    if now - renewed > GRACE {
        let lost = renewed + GRACE;
        for condition in node["status"]["conditions"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            condition["status"] = json!("Unknown");
            condition["reason"] = json!("NodeStatusUnknown");
            condition["message"] = json!(SILENT);
            condition["lastTransitionTime"] = json!(stamp(lost));
        }
        taint(&mut node, "unreachable", &["NoSchedule", "NoExecute"], lost);
    } else if !ready(&node) {
        taint(&mut node, "not-ready", &["NoSchedule", "NoExecute"], now);
    }
    node
}

/// Whether a shown node is Ready.
pub fn ready(node: &Value) -> bool {
    condition(node, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// Since when a shown node is lost, if it is.
pub fn lost_since(node: &Value) -> Option<OffsetDateTime> {
    let condition =
        condition(node, "Ready").filter(|condition| condition["status"] == "Unknown")?;
    parse(condition["lastTransitionTime"].as_str()?)
}

/// A condition of a node by its type.
pub fn condition<'n>(node: &'n Value, kind: &str) -> Option<&'n Value> {
    node["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// The node's name.
pub fn name(node: &Value) -> &str {
    node["metadata"]["name"].as_str().unwrap_or_default()
}

/// The node's address inside the cluster's network.
pub fn address(node: &Value) -> &str {
    let addresses = node["status"]["addresses"].as_array();
    let internal =
        addresses.and_then(|all| all.iter().find(|address| address["type"] == "InternalIP"));
    internal
        .and_then(|address| address["address"].as_str())
        .unwrap_or_default()
}

/// Reads a time as the API writes it.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).ok()
}

fn taint(node: &mut Value, key: &str, effects: &[&str], since: OffsetDateTime) {
    let taints = &mut node["spec"]["taints"];
    if !taints.is_array() {
        *taints = json!([]);
    }
    if let Some(taints) = taints.as_array_mut() {
        taints.extend(effects.iter().map(|effect| {
            json!({ "effect": effect, "key": format!("node.kubernetes.io/{key}"), "timeAdded": stamp(since) })
        }));
    }
}

fn retain_taints(node: &mut Value, keep: impl Fn(&str) -> bool) {
    let Some(spec) = node["spec"].as_object_mut() else {
        return;
    };
    let Some(taints) = spec.get_mut("taints").and_then(Value::as_array_mut) else {
        return;
    };
    taints.retain(|taint| taint["key"].as_str().is_some_and(&keep));
    if taints.is_empty() {
        spec.remove("taints");
    }
}

/// The first /24 of the cluster's range that no node has.
fn free_range(nodes: &[Value], cluster_cidr: &str) -> String {
    let base = cluster_cidr.split('/').next().unwrap_or_default();
    let mut parts = base
        .split('.')
        .map(|part| part.parse::<u8>().unwrap_or_default());
    let (a, b) = (parts.next().unwrap_or(10), parts.next().unwrap_or(42));
    let taken = |range: &String| {
        nodes
            .iter()
            .any(|node| node["spec"]["podCIDR"] == range.as_str())
    };
    let mut ranges = (0..=255).map(|third| format!("{a}.{b}.{third}.0/24"));
    ranges.find(|range| !taken(range)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn real(file: &str, name: &str) -> Value {
        let text = match file {
            "ready" => include_str!("../../../fixtures/real/nodes-ready.json"),
            _ => include_str!("../../../fixtures/real/nodes-cordoned-and-not-ready.json"),
        };
        let list: Value = serde_json::from_str(text).unwrap();
        let nodes = list["items"].as_array().unwrap();
        nodes
            .iter()
            .find(|node| node["metadata"]["name"] == name)
            .unwrap()
            .clone()
    }

    #[test]
    fn a_silent_node_turns_into_the_real_ones_not_ready() {
        let before = kept(real("ready", "k3s-ag"));
        let after = real("lost", "k3s-ag");
        // The real one's last lease, 40 s before its conditions changed.
        let renewed = datetime!(2026-11-23 23:13:33 UTC);
        let lost = shown(
            before.clone(),
            1,
            Some(renewed),
            datetime!(2026-11-23 23:14:19 UTC),
        );
        assert_eq!(lost["status"]["conditions"], after["status"]["conditions"]);
        assert_eq!(lost["spec"], after["spec"]);
        assert_eq!(lost_since(&lost), Some(datetime!(2026-11-23 23:14:13 UTC)));
        let well = shown(
            before.clone(),
            1,
            Some(renewed),
            datetime!(2026-11-23 23:14:13 UTC),
        );
        assert!(ready(&well));
        assert_eq!(kept(lost)["spec"], before["spec"], "the taint is not kept");
    }

    #[test]
    fn a_cordoned_node_is_the_real_ones() {
        let mut node = real("ready", "k3s-s2");
        cordon(&mut node, true, datetime!(2026-11-23 23:13:22 UTC));
        assert_eq!(node["spec"], real("cordoned", "k3s-s2")["spec"]);
        cordon(&mut node, false, datetime!(2026-11-23 23:13:22 UTC));
        assert_eq!(node["spec"], real("ready", "k3s-s2")["spec"]);
    }

    #[test]
    fn ranges_of_deleted_nodes_are_given_again() {
        let node = |third: u8| json!({ "spec": { "podCIDR": format!("198.18.{third}.0/24") } });
        assert_eq!(free_range(&[], "198.18.0.0/16"), "198.18.0.0/24");
        assert_eq!(
            free_range(&[node(0), node(2)], "198.18.0.0/16"),
            "198.18.1.0/24"
        );
    }
}
