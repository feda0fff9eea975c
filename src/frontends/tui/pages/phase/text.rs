//! What the page of a phase says.

pub use crate::frontends::tui::text::{GOES_ON, HERE, NOT_BEGUN, counted, step_state};
pub use crate::interview::text::phase::*;

/// What keys do, for the footer and the help.
pub mod key {
    pub const RUN_PHASE: &str = "run this phase";
}

pub const ENTER_RUNS: &str = "Enter runs this phase and stops before the next one; a runs everything that is left. What is so already stays as it is.";

pub fn is_broken(title: &str, failed: usize, wont_run: usize) -> String {
    format!(
        "{title} is not done: {} failed, {wont_run} will not run.",
        counted(failed, "step")
    )
}

pub fn results(changed: usize, unchanged: usize, held: usize, proofs: usize) -> String {
    let text = format!("{changed} changed, {unchanged} so already");
    if proofs == 0 {
        return text;
    }
    format!("{text}, {held} of {} hold", counted(proofs, "proof"))
}
