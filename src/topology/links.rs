//! Who must reach whom over TCP.

use std::net::SocketAddr;

use super::{Member, Topology};

/// The port of the Kubernetes API on every server.
pub const API: u16 = 6443;
/// The kubelet listens on it, on all addresses of its node.
pub const KUBELET: u16 = 10250;
/// How many other agents an agent tests: with a hundred, not all need to.
const NEIGHBOURS: usize = 8;

/// A host that must reach another one over TCP.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    pub from: String,
    pub to: String,
    /// The other one's address in the cluster's network.
    pub at: SocketAddr,
}

impl Topology {
    /// The links that the cluster needs (docs/facts.md, "Ports"), by the host that tries them.
    pub fn links(&self) -> Vec<Link> {
        let mut links = Vec::new();
        let mut add = |from: &Member, to: &Member, port: u16| {
            if from.name != to.name {
                links.push(Link {
                    from: from.name.clone(),
                    to: to.name.clone(),
                    at: to.at(port),
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
        for balancer in &self.api.members {
            for server in &self.servers {
                add(balancer, server, API);
            }
            for agent in &self.agents {
                add(agent, balancer, self.api.port);
            }
        }
        for (number, agent) in self.agents.iter().enumerate() {
            for server in &self.servers {
                add(agent, server, API);
                add(agent, server, KUBELET);
            }
            let after = self.agents.iter().cycle().skip(number + 1);
            for other in after.take(NEIGHBOURS.min(self.agents.len() - 1)) {
                add(agent, other, KUBELET);
            }
        }
        links
    }

    /// The other nodes that a node tests: those whose kubelets must have a link.
    pub fn neighbours(&self, node: &str) -> Vec<&Member> {
        let links = self.links().into_iter();
        let own = links.filter(|link| link.from == node && link.at.port() == KUBELET);
        own.filter_map(|link| self.nodes().find(|member| member.name == link.to))
            .collect()
    }
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
}
