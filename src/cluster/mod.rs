//! Nodes, pods and their health, from K3s's API.
//!
//! What kubectl shows in STATUS and READY is no field of the JSON, it is computed from the state of
//! the containers; so is what is wrong. Nothing here knows the time: what is still on its way is
//! [`waiting`](Pod::waiting), and the caller that waits says when it is [`overdue`](Cluster::overdue).
//!
//! * [`api`]: asking for them; `objects`: their JSON
//! * `node`, `pod`: the columns, and the diagnosis; [`details`]: more of one of them
//! * [`datastore`]: the servers' connections to it
//! * [`kubeconfig`]: K3s's own, turned into the operator's; [`merge`]: into a file of theirs

pub(crate) mod api;
pub mod datastore;
pub mod details;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod kubeconfig;
pub mod merge;
mod node;
mod objects;
mod pod;

use std::collections::BTreeMap;

use details::ObjectName;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

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
    /// When it joined the cluster; `None` where that is not known.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none",
        default
    )]
    pub created: Option<OffsetDateTime>,
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
    /// When it was created; `None` where that is not known.
    #[serde(
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none",
        default
    )]
    pub created: Option<OffsetDateTime>,
    /// What is wrong with it; nothing for a healthy pod or a finished job.
    pub problem: Option<String>,
    /// What it still lacks, where waiting may help.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub waiting: Option<String>,
}

impl Node {
    pub fn object(&self) -> ObjectName {
        ObjectName::Node(self.name.clone())
    }
}

impl Pod {
    pub fn object(&self) -> ObjectName {
        ObjectName::Pod {
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// A node as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedNode {
    pub name: String,
    pub ip: String,
    /// `v1.36.2+k3s1`
    pub version: String,
}

/// Why what a server answers is not what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiJsonError {
    #[error("it did not answer with the JSON that was requested: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it did not answer with a {0}")]
    Kind(&'static str),
}

/// All nodes of a cluster, as its API lists them.
pub(crate) struct Nodes(Vec<objects::NodeJson>);

/// All pods of a cluster, as its API lists them.
pub(crate) struct Pods(Vec<objects::PodJson>);

impl Nodes {
    /// The ranges of the nodes' pods, by node; a node that has none yet is left out.
    pub(crate) fn pod_networks(&self) -> BTreeMap<&str, &str> {
        let with_range = self.0.iter().filter(|node| !node.spec.pod_cidr.is_empty());
        with_range
            .map(|node| (node.metadata.name.as_str(), node.spec.pod_cidr.as_str()))
            .collect()
    }

    /// Why not all of these nodes are Ready; `None` when they are.
    pub(crate) fn missing<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Option<String> {
        let missing = names.into_iter().filter_map(|name| {
            let node = self.0.iter().find(|node| node.metadata.name == *name);
            let Some(node) = node else {
                return Some(format!("{name} is not there yet"));
            };
            let status = node::status(node);
            (!node::is_ready(node)).then(|| format!("{name} is {status}"))
        });
        let missing: Vec<_> = missing.collect();
        (!missing.is_empty()).then(|| format!("not Ready: {}", missing.join(", ")))
    }
}

impl Cluster {
    /// What these objects say.
    pub(crate) fn of(nodes: &Nodes, pods: &Pods) -> Self {
        let nodes: Vec<_> = nodes.0.iter().map(node::read).collect();
        let around = pod::Around::of(&nodes, &pods.0);
        let pods = pods.0.iter().map(|pod| pod::read(pod, &around)).collect();
        let mut cluster = Self { nodes, pods };
        cluster.sort();
        cluster
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
pub(crate) mod tests;
