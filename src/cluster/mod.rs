//! Nodes, pods and their health, from kubectl's JSON.

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
    /// As `kubectl get nodes` shows it: `Ready`, `NotReady,SchedulingDisabled`.
    pub status: String,
    pub roles: String,
    pub version: String,
    pub internal_ip: String,
    /// What is wrong with it; nothing when it is as it should be.
    pub problem: Option<String>,
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
}
