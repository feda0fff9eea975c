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
    "two Postgres hosts: one access rule needs no certificate and no password (trust), because the monitor's \
     health check has neither. It applies only to the monitor's address, the database postgres and a role \
     without privileges",
    "two Postgres hosts: the servers get the setting net.ipv4.tcp_retries2 = 3, because connections to a lost \
     Postgres would otherwise hang for 15 min; with it they end after about 3 s. It applies to all connections \
     of these hosts",
];

/// Two Postgres hosts need a name and one monitor; one needs none.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut add = |key: String, message: &str| problems.push(Problem::new(key, message));
    let is_pair = answers.is_pair();
    let hosts = answers.hosts.iter().enumerate();
    let mut monitors = hosts.filter(|(_, host)| host.roles.contains(&Role::Monitor));
    match monitors.next() {
        None if is_pair => add(
            "hosts".into(),
            "there are two Postgres hosts, so one host must have the role \"monitor\": for example \
             the load balancer, as roles = [\"load-balancer\", \"monitor\"]",
        ),
        // Of all hosts: the second Postgres may be added after this one.
        Some((_, host)) if !is_pair => add(
            "hosts".into(),
            &format!(
                "{} has the role \"monitor\", which is for two Postgres hosts: add a second one, or \
                 remove the role",
                host.name
            ),
        ),
        _ => {}
    }
    for (number, host) in monitors {
        let field = if host.roles.len() > 1 {
            "roles"
        } else {
            "role"
        };
        let message = "only one host can have the role \"monitor\"";
        add(format!("hosts[{number}].{field}"), message);
    }
    if is_pair && answers.postgres.name.is_none() {
        add(
            "postgres.name".into(),
            "is missing: the servers use one DNS name for the two Postgres hosts, for example \
             \"postgres.k3s.internal\". They get it in /etc/hosts",
        );
    }
    problems
}
