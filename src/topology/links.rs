//! Who must reach whom.

use std::net::IpAddr;

use super::{Member, Topology};
use crate::address::Endpoint;

/// The port of the Kubernetes API on every server.
pub const API: u16 = 6443;
/// The kubelet listens on it, on all addresses of its node.
pub const KUBELET: u16 = 10250;
/// The monitor of a pair of Postgres hosts listens on it: its host may have a Postgres besides.
pub const MONITOR: u16 = 5433;
/// The target of a link to an external load balancer: no host has such a name.
pub const EXTERNAL_BALANCER: &str = "the load balancer";
/// How many other agents an agent tests: with a hundred, not all need to.
const NEIGHBOURS: usize = 8;

/// A host that must reach another one over TCP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub from: String,
    /// A host, or [`EXTERNAL_BALANCER`].
    pub to: String,
    /// The other one's address in the cluster's network.
    pub at: Endpoint,
}

/// What the firewall of a host must allow from another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedPeer {
    pub from: IpAddr,
    pub port: AllowedPort,
}

/// A port; or VRRP (IP protocol 112), which has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllowedPort {
    Udp(u16),
    Tcp(u16),
    Vrrp,
}

impl AllowedPort {
    /// Without one for VRRP.
    pub fn number(self) -> Option<u16> {
        match self {
            Self::Udp(port) | Self::Tcp(port) => Some(port),
            Self::Vrrp => None,
        }
    }

    pub fn protocol(self) -> &'static str {
        match self {
            Self::Udp(_) => "udp",
            Self::Tcp(_) => "tcp",
            Self::Vrrp => "vrrp",
        }
    }
}

/// All that the firewall of a host must allow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Openings {
    pub peers: Vec<AllowedPeer>,
    /// The networks of pods and services, as in `10.42.0.0/16`; empty where K3s does not run.
    pub networks: Vec<String>,
}

impl Topology {
    /// The links that the cluster needs (docs/facts.md, "Ports"), by the host that tries them.
    pub fn links(&self) -> Vec<Link> {
        self.links_of(NEIGHBOURS, None)
    }

    /// What the firewall of a host must allow: the links from every other host, and the pod
    /// network. `settings`: K3s's own of the servers.
    pub fn openings(&self, host: &str, settings: &toml::Table) -> Openings {
        let member = |name: &str| {
            let hosts = self.nodes().chain(&self.api.members);
            let hosts = hosts.chain(&self.datastore.members);
            let mut hosts = hosts.chain(&self.datastore.monitors);
            hosts.find(|member| member.name == name)
        };
        let links = self.links_of(usize::MAX, Some(host)).into_iter();
        let mut peers: Vec<_> = links
            .filter_map(|link| {
                Some(AllowedPeer {
                    from: member(&link.from)?.ip,
                    port: AllowedPort::Tcp(link.at.port),
                })
            })
            .collect();
        let is_balancer = self.api.member(host).is_some();
        let vrrp = self.api.peer_of(host).filter(|_| is_balancer);
        let vrrp = vrrp.map(|peer| AllowedPeer {
            from: peer.ip,
            port: AllowedPort::Vrrp,
        });
        let is_node = self.nodes().any(|node| node.name == host);
        if is_node {
            let others = self.nodes().filter(|node| node.name != host);
            peers.extend(others.flat_map(|node| {
                let from = node.ip;
                tunnel(settings).iter().map(move |port| AllowedPeer {
                    from,
                    port: AllowedPort::Udp(*port),
                })
            }));
        }
        peers.sort_by_key(|peer| (peer.from, peer.port.number(), peer.port.protocol()));
        peers.dedup();
        peers.extend(vrrp);
        let networks = NETWORKS.into_iter().filter(|_| is_node);
        let networks = networks.flat_map(|(key, default)| networks_of(settings, key, default));
        Openings {
            peers,
            networks: networks.collect(),
        }
    }

    /// The links, where an agent tries so many others; of all hosts, or only those to one.
    fn links_of(&self, neighbours: usize, to_host: Option<&str>) -> Vec<Link> {
        let mut links = Vec::new();
        let mut add = |from: &Member, to: &Member, port: u16| {
            if from.name != to.name && to_host.is_none_or(|host| host == to.name) {
                links.push(Link {
                    from: from.name.clone(),
                    to: to.name.clone(),
                    at: to.at(port).into(),
                });
            }
        };
        for server in &self.servers {
            for member in &self.datastore.members {
                add(server, member, self.datastore.port);
            }
            // Pods reach the API by the servers' addresses.
            for other in &self.servers {
                add(server, other, API);
            }
            for node in self.nodes() {
                add(server, node, KUBELET);
            }
        }
        let datastore = &self.datastore;
        for member in &datastore.members {
            for other in &datastore.members {
                add(member, other, datastore.port);
            }
            for monitor in &datastore.monitors {
                add(member, monitor, MONITOR);
                add(monitor, member, datastore.port);
            }
        }
        for balancer in &self.api.members {
            for server in &self.servers {
                add(balancer, server, API);
            }
            for agent in &self.agents {
                add(agent, balancer, self.api.at.port);
            }
        }
        if self.api.virtual_ip().is_some() {
            // Each asks the other whether it is better off, and a server sees the address move.
            for balancer in &self.api.members {
                for other in self.api.members.iter().chain([self.server_1()]) {
                    add(other, balancer, self.api.at.port);
                }
            }
        }
        for (number, agent) in self.agents.iter().enumerate() {
            for server in &self.servers {
                add(agent, server, API);
                add(agent, server, KUBELET);
            }
            let after = self.agents.iter().cycle().skip(number + 1);
            for other in after.take(neighbours.min(self.agents.len() - 1)) {
                add(agent, other, KUBELET);
            }
        }
        if self.api.is_external() && to_host.is_none() {
            links.extend(self.clients().iter().map(|client| Link {
                from: client.name.clone(),
                to: EXTERNAL_BALANCER.to_owned(),
                at: self.api.at.clone(),
            }));
        }
        links
    }

    /// The other nodes that a node tests: those whose kubelets must have a link.
    pub fn neighbours(&self, node: &str) -> Vec<&Member> {
        let links = self.links().into_iter();
        let own = links.filter(|link| link.from == node && link.at.port == KUBELET);
        own.filter_map(|link| self.nodes().find(|member| member.name == link.to))
            .collect()
    }
}

/// The settings of the networks of pods and services, and their defaults (docs/facts.md, "Pod
/// network").
pub(super) const NETWORKS: [(&str, &str); 2] = [
    ("cluster-cidr", "10.42.0.0/16"),
    ("service-cidr", "10.43.0.0/16"),
];

/// The UDP ports of the pod network's tunnel (docs/facts.md, "Ports").
fn tunnel(settings: &toml::Table) -> &'static [u16] {
    let backend = settings
        .get("flannel-backend")
        .and_then(toml::Value::as_str);
    match backend {
        None | Some("vxlan") => &[8472],
        Some("wireguard-native") => &[51820, 51821],
        _ => &[],
    }
}

/// What a setting names: a list, or a text with commas.
pub(super) fn named_by<'a>(
    settings: &'a toml::Table,
    key: &str,
    default: &'a str,
) -> impl Iterator<Item = &'a str> {
    let texts: Vec<&str> = match settings.get(key) {
        None => vec![default],
        Some(toml::Value::Array(list)) => list.iter().filter_map(toml::Value::as_str).collect(),
        Some(value) => value.as_str().into_iter().collect(),
    };
    let each = texts.into_iter().flat_map(|text| text.split(','));
    each.map(str::trim)
}

/// The networks that a setting names.
fn networks_of(settings: &toml::Table, key: &str, default: &str) -> Vec<String> {
    let is_network = |text: &&str| {
        text.split_once('/').is_some_and(|(ip, length)| {
            ip.parse::<IpAddr>().is_ok() && length.parse::<u8>().is_ok_and(|bits| bits <= 128)
        })
    };
    let networks = named_by(settings, key, default).filter(is_network);
    networks.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Answers, Host, Role};

    fn lab() -> Answers {
        Answers::from_toml(include_str!("../../tests/lab/answers.toml")).unwrap()
    }

    #[test]
    fn the_links_of_the_lab() {
        let links = Topology::of(&lab()).unwrap().links();
        let told: Vec<_> = links
            .iter()
            .map(|link| format!("{} -> {} {}", link.from, link.to, link.at))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn of_many_agents_each_tries_a_few_and_is_tried_by_as_many() {
        let mut answers = lab();
        for number in 2..=100 {
            let address = format!("192.0.2.{number}");
            let host = Host::new(format!("agent-{number}"), Role::Agent, address);
            answers.hosts.push(host);
        }
        let topology = Topology::of(&answers).unwrap();
        let links = topology.links();
        let agents = &topology.agents;
        for agent in agents {
            let is_agent = |name: &str| agents.iter().any(|agent| agent.name == name);
            let out = links
                .iter()
                .filter(|link| link.from == agent.name && is_agent(&link.to));
            let back = links
                .iter()
                .filter(|link| link.to == agent.name && is_agent(&link.from));
            assert_eq!((out.count(), back.count()), (NEIGHBOURS, NEIGHBOURS));
        }
        let mut once = links.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), links.len());
    }

    fn told(openings: &Openings) -> Vec<String> {
        let peers = openings.peers.iter();
        let peers = peers.map(|peer| match peer.port.number() {
            Some(port) => format!("{} {port}/{}", peer.from, peer.port.protocol()),
            None => format!("{} {}", peer.from, peer.port.protocol()),
        });
        peers.chain(openings.networks.iter().cloned()).collect()
    }

    #[test]
    fn a_firewall_allows_the_links_and_nothing_else() {
        let topology = Topology::of(&lab()).unwrap();
        let mut settings = toml::Table::new();
        let of = |host: &str, settings: &toml::Table| told(&topology.openings(host, settings));
        let servers = ["198.51.100.12 5432/tcp", "198.51.100.13 5432/tcp"];
        assert_eq!(of("k3s-postgres", &settings), servers);
        assert_eq!(of("k3s-nginx", &settings), ["198.51.100.15 6443/tcp"]);
        let agent = [
            "198.51.100.12 8472/udp",
            "198.51.100.12 10250/tcp",
            "198.51.100.13 8472/udp",
            "198.51.100.13 10250/tcp",
            "10.42.0.0/16",
            "10.43.0.0/16",
        ];
        assert_eq!(of("k3s-agent", &settings), agent);
        settings.insert("flannel-backend".into(), "host-gw".into());
        settings.insert("cluster-cidr".into(), "10.1.0.0/16, fd00:1::/56".into());
        settings.insert("service-cidr".into(), "$(reboot)/8".into());
        let agent = [
            "198.51.100.12 10250/tcp",
            "198.51.100.13 10250/tcp",
            "10.1.0.0/16",
            "fd00:1::/56",
        ];
        assert_eq!(of("k3s-agent", &settings), agent);
    }

    #[test]
    fn load_balancers_hear_each_other() {
        let mut answers = lab();
        let second = Host::new("k3s-nginx-2", Role::LoadBalancer, "198.51.100.124");
        answers.hosts.push(second);
        answers.load_balancer.virtual_ip = "198.51.100.130".parse().ok();
        let topology = Topology::of(&answers).unwrap();
        let of = |host: &str| topology.openings(host, &toml::Table::new());
        let first = [
            "198.51.100.12 6443/tcp",
            "198.51.100.15 6443/tcp",
            "198.51.100.124 6443/tcp",
            "198.51.100.124 vrrp",
        ];
        assert_eq!(told(&of("k3s-nginx")), first);
        let hears = |host: &str| {
            let heard = of(host).peers.into_iter();
            let heard = heard.filter(|peer| peer.port == AllowedPort::Vrrp);
            heard.map(|peer| peer.from.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(hears("k3s-nginx-2"), ["198.51.100.14"]);
        assert_eq!(hears("k3s-agent"), Vec::<String>::new());
    }

    #[test]
    fn agents_reach_an_external_load_balancer_which_reaches_the_servers_by_itself() {
        let mut answers = lab();
        answers.hosts.retain(|host| host.name != "k3s-nginx");
        answers.load_balancer.endpoint = Some("lb.example:443".into());
        let topology = Topology::of(&answers).unwrap();
        let links = topology.links().into_iter();
        let to_it = links.filter(|link| link.to == EXTERNAL_BALANCER);
        let to_it: Vec<_> = to_it
            .map(|link| format!("{} {}", link.from, link.at))
            .collect();
        assert_eq!(to_it, ["k3s-agent lb.example:443"]);
        // Its own addresses are known to its operator alone.
        let server = told(&topology.openings("k3s-server-2", &toml::Table::new()));
        let api = server.iter().filter(|peer| peer.ends_with(" 6443/tcp"));
        let api: Vec<_> = api.collect();
        assert_eq!(api, ["198.51.100.12 6443/tcp", "198.51.100.15 6443/tcp"]);
    }

    /// Not only those that are tried: pods of any node may ask any kubelet.
    #[test]
    fn of_many_agents_all_may_reach_all() {
        let mut answers = lab();
        for number in 2..=20 {
            let address = format!("192.0.2.{number}");
            let host = Host::new(format!("agent-{number}"), Role::Agent, address);
            answers.hosts.push(host);
        }
        let topology = Topology::of(&answers).unwrap();
        let openings = topology.openings("agent-2", &toml::Table::new());
        let kubelet = openings
            .peers
            .iter()
            .filter(|peer| peer.port == AllowedPort::Tcp(KUBELET));
        assert_eq!(kubelet.count(), 21);
    }
}
