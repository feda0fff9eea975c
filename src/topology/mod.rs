//! The members of a cluster and which must reach which: a pure function of the answers.
//!
//! * [`links`](Topology::links): the connections that the cluster needs;
//!   [`openings`](Topology::openings): what the firewall of a host must allow for them
//! * [`Proxy`]: how each host downloads
//! * [`losses`](Topology::losses): what survives the loss of which machine
//! * [`Replacement`]: a lost part of a pair, and the machine in its place
//! * [`recipe`](Topology::recipe): how an external load balancer is configured

mod advice;
mod drawing;
mod links;
mod proxy;
mod recipes;
mod replacement;

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::address::Endpoint;
use crate::answers::{Answers, Host, Postgres, Role, SslMode};
use crate::cluster::ExpectedNode;

pub use advice::{LEGEND, PARTS, Survival};
pub use links::{
    API, AllowedPeer, AllowedPort, EXTERNAL_BALANCER, KUBELET, Link, MONITOR, Openings,
};
pub use proxy::{Proxies, Proxy, ProxyError};
pub use recipes::RecipeKind;
pub use replacement::Replacement;

/// A cluster: its datastore, its API endpoint, and its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Topology {
    /// The cluster's name.
    pub cluster: String,
    pub datastore: DatastoreEndpoint,
    pub api: ApiEndpoint,
    /// Server 1 first.
    pub servers: Vec<Member>,
    pub agents: Vec<Member>,
}

/// A host with its role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Names the host everywhere, and the node in the cluster.
    pub name: String,
    /// What SSH uses: an IP address or a DNS name.
    pub address: String,
    /// The address that the other members use.
    pub ip: IpAddr,
    /// Its site, if the cluster has several.
    pub site: Option<String>,
}

/// The datastore of K3s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatastoreEndpoint {
    /// The DNS name in connection strings; without one the members' addresses are used.
    pub name: Option<String>,
    pub port: u16,
    pub database: String,
    /// The role that owns the database; also the CN of every client certificate.
    pub user: String,
    /// None of an external one.
    pub members: Vec<Member>,
    /// The hosts that decide which member is the primary.
    pub monitors: Vec<Member>,
    /// A Postgres that others run, in place of members.
    pub external: Option<ExternalPostgres>,
}

/// A Postgres that others run: the wizard has no shell on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalPostgres {
    /// At least one; the servers use one that can be written to.
    pub addresses: Vec<Endpoint>,
    pub sslmode: SslMode,
    /// K3s shows it a client certificate.
    pub certified: bool,
}

/// The endpoint of the Kubernetes API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiEndpoint {
    /// What the operator's kubectl connects to: an IP address or a DNS name.
    pub address: String,
    /// What agents connect to: the load balancer, the virtual address of two, or an external one.
    pub at: Endpoint,
    /// Extra names and addresses.
    pub names: Vec<String>,
    /// The load balancers; none where it is external, without a shell on it.
    pub members: Vec<Member>,
}

/// Why answers have no topology. Validated answers always have one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    #[error("the answers have no host with the role {0}")]
    NoHost(Role),
    #[error("{0} has no IP address in the cluster's network: set node_ip at this host")]
    NoAddress(String),
}

impl Topology {
    pub fn of(answers: &Answers) -> Result<Self, TopologyError> {
        let members =
            |role| -> Result<Vec<_>, _> { answers.with_role(role).map(Member::of).collect() };
        let some = |role| match members(role) {
            Ok(members) if members.is_empty() => Err(TopologyError::NoHost(role)),
            members => members,
        };
        let (balancer, postgres) = (&answers.load_balancer, &answers.postgres);
        let (address, at, balancers) = if let Some(at) = balancer.external() {
            (at.name.to_string(), at, Vec::new())
        } else {
            let members = some(Role::LoadBalancer)?;
            let shared = balancer.virtual_ip;
            let address = shared.map_or(members[0].address.clone(), |ip| ip.to_string());
            let at = SocketAddr::new(shared.unwrap_or(members[0].ip), balancer.port);
            (address, at.into(), members)
        };
        Ok(Self {
            cluster: answers.cluster.name.clone(),
            datastore: DatastoreEndpoint {
                name: postgres.name.clone(),
                port: postgres.port,
                database: postgres.database.clone(),
                user: postgres.user.clone(),
                members: if postgres.is_external() {
                    Vec::new()
                } else {
                    some(Role::Postgres)?
                },
                monitors: members(Role::Monitor)?,
                external: ExternalPostgres::of(postgres),
            },
            api: ApiEndpoint {
                address,
                at,
                names: balancer.names.clone(),
                members: balancers,
            },
            servers: some(Role::Server)?,
            agents: members(Role::Agent)?,
        })
    }

    /// Server 1: it does what is done once per cluster.
    pub fn server_1(&self) -> &Member {
        &self.servers[0]
    }

    /// The hosts on which K3s runs, servers first.
    pub fn nodes(&self) -> impl Iterator<Item = &Member> {
        self.servers.iter().chain(&self.agents)
    }

    /// The nodes that use the API endpoint: the agents. Without any, server 1 stands for them, although
    /// many load balancers do not connect a server to itself (docs/facts.md, "External load balancers").
    pub fn clients(&self) -> &[Member] {
        if self.agents.is_empty() {
            &self.servers[..1]
        } else {
            &self.agents
        }
    }

    /// The hosts of all parts, in the order of the phases; a host with several roles several times.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        let datastore = self.datastore.members.iter();
        let datastore = datastore.chain(&self.datastore.monitors);
        datastore.chain(&self.api.members).chain(self.nodes())
    }

    /// The nodes that the cluster must have, all of the same version of K3s.
    pub fn expected_nodes(&self, version: &str) -> Vec<ExpectedNode> {
        let expected = |member: &Member| ExpectedNode {
            name: member.name.clone(),
            ip: member.ip.to_string(),
            version: version.to_owned(),
        };
        self.nodes().map(expected).collect()
    }

    /// How many connections each member of the datastore must accept.
    pub fn max_connections(&self) -> usize {
        max_connections(self.servers.len())
    }

    /// Every name and address of the API, each once.
    pub fn server_names(&self) -> Vec<String> {
        let of_endpoint = [self.api.at.name.to_string(), self.api.address.clone()].into_iter();
        let of_members = self.api.members.iter().chain(&self.servers);
        let of_members =
            of_members.flat_map(|member| [member.ip.to_string(), member.address.clone()]);
        let all = of_endpoint.chain(of_members);
        each_once(all.chain(self.api.names.iter().cloned()))
    }
}

/// In the order of their first places.
fn each_once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = Vec::new();
    for name in names {
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen
}

/// Connections of one server to the datastore: twenty at first, up to so many under load (docs/facts.md,
/// "Connections").
pub const UNDER_LOAD: usize = 50;

/// What Postgres must take for this many servers.
pub fn max_connections(servers: usize) -> usize {
    100 + UNDER_LOAD * servers
}

impl Member {
    fn of(host: &Host) -> Result<Self, TopologyError> {
        let ip = host.cluster_ip();
        Ok(Self {
            name: host.name.clone(),
            address: host.address.clone(),
            site: host.site.clone(),
            ip: ip.ok_or_else(|| TopologyError::NoAddress(host.name.clone()))?,
        })
    }

    /// The address of a port of this member.
    pub fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.ip, port)
    }
}

impl DatastoreEndpoint {
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Host and port in a connection string; several members have a name. Of an external Postgres
    /// with several endpoints, all of them.
    pub fn authority(&self) -> String {
        if let Some(external) = &self.external {
            let addresses = external.addresses.iter().map(ToString::to_string);
            return addresses.collect::<Vec<_>>().join(",");
        }
        let host = self.name.clone();
        let host = host.unwrap_or_else(|| in_url(self.members[0].ip));
        format!("{host}:{}", self.port)
    }

    /// A connection string, for a login `USER:PASSWORD` of which both are percent-encoded. Several
    /// endpoints are no authority for every version of Go's URLs (docs/facts.md, "Address").
    pub fn connection_string(&self, login: &str) -> String {
        let database = &self.database;
        let (authority, parameters) = match &self.external {
            Some(external) => external.connection(),
            None => (self.authority(), self.parameters().to_owned()),
        };
        format!("postgres://{login}@{authority}/{database}{parameters}")
    }

    /// Several members: one is the primary.
    pub fn is_pair(&self) -> bool {
        self.members.len() > 1
    }

    /// What a connection string says besides: one name has several members, and only one of
    /// them can be written to (docs/facts.md, "A pair of Postgres hosts").
    pub fn parameters(&self) -> &'static str {
        if self.is_pair() {
            "?target_session_attrs=read-write&connect_timeout=3"
        } else {
            ""
        }
    }

    /// The name that a member's certificate must have.
    pub fn certificate_name(&self, member: &Member) -> String {
        self.name.clone().unwrap_or_else(|| member.ip.to_string())
    }

    /// Every name and address that a member's certificate must be valid for.
    pub fn names(&self, member: &Member) -> Vec<String> {
        let name = self.name.iter().cloned();
        name.chain([member.ip.to_string()]).collect()
    }
}

impl ExternalPostgres {
    fn of(postgres: &Postgres) -> Option<Self> {
        postgres.is_external().then(|| Self {
            addresses: postgres.addresses(),
            sslmode: postgres.sslmode,
            certified: postgres.cert_file.is_some(),
        })
    }

    /// As libpq takes several: the hosts, and their ports, separated by commas.
    pub fn hosts_and_ports(&self) -> (String, String) {
        let all = |part: fn(&Endpoint) -> String| {
            let parts: Vec<_> = self.addresses.iter().map(part).collect();
            parts.join(",")
        };
        (
            all(|address| address.name.to_string()),
            all(|address| address.port.to_string()),
        )
    }

    /// The authority and the parameters of a connection string.
    fn connection(&self) -> (String, String) {
        // Postgres may fail over to another address of a name, and a standby accepts connections, too.
        let mut parameters = "target_session_attrs=read-write&connect_timeout=5".to_owned();
        if self.sslmode == SslMode::VerifyCa {
            parameters = format!("{parameters}&sslmode={}", self.sslmode.as_str());
        }
        if let [only] = &self.addresses[..] {
            return (only.to_string(), format!("?{parameters}"));
        }
        let (hosts, ports) = self.hosts_and_ports();
        (
            String::new(),
            format!("?host={hosts}&port={ports}&{parameters}"),
        )
    }
}

impl ApiEndpoint {
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// Without a shell on it: the wizard sees what it does, not what it is.
    pub fn is_external(&self) -> bool {
        self.members.is_empty()
    }

    /// The address that the load balancers share, if there are two.
    pub fn virtual_ip(&self) -> Option<IpAddr> {
        self.at.name.ip().filter(|_| self.members.len() > 1)
    }

    /// The load balancer besides this one, if there are two.
    pub fn peer_of(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name != name)
    }

    /// The URL for the operator's kubectl.
    pub fn url(&self) -> String {
        let host = self
            .address
            .parse()
            .map_or_else(|_| self.address.clone(), in_url);
        format!("https://{host}:{}", self.at.port)
    }

    /// The URL that agents join.
    pub fn join_url(&self) -> String {
        format!("https://{}", self.at)
    }
}

/// An address in a URL.
pub fn in_url(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lab() -> Answers {
        Answers::from_toml(include_str!("../../tests/lab/answers.toml")).unwrap()
    }

    #[test]
    fn the_hosts_of_the_lab_are_in_their_places() {
        let topology = Topology::of(&lab()).unwrap();
        let names = |members: &[Member]| {
            let names = members.iter().map(|member| member.name.clone());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(&topology.datastore.members), "k3s-postgres");
        assert_eq!(names(&topology.api.members), "k3s-nginx");
        assert_eq!(names(&topology.servers), "k3s-server-1 k3s-server-2");
        assert_eq!(names(&topology.agents), "k3s-agent");
        assert_eq!(topology.api.url(), "https://198.51.100.14:6443");
        assert_eq!(topology.api.join_url(), topology.api.url());
        let authority = topology.datastore.authority();
        assert_eq!(authority, "postgres.lab.internal:5432");
        assert_eq!(topology.max_connections(), 200);
    }

    #[test]
    fn a_name_for_people_stays_and_nodes_get_addresses() {
        let mut answers = lab();
        answers.postgres.name = None;
        for host in &mut answers.hosts {
            match host.role() {
                Role::LoadBalancer => {
                    host.address = "k3s.example".into();
                    host.node_ip = Some("2001:db8::14".parse().unwrap());
                }
                Role::Postgres => host.node_ip = Some("2001:db8::11".parse().unwrap()),
                Role::Server | Role::Agent | Role::Monitor => {}
            }
        }
        let topology = Topology::of(&answers).unwrap();
        assert_eq!(topology.api.url(), "https://k3s.example:6443");
        assert_eq!(topology.api.join_url(), "https://[2001:db8::14]:6443");
        assert_eq!(topology.datastore.authority(), "[2001:db8::11]:5432");
        let postgres = &topology.datastore.members[0];
        assert_eq!(
            topology.datastore.certificate_name(postgres),
            "2001:db8::11"
        );
        assert_eq!(
            topology.server_names()[..2],
            ["2001:db8::14", "k3s.example"]
        );
    }

    #[test]
    fn the_endpoint_of_two_load_balancers_is_their_virtual_address() {
        let mut answers = lab();
        let second = Host::new("k3s-nginx-2", Role::LoadBalancer, "198.51.100.124");
        answers.hosts.push(second);
        for (virtual_ip, url) in [
            ("198.51.100.130", "https://198.51.100.130:6443"),
            ("2001:db8::130", "https://[2001:db8::130]:6443"),
        ] {
            answers.load_balancer.virtual_ip = Some(virtual_ip.parse().unwrap());
            let topology = Topology::of(&answers).unwrap();
            assert_eq!(topology.api.url(), url);
            assert_eq!(topology.api.join_url(), url);
            assert_eq!(
                topology.server_names()[..3],
                [virtual_ip, "198.51.100.14", "198.51.100.124"]
            );
            let peer = topology.api.peer_of("k3s-nginx").unwrap();
            assert_eq!(peer.name, "k3s-nginx-2");
        }
        assert_eq!(Topology::of(&lab()).unwrap().api.virtual_ip(), None);
    }

    #[test]
    fn an_external_load_balancer_is_no_host() {
        let mut answers = lab();
        answers
            .hosts
            .retain(|host| host.role() != Role::LoadBalancer);
        answers.load_balancer.endpoint = Some("lb.example".into());
        let topology = Topology::of(&answers).unwrap();
        assert!(topology.api.is_external());
        assert_eq!(topology.api.virtual_ip(), None);
        assert_eq!(topology.api.url(), "https://lb.example:6443");
        assert_eq!(topology.api.join_url(), topology.api.url());
        let names = topology.server_names();
        assert_eq!(names[..2], ["lb.example", "198.51.100.12"]);
        assert_eq!(topology.clients()[0].name, "k3s-agent");
        answers.load_balancer.endpoint = Some("[2001:db8::4]:443".into());
        answers.hosts.retain(|host| host.role() != Role::Agent);
        let topology = Topology::of(&answers).unwrap();
        assert_eq!(topology.api.join_url(), "https://[2001:db8::4]:443");
        assert_eq!(topology.server_names()[0], "2001:db8::4");
        assert_eq!(topology.clients()[0].name, "k3s-server-1");
    }

    #[test]
    fn an_external_postgres_has_endpoints_and_no_members() {
        let mut answers = lab();
        answers.hosts.retain(|host| host.role() != Role::Postgres);
        answers.postgres.name = None;
        let mut told = |endpoints: &[&str], sslmode| {
            answers.postgres.endpoints = endpoints.iter().map(|it| (*it).to_owned()).collect();
            answers.postgres.sslmode = sslmode;
            let datastore = Topology::of(&answers).unwrap().datastore;
            assert_eq!(datastore.members, []);
            datastore.connection_string("k3s:p%40")
        };
        assert_eq!(
            told(&["[2001:db8::1]:5432"], SslMode::VerifyFull),
            "postgres://k3s:p%40@[2001:db8::1]:5432/k3s?target_session_attrs=read-write\
             &connect_timeout=5"
        );
        assert_eq!(
            told(&["a.example:5432", "[2001:db8::1]:6000"], SslMode::VerifyCa),
            "postgres://k3s:p%40@/k3s?host=a.example,2001:db8::1&port=5432,6000\
             &target_session_attrs=read-write&connect_timeout=5&sslmode=verify-ca"
        );
    }

    #[test]
    fn a_role_or_an_address_that_is_missing_is_named() {
        let mut answers = lab();
        answers.hosts[1].address = "server-1.example".into();
        let missing = TopologyError::NoAddress("k3s-server-1".into());
        assert_eq!(Topology::of(&answers), Err(missing));
        answers.hosts.retain(|host| host.role() != Role::Server);
        let missing = TopologyError::NoHost(Role::Server);
        assert_eq!(Topology::of(&answers), Err(missing));
    }
}
