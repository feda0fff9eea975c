//! A run from its beginning to its end, once for every frontend: answers in, exit code out.
//!
//! [`Opened`] → `Reached` → `Checked` → [`Planned`] → its end. Each takes the one before it, and
//! releases the leases of its hosts when dropped. [`carry_out`] runs them in this order and reports
//! each result to a [`Frontend`].
//!
//! * [`ways`]: how hosts are reached; [`probe`]: probes one host, before there is a run
//! * [`known`]: the clusters on this machine; [`poll`]: looks at a cluster
//! * [`status`]: the state of a cluster; [`check`]: compares its hosts with what was applied
//! * [`drill`]: takes down, measures and brings back
//! * [`bundle`]: creates a bundle
//! * [`exit`]: the exit codes

mod backup;
pub mod bundle;
pub mod check;
pub mod drill;
mod error;
pub mod exit;
pub mod known;
mod opened;
mod planned;
pub mod poll;
pub mod probe;
mod reached;
pub mod status;
#[cfg(test)]
pub(crate) mod tests;
pub mod ways;

use crossbeam_channel::unbounded;

use crate::engine::control::Control;
use crate::events::{End, Event};
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;

use crate::topology::Link;

pub use error::RunError;
pub(crate) use opened::rfc_3339;
pub use opened::{Opened, Purpose};
pub use planned::{Outlook, Planned, Remaining};
pub use reached::Reach;
pub use ways::Tried;

/// What shows a run, and decides for its operator. It is called on the thread that called
/// [`carry_out`], and may take its time: the hosts have threads of their own.
pub trait Frontend {
    /// A host is connected. `what` it is, and the way to it, in one line.
    fn reached(&mut self, host: &str, what: &str);

    /// What the hosts are fit for, and whom they reach.
    fn checked(&mut self, grid: &Grid, links: &[(Link, Contact)]);

    /// What follows. By default the hosts are checked once.
    fn after_checks(&mut self, _grid: &Grid) -> AfterChecks {
        AfterChecks::GoOn
    }

    /// The plan, before anything is changed.
    fn planned(&mut self, planned: &Planned) -> Proceed;

    /// In the order in which they happen. A step that failed and a phase that is held wait for what
    /// is said to the run's [`Control`].
    fn event(&mut self, event: &Event);

    /// The log can no longer be written; the run continues.
    fn log_lost(&mut self, why: &std::io::Error);
}

/// What becomes of checked hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterChecks {
    /// They are checked again, those with problems first.
    Again,
    /// The plan is made; hosts that are not fit end the run.
    GoOn,
    /// Nothing is changed.
    Leave,
}

/// What becomes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proceed {
    Go,
    /// Nothing is changed.
    Leave,
}

fn aborted(control: &Control) -> Result<(), RunError> {
    match control.aborting() {
        Some((_, why)) => Err(RunError::Aborted { why }),
        None => Ok(()),
    }
}

/// Carries an installation out. `None` when its plan was left.
pub fn carry_out(
    opened: Opened,
    reach: &Reach,
    control: &Control,
    frontend: &mut dyn Frontend,
) -> Result<Option<End>, RunError> {
    let (tell, told) = unbounded();
    let reached = std::thread::scope(|scope| {
        let reaching = scope.spawn(move || {
            opened.reach(reach, control, &|host| {
                drop(tell.send((host.name.clone(), host.summary())));
            })
        });
        for (host, what) in told {
            frontend.reached(&host, &what);
        }
        reaching.join().unwrap_or(Err(RunError::WentWrong))
    });
    aborted(control)?;
    let mut checked = reached?.check();
    loop {
        frontend.checked(checked.grid(), &checked.links());
        let next = frontend.after_checks(checked.grid());
        aborted(control)?;
        match next {
            AfterChecks::Again => checked = checked.again(control),
            AfterChecks::GoOn => return checked.plan()?.decided(control, frontend),
            AfterChecks::Leave => return Ok(None),
        }
    }
}
