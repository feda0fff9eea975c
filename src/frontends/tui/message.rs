//! Everything that can happen to the screens, in the one order in which it happened.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use super::live::LiveUpdate;
use super::shown_plan::ShownPlan;
pub use super::unreached::Unreached;
use crate::answers::{Answers, Problems};
use crate::events::Event;
use crate::events::estimate::EarlierRuns;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::procedures::drill::DrillOffer;
use crate::report::drill::DrillReport;
use crate::secrets::SecretText;
use crate::topology::Link;

#[derive(Debug)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    /// So many milliseconds have passed.
    Tick(u64),
    /// The terminal was given back to us.
    Resumed,
    /// A process asks for what Ctrl-Z does.
    Stopped,
    /// The process that stopped the wizard has let it go on: the screen may be anything.
    Continued,
    /// A signal asks for the end.
    Signal(i32),
    /// Something happened in the run.
    Event(Box<Event>),
    /// What the run leaves behind.
    Files(RunFiles),
    /// What an estimate of the run comes from.
    Earlier(EarlierRuns),
    /// The log of the run of another process cannot be read any more, and why.
    NotFollowed(String),
    /// The cluster looks another way now, after the run.
    Live(Box<LiveUpdate>),
    Drills(DrillNews),
    /// A host was reached: its name, and what it is.
    Reached(String, String),
    Unreached(Vec<Unreached>),
    /// What came of trying a host in the background: what it is, or why not.
    Probed(u64, Result<String, Unreached>),
    /// What the hosts are fit for, and whom they reach.
    Checked(Box<Grid>, Vec<(Link, Contact)>),
    /// The plan, to be read before it is carried out.
    Planned(Box<ShownPlan>),
    /// There will be no run, and why.
    Refused(String),
    /// The run is over and has left its locks.
    Over,
    /// Something was done outside, or could not be.
    Said(String),
    Loaded(Box<Answers>),
    /// A secret was made for the field with this key.
    Generated(&'static str, SecretText),
    NotLoaded(Problems),
}

/// Where things of a run are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFiles {
    /// `None` where there was no run.
    pub log: Option<String>,
    pub kubeconfig: String,
    /// The commands to type next.
    pub next: Vec<String>,
}

/// What is told of drills.
#[derive(Debug)]
pub enum DrillNews {
    /// What can be drilled; or why that is not known.
    Offered(Result<Vec<DrillOffer>, String>),
    /// No drill was started: why, and the hosts that were not reached.
    NotStarted(String, Vec<Unreached>),
    /// What the drills showed, and where the report is.
    Reported(Box<DrillReport>, Vec<PathBuf>),
}
