//! What the page of a phase says.

use super::counted;
pub use crate::interview::text::phase::*;

pub const NO_FILES: &str = "no file changes, or it is not known before it runs";

pub fn new_file(path: &str, mode: &str) -> String {
    format!("{path} is new ({mode})")
}

pub fn changed_file(path: &str, modes: Option<&(String, String)>) -> String {
    match modes {
        Some((before, after)) => format!("{path} changes ({before}, then {after})"),
        None => format!("{path} changes"),
    }
}

pub fn same_file(path: &str) -> String {
    format!("{path} is so already")
}

pub const ENTER_RUNS: &str = "Enter runs this phase and stops before the next one; a runs everything that is left. What is so already stays as it is.";
pub const GOES_ON: &str = "Goes on to the end by itself.";
pub const PAUSES: &str = "Pauses when the phases at work are done; p goes on by itself.";

pub fn shell_opens(host: &str) -> String {
    format!("A shell on {host}, by ssh. Its end (exit, Ctrl-D) brings you back to the wizard.")
}

pub fn shell_ended(host: &str) -> String {
    format!("Back from {host}.")
}

pub fn no_shell(why: &str) -> String {
    format!("No shell: {why}")
}

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
