//! The texts that the screens and the plain frontend share.
//!
//! * `field`: fields; `section`: the parts of the options; `phase`: the phases of a run

use crate::events::Outcome;
use crate::events::progress::Status;

pub mod field;
pub mod phase;
pub mod section;

/// The name of this machine where others show a host.
pub const HERE: &str = "this machine";
pub const BY_OPERATOR: &str = "stopped by the operator";
pub const WELCOME_WHAT: &str = "The wizard installs a highly available K3s on bare Linux machines, over SSH only: \
     Postgres with mutual TLS, two or more servers, a load balancer in front of them, and agents.";
pub const WELCOME_NEEDS: &str = "You need the machines, with SSH and root or sudo on each. Nothing is changed before you have seen the \
                                 plan. An interrupted run continues where it stopped.";
pub const WELCOME_TMUX: &str = "You are connected over SSH. Use tmux or screen, so that the wizard survives a dropped \
     connection.";
pub const OFFER_DRAFT: (&str, &str) = (
    "Continue with your draft",
    "answers not complete or not run",
);
pub const OFFER_NEW: (&str, &str) = ("New cluster", "enter hosts and options");
pub const OFFER_OPEN: (&str, &str) = ("Open an answers file", "fill in all fields from it");
pub const HOSTS: &str = "Hosts";
pub const HOSTS_WHY: &str = "One Postgres, or two with a monitor; one or two load balancers; one or more servers; any number of agents. \
     Set an external Postgres or load balancer on its own page. Paste several hosts at once, one per line: name, \
     address, role.";
pub const REMOVE_HOST: &str = "Remove this host from the list?";
pub const START_ANEW: &str = "Start over? The first change discards your draft.";
pub const HOST: &str = "Host";
pub const HOST_WHY: &str = "How the wizard logs in to this host, and the host's role.";
pub const REVIEW: &str = "Review";
pub const ANSWERS_VALID: &str = "The answers are complete.";
pub const GENERATED: &str = "generated, or the existing one";
pub const GIVEN: &str = "given";
pub const CONNECT: &str = "Connect";
pub const PLAN: &str = "Plan";
pub const NO_SCRIPT: &str = "(done by the wizard itself)";
pub const WENT_WRONG: &str =
    "Internal error of the wizard: please report it, with the log and the text below.";

/// Milliseconds since the run began, in seconds: `12.3s`.
pub fn clock(at: u64) -> String {
    format!("{}.{}s", at / 1000, at % 1000 / 100)
}

/// Milliseconds, for people: `14.2s`, `3m 12s`, `1h 02m`.
pub fn duration(took: u64) -> String {
    let seconds = took / 1000;
    match seconds {
        0..60 => clock(took),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 step`, `2 steps`.
pub fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// The state of a step in the list; `now` is the time of the run.
pub fn step_state(status: &Status, now: u64) -> String {
    match status {
        Status::NotStarted => String::new(),
        Status::Running {
            since,
            attempt,
            applying,
        } => {
            let took = duration(now.saturating_sub(*since) / 1000 * 1000);
            let took = took.replace(".0s", "s");
            match (attempt, applying) {
                (1, true) => took,
                (1, false) => format!("checking {took}"),
                _ => format!("attempt {attempt} {took}"),
            }
        }
        Status::Ended { outcome, took } => match outcome {
            Outcome::Done => duration(*took),
            Outcome::Unchanged => "unchanged".into(),
            Outcome::Warned { .. } => "warning".into(),
            Outcome::Skipped { .. } | Outcome::WontRun { .. } => "skipped".into(),
            Outcome::Failed(_) => "FAILED".into(),
        },
    }
}

pub fn saved(path: &str) -> String {
    format!("Saved as {path}")
}

/// Short enough for the message line of a narrow screen.
pub fn saved_without_logins(path: &str) -> String {
    format!("Saved as {path}, without SSH and sudo secrets")
}

pub fn not_saved(path: &str, why: &str) -> String {
    format!("cannot write {path}: {why}")
}

pub fn offer_resume(cluster: &str) -> String {
    format!("Resume {cluster}")
}

pub fn offer_again(cluster: &str) -> String {
    format!("Run {cluster} again")
}

pub fn story(when: &str, how: &str, made: usize) -> String {
    format!("{how}, started {when}, {}", counted(made, "change"))
}

pub fn never_run() -> &'static str {
    "answers saved, never run"
}

/// How a run ended; `None` for a running or killed one.
pub fn ended(end: Option<&crate::events::End>) -> String {
    use crate::events::End;
    match end {
        Some(End::Done) => "done".into(),
        Some(End::Failed) => "failed".into(),
        Some(End::Aborted { why }) => format!("stopped ({why})"),
        None => "interrupted".into(),
    }
}

/// So many hosts, and the words that mean nothing, with their lines.
pub fn pasted(hosts: usize, unknown: &[(usize, String)]) -> String {
    let hosts = counted(hosts, "host");
    match unknown {
        [] => format!("{hosts} pasted: check their names and roles"),
        [(line, word), ..] => format!("{hosts} pasted. Line {line}: {word:?} is not a role"),
    }
}

pub fn not_yet(problem: &str) -> String {
    format!("Cannot continue: {problem}")
}

/// What is wrong with a host.
pub fn of_host(name: &str, place: usize, field: &str, message: &str) -> String {
    match name {
        "" => format!("host {}: {field} {message}", place + 1),
        name => format!("{name}: {field} {message}"),
    }
}

const DEFAULT: &str = "(default)";

/// The login user; if not set, that of the SSH configuration or the operator's own name.
pub fn user(said: Option<&String>) -> String {
    said.map_or_else(|| DEFAULT.into(), Clone::clone)
}

/// The SSH port; if not set, that of the SSH configuration or 22.
pub fn port(said: Option<u16>) -> String {
    said.map_or_else(|| DEFAULT.into(), |port| port.to_string())
}

pub fn left_out(path: &str, why: &str) -> String {
    format!("{path} is ignored: {why}")
}

pub fn log_lost(path: &str, why: &str) -> String {
    format!("The log {path} can no longer be written: {why}")
}

pub fn step_with_script(id: &str, title: &str) -> String {
    format!("{id}: {title}")
}
