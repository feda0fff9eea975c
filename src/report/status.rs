//! The status of a cluster at one moment.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cluster::datastore::Datastore;
use crate::cluster::{Node, Pod};
use crate::engine::look::{Balancer, VirtualAddress};
use crate::pki::Certificate;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    pub cluster: String,
    /// RFC 3339, UTC.
    pub when: String,
    /// Everything was seen, and there is no problem.
    pub healthy: bool,
    /// What is unhealthy, one line each.
    pub problems: Vec<String>,
    /// Hosts that could not be looked at, each with the reason.
    pub unseen: Vec<String>,
    /// The server that reported nodes and pods.
    pub from: Option<String>,
    pub nodes: Vec<Node>,
    pub pods: Vec<Pod>,
    pub load_balancer: Option<Balancer>,
    /// Of two load balancers.
    pub virtual_address: Option<VirtualAddress>,
    pub datastore: Option<Datastore>,
    pub certificates: Vec<Certificate>,
    /// The latest changes while the cluster is watched, the oldest first.
    pub changes: Vec<StatusChange>,
}

/// Something that changed between two looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatusChange {
    /// When it was seen for the first time, RFC 3339, UTC.
    pub when: String,
    /// `node k3s-s2: Ready, now NotReady`
    pub what: String,
}

/// How many changes are kept.
const KEPT: usize = 20;

impl ClusterStatus {
    /// Continues the changes of the look before, with what differs from it.
    pub fn follow(&mut self, before: &Self) {
        let when = &self.when;
        let new = differences(&before.parts(), &self.parts());
        let new = new.into_iter().map(|what| StatusChange {
            when: when.clone(),
            what,
        });
        let all: Vec<_> = before.changes.iter().cloned().chain(new).collect();
        self.changes = all[all.len().saturating_sub(KEPT)..].to_vec();
    }

    /// What is compared, by what it is about. The numbers of connections come and go.
    fn parts(&self) -> BTreeMap<String, String> {
        let with = |text: String, problem: &Option<String>| match problem {
            Some(problem) => format!("{text} ({problem})"),
            None => text,
        };
        let nodes = self.nodes.iter().map(|node| {
            let status = format!("{} {}", node.status, node.version);
            let name = format!("node {}", node.name);
            (name, with(status.trim_end().to_owned(), &node.problem))
        });
        let pods = self.pods.iter().map(|pod| {
            let restarts = match pod.restarts {
                0 => String::new(),
                restarts => format!(", restarts: {restarts}"),
            };
            let status = format!("{} {}{restarts}", pod.status, pod.ready);
            let name = format!("pod {}/{}", pod.namespace, pod.name);
            (name, with(status, &pod.problem))
        });
        let balancer = self.load_balancer.iter();
        let balancer = balancer.map(|it| (format!("load balancer {}", it.address), it.got.clone()));
        let held = self.virtual_address.iter();
        let held = held.map(|it| (format!("virtual address {}", it.address), it.told()));
        // The lag differs from one look to the next.
        let members = self.datastore.iter().flat_map(|it| &it.members);
        let members = members.map(|member| {
            let [role, ..] = member.told();
            let name = format!("Postgres on {}", member.name);
            (name, with(role, &member.problem))
        });
        let clients = self.datastore.iter().flat_map(|it| &it.clients);
        let clients = clients.map(|client| {
            let state = client.problem.clone().unwrap_or("connected".into());
            (format!("datastore client {}", client.name), state)
        });
        let certificates = self.certificates.iter().map(|it| {
            let ends = format!("expires {}", it.ends);
            (format!("certificate {}", it.name), with(ends, &it.problem))
        });
        let unseen = self.unseen.iter();
        let unseen = unseen.map(|why| (format!("not checked: {why}"), String::new()));
        let all = nodes
            .chain(pods)
            .chain(balancer)
            .chain(held)
            .chain(members)
            .chain(clients);
        all.chain(certificates).chain(unseen).collect()
    }
}

/// A line for each part that is new, gone or different.
fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let told = |part: &String, what: &String| match what.as_str() {
        "" => part.clone(),
        what => format!("{part}: {what}"),
    };
    let gone = before.iter().filter(|(part, _)| !after.contains_key(*part));
    let gone = gone.map(|(part, what)| format!("no longer seen: {}", told(part, what)));
    let others = after
        .iter()
        .filter_map(|(part, now)| match before.get(part) {
            None => Some(format!("new: {}", told(part, now))),
            Some(then) if then != now => Some(format!("{part}: {then}, now {now}")),
            Some(_) => None,
        });
    gone.chain(others).collect()
}

#[cfg(test)]
mod tests;
