//! One look at what a run has made, without changing anything.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::api::Administrator;
use crate::address::{Endpoint, NetworkName};
use crate::cluster::datastore::MemberLook;
use crate::cluster::details::{Details, ObjectName};
use crate::cluster::{Cluster, ExpectedNode};
use crate::proof::balancer;
use crate::remote::program::call;
use crate::remote::{Remote, RemoteError, Script};
use crate::topology::Topology;

/// What hangs longer is not there.
const LIMIT: Duration = Duration::from_secs(20);
/// Prints a line if the host has the address.
pub(super) const OWN_ADDRESS: &str = "ip -o addr show to \"$VIRTUAL_IP\" 2>/dev/null";
const DATASTORE: &str = include_str!("../../assets/remote/datastore.sh");

/// Nodes and pods, as the API of a server lists them, compared with the nodes that there must be.
pub fn cluster(
    server: &mut dyn Remote,
    administrator: &Administrator,
    nodes: &[ExpectedNode],
) -> Result<Cluster, RemoteError> {
    let seen = administrator.ask(server, |api| Ok((api.nodes()?, api.pods()?)));
    seen.map(|(seen, pods)| {
        let mut cluster = Cluster::of(&seen, &pods);
        cluster.expect(nodes);
        cluster
    })
}

/// More of one object, as the API of a server tells it.
pub fn details(
    server: &mut dyn Remote,
    administrator: &Administrator,
    object: &ObjectName,
) -> Result<Details, RemoteError> {
    administrator.ask(server, |api| api.details(object))
}

/// What a member of the datastore says of itself.
pub fn member(remote: &mut dyn Remote, topology: &Topology) -> Result<MemberLook, RemoteError> {
    const WHAT: &str = "querying Postgres";
    let wanted = &topology.datastore;
    let script = Script::new(DATASTORE)
        .input("DB_NAME", wanted.database.as_str())
        .input("DB_USER", wanted.user.as_str())
        .input("DB_PORT", wanted.port.to_string());
    let said = call(remote, WHAT, &script, LIMIT)?;
    MemberLook::parse(said.lines()).ok_or_else(|| RemoteError::Failed {
        host: remote.host().to_owned(),
        what: WHAT.to_owned(),
        status: 0,
        why: "it does not say whether it is the primary".to_owned(),
    })
}

/// The address that two load balancers share, and which of them hold it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VirtualAddress {
    pub address: String,
    /// Exactly one, as it should be.
    pub holders: Vec<String>,
    pub problem: Option<String>,
}

impl VirtualAddress {
    /// What the load balancers say, each by its name: whether it holds the address. With fewer than two
    /// answers, an address that none of them holds is no problem.
    pub fn of(address: &NetworkName, looks: &[(String, bool)]) -> Self {
        let holders = looks.iter().filter(|(_, holds)| *holds);
        let holders: Vec<_> = holders.map(|(name, _)| name.clone()).collect();
        let problem = match holders.len() {
            0 if looks.len() > 1 => Some("no load balancer holds it"),
            0 | 1 => None,
            _ => Some(
                "several load balancers hold it: they do not receive each other's VRRP packets",
            ),
        };
        Self {
            address: address.to_string(),
            holders,
            problem: problem.map(str::to_owned),
        }
    }

    /// Who holds it, for people.
    pub fn told(&self) -> String {
        match &self.holders[..] {
            [] => "no host that answered holds it".to_owned(),
            holders => format!("held by {}", holders.join(" and ")),
        }
    }
}

/// Whether this host holds an address.
pub fn holds(remote: &mut dyn Remote, ip: IpAddr) -> Result<bool, RemoteError> {
    let script = Script::new(OWN_ADDRESS).input("VIRTUAL_IP", ip.to_string());
    let said = call(remote, "looking for the virtual address", &script, LIMIT)?;
    Ok(!said.is_empty())
}

/// What answers at the load balancer's address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Balancer {
    pub address: String,
    pub got: String,
    pub problem: Option<String>,
}

/// The way through the load balancer, from a host that the cluster's traffic comes from.
pub fn balancer(
    remote: &mut dyn Remote,
    at: &Endpoint,
    ca_pem: &str,
) -> Result<Balancer, RemoteError> {
    let name = at.name.to_string();
    let verdict = match remote.relay(at, LIMIT) {
        Ok(relay) => balancer::prove(&name, ca_pem, relay),
        Err(error) if error.ends_connection() => return Err(error),
        Err(error) => balancer::BalancerVerdict::unreached(&name, &error),
    };
    let got = verdict.got.to_string();
    let problem = (!verdict.holds()).then(|| got.clone());
    Ok(Balancer {
        address: at.to_string(),
        got,
        problem,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_load_balancer_holds_the_address() {
        let told = |looks: &[(&str, bool)]| {
            let looks = looks
                .iter()
                .map(|(name, holds)| ((*name).to_owned(), *holds));
            let looks: Vec<_> = looks.collect();
            let ip = NetworkName::parse("10.0.0.4").unwrap();
            let address = VirtualAddress::of(&ip, &looks);
            let problem = address.problem.clone().unwrap_or_default();
            format!("{}; {problem}", address.told())
        };
        assert_eq!(told(&[("a", false), ("b", true)]), "held by b; ");
        assert!(told(&[("a", true), ("b", true)]).ends_with("receive each other's VRRP packets"));
        assert!(told(&[("a", false), ("b", false)]).ends_with("; no load balancer holds it"));
        // The other one was not seen.
        assert_eq!(told(&[("a", false)]), "no host that answered holds it; ");
    }
}
