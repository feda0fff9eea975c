//! One look at what a run has made, without changing anything.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use super::api::Administrator;
use crate::cluster::datastore::Datastore;
use crate::cluster::details::{Details, ObjectName};
use crate::cluster::{Cluster, ExpectedNode};
use crate::proof::balancer;
use crate::remote::program::call;
use crate::remote::{Remote, RemoteError, Script};
use crate::topology::Topology;

/// What hangs longer is not there.
const LIMIT: Duration = Duration::from_secs(20);
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

/// Who is connected to the datastore, as Postgres on its host sees it.
pub fn datastore(remote: &mut dyn Remote, topology: &Topology) -> Result<Datastore, RemoteError> {
    let wanted = &topology.datastore;
    let script = Script::new(DATASTORE)
        .input("DB_NAME", wanted.database.as_str())
        .input("DB_USER", wanted.user.as_str())
        .input("DB_PORT", wanted.port.to_string());
    let said = call(remote, "asking Postgres", &script, LIMIT)?;
    let servers = topology.servers.iter();
    let servers: Vec<_> = servers
        .map(|server| (server.name.clone(), server.ip))
        .collect();
    Ok(Datastore::parse(said.lines(), &servers))
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
    address: SocketAddr,
    ca_pem: &str,
) -> Result<Balancer, RemoteError> {
    let name = address.ip().to_string();
    let verdict = match remote.relay(address, LIMIT) {
        Ok(relay) => balancer::prove(&name, ca_pem, relay),
        Err(error) if error.ends_connection() => return Err(error),
        Err(error) => balancer::BalancerVerdict::unreached(&name, &error),
    };
    let got = verdict.got.to_string();
    let problem = (!verdict.holds()).then(|| got.clone());
    Ok(Balancer {
        address: address.to_string(),
        got,
        problem,
    })
}
