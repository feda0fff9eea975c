//! What survives the loss of which machine, and of which site, in words: a pure function of the
//! topology.

use std::collections::BTreeSet;

use super::{Member, Topology};

/// How a part of the cluster gets over a loss. The later ones are worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survival {
    /// The loss does not touch it.
    GoesOn,
    /// It recovers without an operator.
    ByItself,
    /// An operator must act.
    ByHand,
    /// Not before the machine is back.
    Stops,
}

impl Survival {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GoesOn => "unaffected",
            Self::ByItself => "automatic",
            Self::ByHand => "manual",
            Self::Stops => "down",
        }
    }
}

/// What the loss of a machine means, or of any one of several that are alike, or of a site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// `k3s-server-1 or k3s-server-2`, `site east`
    pub of: String,
    /// kubectl at the cluster's API endpoint.
    pub api: Survival,
    /// What ran on the lost machine.
    pub workloads: Survival,
    /// A new node can join.
    pub joins: Survival,
    /// What the cluster stores can be changed.
    pub writes: Survival,
    /// Why, in sentences.
    pub why: String,
}

impl Loss {
    /// In the order of [`PARTS`].
    pub fn parts(&self) -> [Survival; 4] {
        [self.api, self.workloads, self.joins, self.writes]
    }

    /// No part waits for an operator or for the machine.
    fn is_survived(&self) -> bool {
        self.parts()
            .into_iter()
            .all(|part| part <= Survival::ByItself)
    }
}

/// The parts of a cluster that a loss is judged by.
pub const PARTS: [&str; 4] = ["API", "WORKLOADS", "JOINS", "WRITES"];
/// What the words of the table mean.
pub const LEGEND: &str = "WORKLOADS: pods on the lost machine or site. JOINS: adding nodes. WRITES: changes to \
                          cluster data. unaffected: keeps running. automatic: recovers without an operator, in \
                          seconds (pods of a lost node in about 6 min). manual: an operator must act. down: \
                          until the machine is back.";

impl Topology {
    /// What the loss of each machine means, of each site where there are several, and of an external
    /// load balancer.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = self.losses_of_hosts();
        losses.extend(self.api.is_external().then(|| Loss {
            of: format!("{} (external)", self.api.at),
            api: Survival::ByHand,
            workloads: Survival::GoesOn,
            joins: Survival::Stops,
            writes: Survival::ByHand,
            why: format!("{NO_ENDPOINT} Its availability is up to its operator."),
        }));
        losses
    }

    fn losses_of_hosts(&self) -> Vec<Loss> {
        let mut losses: Vec<(Vec<&str>, Loss)> = Vec::new();
        for machine in self.machines() {
            let loss = self.loss(&BTreeSet::from([machine]), machine.to_owned());
            let is_alike = |other: &&mut (Vec<&str>, Loss)| {
                other.1.parts() == loss.parts() && other.1.why == loss.why
            };
            match losses.iter_mut().find(is_alike) {
                Some((names, _)) => names.push(machine),
                None => losses.push((vec![machine], loss)),
            }
        }
        let machines = losses.into_iter().map(|(names, loss)| Loss {
            of: any_of(&names),
            ..loss
        });
        let sites = self.sites();
        let sites = sites.iter().filter(|_| sites.len() > 1);
        let sites = sites.map(|site| self.loss(&self.at_site(site), format!("site {site}")));
        machines.chain(sites).collect()
    }

    /// The losses in a sentence.
    pub fn survival(&self) -> String {
        let losses = self.losses_of_hosts();
        let lost = losses.iter().filter(|loss| !loss.is_survived());
        let lost: Vec<_> = lost.map(|loss| loss.of.as_str()).collect();
        let survived = match &lost[..] {
            [] => ANY_MACHINE.to_owned(),
            lost => format!(
                "The cluster does not survive the loss of {} without an operator.",
                any_of(lost)
            ),
        };
        let external = [
            self.datastore.external.as_ref().map(|_| EXTERNAL),
            self.api.is_external().then_some(EXTERNAL_BALANCER),
        ];
        let external = external.into_iter().flatten();
        external.fold(survived, |survived, more| format!("{survived} {more}"))
    }

    /// What could be better, a sentence each.
    pub fn advice(&self) -> Vec<String> {
        let mut advice = Vec::new();
        if self.is_a_case_for_etcd() {
            advice.push(ETCD.to_owned());
        }
        if self.datastore.members.len() == 1 {
            advice.push(SECOND_POSTGRES.to_owned());
        }
        if self.api.members.len() == 1 {
            advice.push(SECOND_BALANCER.to_owned());
        }
        if self.api.is_external() {
            advice.push(format!(
                "The wizard has no shell on the load balancer at {}: it tests every server through it, \
                 but does not see its configuration, its health checks, its log, or whether it is more \
                 than one machine{}.",
                self.api.at,
                if self.has_sites() { ", and in which site" } else { "" }
            ));
        }
        if self.servers.len() == 1 {
            advice.push(SECOND_SERVER.to_owned());
        }
        advice.extend(self.place_of_monitor());
        if sites_of(&self.api.members).len() > 1 {
            advice.push(ADDRESS_OF_SITES.to_owned());
        }
        advice
    }

    /// Every machine once, in the order of the phases.
    fn machines(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let names = self.members().map(|member| member.name.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    }

    pub(super) fn has_sites(&self) -> bool {
        self.sites().len() > 1
    }

    fn sites(&self) -> Vec<&str> {
        sites_of(self.members()).into_iter().collect()
    }

    fn at_site(&self, site: &str) -> BTreeSet<&str> {
        let there = self.members();
        let there = there.filter(|member| member.site.as_deref() == Some(site));
        there.map(|member| member.name.as_str()).collect()
    }

    fn loss(&self, lost: &BTreeSet<&str>, of: String) -> Loss {
        let datastore = self.of_datastore(lost);
        let servers = of_several(&self.servers, lost);
        let endpoint = of_several(&self.api.members, lost);
        let control = datastore.max(servers);
        // Without a load balancer, an operator uses the address of a server.
        let reached = endpoint.min(Survival::ByHand);
        let nodes: Vec<_> = self.nodes().cloned().collect();
        let workloads = match of_several(&nodes, lost) {
            Survival::GoesOn => Survival::GoesOn,
            nodes => nodes.max(control),
        };
        Loss {
            of,
            api: control.max(reached),
            workloads,
            joins: control.max(endpoint),
            writes: control.max(reached),
            why: self.why(lost).join(" "),
        }
    }

    /// Two members need their monitor to get over the loss of one of them: alone, the one that is left
    /// may not acknowledge writes (docs/facts.md, "A pair of Postgres hosts").
    fn of_datastore(&self, lost: &BTreeSet<&str>) -> Survival {
        let members = of_several(&self.datastore.members, lost);
        let monitors = of_several(&self.datastore.monitors, lost);
        match (members, monitors) {
            (Survival::ByItself, Survival::Stops) => Survival::Stops,
            (members, _) => members,
        }
    }

    fn why(&self, lost: &BTreeSet<&str>) -> Vec<&'static str> {
        use Survival::{ByHand, ByItself, GoesOn, Stops};
        let members = of_several(&self.datastore.members, lost);
        let monitor = of_several(&self.datastore.monitors, lost);
        let datastore = match (members, monitor) {
            (ByItself | ByHand, GoesOn) => {
                "The other Postgres takes over in about 10 to 15 s (in about 9 s with failover = \"fast\")."
            }
            (ByItself | ByHand, _) => {
                "The remaining Postgres stops accepting writes: with the monitor and the other Postgres lost, it \
                 must not acknowledge them."
            }
            (Stops, _) => {
                "No Postgres is left: running pods keep running, but nothing can be changed."
            }
            (GoesOn, GoesOn) => "",
            (GoesOn, _) => "The standby does not take over while the monitor is lost.",
        };
        let endpoint = match of_several(&self.api.members, lost) {
            ByItself => "The other load balancer takes over the address in 1 to 4 s.",
            Stops => NO_ENDPOINT,
            GoesOn | ByHand => "",
        };
        let is_stopped = self.of_datastore(lost) == Stops;
        let servers = match of_several(&self.servers, lost) {
            ByItself if is_stopped => "",
            ByItself => "The other servers keep running.",
            Stops => "No server is left: pods on agents keep running.",
            GoesOn | ByHand => "",
        };
        let agents = self.agents.iter();
        let agents = match agents.filter(|agent| is_lost(agent, lost)).count() {
            0 => "",
            _ if is_stopped || of_several(&self.servers, lost) == Stops => {
                "Its pods do not start elsewhere."
            }
            _ => "Its pods start on other nodes, if there is room.",
        };
        let why = [datastore, endpoint, servers, agents];
        why.into_iter().filter(|why| !why.is_empty()).collect()
    }

    /// Three voters in one site, and a Postgres that is no more available than they are.
    fn is_a_case_for_etcd(&self) -> bool {
        self.servers.len() >= 3 && self.datastore.members.len() == 1 && self.sites().len() < 2
    }

    /// Where the monitor must be, in a cluster of several sites.
    fn place_of_monitor(&self) -> Option<String> {
        let monitor = self.datastore.monitors.first()?.site.as_deref()?;
        if self.sites().len() < 2 {
            return None;
        }
        let members = sites_of(&self.datastore.members);
        Some(match (members.len(), members.contains(monitor)) {
            (1, _) => format!(
                "Both Postgres hosts are in site {}: the cluster does not survive its loss. Put one of them in \
                 another site.",
                members.first()?
            ),
            (_, true) => format!(
                "The monitor is in site {monitor}, with one Postgres: the cluster survives the loss of the \
                 other site, but not of {monitor}. With the monitor on a small machine in a third site, it \
                 survives the loss of either."
            ),
            (_, false) => format!(
                "The monitor is in site {monitor}, without a Postgres: the cluster survives the loss of either \
                 site that has a Postgres."
            ),
        })
    }
}

const ETCD: &str = "With three servers in one site and one Postgres, embedded etcd (part of K3s) would be \
                    simpler, and would survive the loss of any one server. This wizard does not install it. \
                    Postgres pays off with two sites or with two servers.";
const ANY_MACHINE: &str = "The cluster survives the loss of any one machine without an operator.";
const EXTERNAL: &str = "The external Postgres is not one of these machines: its availability is up to its operator. While \
     it does not answer, workloads keep running, and nothing can be changed.";
const EXTERNAL_BALANCER: &str =
    "The load balancer is external: its availability is up to its operator.";
const NO_ENDPOINT: &str = "kubectl needs the address of a server, and no node can join.";
const SECOND_POSTGRES: &str = "With a second Postgres host and a monitor (which may be on a load balancer), the cluster survives the \
     loss of either Postgres.";
const SECOND_BALANCER: &str =
    "With a second load balancer and a virtual address, the cluster survives the loss of either.";
const ADDRESS_OF_SITES: &str = "The load balancers are in several sites: the virtual address moves between \
                                them only if the sites share a network.";
const SECOND_SERVER: &str = "With a second server, the cluster survives the loss of either.";

fn is_lost(member: &Member, lost: &BTreeSet<&str>) -> bool {
    lost.contains(member.name.as_str())
}

fn sites_of<'a>(members: impl IntoIterator<Item = &'a Member>) -> BTreeSet<&'a str> {
    let members = members.into_iter();
    members
        .filter_map(|member| member.site.as_deref())
        .collect()
}

/// How members that can do each other's work get over a loss among them.
fn of_several(members: &[Member], lost: &BTreeSet<&str>) -> Survival {
    let gone = members
        .iter()
        .filter(|member| is_lost(member, lost))
        .count();
    match gone {
        0 => Survival::GoesOn,
        gone if gone < members.len() => Survival::ByItself,
        _ => Survival::Stops,
    }
}

/// `a`, `a or b`, `a, b or c`.
fn any_of(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Answers, Host, Role};

    /// Hosts as `name roles [site]`, a line each; the answers need not be valid.
    fn told(hosts: &str) -> String {
        let mut answers = Answers::default();
        answers.load_balancer.virtual_ip = "10.0.0.200".parse().ok();
        if !hosts.contains("load-balancer") {
            answers.load_balancer.endpoint = Some("lb.example".into());
        }
        for (number, line) in hosts.lines().map(str::trim).enumerate() {
            let words: Vec<_> = line.split(' ').collect();
            let roles = words[1].split('+').map(|role| Role::named(role).unwrap());
            answers.hosts.push(Host {
                roles: roles.collect(),
                site: words.get(2).map(|site| (*site).to_owned()),
                ..Host::new(words[0], Role::Agent, format!("10.0.0.{}", number + 1))
            });
        }
        told_of(&answers)
    }

    fn told_of(answers: &Answers) -> String {
        let topology = Topology::of(answers).unwrap();
        let rows = topology.losses().into_iter().map(|loss| {
            let parts = PARTS.iter().zip(loss.parts());
            let parts = parts.map(|(part, how)| format!("{part} {}", how.as_str()));
            let parts: Vec<_> = parts.collect();
            format!("{}: {}\n    {}", loss.of, parts.join(", "), loss.why)
        });
        let rest = std::iter::once(topology.survival()).chain(topology.advice());
        rows.chain(rest).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn five_hosts() {
        insta::assert_snapshot!(told(
            "db postgres\ns1 server\ns2 server\nlb load-balancer\na1 agent"
        ));
    }

    #[test]
    fn an_external_postgres_is_its_operators() {
        let mut answers = Answers::default();
        answers.postgres.endpoints = vec!["db.example:5432".into()];
        for (name, role) in [
            ("s1", Role::Server),
            ("s2", Role::Server),
            ("s3", Role::Server),
            ("lb", Role::LoadBalancer),
        ] {
            let address = format!("10.0.0.{}", answers.hosts.len() + 1);
            answers.hosts.push(Host::new(name, role, address));
        }
        let drawing = Topology::of(&answers).unwrap().drawing().join("\n");
        insta::assert_snapshot!(format!("{drawing}\n\n{}", told_of(&answers)));
    }

    #[test]
    fn one_server_and_three() {
        let one = told("db postgres\ns1 server\nlb load-balancer\na1 agent");
        let three = told("db postgres\ns1 server\ns2 server\ns3 server\nlb load-balancer");
        insta::assert_snapshot!([one, three].join("\n\n"));
    }

    #[test]
    fn two_of_some() {
        let balancers = told(
            "db postgres\ns1 server\ns2 server\nlb1 load-balancer\nlb2 load-balancer\na1 agent",
        );
        let monitor_on_balancer = told(
            "db1 postgres\ndb2 postgres\ns1 server\ns2 server\nlb load-balancer+monitor\na1 agent",
        );
        let own_monitor = told(
            "db1 postgres\ndb2 postgres\nm monitor\ns1 server\ns2 server\nlb load-balancer\na1 agent",
        );
        insta::assert_snapshot!([balancers, monitor_on_balancer, own_monitor].join("\n\n"));
    }

    #[test]
    fn two_of_all_survive_any_loss() {
        insta::assert_snapshot!(told(
            "db1 postgres\ndb2 postgres\ns1 server\ns2 server\nlb1 load-balancer+monitor\n\
             lb2 load-balancer\na1 agent\na2 agent"
        ));
    }

    #[test]
    fn an_external_load_balancer_is_up_to_its_operator() {
        let one_site =
            "db1 postgres\ndb2 postgres\nm monitor\ns1 server\ns2 server\na1 agent\na2 agent";
        let two_sites = "db1 postgres east\ndb2 postgres west\nm monitor north\ns1 server east\n\
                         s2 server west\na1 agent east\na2 agent west";
        insta::assert_snapshot!([told(one_site), told(two_sites)].join("\n\n"));
    }

    #[test]
    fn agents_that_have_other_roles() {
        insta::assert_snapshot!(told(
            "db1 postgres+agent\ndb2 postgres+agent\ns1 server\ns2 server\n\
             lb load-balancer+monitor+agent"
        ));
    }

    #[test]
    fn two_sites() {
        let sites = |monitor: &str| {
            told(&format!(
                "db1 postgres east\ndb2 postgres west\ns1 server east\ns2 server west\n\
                 lb1 load-balancer east\nlb2 load-balancer west\na1 agent east\na2 agent west\n\
                 m monitor {monitor}"
            ))
        };
        let one_site = told(
            "db1 postgres east\ndb2 postgres east\ns1 server east\ns2 server west\n\
             lb1 load-balancer+monitor east\nlb2 load-balancer west",
        );
        insta::assert_snapshot!([sites("west"), sites("north"), one_site].join("\n\n"));
    }
}
