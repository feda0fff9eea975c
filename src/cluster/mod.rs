//! Nodes, pods and their health, from kubectl's JSON.
//!
//! What kubectl shows in STATUS and READY is no field of the JSON, it is computed from the state of
//! the containers; so is what is wrong. Nothing here knows the time: what is still on its way is
//! [`waiting`](Pod::waiting), and whoever waits says when it is [`overdue`](Cluster::overdue).
//!
//! * `kubectl`: the JSON
//! * `node`, `pod`: the columns, and the diagnosis
//! * [`datastore`]: the servers' connections to it
//! * [`kubeconfig`]: K3s's own, turned into the operator's; [`merge`]: into a file of theirs

pub mod datastore;
pub mod kubeconfig;
mod kubectl;
pub mod merge;
mod node;
mod pod;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a cluster looks like at one moment: nodes and pods, problems first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cluster {
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Node {
    pub name: String,
    /// As `kubectl get nodes` shows it: `Ready`, `NotReady,SchedulingDisabled`; `Absent` for one
    /// that is expected and not there.
    pub status: String,
    pub roles: String,
    pub version: String,
    pub internal_ip: String,
    /// What is wrong with it; nothing when it is as it should be.
    pub problem: Option<String>,
    /// What it still lacks, where waiting may help.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiting: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pod {
    pub namespace: String,
    pub name: String,
    /// As in kubectl's READY column: `1/1`.
    pub ready: String,
    /// As in kubectl's STATUS column.
    pub status: String,
    pub restarts: u64,
    pub node: String,
    /// What is wrong with it; nothing for a healthy pod or a finished job.
    pub problem: Option<String>,
    /// What it still lacks, where waiting may help.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiting: Option<String>,
}

/// A node as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedNode {
    pub name: String,
    pub ip: String,
    /// `v1.36.2+k3s1`
    pub version: String,
}

#[derive(Debug, thiserror::Error)]
#[error("kubectl did not print the JSON that was asked for: {0}")]
pub struct KubectlError(#[from] serde_json::Error);

/// The ranges of the nodes' pods, by node, from what `kubectl get nodes -o json` prints; a node that
/// has none yet is left out.
pub fn pod_networks(json: &str) -> Result<BTreeMap<String, String>, KubectlError> {
    let list: kubectl::List = serde_json::from_str(json)?;
    let range = |item| match item {
        kubectl::Item::Node(node) if !node.spec.pod_cidr.is_empty() => {
            Some((node.metadata.name, node.spec.pod_cidr))
        }
        _ => None,
    };
    Ok(list.items.into_iter().filter_map(range).collect())
}

impl Cluster {
    /// Reads what `kubectl get nodes,pods -A -o json` prints: one list, or several, one after the
    /// other. Objects of other kinds do not count.
    pub fn parse(json: &str) -> Result<Self, KubectlError> {
        let (mut nodes, mut pods) = (Vec::new(), Vec::new());
        for list in serde_json::Deserializer::from_str(json).into_iter::<kubectl::List>() {
            for item in list?.items {
                match item {
                    kubectl::Item::Node(node) => nodes.push(node::read(&node)),
                    kubectl::Item::Pod(pod) => pods.push(pod),
                    kubectl::Item::Other => {}
                }
            }
        }
        let around = pod::Around::of(&nodes, &pods);
        let pods = pods.iter().map(|pod| pod::read(pod, &around)).collect();
        let mut cluster = Self { nodes, pods };
        cluster.sort();
        Ok(cluster)
    }

    /// Compares the nodes with what they should be, and adds those that are not there.
    pub fn expect(&mut self, expected: &[ExpectedNode]) {
        for wanted in expected {
            match self.nodes.iter_mut().find(|node| node.name == wanted.name) {
                Some(node) => node::compare(node, wanted),
                None => self.nodes.push(node::absent(&wanted.name)),
            }
        }
        self.sort();
    }

    /// Enough waited: what is still on its way is a problem from now on.
    pub fn overdue(&mut self) {
        let nodes = self.nodes.iter_mut();
        let pods = self.pods.iter_mut();
        for (problem, waiting) in nodes
            .map(|node| (&mut node.problem, &mut node.waiting))
            .chain(pods.map(|pod| (&mut pod.problem, &mut pod.waiting)))
        {
            *problem = join(problem.take(), waiting.take());
        }
        self.sort();
    }

    /// What is wrong, a line each: `node k3s-agent: …`, `pod kube-system/coredns-…: …`.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        self.said(|node| node.problem.as_deref(), |pod| pod.problem.as_deref())
    }

    /// What is still on its way, a line each.
    pub fn waiting(&self) -> impl Iterator<Item = String> {
        self.said(|node| node.waiting.as_deref(), |pod| pod.waiting.as_deref())
    }

    fn said<'a>(
        &'a self,
        node: impl Fn(&'a Node) -> Option<&'a str> + 'a,
        pod: impl Fn(&'a Pod) -> Option<&'a str> + 'a,
    ) -> impl Iterator<Item = String> {
        let nodes = self
            .nodes
            .iter()
            .filter_map(move |it| node(it).map(|what| format!("node {}: {what}", it.name)));
        nodes.chain(self.pods.iter().filter_map(move |it| {
            pod(it).map(|what| format!("pod {}/{}: {what}", it.namespace, it.name))
        }))
    }

    /// Problems first, then what is on its way; each by name.
    fn sort(&mut self) {
        let rank = |problem: &Option<String>, waiting: &Option<String>| {
            (problem.is_none(), waiting.is_none())
        };
        self.nodes.sort_by(|a, b| {
            let key = |node: &Node| rank(&node.problem, &node.waiting);
            key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
        });
        self.pods.sort_by(|a, b| {
            let key = |pod: &Pod| rank(&pod.problem, &pod.waiting);
            let names = || (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name));
            key(a).cmp(&key(b)).then_with(names)
        });
    }
}

/// Two things to say, or one, or none.
fn join(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests;
