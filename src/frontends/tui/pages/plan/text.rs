//! The texts of the plan page.

pub use crate::frontends::tui::text::step_with_script;

/// What keys do, for the footer and the help.
pub mod key {
    pub const PHASE_BY_PHASE: &str = "run phase by phase";
    pub const CHECKS: &str = "checks";
}

pub const PLAN_WHY: &str = "The plan: every step of the run, and how it is done. Anything already in place is left \
     alone. Enter runs it phase by phase, a runs everything.";
