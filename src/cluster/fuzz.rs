//! The fuzz targets of this room.

use super::details::{Details, of_pod};
use super::kubeconfig::{Access, for_operator};
use super::merge::merged;
use super::objects::{ListPage, NodeJson, PodJson};
use super::{Cluster, Nodes, Pods};

/// A list of nodes, and after a NUL one of pods.
pub(crate) fn api(bytes: &[u8]) {
    let mut lists = bytes.splitn(2, |byte| *byte == 0);
    let nodes = lists
        .next()
        .and_then(|json| ListPage::<NodeJson>::parse(json).ok());
    let pods = lists
        .next()
        .and_then(|json| ListPage::<PodJson>::parse(json).ok());
    let nodes = Nodes(nodes.map_or(Vec::new(), |page| page.take().0));
    let pods = Pods(pods.map_or(Vec::new(), |page| page.take().0));
    let mut cluster = Cluster::of(&nodes, &pods);
    assert_eq!(cluster.nodes.len(), nodes.0.len());
    assert_eq!(cluster.pods.len(), pods.0.len());
    let _ = nodes.pod_networks();
    for node in &nodes.0 {
        let _ = Details::of_node(node);
    }
    for pod in &pods.0 {
        let _ = of_pod(pod);
    }
    cluster.overdue();
    assert_eq!(cluster.waiting().count(), 0);
    let _ = cluster.problems().count();
}

/// A server's kubeconfig, or a file of the operator's.
pub(crate) fn kubeconfig(bytes: &[u8]) {
    const OURS: &str = "clusters: [{name: c, cluster: {certificate-authority-data: YQ==}}]\n\
        contexts: [{name: c, context: {cluster: c, user: c}}]\n\
        users: [{name: c, user: {client-key-data: YQ==}}]\n";
    let text = String::from_utf8_lossy(bytes);
    let _ = Access::of(&text);
    if let Ok(ours) = for_operator(&text, "https://198.51.100.10:6443", "k3s") {
        assert!(!ours.expose().contains("exec") && !ours.expose().contains("proxy-url"));
    }
    let _ = merged(Some(&text), OURS);
}
