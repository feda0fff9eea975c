//! What the review says.

pub use crate::frontends::tui::text::{ANSWERS_VALID, GENERATED, GIVEN, not_yet, user};

/// What keys do, for the footer and the help.
pub mod key {
    pub const GROUP: &str = "to 7: change that part";
    pub const EDIT_WRONG: &str = "change what is wrong first";
}

pub const HOST_HEADS: [&str; 6] = ["  NAME", "ROLE", "ADDRESS", "NODE IP", "USER", "PORT"];
pub const REVIEW_NEXT: &str = "Next, the hosts are asked what they are. Nothing is changed on them before you have seen the \
     plan. A digit leads to a part, to change it; Ctrl-S saves the answers as a file, which gives \
     the same plan without screens.";
pub const GIVEN_FOR_NOW: &str = "given, kept in no file";
pub const NOTHING_ASKED: &str = "Nothing to say here.";

pub fn problem_of_group(mark: &str, group: usize, problem: &str) -> String {
    format!("{mark} {group} {problem}")
}

pub fn labelled(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}
