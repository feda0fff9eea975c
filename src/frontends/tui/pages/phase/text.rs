//! The texts of the phase page.

pub use crate::frontends::tui::text::{ASK_TO_END, GOES_ON, HERE, NOT_BEGUN, counted, step_state};
pub use crate::interview::text::phase::*;

pub const ENTER_RUNS: &str = "Enter runs this phase and stops before the next one; a runs all remaining phases. Anything already in place is left alone.";

pub fn is_broken(title: &str, failed: usize, wont_run: usize) -> String {
    format!(
        "{title} is not done: {} failed, {wont_run} skipped.",
        counted(failed, "step")
    )
}

pub fn results(changed: usize, unchanged: usize, held: usize, proofs: usize) -> String {
    let text = format!("{changed} changed, {unchanged} already done");
    if proofs == 0 {
        return text;
    }
    format!("{text}, {held} of {} pass", counted(proofs, "proof"))
}
