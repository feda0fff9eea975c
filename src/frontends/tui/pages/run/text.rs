//! The texts of the run page.

use crate::events::progress::Counts;
pub use crate::frontends::tui::text::{
    GOES_ON, HERE, NOT_BEGUN, clock, counted, step_name, step_state,
};

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
pub const STEPS: &str = "Steps";
pub const LOG: &str = "Log";
pub const PAUSES: &str = "The run pauses after the running phases. p: continue.";

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
