//! The texts of the page of a drill.

pub use crate::frontends::tui::text::{clock, duration};

/// What keys do, for the footer and the help.
pub mod key {
    pub const LIVE: &str = "live page";
}

pub const BEFORE: &str = "Before the first drill: the cluster must be healthy and redundant.";
pub const WRITES: &str = "writes";
pub const READS: &str = "reads";
pub const NO_SAMPLE: &str = "The clients have had no answer yet.";
pub const NOT_YET: &str = "Nothing is taken down yet.";
pub const COMES_BACK: &str = "Down. It must come back by itself.";
pub const COMING_BACK: &str = "Down. The host is bringing it back.";
pub const IS_BACK: &str = "Back. The drill ends when the cluster has its redundancy again.";
pub const FAILED_TO_ACT: &str = "It was not taken down, or did not come back.";
pub const HEADS: [&str; 6] = [
    "DRILL",
    "RESULT",
    "LONGEST GAP",
    "PREVIOUS GAP",
    "LOST",
    "REDUNDANT AFTER",
];
pub const REPORT: &str = "report";

/// Which drill, of how many, runs.
pub fn title(number: usize, of: usize, drill: &str) -> String {
    format!("Drill {number} of {of}: {drill}")
}

/// The host brings it back in so many seconds.
pub fn away(seconds: u64) -> String {
    format!("Down. The host brings it back by itself in {seconds} s.")
}

/// What a bar of a sparkline and its height stand for; times are milliseconds.
pub fn scale(cell: u64, (low, lowest): (&str, u64), (high, top): (&str, u64)) -> String {
    let (cell, lowest) = (in_seconds(cell), in_seconds(lowest));
    format!(
        "each bar: {cell} s; {low} under {lowest} s without an answer, {high} {} s or more",
        top / 1000
    )
}

fn in_seconds(millis: u64) -> String {
    format!("{}.{:02}", millis / 1000, millis % 1000 / 10)
}

/// How long the clients had no answer, at most.
pub fn longest(gap: &str, limit: Option<u64>) -> String {
    match limit {
        Some(limit) => format!("longest gap {gap} (limit {} s)", limit / 1000),
        None => format!("longest gap {gap} (no limit: nothing else does its work)"),
    }
}

pub fn acknowledged(writes: usize) -> String {
    format!("{writes} writes acknowledged")
}

pub fn now(gap: &str) -> String {
    format!("no answer for {gap}")
}
