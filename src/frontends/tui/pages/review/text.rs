//! The texts of the review page.

use crate::answers::CredentialKind;
pub use crate::frontends::tui::text::{ANSWERS_VALID, GENERATED, GIVEN, not_yet, port, user};

/// What keys do, for the footer and the help.
pub mod key {
    pub const EDIT_WRONG: &str = "edit the first problem";
}

pub const HOST_HEADS: [&str; 6] = ["  NAME", "ROLE", "ADDRESS", "NODE IP", "USER", "PORT"];
pub const DRAWN: &str = "The cluster";
pub const LOSSES: &str = "What survives the loss of a machine";
pub const RECIPES: &str = "The external load balancer: how it is configured";
pub const LOSS_OF: &str = "  LOST";
pub const REVIEW_NEXT: &str = "Next, the wizard connects to the hosts and checks them. Nothing is changed on them before you \
     have seen the plan. A digit opens that part to edit it. Ctrl-S saves the answers to a file, \
     for an install without screens.";
pub const REVIEW_READ_ONLY: &str =
    "With --read-only the wizard stops here. Ctrl-S saves the answers to a file.";
pub const GIVEN_FOR_NOW: &str = "given, not saved";
pub const ALL_HOSTS: &str = "all hosts";
pub const NOTHING_ASKED: &str = "Nothing to set here.";

pub fn problem_of_group(mark: &str, group: usize, title: &str, problem: &str) -> String {
    format!("{mark} Part {group}, {title}: {problem}")
}

/// A secret that was typed when a host asked for it.
pub fn given(what: &CredentialKind) -> String {
    let what = match what {
        CredentialKind::Passphrase { .. } => "Key passphrase",
        CredentialKind::Password { .. } => "SSH password",
        CredentialKind::SudoPassword { .. } => "sudo password",
    };
    labelled(what, &format!("********, {GIVEN_FOR_NOW}"))
}

pub fn labelled(label: &str, value: &str) -> String {
    format!("{label}: {value}")
}
