//! Every sentence of the screens: those of the interview, and what only screens say.
//!
//! * `key`: what keys do; `form`: what stands at fields; `phase`: a phase of a run; `cluster`: how
//!   it is after one

use crate::events::progress::{Counts, Status, Step};
use crate::events::{Abort, Decision, Outcome};

use super::model::Page;
use super::page_order;

pub mod checks;
pub mod cluster;
pub mod form;
pub mod hosts;
pub mod key;
pub mod phase;

pub use crate::interview::text::*;

pub const NAME: &str = "k3s-ha-wizard";
pub const EVERYTHING: &str = "All hosts";
pub const NO_LINES: &str = "Nothing was printed yet.";
pub const STEPS: &str = "Steps";
pub const LOG: &str = "Log";
pub const NOT_BEGUN: &str = "The run begins in a moment.";
pub const SEARCH: &str = "Search: ";
pub const PROOFS: &str = "Proofs";
pub const PROOFS_WHY: &str =
    "What must hold is tried, and what must be refused is tried too, from each host's own place.";
pub const NO_PROOFS: &str =
    "Nothing was tried yet. The certificates, the load balancer and the agents each bring proofs.";
pub const EXPECTED: &str = "expected";
pub const HOLDS: &str = "ok";
pub const BROKEN: &str = "BROKEN";
pub const NOT_TRIED: &str = "-";
pub const NO_FAILURE: &str = "No step has failed.";
pub const FAILED: &str = "Failed";
pub const ON_HOST: &str = "host";
pub const TO_REACH: &str = "to reach";
pub const WHAT_HAPPENED: &str = "what happened";
pub const EXIT_STATUS: &str = "exit status";
pub const WHAT_TO_DO: &str = "what to do";
pub const LAST_LINES: &str = "last lines";
pub const LOG_FILE: &str = "log";
pub const KEPT: &str =
    "What was done stays done: a run begun again asks the hosts and goes on from there.";
pub const NO_CLUSTER: &str = "Nothing is known of the cluster yet: its nodes and pods show here as soon as they were asked for.";
pub const NODES: &str = "Nodes";
pub const PODS: &str = "Pods";
pub const TIME: &str = "Time of each phase";
pub const NEXT: &str = "Next";
pub const KUBECONFIG: &str = "kubeconfig";
pub const NODE_HEADS: [&str; 5] = ["NODE", "STATUS", "ROLES", "VERSION", "ADDRESS"];
pub const POD_HEADS: [&str; 6] = ["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "NODE"];
pub const HELP_TITLE: &str = "Keys (Up and Down scroll)";
pub const HELP_MOUSE: &str = "The mouse wheel scrolls, a click chooses a phase or a step. To select text with the mouse, hold Shift.";
pub const QUIT_TITLE: &str = "A run is at work";
pub const QUIT_TEXT: &str = "Stop it? The steps at work can be finished first, or ended half way. What is done stays \
     done: you can resume at any time.";
pub const STOPPING: &str =
    "Stopping: the steps at work are finished first. Ctrl-C again ends them now.";
pub const STOPPING_HARD: &str =
    "Stopping: the steps at work are being ended. Ctrl-C once more leaves at once.";
pub const NOT_FOUND: &str = "Not found in the lines that are kept here.";
pub const NOTHING_TO_COPY: &str = "There is nothing to copy.";
pub const SUSPENDED_BACK: &str = "Back again. While suspended, nothing was read from the hosts.";

pub const ALL_WELL: &str = "all well";
pub const WELCOME: &str = "Welcome";
pub const NO_HOSTS: &str = "No hosts yet. a adds one.";
pub const HOST_HEADS: [&str; 6] = ["  NAME", "ROLE", "ADDRESS", "NODE IP", "USER", "PORT"];
pub const OPEN: &str = "Answers file";
pub const OPEN_WHY: &str = "The file is read once; what you change here is saved elsewhere.";
pub const REVIEW_NEXT: &str = "Next, the hosts are asked what they are. Nothing is changed on them before you have seen the \
     plan. A digit leads to a part, to change it; Ctrl-S saves the answers as a file, which gives \
     the same plan without screens.";
pub const GIVEN_FOR_NOW: &str = "given, kept in no file";
pub const NOTHING_ASKED: &str = "Nothing to say here.";
pub const CONNECT_WHY: &str = "Every host is connected to at once, and says what it is.";
pub const CONNECTING: &str = "connecting";
pub const NOT_REACHED: &str = "not reached";
pub const NOT_KNOWN: &str = "not tried to the end";
pub const BELIEVED: &str = "host key believed; r tries again";
pub const STILL_CLOSING: &str =
    "The connections from before are still being closed. Try again in a moment.";
pub const PLAN_WHY: &str = "This is everything that will be made true, and how. What is so already stays as it is. \
     Enter begins phase by phase, a runs everything.";

pub const NOT_A_TERMINAL: &str = "\
The interactive wizard needs a terminal on standard input and standard output. Without one, run it \
from a file:

  k3s-ha-wizard answers example >answers.toml
  k3s-ha-wizard install --answers answers.toml
";
pub const NOT_A_TERMINAL_FOR_REPLAY: &str = "\
A replay needs a terminal on standard input and standard output.
";

pub fn too_small(width: u16, height: u16, least: (u16, u16)) -> [String; 2] {
    [
        format!("terminal too small: {width}×{height}"),
        format!("{}×{} needed; nothing stops meanwhile", least.0, least.1),
    ]
}

pub fn cluster(name: &str) -> String {
    format!("cluster \"{name}\"")
}

/// What a page before a run is called.
pub fn page(page: Page) -> &'static str {
    match page {
        Page::Welcome => WELCOME,
        Page::Hosts => HOSTS,
        Page::Host => HOST,
        Page::Open => OPEN,
        Page::Options(section) => section::title(section),
        Page::Review => REVIEW,
        Page::Connect => CONNECT,
        Page::Checks => checks::TITLE,
        Page::Plan => PLAN,
        Page::Phase | Page::Run | Page::Proofs | Page::Failure | Page::Cluster => "",
    }
}

/// The same, with its place among the steps that lead to a run.
pub fn step_of(shown: Page, dot: &str) -> String {
    match page_order::place(shown) {
        Some(place) => {
            let of = page_order::ORDER.len();
            format!("Step {}/{of} {dot} {}", place + 1, page(shown))
        }
        None => page(shown).to_owned(),
    }
}

pub fn phase_of(number: usize, of: usize, title: &str) -> String {
    format!("Phase {number}/{of} {title}")
}

/// A step without its host, which stands beside it.
pub fn step_name(step: &Step) -> &str {
    let id = step.id.as_str();
    id.split_once('@').map_or(id, |(name, _)| name)
}

pub fn step_begins(step: &Step) -> String {
    format!("{}: {}", step_name(step), step.title)
}

pub fn step_ended(step: &Step) -> String {
    let name = step_name(step);
    match &step.status {
        Status::Ended { outcome, took } => match outcome {
            Outcome::Done => format!("{name}: done in {}", duration(*took)),
            Outcome::Unchanged => format!("{name}: unchanged, {}", step.title),
            Outcome::Warned { why } => format!("{name}: done, but {why}"),
            Outcome::Skipped { why } => format!("{name}: skipped, {why}"),
            Outcome::Failed(failure) => format!("{name}: FAILED, {}", failure.why),
            Outcome::WontRun { because } => format!("{name}: will not run, {because}"),
        },
        Status::NotStarted | Status::Running { .. } => name.to_owned(),
    }
}

pub fn connection(lost: bool, text: &str) -> String {
    if lost {
        format!("connection LOST: {text}")
    } else {
        format!("connection: {text}")
    }
}

pub fn warned(text: &str) -> String {
    format!("warning: {text}")
}

pub fn unknown_event(kind: &str) -> String {
    format!("{kind}: an event of a newer wizard")
}

pub fn stopping(how: Abort, why: &str) -> String {
    match how {
        Abort::Soft => format!("stopping ({why}): the steps at work are finished"),
        Abort::Hard => format!("stopping ({why}): the steps at work are ended"),
    }
}

pub fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "you: try it again",
        Decision::Skip => "you: leave it out",
        Decision::GiveUp => "you: go on without it",
    }
}

pub fn renewed(certificate: &str, why: &str) -> String {
    format!("{certificate}: {why}")
}

pub fn missed_lines(lines: u64) -> String {
    format!("{lines} lines came too fast to be shown; the log file has them")
}

pub fn steps_title(counts: Counts) -> String {
    let ended = counts.total - counts.not_started - counts.running;
    let text = format!("{ended}/{}", counts.total);
    if counts.failed > 0 {
        format!("{text}, {} FAILED", counts.failed)
    } else {
        text
    }
}

pub fn switch(what: &str, on: bool) -> String {
    format!("{what}:{}", if on { "on" } else { "off" })
}

pub fn unseen(mark: &str, lines: usize) -> String {
    format!("{mark} {}, f follows", counted(lines, "new line"))
}

pub fn earlier_lines(gone: u64) -> String {
    format!("({gone} earlier lines are in the log file)")
}

pub fn copied(lines: usize) -> String {
    format!(
        "Copied {} through the terminal (in tmux this needs: set -g set-clipboard on).",
        counted(lines, "line")
    )
}

pub fn not_generated(why: &str) -> String {
    format!("No random numbers for a secret: {why}")
}

pub fn failed_step(step: &Step) -> String {
    let host = step.host.as_deref().unwrap_or(HERE);
    format!("{} failed on {host}; x shows why", step_name(step))
}

pub fn failure_title(number: usize, of: usize, name: &str) -> String {
    if of > 1 {
        format!("{FAILED}: {name} ({number} of {of})")
    } else {
        format!("{FAILED}: {name}")
    }
}

pub fn wont_run(steps: usize) -> String {
    format!("{} will not run because of it:", counted(steps, "step"))
}

pub fn and_more(number: usize) -> String {
    format!("and {number} more")
}

pub fn problems(number: usize) -> String {
    counted(number, "problem")
}

pub fn as_of(at: u64) -> String {
    format!("as it was {} after the run began", duration(at))
}

pub fn proofs_hold(holding: usize, all: usize) -> String {
    if holding == all {
        format!("all {} hold", counted(all, "proof"))
    } else {
        format!("{} of {} do NOT hold", all - holding, counted(all, "proof"))
    }
}

pub fn proof_broken(host: &str, case: &str, expected: &str, got: &str) -> String {
    format!("BROKEN on {host}: {case}: expected {expected}, got {got}")
}

pub fn run_done(took: u64) -> String {
    format!("Done in {}.", duration(took))
}

pub fn run_failed(took: u64) -> String {
    format!("The run failed after {}.", duration(took))
}

pub fn run_aborted(why: &str) -> String {
    format!("The run was stopped ({why}).")
}

pub fn connections(up: usize, of: usize) -> String {
    format!("ssh {up}/{of}")
}

pub fn replaying(ended: bool, paused: bool, speed: u32) -> String {
    if ended {
        "end of the replay".into()
    } else if paused {
        "replay paused".into()
    } else {
        format!("replay {speed}x")
    }
}

pub fn problem_of_group(mark: &str, group: usize, problem: &str) -> String {
    format!("{mark} {group} {problem}")
}

pub fn labelled(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}

pub fn believe(key: &str) -> String {
    format!("If {key} is what the host itself shows, b believes it.")
}

pub fn terminal_failed(why: &str) -> String {
    format!("the terminal cannot be used: {why}")
}
