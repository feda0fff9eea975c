//! Two Postgres hosts in the answers.

use serde::{Deserialize, Serialize};

use super::{Answers, Problem, Role};

/// How soon the standby of a pair of Postgres hosts takes over (docs/facts.md, "A pair of Postgres
/// hosts").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failover {
    /// A primary that stalls for 5 s is replaced.
    Fast,
    /// A primary that stalls for 5 s stays.
    #[default]
    Steady,
}

impl Failover {
    pub const ALL: [Failover; 2] = [Failover::Fast, Failover::Steady];

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Failover::Fast => "fast",
            Failover::Steady => "steady",
        }
    }
}

/// What the operator should know before the run.
pub(super) const WARNINGS: [&str; 2] = [
    "two Postgres hosts: one access rule is without a certificate, the monitor's health \
             check: from its address alone, to the database postgres, as a role without rights",
    "two Postgres hosts: the servers get the setting net.ipv4.tcp_retries2 = 3, so that \
             connections to a lost Postgres end after about 3 s. It is for all connections of the \
             host",
];

pub(super) fn is_pair(answers: &Answers) -> bool {
    answers.with_role(Role::Postgres).count() > 1
}

/// Two Postgres hosts need a name and one monitor; one needs none.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: String, message: &str| problems.push(Problem::new(key, message));
    let is_pair = is_pair(answers);
    let hosts = answers.hosts.iter().enumerate();
    let monitors = hosts.filter(|(_, host)| host.roles.contains(&Role::Monitor));
    let keys = monitors.map(|(number, host)| {
        let field = if host.roles.len() > 1 {
            "roles"
        } else {
            "role"
        };
        format!("hosts[{number}].{field}")
    });
    let mut keys = keys.collect::<Vec<_>>().into_iter();
    match keys.next() {
        None if is_pair => add(
            "hosts".into(),
            "there are two Postgres hosts, so one host must have the role \"monitor\": for example \
             the load balancer, as roles = [\"load-balancer\", \"monitor\"]",
        ),
        Some(key) if !is_pair => add(
            key,
            "the role \"monitor\" is for two Postgres hosts: add a second one, or remove it",
        ),
        _ => {}
    }
    for key in keys {
        add(key, "only one host can have the role \"monitor\"");
    }
    if is_pair && answers.postgres.name.is_none() {
        add(
            "postgres".into(),
            "two Postgres hosts need a DNS name that the servers use for both: write name = \"…\", \
             for example \"postgres.k3s.internal\". The servers get it in /etc/hosts",
        );
    }
    problems
}
