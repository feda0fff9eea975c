//! The texts of the welcome page.

pub use crate::frontends::tui::text::{
    OFFER_DRAFT, OFFER_NEW, OFFER_OPEN, START_ANEW, WELCOME_NEEDS, WELCOME_TMUX, WELCOME_WHAT,
    offer_again, offer_resume,
};

pub fn watch(cluster: &str) -> String {
    format!("Live page of {cluster}")
}

/// What keys do, for the footer and the help.
pub mod key {
    pub const CHOOSE: &str = "choose";
    pub const LOOK: &str = "live page";
    pub const RUN_AGAIN: &str = "run again";
}
