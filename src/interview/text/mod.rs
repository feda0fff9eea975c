//! Every sentence that the screens and the plain walk both say.
//!
//! * `field`: what fields are for; `section`: why each part of the options exists; `phase`: a phase
//!   of a run

use crate::events::Outcome;
use crate::events::progress::Status;

pub mod field;
pub mod phase;
pub mod section;

/// Where things happen that are about no host in particular.
pub const HERE: &str = "jump host";
pub const BY_OPERATOR: &str = "stopped by the operator";
pub const WELCOME_WHAT: &str = "From bare Linux machines to a highly available K3s, over SSH alone: a Postgres reached over \
     mutual TLS, two or more servers, a load balancer in front of them, and agents behind it.";
pub const WELCOME_NEEDS: &str = "Needed: the machines, with SSH and root or sudo on each, one role a machine. Nothing is \
     changed before you have seen the plan. What breaks off is picked up where it stopped.";
pub const WELCOME_TMUX: &str =
    "You came over SSH. Inside tmux or screen, this goes on when your line drops.";
pub const OFFER_DRAFT: (&str, &str) = ("Go on with what you typed", "it came to no run yet");
pub const OFFER_NEW: (&str, &str) = ("New cluster", "enter hosts and options");
pub const OFFER_OPEN: (&str, &str) = ("Open an answers file", "every field is filled from it");
pub const HOSTS: &str = "Hosts";
pub const HOSTS_WHY: &str = "One Postgres, one load balancer, two or more servers and any number of agents. Several can \
     be pasted at once, one a line: name, address, role.";
pub const REMOVE_HOST: &str = "Remove this host from the list?";
pub const START_ANEW: &str = "Start anew? What you typed before is lost with the first change.";
pub const HOST: &str = "Host";
pub const HOST_WHY: &str = "How this machine is reached, and what it becomes.";
pub const REVIEW: &str = "Review";
pub const ANSWERS_VALID: &str = "The answers are complete.";
pub const GENERATED: &str = "generated, or kept from before";
pub const GIVEN: &str = "given";
pub const CONNECT: &str = "Connect";
pub const PLAN: &str = "Plan";
pub const NO_SCRIPT: &str = "(done by the wizard itself)";
pub const WENT_WRONG: &str =
    "The wizard itself went wrong here: please report it, with the log and what stands below.";

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

/// What stands beside a step in the list; `now` is the time of the run.
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
                (1, false) => format!("looks {took}"),
                _ => format!("attempt {attempt} {took}"),
            }
        }
        Status::Ended { outcome, took } => match outcome {
            Outcome::Done => duration(*took),
            Outcome::Unchanged => "unchanged".into(),
            Outcome::Warned { .. } => "warning".into(),
            Outcome::Skipped { .. } => "skipped".into(),
            Outcome::Failed(_) => "FAILED".into(),
            Outcome::WontRun { .. } => "won't run".into(),
        },
    }
}

pub fn saved(path: &str) -> String {
    format!("Saved as {path}")
}

/// Short enough for the message line of a narrow screen.
pub fn saved_without_logins(path: &str) -> String {
    format!("Saved as {path}, without what SSH and sudo are told")
}

pub fn not_saved(path: &str, why: &str) -> String {
    format!("{path} was not written: {why}")
}

pub fn offer_resume(cluster: &str) -> String {
    format!("Resume {cluster}")
}

pub fn offer_again(cluster: &str) -> String {
    format!("Run {cluster} again")
}

pub fn story(when: &str, how: &str, made: usize) -> String {
    format!("{how}, begun {when}, {} made", counted(made, "thing"))
}

pub fn never_run() -> &'static str {
    "answers are kept, nothing was begun"
}

/// How a run ended; nothing for one that goes on or was killed.
pub fn ended(end: Option<&crate::events::End>) -> String {
    use crate::events::End;
    match end {
        Some(End::Done) => "done".into(),
        Some(End::Failed) => "failed".into(),
        Some(End::Aborted { why }) => format!("stopped ({why})"),
        None => "cut off".into(),
    }
}

pub fn pasted(hosts: usize) -> String {
    format!(
        "{} from what you pasted: look at names and roles",
        counted(hosts, "host")
    )
}

pub fn not_yet(problem: &str) -> String {
    format!("Not yet: {problem}")
}

/// Whom to log in as; without an answer SSH's own configuration says it, or one's own name.
pub fn user(said: Option<&String>) -> String {
    said.map_or_else(|| "as SSH says".into(), Clone::clone)
}

pub fn left_out(path: &str, why: &str) -> String {
    format!("{path} is left out: {why}")
}

pub fn log_lost(path: &str, why: &str) -> String {
    format!("The log {path} is not written any more: {why}")
}

pub fn step_with_script(id: &str, title: &str) -> String {
    format!("{id}: {title}")
}
