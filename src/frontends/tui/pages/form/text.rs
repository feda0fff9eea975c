//! The texts of the forms. Labels and help texts of fields are with the fields.

pub use crate::frontends::tui::text::OPEN;

/// What keys do, for the footer and the help.
pub mod key {
    pub const DONE: &str = "done";
    pub const OPEN_FILE: &str = "open the file";
    pub const NEW_LINE: &str = "new line";
    pub const LINE_UP: &str = "line above, or previous field";
    pub const LINE_DOWN: &str = "line below, or next field";
    pub const GENERATE: &str = "generate";
    pub const NEXT_FIELD: &str = "next field";
    pub const PREVIOUS_FIELD: &str = "previous field";
    pub const REVEAL: &str = "show";
}

pub const GENERATED: &str = "Generated: 43 letters and digits. Ctrl-R shows it for 5 seconds.";
pub const ONLY_DIGITS: &str = "Only digits are allowed here.";

pub const OPEN_WHY: &str = "The file is read once. Your changes are saved elsewhere.";

pub const ASK_TO_DISCARD: &str = "Discard your changes on this page?";
