//! The thread behind the screens: carries a run out for them, and stays to look at what it has left.
//! It and the screens share nothing but channels, and the handle that ends a run.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use crate::answers::Answers;
use crate::cluster::details::ObjectName;
use crate::engine::control::Control;
use crate::events::Event;
use crate::interview::planned::PlannedStep;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::remote::lease::LeaseError;
use crate::run::{
    self, AfterChecks, Frontend, Opened, Outlook, Planned, Proceed, Purpose, Reach, RunError, Tried,
};
use crate::topology::Link;

use super::begun::RunTeller;
use super::effect::Order;
use super::message::{Message, Unreached};
use super::poller::PollError;
use super::shown_plan::ShownPlan;
use super::summary::{RunEnd, Summary};
use super::{poller, probe, text};

/// Works with the hosts of these answers on a thread of its own. `orders` gets the operator's
/// decisions; `chosen`, the objects of the cluster that the operator wants to know more of, once
/// there is one.
pub fn start(
    answers: Answers,
    tried: Tried,
    control: Arc<Control>,
    orders: Receiver<Order>,
    chosen: Receiver<ObjectName>,
    messages: Sender<Message>,
    outcome: Sender<RunEnd>,
) -> io::Result<()> {
    thread::Builder::new()
        .name("driver".into())
        .spawn(move || {
            let mut screens = Screens {
                teller: RunTeller::new(messages, outcome),
                orders,
            };
            let worked = catch_unwind(AssertUnwindSafe(|| {
                work(&answers, &tried, &control, chosen, &mut screens)
            }));
            let last = match worked.unwrap_or(Err(RunError::WentWrong)) {
                Ok(()) | Err(RunError::Unfit | RunError::Aborted { .. }) => Message::Over,
                Err(RunError::Unreached(errors)) => {
                    let hosts = errors.iter().map(unreached);
                    screens.teller.tell(Message::Unreached(hosts.collect()));
                    Message::Over
                }
                Err(RunError::WentWrong) => Message::Refused(text::WENT_WRONG.into()),
                Err(error) => Message::Refused(error.to_string()),
            };
            screens.teller.tell(last);
        })?;
    Ok(())
}

fn work(
    answers: &Answers,
    tried: &Tried,
    control: &Arc<Control>,
    chosen: Receiver<ObjectName>,
    screens: &mut Screens,
) -> Result<(), RunError> {
    let opened = Opened::open(answers.clone(), None, Purpose::Run, tried)?;
    let ended = run::carry_out(opened, &Reach::All, control, screens)?;
    let teller = &screens.teller;
    if let (Some(_), Some(summary)) = (ended, teller.summary()) {
        let started = watch(answers, tried, control, chosen, teller, summary.clone());
        if let Err(why) = started {
            teller.tell(Message::Said(text::not_watched(&why.to_string())));
        }
    }
    Ok(())
}

/// Looks at what a run has left, where it left a cluster.
fn watch(
    answers: &Answers,
    tried: &Tried,
    control: &Arc<Control>,
    chosen: Receiver<ObjectName>,
    teller: &RunTeller,
    summary: Summary,
) -> Result<(), PollError> {
    match poller::of_run(answers)? {
        Some(poll) => {
            let messages = teller.messages();
            poller::start(poll, tried, control, messages, chosen, Some(summary))
        }
        None => Ok(()),
    }
}

/// A run, for the screens.
struct Screens {
    teller: RunTeller,
    orders: Receiver<Order>,
}

impl Frontend for Screens {
    fn reached(&mut self, host: &str, what: &str) {
        let reached = Message::Reached(host.to_owned(), what.to_owned());
        self.teller.tell(reached);
    }

    fn checked(&mut self, grid: &Grid, links: &[(Link, Contact)]) {
        let checked = Message::Checked(Box::new(grid.clone()), links.to_vec());
        self.teller.tell(checked);
    }

    /// Where all is well, the plan is made at once. Else the operator looks first.
    fn after_checks(&mut self, grid: &Grid) -> AfterChecks {
        if grid.is_well() {
            return AfterChecks::GoOn;
        }
        let mut orders = self.orders.iter();
        let next = orders.find_map(|order| match order {
            Order::CheckAgain => Some(AfterChecks::Again),
            Order::Plan if grid.passes() => Some(AfterChecks::GoOn),
            // It was wanted before the last look, in which something fails.
            Order::Plan => None,
            Order::Begin(_) => Some(AfterChecks::Leave),
        });
        next.unwrap_or(AfterChecks::Leave)
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        let Outlook { mut files, left } = planned.outlook();
        let (plan, redactor) = (planned.plan(), planned.redactor());
        self.teller.tell(Message::Planned(Box::new(ShownPlan {
            text: redactor.text(&plan.to_string()).into_owned(),
            left: Some(left),
            steps: plan
                .steps()
                .map(|step| {
                    let files = files.remove(&step.id).unwrap_or_default();
                    PlannedStep::of(step, files, &redactor)
                })
                .collect(),
        })));
        // An end of the screens is a "no".
        let mut orders = self.orders.iter();
        let begins = orders.find_map(|order| match order {
            Order::Begin(yes) => Some(yes),
            Order::CheckAgain | Order::Plan => None,
        });
        if begins != Some(true) {
            return Proceed::Leave;
        }
        self.teller.begins(planned)
    }

    fn event(&mut self, event: &Event) {
        self.teller.event(event);
    }

    fn log_lost(&mut self, why: &io::Error) {
        self.teller.log_lost(why);
    }
}

pub fn unreached(error: &LeaseError) -> Unreached {
    match error {
        LeaseError::Remote(error) => probe::of_remote(error),
        LeaseError::Held { host, .. } => Unreached::new(host, &error.to_string()),
    }
}
