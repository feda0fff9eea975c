//! What is said of a phase.

use super::duration;

pub const WILL_DO: &str = "What it will do";

/// Why there is this phase, in the operator's words. Its id is that of the plan.
pub fn why(phase: &str) -> &'static str {
    match phase {
        "postgres" => {
            "K3s keeps everything it knows in this database, so that no server is special. Databases, \
             rules and settings that are there already stay."
        }
        "certificates" => {
            "Servers and Postgres prove to each other who they are: a private authority, one \
             certificate each, and a rule that lets nobody else in. Then every wrong way in is tried."
        }
        "server-1" => {
            "The first server makes the cluster: its certificates go into Postgres, encrypted with \
             the token. The others wait until its node is Ready."
        }
        "servers" => {
            "The further servers find the cluster in Postgres and become its equals: any of them may \
             fail from here on."
        }
        "load-balancer" => {
            "One address for all servers. nginx passes connections on as they are, in a service of \
             its own: sites that this machine serves stay untouched."
        }
        "agents" => {
            "Agents run the work. They join through the load balancer with a token of their own, \
             which cannot read the cluster's secrets."
        }
        "cluster" => {
            "The cluster is not said to be well, it is asked: its nodes, its pods, and how its \
             servers reach the datastore."
        }
        _ => "",
    }
}

pub fn is_done(title: &str, took: u64) -> String {
    format!("{title} is done, in {}.", duration(took))
}

pub fn next(number: usize, of: usize, title: &str) -> String {
    format!("Next, phase {number} of {of}: {title}")
}
