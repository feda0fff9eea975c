//! The texts of the forms. Labels and help texts of fields are with the fields.

use crate::answers::Problem;
pub use crate::frontends::tui::text::OPEN;
use crate::interview::text::counted;

/// What keys do, for the footer and the help.
pub mod key {
    pub const DONE: &str = "next page";
    pub const OPEN_FILE: &str = "open the file";
    pub const NEW_LINE: &str = "new line";
    pub const LINE_UP: &str = "line above, or previous field";
    pub const LINE_DOWN: &str = "line below, or next field";
    pub const GENERATE: &str = "generate";
    pub const NEXT_FIELD: &str = "next field";
    pub const PREVIOUS_FIELD: &str = "previous field";
    pub const REVEAL: &str = "show";
    pub const CHOOSE: &str = "choose";
    pub const PREVIOUS_CHOICE: &str = "previous choice";
}

pub const GENERATED: &str = "Generated: 43 letters and digits. Ctrl-R shows it for 5 seconds.";
pub const HOW_TO_CHOOSE: &str = "Left, Right and Space change the choice.";
pub const ONLY_DIGITS: &str = "Only digits are allowed here.";

/// Each on a line of its own, after their number: not all may have room.
pub fn not_loaded(problems: &[Problem]) -> String {
    let head = format!("This file has {}:", counted(problems.len(), "problem"));
    let lines = problems.iter().map(Problem::to_string);
    [head]
        .into_iter()
        .chain(lines)
        .collect::<Vec<_>>()
        .join("\n")
}

pub const OPEN_WHY: &str = "The file is read once. Your changes are saved elsewhere.";

pub const ASK_TO_DISCARD: &str = "Discard your changes on this page?";
