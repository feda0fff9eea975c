//! The texts of the cluster page.

use time::OffsetDateTime;

use crate::cluster::datastore::Client;
use crate::engine::watch::Lost;
pub use crate::frontends::tui::text::{LOG_FILE, PROOFS, counted, duration, moment, proofs_hold};
use crate::pki::Certificate;

pub const BALANCER: &str = "Load balancer";
pub const ANSWERS: &str = "answers as this cluster";
pub const DATASTORE: &str = "Datastore";
pub const DATASTORE_HEADS: [&str; 3] = ["SERVER", "CONNECTIONS", "TLS"];
pub const MUTUAL_TLS: &str = "every connection uses TLS with the client certificate";
pub const CERTIFICATES: &str = "Certificates";
pub const CERTIFICATE_HEADS: [&str; 3] = ["CERTIFICATE", "EXPIRES", "LEFT"];
pub const DATASTORE_LOST: &str = "unknown now";
pub const NO_CLUSTER: &str = "The state of the cluster is not known yet. Its nodes and pods are shown once they have been read.";
pub const NODES: &str = "Nodes";
pub const PODS: &str = "Pods";
pub const TIME: &str = "Time of each phase";
pub const NEXT: &str = "Next";
pub const KUBECONFIG: &str = "kubeconfig";
pub const NODE_HEADS: [&str; 5] = ["NODE", "STATUS", "ROLES", "VERSION", "ADDRESS"];
pub const POD_HEADS: [&str; 6] = ["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "NODE"];
pub const ALL_WELL: &str = "all healthy";

/// The interval between two checks, in seconds.
fn again(seconds: u64) -> String {
    format!("every {seconds} s")
}

/// True until the state changes: the page has no running clock.
pub fn live(from: &str, since: OffsetDateTime, seconds: u64) -> String {
    let (often, since) = (again(seconds), moment(since));
    format!("Live: {from} is asked {often}; unchanged since {since}")
}

/// No server answers: how the wizard goes on, and how old the state on the page is.
pub fn lost(gone: &Lost, seconds: u64) -> String {
    let trying = if gone.given_up {
        "The checks have stopped: the cause needs a fix first.".to_owned()
    } else {
        let often = again(seconds);
        format!("The servers are asked in turn, {often}.")
    };
    let from = match gone.last {
        Some(last) => format!("The state below was seen at {}.", moment(last)),
        None => "The state below is from the run.".to_owned(),
    };
    format!(
        "NOT live: no answer since {}. {trying} {from}",
        moment(gone.since)
    )
}

pub fn was(verdict: &str) -> String {
    format!("last known: {verdict}")
}

pub fn on_their_way(number: usize) -> String {
    format!("{number} not ready yet")
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
        _ => "expired".to_owned(),
    }
}

/// How many certificates have a problem; if none has one, when the first expires.
pub fn certificates(all: &[Certificate]) -> String {
    let soon = all.iter().filter(|it| it.problem.is_some()).count();
    if soon > 0 {
        return format!("{soon} of {} expiring", all.len());
    }
    let first = all.iter().min_by_key(|certificate| certificate.days);
    let first = first.map(|first| format!("next expiry in {}", left(first)));
    first.unwrap_or_default()
}

pub fn problems(number: usize) -> String {
    counted(number, "problem")
}

pub fn as_of(at: u64) -> String {
    format!("as of {} into the run", duration(at))
}
