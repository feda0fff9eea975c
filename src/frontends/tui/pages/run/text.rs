//! The texts of the run page.

use std::fmt::Write as _;

use crate::events::progress::Counts;
pub use crate::frontends::tui::text::{
    GOES_ON, HERE, NOT_BEGUN, clock, counted, duration, step_name, step_state,
};
pub use crate::report::lines::estimated;

/// What keys do, for the footer and the help.
pub mod key {
    pub const FOLLOW: &str = "follow";
    pub const SEARCH: &str = "search";
    pub const NEXT_HIT: &str = "next match";
    pub const PREVIOUS_HIT: &str = "previous match";
    pub const WRAP: &str = "wrap long lines";
    pub const TIMES: &str = "show times";
    pub const COPY: &str = "copy the log to your clipboard";
    pub const SAVE_LOG: &str = "save the log to a file";
    pub const NEXT_PHASE: &str = "next phase";
    pub const PREVIOUS_PHASE: &str = "previous phase";
    pub const ZOOM: &str = "zoom";
    pub const FOCUS: &str = "steps/log";
    pub const PAUSE: &str = "pause after the running phases, or continue";
}

pub const EVERYTHING: &str = "All hosts";
pub const NO_LINES: &str = "No output yet.";
pub const NOTHING_TO_SAVE: &str = "No output to save yet.";
pub const STEPS: &str = "Steps";
pub const LOG: &str = "Log";
pub const PAUSES: &str = "The run pauses after the running phases. p: continue.";

/// Of the whole run.
pub fn overall(counts: Counts) -> String {
    format!("{} of {}", counts.finished(), counted(counts.total, "step"))
}

/// Of a phase: how many of its steps are finished, and why the others will not be.
pub fn steps_title(counts: Counts) -> String {
    let mut text = format!("{}/{}", counts.finished(), counts.total);
    if counts.failed > 0 {
        let _ = write!(text, ", {} FAILED", counts.failed);
    }
    if counts.wont_run > 0 {
        let _ = write!(text, ", {} skipped", counts.wont_run);
    }
    text
}

/// The connection to the host of a step is lost; milliseconds since the run began.
pub fn reconnecting(since: u64, now: u64) -> String {
    let lost = duration(now.saturating_sub(since) / 1000 * 1000).replace(".0s", "s");
    format!("no connection for {lost}, reconnecting")
}

pub fn switch(what: &str, on: bool) -> String {
    format!("{what}:{}", if on { "on" } else { "off" })
}

/// What is searched for, at which of the lines with a match the search stands, and of how many.
pub fn searched(search: &str, (place, of): (usize, usize)) -> String {
    match of {
        0 => format!("/{search} no match"),
        _ => format!("/{search} {place} of {of}"),
    }
}

pub fn unseen(mark: &str, lines: usize) -> String {
    format!("{mark} {lines} new (f)")
}

pub fn earlier_lines(gone: u64) -> String {
    format!("({gone} earlier lines are in the log file)")
}
