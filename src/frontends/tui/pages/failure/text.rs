//! What the page of a failure says.

pub use crate::frontends::tui::text::{HERE, LOG_FILE, counted, step_name};

/// What keys do, for the footer and the help.
pub mod key {
    pub const NEXT_FAILURE: &str = "next failure";
    pub const PREVIOUS_FAILURE: &str = "previous failure";
    pub const LOOK_AT_LOG: &str = "its log";
    pub const COPY_FAILURE: &str = "copy the failure to your clipboard";
    pub const TRY_STEP_AGAIN: &str = "try again";
    pub const SKIP: &str = "leave it out";
    pub const WITHOUT: &str = "go on without";
    pub const SHELL: &str = "shell there";
}

pub const ASK_TO_END: &str = "End this run to edit the answers? What is done stays done.";
pub const NO_FAILURE: &str = "No step has failed.";
pub const FAILED: &str = "Failed";
pub const ON_HOST: &str = "host";
pub const TO_REACH: &str = "to reach";
pub const WHAT_HAPPENED: &str = "what happened";
pub const EXIT_STATUS: &str = "exit status";
pub const WHAT_TO_DO: &str = "what to do";
pub const LAST_LINES: &str = "last lines";
pub const KEPT: &str =
    "What was done stays done: a run begun again asks the hosts and goes on from there.";

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

/// A step whose fate is asked for.
pub fn asks(may_be_skipped: bool) -> &'static str {
    if may_be_skipped {
        "The run waits: r tries this step again, s leaves it out (it only looks), w goes on without it \
         and without what needs it. Ctrl-C stops; everything is kept."
    } else {
        "The run waits: mend it and r tries this step again, w goes on without it and without what \
         needs it. Ctrl-C stops; everything is kept."
    }
}
