//! The texts of the cluster page.

use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::cluster::datastore::{Client, DatastoreMember, MemberRole};
use crate::cluster::details::{LogTail, ObjectEvent, ObjectName};
use crate::engine::watch::Lost;
use crate::events::progress::Progress;
pub use crate::frontends::tui::text::{LOG_FILE, PROOFS, counted, duration, moment, proofs_hold};
use crate::pki::Certificate;

pub const BALANCER: &str = "Load balancer";
pub const VIRTUAL_ADDRESS: &str = "Virtual address";
pub const ANSWERS: &str = "answers as this cluster";
pub const DATASTORE: &str = "Datastore";
pub const DATASTORE_HEADS: [&str; 3] = ["SERVER", "CONNECTIONS", "TLS"];
pub const MEMBER_HEADS: [&str; 4] = ["POSTGRES", "ROLE", "IN SYNC", "LAG"];
pub const MUTUAL_TLS: &str = "every connection uses TLS with the client certificate";
pub const CERTIFICATES: &str = "Certificates";
pub const CERTIFICATE_HEADS: [&str; 3] = ["CERTIFICATE", "EXPIRES", "LEFT"];
pub const DATASTORE_LOST: &str = "currently unknown";
pub const NO_CLUSTER: &str = "The state of the cluster is not known yet. Its nodes and pods are shown once they have been read.";
pub const NODES: &str = "Nodes";
pub const PODS: &str = "Pods";
pub const TIME: &str = "Time of each phase";
pub const NEXT: &str = "Next";
pub const KUBECONFIG: &str = "kubeconfig";
pub const NODE_HEADS: [&str; 6] = ["NODE", "STATUS", "ROLES", "AGE", "VERSION", "ADDRESS"];
pub const POD_HEADS: [&str; 7] = [
    "NAMESPACE",
    "POD",
    "READY",
    "STATUS",
    "RESTARTS",
    "AGE",
    "NODE",
];
pub const ALL_WELL: &str = "all healthy";

// The drawing.
pub const CLIENTS: &str = "kubectl, agents";
pub const LOAD_BALANCER: &str = "load balancer";
pub const SERVER: &str = "server";
pub const POSTGRES: &str = "postgres";
pub const MONITOR: &str = "monitor";
pub const AGENT: &str = "agent";
pub const EXTERNAL: &str = "external";
pub const HOLDS: &str = "holds the address";
pub const NO_ANSWER: &str = "no answer";

/// What a Postgres is: `standby, in sync, lag 3 ms`.
pub fn replica(member: &DatastoreMember) -> String {
    let role = member.role.map_or(NO_ANSWER, MemberRole::as_str);
    let in_sync = match (member.role, member.in_sync) {
        (Some(MemberRole::Standby), Some(true)) => ", in sync",
        (Some(MemberRole::Standby), Some(false)) => ", NOT in sync",
        _ => "",
    };
    let lag = member.lag_ms.map(|lag| format!(", lag {lag} ms"));
    format!("{role}{in_sync}{}", lag.unwrap_or_default())
}

/// Members that are left out.
pub fn and_more(number: usize) -> String {
    format!("and {number} more")
}

/// What keys do, for the footer and the help.
pub mod key {
    pub const LEFT: &str = "columns on the left";
    pub const RIGHT: &str = "columns on the right";
    pub const DETAILS: &str = "details";
    pub const COPY: &str = "copy KUBECONFIG";
    pub const DRILLS: &str = "drills";
    pub const ASK_AGAIN: &str = "ask again";
    pub use crate::frontends::tui::text::key::{BACK, CLOSE};
}

/// The time so many milliseconds after a run began.
pub fn moment_of(progress: &Progress, at: u64) -> Option<OffsetDateTime> {
    let run = progress.run.as_ref()?;
    let began = OffsetDateTime::parse(&run.when, &Rfc3339).ok()?;
    began.checked_add(Duration::milliseconds(i64::try_from(at).ok()?))
}

/// When the proofs were made.
pub fn proven(verdict: &str, at: Option<OffsetDateTime>) -> String {
    match at {
        Some(at) => format!("{verdict}, at {}", moment(at)),
        None => verdict.to_owned(),
    }
}

/// The proofs passed, and now the cluster is not as it was then.
pub fn proven_before(verdict: &str, at: Option<OffsetDateTime>) -> String {
    let verdict = proven(verdict, at);
    format!("! {verdict}; the cluster has problems now")
}

pub const COPIED: &str = "Copied: export KUBECONFIG=… (your terminal may refuse it).";
pub const NO_KUBECONFIG: &str = "There is no kubeconfig yet: the last phase of a run writes it.";

pub const GONE: &str = "It is no longer in the cluster.";
pub const ASKED: &str = "Asking K3s for details …";
pub const NOT_ASKED: &str =
    "Details are shown while the page is live: after a run, or from the welcome page.";
pub const LOOK_NEXT: &str = "next";
pub const PROBLEM: &str = "problem";
pub const WAITING: &str = "not ready";
pub const MISSING: &str = "not available";
pub const CONDITIONS: &str = "Conditions";
pub const CONTAINERS: &str = "Containers";
pub const EVENTS: &str = "Last events";
pub const NO_EVENTS: &str = "None in the last hour: Kubernetes keeps them for that long.";
pub const NOTHING_PRINTED: &str = "The container has printed nothing.";
pub const LOG_CUT: &str = "Only the start of these lines was read: the last ones are missing.";

pub fn details_title(object: &ObjectName) -> String {
    match object {
        ObjectName::Node(name) => format!("Node {name}"),
        ObjectName::Pod { namespace, name } => format!("Pod {namespace}/{name}"),
    }
}

/// A host or a bastion that does not let the wizard in.
pub fn needs(place: &str, what: &str) -> String {
    format!("The login to {place} needs {what}. p: enter it.")
}

pub fn not_told(why: &str) -> String {
    format!("K3s gave no details: {why}")
}

pub fn log_title(log: &LogTail) -> String {
    let when = if log.is_previous {
        ", before its last restart"
    } else {
        ""
    };
    let lines = counted(log.lines.len(), "line");
    format!("Log of container {}{when}, last {lines}", log.container)
}

/// A warning of Kubernetes or not, its age, and how often it was seen.
pub fn event(event: &ObjectEvent, now: Option<OffsetDateTime>) -> String {
    let ObjectEvent {
        reason, message, ..
    } = event;
    let age = age(event.when, now);
    let times = match event.count {
        0 | 1 => String::new(),
        count => format!(" ({count} times)"),
    };
    format!("{age:>4}  {reason}{times}: {message}")
}

/// How long ago something was created, in the largest unit: `4d`, `3h`, `25m`.
pub fn age(created: Option<OffsetDateTime>, now: Option<OffsetDateTime>) -> String {
    let (Some(created), Some(now)) = (created, now) else {
        return "-".to_owned();
    };
    let age = now - created;
    match (age.whole_days(), age.whole_hours(), age.whole_minutes()) {
        (days @ 2.., ..) => format!("{days}d"),
        (_, hours @ 2.., _) => format!("{hours}h"),
        (.., minutes @ 1..) => format!("{minutes}m"),
        _ => "<1m".to_owned(),
    }
}

/// The interval between two checks, in seconds.
fn again(seconds: u64) -> String {
    format!("every {seconds} s")
}

/// True until the state changes: the page has no running clock.
pub fn live(from: &str, since: OffsetDateTime, seconds: u64) -> String {
    let (often, since) = (again(seconds), moment(since));
    format!("Live: polling {from} {often}; unchanged since {since}")
}

/// No server answers: how the wizard goes on, and how old the state on the page is.
pub fn lost(gone: &Lost, seconds: u64, had_run: bool) -> String {
    let trying = if gone.given_up {
        "The checks have stopped. Fix the cause, then open this page again.".to_owned()
    } else {
        let often = again(seconds);
        format!("The servers are polled in turn, {often}.")
    };
    let from = match gone.last {
        Some(last) => format!("The state below is from {}.", moment(last)),
        None if had_run => "The state below is from the run.".to_owned(),
        None => String::new(),
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
