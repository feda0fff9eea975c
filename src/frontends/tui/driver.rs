//! The thread behind the screens: carries a run out for them, and stays to look at what it has left.
//! It and the screens share nothing but channels, and the handle that ends a run.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

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

use super::effect::Order;
use super::message::{Message, RunFiles, Unreached};
use super::poller::PollError;
use super::shown_plan::ShownPlan;
use super::summary::{RunEnd, Summary};
use super::terminal::columns;
use super::{poller, probe, text};

/// So many messages may wait for the screens; the events of a run wait on their side, where lines of
/// output are left out when there are too many.
const WAITING: usize = 4096;

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
                messages: messages.clone(),
                orders,
                outcome,
                begun: None,
            };
            let worked = catch_unwind(AssertUnwindSafe(|| {
                work(&answers, &tried, &control, chosen, &mut screens)
            }));
            let last = match worked.unwrap_or(Err(RunError::WentWrong)) {
                Ok(()) | Err(RunError::Unfit | RunError::Aborted { .. }) => Message::Over,
                Err(RunError::Unreached(errors)) => {
                    let hosts = errors.iter().map(unreached);
                    screens.tell(Message::Unreached(hosts.collect()));
                    Message::Over
                }
                Err(RunError::WentWrong) => Message::Refused(text::WENT_WRONG.into()),
                Err(error) => Message::Refused(error.to_string()),
            };
            screens.tell(last);
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
    if let (Some(_), Some(begun)) = (ended, screens.begun.take()) {
        let started = watch(answers, tried, control, chosen, screens, begun.summary);
        if let Err(why) = started {
            screens.tell(Message::Said(text::not_watched(&why.to_string())));
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
    screens: &Screens,
    summary: Summary,
) -> Result<(), PollError> {
    match poller::of_run(answers)? {
        Some(poll) => {
            let messages = &screens.messages;
            poller::start(poll, tried, control, messages, chosen, Some(summary))
        }
        None => Ok(()),
    }
}

/// A run, for the screens.
struct Screens {
    messages: Sender<Message>,
    orders: Receiver<Order>,
    outcome: Sender<RunEnd>,
    begun: Option<BegunRun>,
}

/// What is known once the operator has said yes.
struct BegunRun {
    log: String,
    summary: Summary,
}

impl Screens {
    /// When the screens are gone, no message is read any more.
    fn tell(&self, message: Message) {
        drop(self.messages.send(message));
    }
}

impl Frontend for Screens {
    fn reached(&mut self, host: &str, what: &str) {
        self.tell(Message::Reached(host.to_owned(), what.to_owned()));
    }

    fn checked(&mut self, grid: &Grid, links: &[(Link, Contact)]) {
        self.tell(Message::Checked(Box::new(grid.clone()), links.to_vec()));
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
        self.tell(Message::Planned(Box::new(ShownPlan {
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
        let mut context = planned.context(text::NAME.into(), false);
        context.width = columns();
        let log = context.log.display().to_string();
        let kubeconfig = context.kubeconfig.as_ref();
        self.tell(Message::Earlier(context.earlier.clone()));
        self.tell(Message::Files(RunFiles {
            log: Some(log.clone()),
            kubeconfig: kubeconfig.map_or_else(String::new, |path| path.display().to_string()),
            next: context.next.clone(),
        }));
        let summary = Summary::new(context, self.outcome.clone());
        self.begun = Some(BegunRun { log, summary });
        Proceed::Go
    }

    fn event(&mut self, event: &Event) {
        if let Some(begun) = &self.begun {
            begun.summary.event(event);
        }
        while self.messages.len() >= WAITING {
            thread::sleep(Duration::from_millis(5));
        }
        self.tell(Message::Event(Box::new(event.clone())));
    }

    fn log_lost(&mut self, why: &io::Error) {
        if let Some(begun) = &self.begun {
            let text = text::log_lost(&begun.log, &why.to_string());
            self.tell(Message::Said(text));
        }
    }
}

fn unreached(error: &LeaseError) -> Unreached {
    match error {
        LeaseError::Remote(error) => probe::of_remote(error),
        LeaseError::Held { host, .. } => Unreached::new(host, &error.to_string()),
    }
}
