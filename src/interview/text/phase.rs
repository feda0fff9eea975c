//! The texts of a phase.

use super::duration;
use crate::events::external::ExternalParts;

pub const WILL_DO: &str = "What it will do";

/// Why this phase exists. The id is that of the plan.
pub fn why(phase: &str, external: ExternalParts) -> &'static str {
    match phase {
        "firewall" => {
            "Where firewalld or ufw is active, the run allows exactly the links of the cluster, now \
             and after a reboot, without a reload. Other rules and the default policy stay."
        }
        "postgres" => {
            "K3s keeps all its state in this database, so no server is special. Existing \
             databases, rules and settings stay."
        }
        "certificates" if external.postgres => {
            "The servers get what they need to log in to the external Postgres: its CA and, if it \
             asks for one, a client certificate. Then the run tests that wrong credentials are refused."
        }
        "certificates" => {
            "Servers and Postgres authenticate each other: a private CA, one certificate each, and \
             a rule that refuses every other client. Then the run tests that wrong credentials are \
             refused."
        }
        "server-1" => {
            "The first server creates the cluster: its certificates go into Postgres, encrypted \
             with the token. The others wait until its node is Ready."
        }
        "servers" => {
            "The other servers join through Postgres, with equal rights: from here on, any of them \
             may fail."
        }
        "load-balancer" if external.load_balancer => {
            "One address for all servers. The run changes nothing on the external load balancer: it \
             tests that the cluster, and nothing else, answers through it."
        }
        "load-balancer" => {
            "One address for all servers. nginx forwards TCP connections, in a separate service: \
             other sites on that host are not changed."
        }
        "agents" => {
            "Agents run the workloads. They join through the load balancer with a token of their own, \
             which cannot read the cluster's secrets."
        }
        "cluster" => {
            "The run tests the cluster: its nodes, its pods, and how the servers connect to the \
             datastore."
        }
        _ => "",
    }
}

pub fn is_done(title: &str, took: u64) -> String {
    format!("Phase {title} done in {}.", duration(took))
}

pub fn next(number: usize, of: usize, title: &str) -> String {
    format!("Next: phase {number} of {of}, {title}")
}
