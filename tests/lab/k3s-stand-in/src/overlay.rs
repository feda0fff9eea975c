//! The pods' network as flannel's backend `vxlan` makes it: a VXLAN device, and for every other node
//! a route, an ARP entry and a forwarding entry, all set by hand and none learnt. The packets are
//! real; there are no pods, and so no `cni0`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Client;
use crate::log;
use crate::nodes;

const DEVICE: &str = "flannel.1";
const VNI: &str = "1";
const PORT: &str = "8472";
/// What VXLAN adds is taken off an Ethernet packet.
const MTU: &str = "1450";
/// Between two looks at the other nodes.
const LOOK: Duration = Duration::from_secs(1);

const BACKEND_DATA: &str = "flannel.alpha.coreos.com/backend-data";
const PUBLIC_IP: &str = "flannel.alpha.coreos.com/public-ip";

/// A node as the others reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Peer {
    /// Its address on the device: the first of its range.
    address: Ipv4Addr,
    range: String,
    mac: String,
    public: String,
}

/// Makes the device, or keeps the one that is there, as flannel does at a restart; its MAC.
pub fn device(address: IpAddr) -> Result<String, String> {
    let local = address.to_string();
    let there = ip(&["-d", "link", "show", DEVICE]).unwrap_or_default();
    if !there.contains(&format!("vxlan id {VNI} local {local} ")) {
        if !there.is_empty() {
            ip(&["link", "delete", DEVICE])?;
        }
        ip(&[
            "link",
            "add",
            DEVICE,
            "mtu",
            MTU,
            "type",
            "vxlan",
            "id",
            VNI,
            "dstport",
            PORT,
            "local",
            &local,
            "nolearning",
        ])?;
    }
    let there = ip(&["link", "show", DEVICE])?;
    let mut words = there.split_whitespace();
    words.find(|word| *word == "link/ether");
    let mac = words.next();
    mac.map(str::to_owned)
        .ok_or_else(|| format!("the interface {DEVICE} has no MAC"))
}

/// What a node says of its device.
pub fn annotate(node: &mut Value, mac: &str) {
    let data = format!("{{\"VNI\":{VNI},\"VtepMAC\":\"{mac}\"}}");
    node["metadata"]["annotations"][BACKEND_DATA] = json!(data);
}

/// Gives the device its address, and follows the other nodes for as long as the process lives.
pub fn follow(client: Client, own: String) {
    thread::spawn(move || {
        let (mut known, mut addressed) = (BTreeMap::new(), None);
        loop {
            if let Some(nodes) = list(&client) {
                let mut peers: BTreeMap<_, _> = nodes.iter().filter_map(peer).collect();
                if let Some(here) = peers.remove(&own) {
                    if addressed != Some(here.address) && told(&address(here.address)) {
                        addressed = Some(here.address);
                    }
                    // Routes want a device that is up.
                    if addressed.is_some() {
                        known = settle(&known, peers);
                    }
                }
            }
            thread::sleep(LOOK);
        }
    });
}

fn list(client: &Client) -> Option<Vec<Value>> {
    let answer = client.ask("GET", "/api/v1/nodes", &[], &[]).ok()?;
    let list: Value = serde_json::from_slice(&answer.body).ok()?;
    list["items"].as_array().cloned()
}

/// Who has told its MAC and has a range.
fn peer(node: &Value) -> Option<(String, Peer)> {
    let annotations = &node["metadata"]["annotations"];
    let data: Value = serde_json::from_str(annotations[BACKEND_DATA].as_str()?).ok()?;
    let range = node["spec"]["podCIDR"].as_str()?;
    let peer = Peer {
        address: range.split('/').next()?.parse().ok()?,
        range: range.to_owned(),
        mac: data["VtepMAC"].as_str()?.to_owned(),
        public: annotations[PUBLIC_IP].as_str()?.to_owned(),
    };
    Some((nodes::name(node).to_owned(), peer))
}

fn address(address: Ipv4Addr) -> Result<(), String> {
    ip(&["addr", "flush", "dev", DEVICE])?;
    ip(&["addr", "add", &format!("{address}/32"), "dev", DEVICE])?;
    ip(&["link", "set", DEVICE, "up"])?;
    Ok(())
}

/// Brings the entries from these nodes to those; what could not be done is tried again.
fn settle(before: &BTreeMap<String, Peer>, now: BTreeMap<String, Peer>) -> BTreeMap<String, Peer> {
    let kept: BTreeSet<_> = now.values().map(|peer| &peer.range).collect();
    for peer in before.values().filter(|peer| !kept.contains(&peer.range)) {
        told(&forget(peer));
    }
    let is_new = |name: &String, peer: &Peer| before.get(name) != Some(peer);
    now.into_iter()
        .filter(|(name, peer)| !is_new(name, peer) || told(&add(peer)))
        .collect()
}

fn add(peer: &Peer) -> Result<(), String> {
    let address = peer.address.to_string();
    ip(&[
        "neigh",
        "replace",
        &address,
        "lladdr",
        &peer.mac,
        "dev",
        DEVICE,
        "nud",
        "permanent",
    ])?;
    run(
        "bridge",
        &[
            "fdb",
            "replace",
            &peer.mac,
            "dev",
            DEVICE,
            "dst",
            &peer.public,
        ],
    )?;
    ip(&[
        "route",
        "replace",
        &peer.range,
        "via",
        &address,
        "dev",
        DEVICE,
        "onlink",
    ])?;
    Ok(())
}

fn forget(peer: &Peer) -> Result<(), String> {
    ip(&["route", "del", &peer.range, "dev", DEVICE])?;
    run("bridge", &["fdb", "del", &peer.mac, "dev", DEVICE])?;
    ip(&["neigh", "del", &peer.address.to_string(), "dev", DEVICE])?;
    Ok(())
}

fn told(done: &Result<(), String>) -> bool {
    if let Err(reason) = done {
        log::error(format!("flannel: {reason}"));
    }
    done.is_ok()
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    run("ip", arguments)
}

/// What a program prints, when it succeeds.
fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .map_err(|error| format!("{program}: {}", crate::go_words(&error)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let reason = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{program} {}: {}",
        arguments.join(" "),
        reason.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_node_is_a_peer() {
        let text = include_str!("../../../fixtures/real/nodes-ready.json");
        let list: Value = serde_json::from_str(text).unwrap();
        let nodes = list["items"].as_array().unwrap();
        let peers: BTreeMap<_, _> = nodes.iter().filter_map(peer).collect();
        assert_eq!(peers.len(), 3);
        assert_eq!(
            peers["k3s-ag"],
            Peer {
                address: Ipv4Addr::new(198, 18, 3, 0),
                range: "198.18.3.0/24".into(),
                mac: "be:75:30:30:49:22".into(),
                public: "198.51.100.15".into(),
            }
        );
        // And what a node says here is what the real one says.
        let mut node = json!({ "metadata": { "annotations": {} } });
        annotate(&mut node, "be:75:30:30:49:22");
        let real = nodes
            .iter()
            .find(|node| nodes::name(node) == "k3s-ag")
            .unwrap();
        let said = |node: &Value| node["metadata"]["annotations"][BACKEND_DATA].clone();
        assert_eq!(said(&node), said(real));
    }
}
