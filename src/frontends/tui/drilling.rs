//! The thread that drills for the screens: the same drills as on the command line.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::Sender;

use super::begun::RunTeller;
use super::effect::DrillOrder;
use super::message::{DrillNews, Message, Unreached};
use super::summary::RunEnd;
use super::{driver, probe};
use crate::engine::control::Control;
use crate::events::Event;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::report::lines::write_drills;
use crate::run::drill::chosen;
use crate::run::{Frontend, Opened, Planned, Proceed, Purpose, RunError, Tried, known};
use crate::topology::Link;

/// Why there was no drill.
struct NotDrilled {
    why: String,
    hosts: Vec<Unreached>,
}

impl NotDrilled {
    fn because(why: &impl fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            hosts: Vec::new(),
        }
    }
}

impl From<RunError> for NotDrilled {
    fn from(error: RunError) -> Self {
        let hosts = match &error {
            RunError::Unreached(errors) => errors.iter().map(driver::unreached).collect(),
            RunError::LoginSecret(error) => vec![probe::of_secret(error)],
            _ => Vec::new(),
        };
        Self {
            why: error.to_string(),
            hosts,
        }
    }
}

/// Drills on a thread of its own.
pub fn start(
    order: DrillOrder,
    tried: Tried,
    control: Arc<Control>,
    messages: Sender<Message>,
    outcome: Sender<RunEnd>,
) -> io::Result<()> {
    thread::Builder::new()
        .name("drilling".into())
        .spawn(move || {
            let mut screens = DrillScreens(RunTeller::new(messages, outcome));
            let worked = catch_unwind(AssertUnwindSafe(|| {
                work(&order, &tried, &control, &mut screens)
            }));
            let last = match worked.unwrap_or_else(|_| Err(RunError::WentWrong.into())) {
                Ok(()) => Message::Over,
                Err(NotDrilled { why, hosts }) => {
                    Message::Drills(DrillNews::NotStarted(why, hosts))
                }
            };
            screens.0.tell(last);
        })?;
    Ok(())
}

fn work(
    order: &DrillOrder,
    tried: &Tried,
    control: &Control,
    screens: &mut DrillScreens,
) -> Result<(), NotDrilled> {
    let known = known::find(None, Some(&order.cluster), None);
    let applied = known.and_then(known::KnownCluster::applied);
    let applied = applied.map_err(|error| NotDrilled::because(&error))?;
    let chosen = chosen(&applied, &order.names);
    let chosen = chosen.map_err(|error| NotDrilled::because(&error))?;
    let opened = Opened::open(applied, None, Purpose::Act, tried)?;
    let drilled = opened.drill(&chosen.drills, tried, control, screens)?;
    let DrillScreens(teller) = screens;
    if let (Some(drilled), Some(summary)) = (drilled, teller.summary()) {
        let mut table = Vec::new();
        // Memory takes everything.
        let _ = write_drills(&mut table, &drilled.report, &drilled.files);
        summary.and(&String::from_utf8_lossy(&table));
        let news = DrillNews::Reported(Box::new(drilled.report), drilled.files);
        teller.tell(Message::Drills(news));
    }
    Ok(())
}

/// Drills, for the screens. The operator has confirmed them.
struct DrillScreens(RunTeller);

impl Frontend for DrillScreens {
    fn reached(&mut self, _: &str, _: &str) {}

    fn checked(&mut self, _: &Grid, _: &[(Link, Contact)]) {}

    fn planned(&mut self, planned: &Planned) -> Proceed {
        self.0.begins(planned)
    }

    fn event(&mut self, event: &Event) {
        self.0.event(event);
    }

    fn log_lost(&mut self, why: &io::Error) {
        self.0.log_lost(why);
    }
}
