//! How a cluster is, as it was asked once.

use serde::Serialize;

use crate::cluster::datastore::Datastore;
use crate::cluster::{Node, Pod};
use crate::engine::look::Balancer;
use crate::pki::Certificate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    pub cluster: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// There is no problem.
    pub healthy: bool,
    /// What is ill, or could not be asked; a line each.
    pub problems: Vec<String>,
    /// No host was reached that tells of the cluster, or none that tells of its datastore.
    pub unseen: bool,
    /// The server that told of nodes and pods.
    pub from: Option<String>,
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
    pub load_balancer: Option<Balancer>,
    pub datastore: Option<Datastore>,
    pub certificates: Vec<Certificate>,
}
