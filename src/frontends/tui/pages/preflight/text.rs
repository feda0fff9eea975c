//! The texts of the preflight page: its checks, and the connections between hosts.

use crate::answers::Check;
use crate::frontends::tui::text::counted;
use crate::platform::network::Contact;
use crate::platform::preflight::Level;
use crate::topology::Link;

/// What keys do, for the footer and the help.
pub mod key {
    pub const VIEW: &str = "checks/network";
    pub const OVERRIDE: &str = "override";
    pub const MORE: &str = "scroll details";
    pub const NEXT: &str = "next problem";
    pub const BLOCKED: &str = "next, once no check fails";
    pub const LEFT: &str = "left";
    pub const RIGHT: &str = "right";
}

pub const CONCERNS_NOT: &str = "This check does not apply to this host.";
pub const O_OVERRIDES: &str = "o: override this check on this host.";
pub const PASSES_NOW: &str = "passes now";
pub const BEING_CHECKED: &str = "The hosts are being checked.";
pub const ALL_OVERRIDDEN: &str = "Nothing else fails. Ctrl-N checks the hosts again.";
pub const BEING_PLANNED: &str = "The wizard is still creating the plan.";
pub const NO_LINKS: &str = "No host needs to reach another one.";
pub const NEEDS_NOT: &str = "It does not need to reach that host.";
pub const SAME: &str = "The same host.";
pub const WAYS: &str =
    "From each host on the left to each host at the top, tested from the host on the left:";
pub const THROUGH: &str =
    "reachable: host answers, port not yet in use; untested: known only during the run.";
pub const NOT_NEEDED: &str = "-";

pub fn asks_to_override(host: &str, check: Check) -> String {
    format!("Override {check} on {host}? The answers keep the override.")
}

/// Heads of a column: in full, in at most four letters, in at most three.
pub fn heads(check: Check) -> [&'static str; 3] {
    let full = check.as_str();
    let [four, three] = match check {
        Check::Os => ["os", "os"],
        Check::Arch => ["arch", "arc"],
        Check::Address => ["addr", "adr"],
        Check::Names => ["name", "nam"],
        Check::Clock => ["clck", "clk"],
        Check::Cpu => ["cpu", "cpu"],
        Check::Memory => ["mem", "mem"],
        Check::Disk => ["disk", "dsk"],
        Check::Kernel => ["kern", "krn"],
        Check::Ports => ["port", "prt"],
        Check::Existing => ["exst", "exs"],
        Check::Datastore => ["data", "dat"],
        Check::Packages => ["pkgs", "pkg"],
        Check::Download => ["down", "dwn"],
        Check::Network => ["net", "net"],
        Check::Firewall => ["fire", "fw"],
        Check::Sudo => ["sudo", "sud"],
    };
    [full, four, three]
}

pub fn level(level: Level) -> &'static str {
    match level {
        Level::Fine => "ok",
        Level::Warns => "warning",
        Level::Trial => "warning, fit for a trial only",
        Level::Overridden => "overridden by the answers",
        Level::Fails => "FAIL",
    }
}

/// The line above the grid.
pub fn summary(hosts: usize, counts: [usize; 4]) -> String {
    let [fails, overridden, trial, warnings] = counts;
    let mut parts = vec![counted(hosts, "host")];
    if fails > 0 {
        parts.push(format!("{fails} FAIL"));
    }
    if overridden > 0 {
        parts.push(format!("{overridden} overridden"));
    }
    if trial > 0 {
        let verb = if trial == 1 { "passes" } else { "pass" };
        parts.push(format!(
            "{} {verb} for a trial only",
            counted(trial, "check")
        ));
    }
    if warnings > 0 {
        parts.push(counted(warnings, "warning"));
    }
    if parts.len() == 1 {
        parts.push("no problems".into());
    }
    parts.join(", ")
}

/// What the operator can do, and what the wizard does by itself; times in milliseconds.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// All is well, and the wizard continues in so many.
    Continues(u64),
    /// The hosts are checked again in so many.
    Checks(u64),
    Checking,
    Planned,
    BeingPlanned,
    Fails,
    /// The hosts must be connected to again.
    Anew,
}

pub fn what_next(next: Next, fails: bool) -> String {
    let seconds = |left: u64| left.div_ceil(1000);
    let fix = if fails {
        "Nothing was changed. Fix what fails"
    } else {
        "Ctrl-N shows the plan"
    };
    match next {
        Next::Continues(left) => format!(
            "No check stops the run. The plan is shown in {} s; any key stops the countdown.",
            seconds(left)
        ),
        Next::Checks(left) => format!("{fix}; next check in {} s.", seconds(left)),
        Next::Checking => format!("{fix}; checking again."),
        Next::Planned => "Ctrl-N shows the plan.".to_owned(),
        Next::BeingPlanned => BEING_PLANNED.to_owned(),
        Next::Fails => "Nothing was changed. Fix what fails, then r: retry.".to_owned(),
        Next::Anew => "Ctrl-N checks the hosts again.".to_owned(),
    }
}

pub fn cell(host: &str, check: Check, what: &str) -> String {
    format!("{host}, {check}: {what}")
}

pub fn also(cells: &[(String, Check)]) -> String {
    let cells: Vec<_> = cells
        .iter()
        .map(|(host, check)| format!("{host}, {check}"))
        .collect();
    format!("Also failing: {}", cells.join("; "))
}

pub fn fails(number: usize) -> String {
    let verb = if number == 1 { "fails" } else { "fail" };
    format!("The run cannot start: {} {verb}.", counted(number, "check"))
}

pub fn pair(from: &str, to: &str) -> String {
    format!("From {from} to {to}")
}

/// The result of testing a connection, in short.
pub fn contact(contact: &Contact) -> &'static str {
    match contact {
        Contact::Reached => "open",
        Contact::Refused => "refused",
        Contact::Silent => "timed out",
        Contact::NoWay(_) => "no route",
        Contact::Later => "reachable",
        Contact::Untried(_) => "untested",
    }
}

pub fn link(link: &Link, came_of_it: &Contact) -> String {
    let (ip, port) = (&link.at.name, link.at.port);
    let word = contact(came_of_it);
    match came_of_it {
        Contact::NoWay(why) | Contact::Untried(why) => {
            format!("port {port} ({ip}): {word}, {why}")
        }
        _ => format!("port {port} ({ip}): {word}"),
    }
}
