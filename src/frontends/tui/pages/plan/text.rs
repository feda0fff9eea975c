//! What the page of the plan says.

pub use crate::frontends::tui::text::step_with_script;

/// What keys do, for the footer and the help.
pub mod key {
    pub const PHASE_BY_PHASE: &str = "phase by phase";
    pub const CHECKS: &str = "checks";
}

pub const PLAN_WHY: &str = "This is everything that will be made true, and how. What is so already stays as it is. \
     Enter begins phase by phase, a runs everything.";
