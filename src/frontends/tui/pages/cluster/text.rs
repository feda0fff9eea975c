//! What the page of the cluster says.

use time::OffsetDateTime;

use crate::cluster::datastore::Client;
use crate::engine::watch::Lost;
pub use crate::frontends::tui::text::{LOG_FILE, PROOFS, counted, duration, moment, proofs_hold};
use crate::pki::Certificate;

pub const BALANCER: &str = "Load balancer";
pub const ANSWERS: &str = "answers as this cluster";
pub const DATASTORE: &str = "Datastore";
pub const DATASTORE_HEADS: [&str; 3] = ["SERVER", "CONNECTIONS", "TLS"];
pub const MUTUAL_TLS: &str = "every connection over TLS with the client certificate";
pub const CERTIFICATES: &str = "Certificates";
pub const CERTIFICATE_HEADS: [&str; 3] = ["CERTIFICATE", "ENDS", "LEFT"];
pub const DATASTORE_LOST: &str = "not known now";
pub const NO_CLUSTER: &str = "Nothing is known of the cluster yet: its nodes and pods show here as soon as they were asked for.";
pub const NODES: &str = "Nodes";
pub const PODS: &str = "Pods";
pub const TIME: &str = "Time of each phase";
pub const NEXT: &str = "Next";
pub const KUBECONFIG: &str = "kubeconfig";
pub const NODE_HEADS: [&str; 5] = ["NODE", "STATUS", "ROLES", "VERSION", "ADDRESS"];
pub const POD_HEADS: [&str; 6] = ["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "NODE"];
pub const ALL_WELL: &str = "all well";

/// So many seconds are between two looks.
fn again(seconds: u64) -> String {
    format!("every {seconds} s")
}

/// It stays true until something else is told: no clock runs on the page.
pub fn live(from: &str, since: OffsetDateTime, seconds: u64) -> String {
    let (often, since) = (again(seconds), moment(since));
    format!("Live: {from} is asked {often}; unchanged since {since}")
}

/// There is no answer, and what the picture is worth then.
pub fn lost(gone: &Lost, seconds: u64) -> String {
    let trying = if gone.given_up {
        "No server is asked again: this does not pass by itself.".to_owned()
    } else {
        let often = again(seconds);
        format!("The servers are asked in turn, {often}.")
    };
    let from = match gone.last {
        Some(last) => format!("What stands here was seen at {}.", moment(last)),
        None => "What stands here is from the run.".to_owned(),
    };
    format!(
        "NOT live: no answer since {}. {trying} {from}",
        moment(gone.since)
    )
}

pub fn was(verdict: &str) -> String {
    format!("as it was: {verdict}")
}

pub fn on_their_way(number: usize) -> String {
    format!("{number} not there yet")
}

pub fn connections(client: &Client) -> [String; 2] {
    let tls = if client.tls.is_empty() {
        "-".to_owned()
    } else {
        client.tls.join(", ")
    };
    [client.connections.to_string(), tls]
}

pub fn left(certificate: &Certificate) -> String {
    match certificate.days {
        days @ 0.. => counted(usize::try_from(days).unwrap_or(usize::MAX), "day"),
        _ => "ended".to_owned(),
    }
}

/// About certificates that have a problem, or about all when none has.
pub fn certificates(all: &[Certificate]) -> String {
    let soon = all.iter().filter(|it| it.problem.is_some()).count();
    if soon > 0 {
        return format!("{soon} of {} at the end", all.len());
    }
    let first = all.iter().min_by_key(|certificate| certificate.days);
    let first = first.map(|first| format!("the first one ends in {}", left(first)));
    first.unwrap_or_default()
}

pub fn problems(number: usize) -> String {
    counted(number, "problem")
}

pub fn as_of(at: u64) -> String {
    format!("as it was {} after the run began", duration(at))
}
