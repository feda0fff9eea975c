//! One look at what a run has made, without changing anything.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::Serialize;

use crate::answers::{Answers, Role};
use crate::cluster::datastore::Datastore;
use crate::cluster::{Cluster, ExpectedNode, ParseError};
use crate::proof::balancer;
use crate::remote::program::call;
use crate::remote::{Remote, RemoteError, Script};

/// What hangs longer is not there.
const LIMIT: Duration = Duration::from_secs(20);
const DATASTORE: &str = include_str!("../../assets/remote/datastore.sh");

pub(super) const READ_CLUSTER: &str = "\
/usr/local/bin/k3s kubectl get nodes -o json && \
/usr/local/bin/k3s kubectl get pods -A -o json";

/// What kubectl printed, compared with what the answers want.
pub(super) fn cluster_of(json: &str, answers: &Answers) -> Result<Cluster, ParseError> {
    let nodes = with_ips(answers, |role| matches!(role, Role::Server | Role::Agent));
    let nodes: Vec<_> = nodes
        .into_iter()
        .map(|(name, ip)| (name, ip.to_string()))
        .collect();
    let expected: Vec<_> = nodes
        .iter()
        .map(|(name, ip)| ExpectedNode {
            name,
            ip,
            version: &answers.k3s.version,
        })
        .collect();
    let mut cluster = Cluster::parse(json)?;
    cluster.expect(&expected);
    Ok(cluster)
}

/// Nodes and pods, as a server sees them.
pub fn cluster(remote: &mut dyn Remote, answers: &Answers) -> Result<Cluster, RemoteError> {
    let json = call(remote, "kubectl", &Script::new(READ_CLUSTER), LIMIT)?;
    cluster_of(&json, answers).map_err(|error| RemoteError::Failed {
        host: remote.host().to_owned(),
        what: "kubectl".to_owned(),
        status: 0,
        why: error.to_string(),
    })
}

/// Who is connected to the datastore, as Postgres on its host sees it.
pub fn datastore(remote: &mut dyn Remote, answers: &Answers) -> Result<Datastore, RemoteError> {
    let wanted = &answers.postgres;
    let script = Script::new(DATASTORE)
        .input("DB_NAME", wanted.database.as_str())
        .input("DB_USER", wanted.user.as_str())
        .input("DB_PORT", wanted.port.to_string());
    let said = call(remote, "asking Postgres", &script, LIMIT)?;
    let servers = with_ips(answers, |role| role == Role::Server);
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
    answers: &Answers,
    ca_pem: &str,
) -> Result<Option<Balancer>, RemoteError> {
    let host = answers.load_balancer_host();
    let Some(ip) = host.and_then(crate::answers::Host::cluster_ip) else {
        return Ok(None);
    };
    let address = SocketAddr::new(ip, answers.load_balancer.port);
    let name = ip.to_string();
    let verdict = match remote.relay(address, LIMIT) {
        Ok(relay) => balancer::prove(&name, ca_pem, relay),
        Err(error) if error.ends_connection() => return Err(error),
        Err(error) => balancer::Verdict::unreached(&name, &error),
    };
    let got = verdict.got.to_string();
    let problem = (!verdict.holds()).then(|| got.clone());
    Ok(Some(Balancer {
        address: address.to_string(),
        got,
        problem,
    }))
}

fn with_ips(answers: &Answers, wanted: impl Fn(Role) -> bool) -> Vec<(String, IpAddr)> {
    let hosts = answers.hosts.iter().filter(|host| wanted(host.role));
    hosts
        .filter_map(|host| Some((host.name.clone(), host.cluster_ip()?)))
        .collect()
}
