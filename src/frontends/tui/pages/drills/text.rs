//! The texts of the page on which drills are chosen.

pub use crate::frontends::tui::text::counted;

/// What keys do, for the footer and the help.
pub mod key {
    pub const CHOOSE: &str = "choose";
    pub const ALL: &str = "all or none";
    pub const START: &str = "start";
    pub const CANCEL: &str = "cancel";
    pub use crate::frontends::tui::text::key::BACK;
}

pub const WHY: &str = "A drill takes down one machine or service, measures what clients of the API see, and \
     brings it back.";
pub const HEADS: [&str; 5] = ["DRILL", "API", "LAST GAP", "LOST", "REDUNDANT AFTER"];
pub const SERVED: &str = "served";
pub const AWAY: &str = "DOWN";
pub const LISTING: &str = "Reading the cluster's answers and its earlier drills …";
pub const STARTING: &str = "Connecting to the hosts …";
pub const NOTHING_CHOSEN: &str = "No drill is chosen: Space chooses one, a all of them.";
pub const NEVER: &str = "It has not been run yet.";
pub const CONFIRM_TITLE: &str = "Start drills";
pub const CONFIRM_NAME: &str = "Type the cluster's name to start:";

pub fn title(cluster: &str, chosen: usize, of: usize) -> String {
    format!("Drills of cluster {cluster}: {chosen} of {of} chosen")
}

/// The figures of the last time.
pub fn last(gap: &str, kept: &str, acknowledged: usize, lost: usize) -> String {
    format!(
        "Last time: longest gap {gap}, on a persistent connection {kept}; {lost} of {acknowledged} writes lost."
    )
}

pub fn confirm(drills: usize, interrupting: usize, cluster: &str) -> String {
    let drills = counted(drills, "drill");
    let down = match interrupting {
        0 => String::new(),
        1 => " During 1 of them the API is unreachable.".to_owned(),
        several => format!(" During {several} of them the API is unreachable."),
    };
    format!(
        "{drills} will take down machines and services of the cluster {cluster}, one after the other, and bring \
         them back.{down}"
    )
}

pub fn not_the_name(cluster: &str) -> String {
    format!("That is not {cluster}. Nothing was changed.")
}

pub fn not_started(why: &str) -> String {
    format!("No drill was started: {why}")
}

pub fn not_listed(why: &str) -> String {
    format!("The drills of this cluster are not known: {why}")
}
