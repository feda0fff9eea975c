//! The texts of the failure page.

pub use crate::frontends::tui::text::{HERE, LOG_FILE, counted, step_name};

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

pub const ASK_TO_END: &str = "Stop this run to edit the answers? Finished steps stay done.";
pub const NO_FAILURE: &str = "No step has failed.";
pub const FAILED: &str = "Failed";
pub const ON_HOST: &str = "host";
pub const TO_REACH: &str = "goal";
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
    format!("{} not run because of it:", counted(steps, "step"))
}

pub fn and_more(number: usize) -> String {
    format!("and {number} more")
}

/// Above a failed step that waits for a decision of the operator.
pub fn asks(may_be_skipped: bool) -> &'static str {
    if may_be_skipped {
        "This step waits for your decision. r: retry it. s: skip it (it only checks). w: continue \
         without it and the steps that need it. Ctrl-C: stop the run; everything is kept."
    } else {
        "This step waits for your decision. Fix the cause, then r: retry it. w: continue without it \
         and the steps that need it. Ctrl-C: stop the run; everything is kept."
    }
}
