//! The status of a cluster at one moment.

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
    /// What is unhealthy or could not be queried; one line each.
    pub problems: Vec<String>,
    /// No server was reached, or no Postgres host.
    pub unseen: bool,
    /// The server that reported nodes and pods.
    pub from: Option<String>,
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
    pub load_balancer: Option<Balancer>,
    pub datastore: Option<Datastore>,
    pub certificates: Vec<Certificate>,
}
