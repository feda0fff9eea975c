//! The pods of a default K3s, minus what is disabled: what should be there, and where.
//!
//! A pod is kept as a small record; what it looks like at a moment is computed when it is asked for
//! (`show`); so are its events and logs (`tell`). [`steps`] says what a controller has to change now.

pub mod show;
pub mod tell;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::nodes;

/// A pod that was asked to go is gone after so long, where its node lives.
const GOING: Duration = Duration::seconds(2);
/// A pod on a lost node is replaced after so long.
const EVICTION: Duration = Duration::seconds(300);

/// How a component runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Deployment,
    DaemonSet,
    Job,
}

/// A component that K3s brings.
#[derive(Debug)]
pub struct Component {
    pub name: &'static str,
    pub kind: Kind,
    /// Names under which `disable` turns it off.
    disabled_by: &'static [&'static str],
    /// What must have come up before.
    after: Option<&'static str>,
    pub label: (&'static str, &'static str),
    /// Containers and their images.
    pub containers: &'static [(&'static str, &'static str)],
    /// Seconds from being scheduled until it is ready, or done.
    pub takes: i64,
    hash: &'static str,
}

/// All of them.
pub const COMPONENTS: &[Component] = &[
    Component {
        name: "coredns",
        kind: Kind::Deployment,
        disabled_by: &["coredns"],
        after: None,
        label: ("k8s-app", "kube-dns"),
        containers: &[("coredns", "rancher/mirrored-coredns-coredns:1.14.4")],
        takes: 6,
        hash: "5f5694d56b",
    },
    Component {
        name: "local-path-provisioner",
        kind: Kind::Deployment,
        disabled_by: &["local-storage"],
        after: None,
        label: ("app", "local-path-provisioner"),
        containers: &[(
            "local-path-provisioner",
            "rancher/local-path-provisioner:v0.0.34",
        )],
        takes: 4,
        hash: "6bc6568469",
    },
    Component {
        name: "metrics-server",
        kind: Kind::Deployment,
        disabled_by: &["metrics-server"],
        after: None,
        label: ("k8s-app", "metrics-server"),
        containers: &[("metrics-server", "rancher/mirrored-metrics-server:v0.8.1")],
        takes: 12,
        hash: "786d997795",
    },
    Component {
        name: "helm-install-traefik-crd",
        kind: Kind::Job,
        disabled_by: &["traefik"],
        after: None,
        label: ("helmcharts.helm.cattle.io/chart", "traefik-crd"),
        containers: &[("helm", "rancher/klipper-helm:v0.9.14-build20260210")],
        takes: 6,
        hash: "",
    },
    Component {
        name: "helm-install-traefik",
        kind: Kind::Job,
        disabled_by: &["traefik"],
        after: None,
        label: ("helmcharts.helm.cattle.io/chart", "traefik"),
        containers: &[("helm", "rancher/klipper-helm:v0.9.14-build20260210")],
        takes: 8,
        hash: "",
    },
    Component {
        name: "traefik",
        kind: Kind::Deployment,
        disabled_by: &["traefik"],
        after: Some("helm-install-traefik"),
        label: ("app.kubernetes.io/name", "traefik"),
        containers: &[("traefik", "rancher/mirrored-library-traefik:3.6.9")],
        takes: 5,
        hash: "c5c8bf4ff",
    },
    Component {
        name: "svclb-traefik",
        kind: Kind::DaemonSet,
        disabled_by: &["traefik", "servicelb"],
        after: Some("helm-install-traefik"),
        label: ("app", "svclb-traefik"),
        containers: &[
            ("lb-tcp-80", "rancher/klipper-lb:v0.4.13"),
            ("lb-tcp-443", "rancher/klipper-lb:v0.4.13"),
        ],
        takes: 4,
        hash: "9fb9b8d1",
    },
];

/// What is kept of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    pub name: String,
    pub component: &'static str,
    pub uid: String,
    pub created: OffsetDateTime,
    pub node: Option<(String, OffsetDateTime)>,
    pub deleted: Option<OffsetDateTime>,
}

impl Pod {
    /// From its record.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |key: &str| record[key].as_str();
        let moment = |key: &str| text(key).and_then(nodes::parse);
        Some(Self {
            name: text("name")?.to_owned(),
            component: component(text("component")?)?.name,
            uid: text("uid")?.to_owned(),
            created: moment("created")?,
            node: text("node").map(ToOwned::to_owned).zip(moment("scheduled")),
            deleted: moment("deleted"),
        })
    }

    /// Its record.
    pub fn record(&self) -> Value {
        let stamp = crate::log::stamp;
        json!({
            "name": self.name,
            "component": self.component,
            "uid": self.uid,
            "created": stamp(self.created),
            "node": self.node.as_ref().map(|(node, _)| node),
            "scheduled": self.node.as_ref().map(|(_, since)| stamp(*since)),
            "deleted": self.deleted.map(stamp),
        })
    }

    /// What it is a pod of.
    pub fn of(&self) -> &'static Component {
        component(self.component).unwrap_or(&COMPONENTS[0])
    }

    /// Whether it is a job's pod that has done its work.
    pub fn done(&self, now: OffsetDateTime) -> bool {
        let of = self.of();
        let scheduled = self.node.as_ref().map(|(_, since)| *since);
        of.kind == Kind::Job
            && scheduled.is_some_and(|since| now - since >= Duration::seconds(of.takes))
    }

    fn on(&self, node: &str) -> bool {
        self.node.as_ref().is_some_and(|(name, _)| name == node)
    }
}

fn component(name: &str) -> Option<&'static Component> {
    COMPONENTS.iter().find(|component| component.name == name)
}

/// One change to the pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Put(Pod),
    Remove(String),
}

/// What a controller has to change now. `random` gives a fresh text of hexadecimal digits.
pub fn steps(
    pods: &[Pod],
    nodes: &[Value],
    disabled: &BTreeSet<String>,
    now: OffsetDateTime,
    random: &mut dyn FnMut() -> String,
) -> Vec<Step> {
    let node = |name: &str| nodes.iter().find(|node| nodes::name(node) == name);
    let mut steps = Vec::new();
    let mut stay: Vec<Pod> = Vec::new();
    for pod in pods {
        let off = pod
            .of()
            .disabled_by
            .iter()
            .any(|name| disabled.contains(*name));
        let home = pod.node.as_ref().map(|(name, _)| node(name));
        let gone = match (home, pod.deleted) {
            (Some(None), _) | (None, Some(_)) => true,
            (Some(Some(home)), Some(since)) => nodes::ready(home) && now - since >= GOING,
            _ => false,
        };
        if off || gone {
            steps.push(Step::Remove(pod.name.clone()));
            continue;
        }
        let mut pod = pod.clone();
        let lost = home
            .flatten()
            .and_then(nodes::lost_since)
            .is_some_and(|since| now - since >= EVICTION);
        if lost && pod.deleted.is_none() && pod.of().kind != Kind::DaemonSet && !pod.done(now) {
            pod.deleted = Some(now);
            steps.push(Step::Put(pod.clone()));
        }
        stay.push(pod);
    }
    for component in COMPONENTS {
        if component
            .disabled_by
            .iter()
            .any(|name| disabled.contains(*name))
        {
            continue;
        }
        for home in missing(component, &stay, nodes, now) {
            let suffix = suffix(&random());
            let hash = if component.hash.is_empty() {
                String::new()
            } else {
                format!("-{}", component.hash)
            };
            stay.push(Pod {
                name: format!("{}{hash}-{suffix}", component.name),
                component: component.name,
                uid: uid(&random()),
                created: now,
                node: home.map(|home| (home, now)),
                deleted: None,
            });
        }
    }
    for index in 0..stay.len() {
        if stay[index].node.is_none() {
            stay[index].node = place(&stay, nodes).map(|home| (home, now));
        }
        let known = pods.iter().find(|pod| pod.name == stay[index].name);
        if known.is_none_or(|known| known.node != stay[index].node) {
            steps.push(Step::Put(stay[index].clone()));
        }
    }
    steps
}

/// The pods that a component lacks: one for every node of a daemon set, at most one of others.
fn missing(
    component: &Component,
    pods: &[Pod],
    nodes: &[Value],
    now: OffsetDateTime,
) -> Vec<Option<String>> {
    let of = |name: &'static str| pods.iter().filter(move |pod| pod.component == name);
    if let Some(before) = component.after
        && !of(before).any(|pod| pod.done(now))
        && of(component.name).next().is_none()
    {
        return Vec::new();
    }
    let live = || of(component.name).filter(|pod| pod.deleted.is_none());
    match component.kind {
        Kind::DaemonSet => nodes
            .iter()
            .map(nodes::name)
            .filter(|node| !live().any(|pod| pod.on(node)))
            .map(|node| Some(node.to_owned()))
            .collect(),
        // A job whose pod is gone is not done again once its work is there.
        Kind::Job if of("traefik").next().is_some() => Vec::new(),
        _ if live().next().is_some() => Vec::new(),
        _ => vec![None],
    }
}

/// The node that takes the next pod: of those that may, the one with the fewest.
fn place(pods: &[Pod], nodes: &[Value]) -> Option<String> {
    let tolerated = [
        "CriticalAddonsOnly",
        "node-role.kubernetes.io/control-plane",
    ];
    let open = |node: &&Value| {
        let taints = node["spec"]["taints"].as_array();
        let refuses = taints.into_iter().flatten().any(|taint| {
            taint["effect"] != "PreferNoSchedule"
                && taint["key"]
                    .as_str()
                    .is_none_or(|key| !tolerated.contains(&key))
        });
        nodes::ready(node) && !refuses
    };
    nodes
        .iter()
        .filter(open)
        .map(nodes::name)
        .min_by_key(|name| pods.iter().filter(|pod| pod.on(name)).count())
        .map(ToOwned::to_owned)
}

/// Five characters as Kubernetes makes them up.
fn suffix(random: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let digits = random.as_bytes().chunks(2).take(5);
    digits
        .map(|pair| {
            let value = std::str::from_utf8(pair)
                .ok()
                .and_then(|pair| u8::from_str_radix(pair, 16).ok());
            ALPHABET[usize::from(value.unwrap_or_default()) % ALPHABET.len()] as char
        })
        .collect()
}

/// A UUID of 32 hexadecimal digits.
pub fn uid(random: &str) -> String {
    let part = |from: usize, to: usize| random.get(from..to).unwrap_or_default();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-23 23:00:00 UTC);

    fn node(name: &str, ready: &str, unschedulable: bool) -> Value {
        let mut node = json!({
            "metadata": { "name": name },
            "spec": {},
            "status": { "conditions": [{
                "type": "Ready", "status": ready, "lastTransitionTime": "2026-11-23T23:00:00Z"
            }]}
        });
        nodes::cordon(&mut node, unschedulable, START);
        node
    }

    struct World {
        pods: Vec<Pod>,
        count: u32,
    }

    impl World {
        fn turn(&mut self, nodes: &[Value], disabled: &[&str], second: i64) {
            let disabled = disabled.iter().map(ToString::to_string).collect();
            let now = START + Duration::seconds(second);
            let count = &mut self.count;
            let mut random = || {
                *count += 1;
                crate::token::sha256(&count.to_be_bytes())[..32].to_owned()
            };
            for step in steps(&self.pods, nodes, &disabled, now, &mut random) {
                match step {
                    Step::Remove(name) => self.pods.retain(|pod| pod.name != name),
                    Step::Put(pod) => {
                        self.pods.retain(|known| known.name != pod.name);
                        self.pods.push(pod);
                    }
                }
            }
        }

        fn homes(&self, component: &str) -> Vec<Option<&str>> {
            let of = self.pods.iter().filter(|pod| pod.component == component);
            of.map(|pod| pod.node.as_ref().map(|(node, _)| node.as_str()))
                .collect()
        }
    }

    #[test]
    fn a_cluster_grows_as_a_default_one() {
        let mut world = World {
            pods: Vec::new(),
            count: 0,
        };
        world.turn(&[], &[], 0);
        assert_eq!(world.homes("coredns"), [None], "no node yet: pending");
        let nodes = [node("a", "True", false), node("b", "True", false)];
        world.turn(&nodes, &[], 1);
        assert!(world.pods.iter().all(|pod| pod.node.is_some()));
        assert_eq!(
            world.homes("traefik").len(),
            0,
            "not before helm has installed it"
        );
        world.turn(&nodes, &[], 12);
        assert_eq!(world.homes("traefik").len(), 1);
        assert_eq!(world.homes("svclb-traefik").len(), 2, "one a node");
        let before = world.pods.clone();
        world.turn(&nodes, &[], 60);
        assert_eq!(world.pods, before, "and then it rests");
    }

    #[test]
    fn disabled_components_are_absent_and_go() {
        let nodes = [node("a", "True", false)];
        let mut world = World {
            pods: Vec::new(),
            count: 0,
        };
        world.turn(&nodes, &["traefik", "metrics-server"], 0);
        let names: Vec<&str> = world.pods.iter().map(|pod| pod.component).collect();
        assert_eq!(names, ["coredns", "local-path-provisioner"]);
        world.turn(&nodes, &["traefik", "metrics-server", "coredns"], 1);
        assert_eq!(world.homes("coredns").len(), 0);
    }

    #[test]
    fn pods_leave_a_cordoned_node_when_deleted_and_a_lost_one_after_five_minutes() {
        let mut world = World {
            pods: Vec::new(),
            count: 0,
        };
        let all = ["traefik", "metrics-server", "local-storage"];
        world.turn(&[node("a", "True", false)], &all, 0);
        let nodes = [node("a", "True", true), node("b", "True", false)];
        world.pods[0].deleted = Some(START);
        world.turn(&nodes, &all, 1);
        assert_eq!(
            world.homes("coredns"),
            [Some("a"), Some("b")],
            "one goes, one comes"
        );
        world.turn(&nodes, &all, 3);
        assert_eq!(world.homes("coredns"), [Some("b")]);
        let lost = [node("a", "True", false), node("b", "Unknown", false)];
        world.turn(&lost, &all, 200);
        assert_eq!(world.homes("coredns"), [Some("b")]);
        world.turn(&lost, &all, 300);
        world.turn(&lost, &all, 301);
        assert_eq!(
            world.homes("coredns"),
            [Some("b"), Some("a")],
            "the lost one cannot be ended"
        );
        world.turn(&lost[..1], &all, 302);
        assert_eq!(
            world.homes("coredns"),
            [Some("a")],
            "until its node is deleted"
        );
    }

    #[test]
    fn a_record_is_read_back() {
        let mut world = World {
            pods: Vec::new(),
            count: 0,
        };
        world.turn(&[node("a", "True", false)], &[], 0);
        for pod in &world.pods {
            assert_eq!(Pod::read(&pod.record()).as_ref(), Some(pod));
        }
        assert_eq!(
            uid("0123456789abcdef0123456789abcdef"),
            "01234567-89ab-cdef-0123-456789abcdef"
        );
    }
}
