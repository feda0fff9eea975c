//! The texts that several pages share, and those around the pages. The texts of one page are with it.
//! `key`: what the keys of several pages do.

use time::OffsetDateTime;

use crate::engine::watch::Lost;
use crate::events::progress::{Status, StepProgress};
use crate::events::{Abort, Decision, Outcome};

pub mod key;

pub use crate::interview::text::*;

pub const NAME: &str = "k3s-ha-wizard";
pub const NOT_BEGUN: &str = "The run starts in a moment.";
pub const SEARCH: &str = "Search: ";
pub const NO_SSH_PASSWORD: &str =
    "The wizard has no SSH password for this host. Enter the password for sudo.";
pub const SAVE_ANSWERS_AS: &str = "Save the answers as: ";
pub const SAVE_LOG_AS: &str = "Save this log as: ";

pub fn replace(path: &str) -> String {
    format!("{path} exists. Replace it?")
}

pub const PROOFS: &str = "Proofs";
pub const LOG_FILE: &str = "log";
pub const HELP_TITLE: &str = "Keys (Up and Down scroll)";
pub const HELP_MOUSE: &str =
    "The mouse wheel scrolls; a click selects a phase or a step. Hold Shift to select text.";
pub const LEAVE_TITLE: &str = "Leave the wizard?";
pub const LEAVE_TEXT: &str = "No step is running. Your answers are kept.";
pub const LEAVE_REPLAY: &str = "Nothing is running: this is a replay.";
pub const LEAVE_READ_ONLY: &str =
    "No step is running. With --read-only your answers are not kept; Ctrl-S saves them.";
pub const QUIT_TITLE: &str = "Stop the run?";
pub const QUIT_TEXT: &str = "The running steps can finish first, or be killed now. Finished steps stay done, and you can \
     resume at any time.";
pub const QUIT_DRILL: &str = "The running drill can first bring back what it took down. If it is killed, the host brings it \
     back within two minutes. No further drill starts.";
pub const ASK_TO_END: &str = "Stop this run to edit the answers? Finished steps stay done.";
pub const STOPPING: &str = "Stopping: waiting for the running steps. Ctrl-C again kills them now.";
pub const STOPPING_HARD: &str = "Stopping: killing the running steps. Ctrl-C again leaves at once.";
pub const NOT_FOUND: &str = "Not found. Only the lines in memory are searched.";
pub const NOTHING_TO_COPY: &str = "Nothing to copy.";
pub const SUSPENDED_BACK: &str = "Resumed. While suspended, nothing was read from the hosts.";

pub const WELCOME: &str = "Welcome";
pub const READ_ONLY: &str = "read-only";
pub const READ_ONLY_RUNS_NOTHING: &str =
    "Refused with --read-only. `check` compares hosts; `status` shows the cluster.";
pub const LIVE: &str = "Live";
pub const CHECKS: &str = "Checks";
pub const DRILLS: &str = "Drills";
pub const OPEN: &str = "Answers file";
pub const STILL_CLOSING: &str =
    "The previous connections are still closing. Try again in a moment.";

pub const NOT_A_TERMINAL: &str = "\
The interactive wizard needs a terminal on standard input and standard output. Without one, run it \
from a file:

  k3s-ha-wizard answers example >answers.toml
  k3s-ha-wizard install --answers answers.toml
";
pub const NOT_A_TERMINAL_FOR_REPLAY: &str = "\
The screens of a replay need a terminal on standard input and standard output. Without one, use
--plain or --output json.
";
pub const NO_FILES: &str = "no files change, or not known until the step runs";
pub const GOES_ON: &str = "All remaining phases run without stopping.";

pub fn too_small(width: u16, height: u16, least: (u16, u16)) -> [String; 2] {
    [
        format!("terminal too small: {width}×{height}"),
        format!(
            "{}×{} needed; a run in progress continues",
            least.0, least.1
        ),
    ]
}

pub fn cluster(name: &str) -> String {
    format!("cluster \"{name}\"")
}

/// A page and its place among the steps that lead to a run.
pub fn step_of(number: usize, of: usize, dot: &str, title: &str) -> String {
    format!("Step {number}/{of} {dot} {title}")
}

pub fn phase_of(number: usize, of: usize, title: &str) -> String {
    format!("Phase {number}/{of} {title}")
}

/// The name of a step without its host, which has its own column.
pub fn step_name(step: &StepProgress) -> &str {
    let id = step.id.as_str();
    id.split_once('@').map_or(id, |(name, _)| name)
}

pub fn step_begins(step: &StepProgress) -> String {
    format!("{}: {}", step_name(step), step.title)
}

pub fn step_ended(step: &StepProgress) -> String {
    let name = step_name(step);
    match &step.status {
        Status::Ended { outcome, took } => match outcome {
            Outcome::Done => format!("{name}: done in {}", duration(*took)),
            Outcome::Unchanged => format!("{name}: unchanged ({})", step.title),
            Outcome::Warned { why } => format!("{name}: done with a warning, {why}"),
            Outcome::Skipped { why } => format!("{name}: skipped, {why}"),
            Outcome::Failed(failure) => format!("{name}: FAILED, {}", failure.why),
            Outcome::WontRun { because } => format!("{name}: skipped, {because}"),
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
        Abort::Soft => format!("stopping ({why}): waiting for the running steps"),
        Abort::Hard => format!("stopping ({why}): killing the running steps"),
    }
}

pub fn decided(decision: Decision) -> &'static str {
    match decision {
        Decision::Retry => "operator: retry",
        Decision::Skip => "operator: skip",
        Decision::GiveUp => "operator: continue without it",
    }
}

pub fn renewed(certificate: &str, why: &str) -> String {
    format!("{certificate}: {why}")
}

pub fn missed_lines(lines: u64) -> String {
    format!("{lines} lines of output are left out: there were too many")
}

pub fn copied(lines: usize) -> String {
    format!(
        "Copied {} through the terminal (tmux needs: set -g set-clipboard on).",
        counted(lines, "line")
    )
}

pub fn not_generated(why: &str) -> String {
    format!("Cannot generate a secret: {why}")
}

pub fn failed_step(step: &StepProgress) -> String {
    let host = step.host.as_deref().unwrap_or(HERE);
    format!("{} failed on {host}; x shows why", step_name(step))
}

pub fn proofs_hold(holding: usize, all: usize) -> String {
    if holding == all {
        format!("all {} pass", counted(all, "proof"))
    } else {
        format!("{} of {} FAILED", all - holding, counted(all, "proof"))
    }
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

/// The run of another process.
pub fn following(ended: bool, lost: bool) -> String {
    if ended {
        "the run has ended"
    } else if lost {
        "no longer following"
    } else {
        "following"
    }
    .into()
}

/// The log of a run that was followed cannot be read.
pub fn not_followed(why: &str) -> String {
    format!("The log can no longer be read: {why}")
}

pub fn terminal_failed(why: &str) -> String {
    format!("cannot use the terminal: {why}")
}

pub fn new_file(path: &str, mode: &str) -> String {
    format!("{path} is new ({mode})")
}

pub fn changed_file(path: &str, modes: Option<&(String, String)>) -> String {
    match modes {
        Some((before, after)) => format!("{path} changes ({before} to {after})"),
        None => format!("{path} changes"),
    }
}

pub fn same_file(path: &str) -> String {
    format!("{path} is unchanged")
}

pub fn shell_opens(host: &str) -> String {
    format!("A shell on {host}, over SSH. exit or Ctrl-D returns to the wizard.")
}

pub fn shell_ended(host: &str) -> String {
    format!("Back from {host}.")
}

pub fn no_shell(why: &str) -> String {
    format!("No shell: {why}")
}

/// Printed at the end, after the screens are closed.
pub fn was_lost(gone: &Lost, seen: bool) -> String {
    let from = match (gone.last, seen) {
        (Some(last), true) => format!("was seen at {}", moment(last)),
        _ => "is from the run".to_owned(),
    };
    let mut text = format!(
        "\nThe cluster has not answered since {}; the state above {from}.\n",
        moment(gone.since)
    );
    for why in &gone.why {
        text.push_str("  ");
        text.push_str(why);
        text.push('\n');
    }
    text
}

pub fn not_watched(why: &str) -> String {
    format!("The cluster is not watched: {why}")
}

/// `2026-11-24 21:54:40 UTC`
pub fn moment(moment: OffsetDateTime) -> String {
    let (hour, minute, second) = moment.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02} UTC", moment.date())
}
