//! The differences between the applied state of a cluster and the answers, and how each is handled.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::answers::{Answers, Host, Postgres, Role};
use crate::secrets::Secrets;
use crate::topology::{Replacement, Topology};

/// A difference between the answers and the applied state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `k3s.version: v1.36.2+k3s1, now v1.37.0+k3s1`
    pub what: String,
    pub how: Handling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handling {
    /// No service of the cluster is restarted.
    InPlace,
    /// The affected nodes are restarted, one at a time.
    Rolling,
    /// `install` refuses it.
    Refused(Advice),
}

/// What to do about a refused change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Advice {
    /// How it is made by hand. Then there is something to accept.
    ByHand(&'static str),
    /// What to do instead of it.
    Instead(&'static str),
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByHand(text) => write!(
                f,
                "{text}. Once you have changed it by hand, `install --changed-by-hand --answers FILE` \
                 accepts it"
            ),
            Self::Instead(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match self.how {
            Handling::InPlace => write!(f, "{what} (changed without a restart)"),
            Handling::Rolling => write!(f, "{what} (services restart, one node at a time)"),
            Handling::Refused(remedy) => {
                write!(f, "{what}: install refuses this change. {remedy}")
            }
        }
    }
}

const UPGRADE: Advice = Advice::ByHand(
    "Upgrade by hand, after `k3s-ha-wizard backup create`: the servers one at a time, then \
     the agents, each with the install script and INSTALL_K3S_VERSION, without \
     skipping a minor version",
);
const DATABASE: Advice = Advice::ByHand(
    "Another database means another cluster. To move the data by hand: stop K3s \
     on all servers, restore a pg_dump of the database into the new one, change \
     datastore-endpoint in /etc/rancher/k3s/config.yaml and start the servers",
);
const PROFILE: Advice =
    Advice::Instead("The profile of a pair cannot be changed yet. Restore the old value");
const MEMBERS: Advice = Advice::Instead(
    "If a machine of the pair is lost for good: `k3s-ha-wizard node replace NAME --answers \
     FILE` with the name of the lost one puts the new one in its place. Otherwise \
     restore the old hosts",
);
const SECOND: Advice = Advice::Instead(
    "One Postgres does not become a pair yet: the members of a pair begin empty, under \
     pg_auto_failover, and the data would have to be moved there while K3s is stopped. \
     Remove the second Postgres and the monitor from the answers, or install a new cluster \
     with them",
);
const RENAMED: Advice = Advice::ByHand(
    "Running servers use the old name of Postgres. By hand: stop K3s on all \
     servers; the control plane is down until the run starts them again",
);
const NETWORK: Advice = Advice::Instead(
    "A cluster keeps its pod and service networks for life. Restore the old \
     value, or install a new cluster",
);
const ENCRYPTION: Advice = Advice::ByHand("Change it by hand with k3s secrets-encrypt on a server");
const REMOVED: Advice = Advice::ByHand(
    "Remove a node by hand: k3s kubectl drain NODE, run k3s-uninstall.sh or \
    k3s-agent-uninstall.sh on it, k3s kubectl delete node NODE",
);
const MOVED: Advice =
    Advice::ByHand("Restore the old value, or remove the host by hand and add it as a new one");

/// The settings that a cluster keeps for life.
const FOR_LIFE: [&str; 6] = [
    "cluster-cidr",
    "service-cidr",
    "cluster-dns",
    "cluster-domain",
    "service-node-port-range",
    "egress-selector-mode",
];
const SECRETS_ENCRYPTION: &str = "secrets-encryption";

/// Secrets that differ from those of an earlier run.
pub fn of_secrets(kept: &Secrets, wanted: &Secrets) -> Vec<Difference> {
    let mut found = Differences::default();
    if kept.db_password != wanted.db_password {
        let what = "postgres.password changed: a server opens no new connection to Postgres \
                    until it has restarted";
        found.add(what.into(), Handling::Rolling);
    }
    if kept.agent_token != wanted.agent_token {
        found.add("k3s.agent_token changed".into(), Handling::Rolling);
    }
    found.0
}

/// Every difference, the refused ones first.
fn differences(applied: &Answers, wanted: &Answers) -> Vec<Difference> {
    let mut found = Differences::default();
    let (old, new) = (&applied.k3s, &wanted.k3s);
    found.text(
        "k3s.version",
        &old.version,
        &new.version,
        Handling::Refused(UPGRADE),
    );
    found.list("k3s.tls_san", &old.tls_san, &new.tls_san, Handling::Rolling);
    found.flags("k3s.server_config", &old.server_config, &new.server_config);
    found.flags("k3s.agent_config", &old.agent_config, &new.agent_config);

    let (old, new) = (&applied.postgres, &wanted.postgres);
    let refused = Handling::Refused(DATABASE);
    found.text("postgres.database", &old.database, &new.database, refused);
    found.text("postgres.user", &old.user, &new.user, refused);
    found.port("postgres.port", old.port, new.port, refused);
    found.external(old, new);
    let name = |name: &Option<String>| name.iter().cloned().collect::<Vec<_>>();
    let (was, is) = (old.failover.as_str(), new.failover.as_str());
    found.text("postgres.failover", was, is, Handling::Refused(PROFILE));
    // Running servers check the certificate of Postgres for its current name.
    let renamed = match &old.name {
        Some(_) => Handling::Refused(RENAMED),
        None => Handling::Rolling,
    };
    found.list("postgres.name", &name(&old.name), &name(&new.name), renamed);

    let (old, new) = (&applied.load_balancer, &wanted.load_balancer);
    found.port("load_balancer.port", old.port, new.port, Handling::Rolling);
    found.list(
        "load_balancer.names",
        &old.names,
        &new.names,
        Handling::Rolling,
    );

    // Servers have it in their certificates, and agents join there.
    let address = |ip: Option<IpAddr>| ip.iter().map(ToString::to_string).collect::<Vec<_>>();
    found.list(
        "load_balancer.virtual_ip",
        &address(old.virtual_ip),
        &address(new.virtual_ip),
        Handling::Rolling,
    );
    let external = |endpoint: &Option<String>| endpoint.iter().cloned().collect::<Vec<_>>();
    found.list(
        "load_balancer.endpoint",
        &external(&old.endpoint),
        &external(&new.endpoint),
        Handling::Rolling,
    );

    let (old, new) = (applied.firewall.manage, wanted.firewall.manage);
    found.text(
        "firewall.manage",
        old.as_str(),
        new.as_str(),
        Handling::InPlace,
    );

    let limit = |answers: &Answers| answers.drill.longest_gap.to_string();
    found.text(
        "drill.longest_gap",
        &limit(applied),
        &limit(wanted),
        Handling::InPlace,
    );

    found.images(applied, wanted);
    for host in &applied.hosts {
        match wanted.host(&host.name) {
            Some(same) => found.host(host, same, is_of_a_pair(applied, host)),
            None => found.add(
                format!("{} is no longer in the answers", host.name),
                match host.role() {
                    _ if is_of_a_pair(applied, host) => Handling::Refused(MEMBERS),
                    Role::Postgres => Handling::Refused(DATABASE),
                    Role::LoadBalancer | Role::Monitor => Handling::Refused(MOVED),
                    Role::Server | Role::Agent => Handling::Refused(REMOVED),
                },
            ),
        }
    }
    for host in &wanted.hosts {
        if applied.host(&host.name).is_none() {
            let what = format!("{} is new, as {}", host.name, host.roles_text());
            // Its name goes into the certificates of all servers, and Postgres must accept its
            // connections.
            let has = |role: Role| host.roles.contains(&role);
            let how = if has(Role::Postgres) || has(Role::Monitor) {
                Handling::Refused(if applied.is_pair() { MEMBERS } else { SECOND })
            } else if has(Role::Server) {
                Handling::Rolling
            } else {
                Handling::InPlace
            };
            found.add(what, how);
        }
    }
    let names = |answers| Topology::of(answers).map(|topology| topology.server_names());
    if found.0.is_empty() && names(applied) != names(wanted) {
        let what = "the names and addresses in the servers' certificates have changed";
        found.add(what.into(), Handling::Rolling);
    }
    let refused = |difference: &Difference| matches!(difference.how, Handling::Refused(_));
    found.0.sort_by_key(|difference| !refused(difference));
    found.0
}

/// The same for a host that is replaced, which differs in nothing else.
pub fn differences_but(
    applied: &Answers,
    wanted: &Answers,
    replaced: Option<&Replacement>,
) -> Vec<Difference> {
    let Some(replaced) = replaced else {
        return differences(applied, wanted);
    };
    // Another address of a load balancer is in the servers' certificates.
    let names = |answers| Topology::of(answers).map(|topology| topology.server_names());
    let how = if names(applied) == names(wanted) {
        Handling::InPlace
    } else {
        Handling::Rolling
    };
    let what = format!("{} is replaced", replaced.told());
    let mut found = differences(&replaced.in_applied(applied, wanted), wanted);
    found.push(Difference { what, how });
    found
}

/// Whether the host is a member of a pair, or its monitor.
fn is_of_a_pair(applied: &Answers, host: &Host) -> bool {
    applied.is_pair()
        && host
            .roles
            .iter()
            .any(|role| matches!(role, Role::Postgres | Role::Monitor))
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn add(&mut self, what: String, how: Handling) {
        self.0.push(Difference { what, how });
    }

    fn text(&mut self, key: &str, old: &str, new: &str, how: Handling) {
        if old != new {
            self.add(format!("{key}: {old}, now {new}"), how);
        }
    }

    fn list(&mut self, key: &str, old: &[String], new: &[String], how: Handling) {
        let text = |list: &[String]| match list {
            [] => "none".to_owned(),
            list => list.join(", "),
        };
        self.text(key, &text(old), &text(new), how);
    }

    fn port(&mut self, key: &str, old: u16, new: u16, how: Handling) {
        self.text(key, &old.to_string(), &new.to_string(), how);
    }

    /// A Postgres that others run: servers read all of it at their start.
    fn external(&mut self, old: &Postgres, new: &Postgres) {
        // What is stored there is compared by the preflight: another Postgres must have the same data.
        self.list(
            "postgres.endpoints",
            &old.endpoints,
            &new.endpoints,
            Handling::Rolling,
        );
        let file = |file: &Option<PathBuf>| -> Vec<String> {
            file.iter().map(|path| path.display().to_string()).collect()
        };
        for (key, old, new) in [
            ("postgres.ca_file", &old.ca_file, &new.ca_file),
            ("postgres.cert_file", &old.cert_file, &new.cert_file),
            ("postgres.key_file", &old.key_file, &new.key_file),
        ] {
            self.list(key, &file(old), &file(new), Handling::Rolling);
        }
        let (was, is) = (old.sslmode.as_str(), new.sslmode.as_str());
        self.text("postgres.sslmode", was, is, Handling::Rolling);
    }

    /// What nodes download with: they read it at their start.
    fn images(&mut self, old: &Answers, new: &Answers) {
        let (old_proxy, new_proxy) = (&old.proxy, &new.proxy);
        let (had, has) = (&old.registries, &new.registries);
        let changed = [
            ("proxy.http", old_proxy.http != new_proxy.http),
            ("proxy.https", old_proxy.https != new_proxy.https),
            ("proxy.no_proxy", old_proxy.no_proxy != new_proxy.no_proxy),
            (
                "registries.system_default",
                had.system_default != has.system_default,
            ),
            ("registries.mirrors", had.mirrors != has.mirrors),
            ("registries.configs", had.configs != has.configs),
        ];
        for (key, _) in changed.into_iter().filter(|(_, changed)| *changed) {
            self.add(format!("{key} has changed"), Handling::Rolling);
        }
    }

    /// Settings of K3s; only their names are shown, because their values may be secret.
    fn flags(&mut self, key: &str, old: &toml::Table, new: &toml::Table) {
        let mut names: Vec<_> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            if old.get(name) == new.get(name) {
                continue;
            }
            let what = format!("{key}.{name} has changed");
            self.add(
                what,
                match name.as_str() {
                    name if FOR_LIFE.contains(&name) => Handling::Refused(NETWORK),
                    SECRETS_ENCRYPTION => Handling::Refused(ENCRYPTION),
                    _ => Handling::Rolling,
                },
            );
        }
    }

    fn host(&mut self, old: &Host, new: &Host, is_of_a_pair: bool) {
        let name = &old.name;
        if old.proxy != new.proxy {
            let how = match old.role() {
                Role::Server | Role::Agent => Handling::Rolling,
                Role::Postgres | Role::LoadBalancer | Role::Monitor => Handling::InPlace,
            };
            self.add(format!("{name}: its proxy has changed"), how);
        }
        if old.roles_text() != new.roles_text() {
            let what = format!(
                "{name}: role {}, now {}",
                old.roles_text(),
                new.roles_text()
            );
            let gets_monitor = new.roles.contains(&Role::Monitor);
            self.add(
                what,
                Handling::Refused(if is_of_a_pair {
                    MEMBERS
                } else if gets_monitor {
                    SECOND
                } else {
                    MOVED
                }),
            );
        } else if old.cluster_ip() != new.cluster_ip() {
            let ip = |host: &Host| host.cluster_ip().map_or("none".into(), |ip| ip.to_string());
            let what = format!("{name}: address {}, now {}", ip(old), ip(new));
            self.add(
                what,
                match old.role() {
                    _ if is_of_a_pair => Handling::Refused(MEMBERS),
                    Role::Postgres => Handling::Refused(DATABASE),
                    Role::LoadBalancer | Role::Monitor => Handling::Rolling,
                    Role::Server | Role::Agent => Handling::Refused(MOVED),
                },
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::ProxyUrl;

    fn lab() -> Answers {
        Answers::from_toml(include_str!("../../tests/lab/answers.toml")).unwrap()
    }

    fn told(change: impl FnOnce(&mut Answers)) -> String {
        let mut wanted = lab();
        change(&mut wanted);
        let differences = differences(&lab(), &wanted);
        let lines = differences.iter().map(|difference| {
            let how = match difference.how {
                Handling::InPlace => "in place",
                Handling::Rolling => "rolling",
                Handling::Refused(_) => "refused",
            };
            format!("{how}: {}", difference.what)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_same_answers_differ_in_nothing() {
        assert_eq!(told(|_| {}), "");
        // Logins do not belong to the cluster.
        assert_eq!(
            told(|wanted| wanted.hosts[1].user = Some("other".into())),
            ""
        );
    }

    #[test]
    fn a_password_and_the_agents_token_roll_through_the_nodes() {
        let text = |text: &str| text.to_owned().into();
        let kept = Secrets {
            token: text("token"),
            agent_token: text("agents"),
            db_password: text("password"),
            db_verifier: text("verifier"),
        };
        assert_eq!(of_secrets(&kept, &kept), []);
        let wanted = Secrets {
            agent_token: text("others"),
            db_password: text("another"),
            ..kept.clone()
        };
        let found = of_secrets(&kept, &wanted);
        let said = found.iter().map(ToString::to_string).collect::<String>();
        assert!(said.contains("postgres.password") && said.contains("k3s.agent_token"));
        assert!(
            !said.contains("another\n") && !said.contains("others"),
            "{said}"
        );
        assert!(
            found
                .iter()
                .all(|difference| difference.how == Handling::Rolling)
        );
    }

    #[test]
    fn another_address_of_a_server_is_in_the_certificates_of_all() {
        let address = told(|wanted| {
            wanted.hosts[1].node_ip = wanted.hosts[1].cluster_ip();
            wanted.hosts[1].address = "server-1.example".into();
        });
        assert!(
            address.starts_with("rolling: the names and addresses"),
            "{address}"
        );
    }

    #[test]
    fn what_would_make_another_cluster_is_refused() {
        insta::assert_snapshot!(told(|wanted| {
            wanted.k3s.version = "v1.37.0+k3s1".into();
            wanted.postgres.database = "other".into();
            wanted.postgres.user = "other".into();
            wanted.postgres.port = 5433;
            wanted.postgres.name = None;
            let flags = &mut wanted.k3s.server_config;
            flags.insert("cluster-cidr".into(), "10.42.0.0/16".into());
            flags.insert("secrets-encryption".into(), true.into());
            wanted.hosts.retain(|host| host.role() != Role::Agent);
            for host in &mut wanted.hosts {
                match host.role() {
                    Role::Postgres => host.address = "198.51.100.99".into(),
                    Role::Server if host.name.ends_with('2') => host.roles = vec![Role::Agent],
                    Role::Server => host.name = "renamed".into(),
                    Role::LoadBalancer | Role::Agent | Role::Monitor => {}
                }
            }
        }));
    }

    #[test]
    fn only_a_change_that_is_made_by_hand_is_accepted_afterwards() {
        let is_accepted = |change: &dyn Fn(&mut Answers)| {
            let mut wanted = lab();
            change(&mut wanted);
            let found = differences(&lab(), &wanted);
            let told: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert!(told.len() == 1 && told[0].contains("refuses"), "{told:?}");
            told[0].contains("--changed-by-hand")
        };
        let set = |key: &'static str, value: &'static str| {
            move |wanted: &mut Answers| {
                let flags = &mut wanted.k3s.server_config;
                flags.insert(key.into(), value.into());
            }
        };
        assert!(is_accepted(
            &|wanted| wanted.k3s.version = "v1.37.0+k3s1".into()
        ));
        assert!(is_accepted(&|wanted| wanted.postgres.port = 5433));
        assert!(is_accepted(&set("secrets-encryption", "true")));
        assert!(is_accepted(&|wanted| wanted
            .hosts
            .retain(|host| host.role() != Role::Agent)));

        assert!(!is_accepted(&set("cluster-cidr", "10.99.0.0/16")));
        assert!(!is_accepted(&|wanted| {
            let second = Host::new("k3s-postgres-2", Role::Postgres, "198.51.100.8");
            wanted.hosts.push(second);
        }));
    }

    #[test]
    fn one_postgres_does_not_become_a_pair_and_parts_of_a_pair_are_replaced_by_a_verb() {
        let pair = |answers: &mut Answers| {
            let second = Host::new("k3s-postgres-2", Role::Postgres, "198.51.100.8");
            answers.hosts.push(second);
            let mut hosts = answers.hosts.iter_mut();
            let balancer = hosts.find(|host| host.role() == Role::LoadBalancer);
            balancer.unwrap().roles.push(Role::Monitor);
        };
        let mut applied = lab();
        pair(&mut applied);
        let mut wanted = applied.clone();
        for host in &mut wanted.hosts {
            match host.roles_text().as_str() {
                "postgres" if host.name == "k3s-postgres-2" => host.name = "k3s-postgres-3".into(),
                "postgres" => host.address = "198.51.100.99".into(),
                "load-balancer+monitor" => host.address = "198.51.100.98".into(),
                _ => {}
            }
        }
        let lines = |found: Vec<Difference>| -> String {
            let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
            lines.join("\n")
        };
        let mut more = lab();
        pair(&mut more);
        let replaced = Replacement::of(&applied, &applied, "k3s-nginx").ok();
        insta::assert_snapshot!(
            [
                lines(differences(&lab(), &more)),
                lines(differences(&applied, &wanted)),
                lines(differences_but(&applied, &applied, replaced.as_ref())),
            ]
            .join("\n\n")
        );
    }

    #[test]
    fn what_nodes_read_at_their_start_is_rolled_and_the_rest_changed_in_place() {
        insta::assert_snapshot!(told(|wanted| {
            wanted.k3s.tls_san.push("k3s.example".into());
            wanted
                .k3s
                .agent_config
                .insert("kubelet-arg".into(), "v=2".into());
            wanted.load_balancer.port = 7443;
            wanted.load_balancer.names.push("api.example".into());
            wanted.proxy.https = Some(ProxyUrl::Text("http://proxy:3128".into()));
            wanted.registries.system_default = Some("registry:5000".into());
            wanted.hosts[0].proxy = Some(ProxyUrl::Text("none".into()));
            wanted.hosts[1].proxy = Some(ProxyUrl::Text("none".into()));
            wanted.load_balancer.virtual_ip = "198.51.100.130".parse().ok();
            wanted.load_balancer.endpoint = Some("lb.example".into());
            wanted
                .hosts
                .push(Host::new("k3s-agent-2", Role::Agent, "198.51.100.16"));
            let second = Host::new("k3s-nginx-2", Role::LoadBalancer, "198.51.100.124");
            wanted.hosts.push(second);
        }));
    }
}
