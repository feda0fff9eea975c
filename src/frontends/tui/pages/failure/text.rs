//! The texts of the failure page.

use time::OffsetDateTime;

pub use crate::frontends::tui::text::{ASK_TO_END, HERE, LOG_FILE, counted, step_name};
use crate::frontends::tui::text::{duration, moment};

/// What keys do, for the footer and the help.
pub mod key {
    pub const NEXT_FAILURE: &str = "next failure";
    pub const PREVIOUS_FAILURE: &str = "previous failure";
    pub const LOOK_AT_LOG: &str = "its log";
    pub const COPY_FAILURE: &str = "copy the failure to your clipboard";
    pub const TRY_STEP_AGAIN: &str = "retry";
    pub const SKIP: &str = "skip";
    pub const WITHOUT: &str = "continue without";
    pub const SHELL: &str = "shell";
}

pub const NO_FAILURE: &str = "No step has failed.";
pub const FAILED: &str = "Failed";
pub const ON_HOST: &str = "host";
pub const TO_REACH: &str = "goal";
pub const ATTEMPT: &str = "attempt";
pub const WHAT_HAPPENED: &str = "what happened";
pub const EXIT_STATUS: &str = "exit status";
pub const WHAT_TO_DO: &str = "what to do";
pub const LAST_LINES: &str = "last lines";
pub const KEPT: &str =
    "Finished steps stay done: a new run checks the hosts and continues from there.";

pub fn failure_title(number: usize, of: usize, name: &str) -> String {
    if of > 1 {
        format!("{FAILED}: {name} ({number} of {of})")
    } else {
        format!("{FAILED}: {name}")
    }
}

pub fn wont_run(steps: usize) -> String {
    format!("{} skipped because of it:", counted(steps, "step"))
}

pub fn and_more(number: usize) -> String {
    format!("and {number} more")
}

/// Which attempt failed, when, and after which time in milliseconds.
pub fn attempt(number: u32, at: Option<OffsetDateTime>, took: u64) -> String {
    let took = duration(took);
    match at {
        Some(at) => format!("{number}, failed at {} after {took}", moment(at)),
        None => format!("{number}, failed after {took}"),
    }
}

/// The run of another process waits.
pub const OPERATOR_DECIDES: &str = "The run is waiting for its operator's decision.";

/// Above a failed step that waits for a decision of the operator.
pub fn asks(may_be_skipped: bool, running: usize) -> String {
    let others = match running {
        0 => "No other step is running.".to_owned(),
        1 => "1 other step is running.".to_owned(),
        _ => format!("{running} other steps are running."),
    };
    let skip = if may_be_skipped {
        " s: skip it (it only checks)."
    } else {
        ""
    };
    format!(
        "This step waits for your decision. {others} Fix the cause, then r: retry this step.{skip} w: continue \
         without it; the steps that need it are skipped. To change the answers, press e: it stops this run and \
         opens them; finished steps stay done."
    )
}
