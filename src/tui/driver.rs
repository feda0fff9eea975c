//! The thread behind the screens: reaches hosts, plans, waits for a word, and runs. It and the
//! screens share nothing but channels, and the handle that ends a run.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender};

use crate::answers::Answers;
use crate::engine::control::Control;
use crate::engine::hosts::{Reached, release};
use crate::events::recorder::Sink;
use crate::events::{End, Event, What};
use crate::plan::{Step, Work};
use crate::remote::lease::LeaseError;
use crate::report::diff::FileChange;
use crate::session::{Purpose, Session, SessionError, Tried};

use super::model::{Message, Planned, PlannedStep, Unreached};
use super::probe;
use super::run::Files;
use super::summary::Summary;
use super::{text, watch};

/// So many messages may wait for the screens; after that, lines of output are counted only. The
/// log file has them all, and no host ever waits for a terminal.
const WAITING: usize = 4096;

/// How a run ended, and what is to be said of it once the screens are gone.
#[derive(Debug, Default, Clone)]
pub struct Outcome {
    pub end: Option<End>,
    pub summary: String,
}

/// Works with the hosts of these answers on a thread of its own. `begin` gets the operator's word.
pub fn start(
    answers: Answers,
    tried: Tried,
    control: Arc<Control>,
    begin: Receiver<bool>,
    messages: Sender<Message>,
    outcome: Sender<Outcome>,
) -> io::Result<()> {
    thread::Builder::new()
        .name("driver".into())
        .spawn(move || {
            let worked = catch_unwind(AssertUnwindSafe(|| {
                work(answers, tried, &control, &begin, &messages, &outcome)
            }));
            let last = match worked {
                Ok(Ok(())) => Message::Over,
                Ok(Err(why)) => Message::Refused(why),
                Err(_) => Message::Refused(text::WENT_WRONG.into()),
            };
            // Nobody listens any more when the screens are gone.
            let _ = messages.send(last);
        })?;
    Ok(())
}

fn work(
    answers: Answers,
    tried: Tried,
    control: &Arc<Control>,
    begin: &Receiver<bool>,
    messages: &Sender<Message>,
    outcome: &Sender<Outcome>,
) -> Result<(), String> {
    let say = |error: SessionError| error.to_string();
    let tell = |message| drop(messages.send(message));
    let session = Session::open_with(answers, None, Purpose::Run, tried).map_err(say)?;
    let reached = session.reach(control, &|host| {
        tell(Message::Reached(host.name.clone(), what_it_is(host)));
    });
    let mut reached = match reached {
        Ok(reached) => reached,
        Err(errors) => {
            tell(Message::Unreached(errors.iter().map(unreached).collect()));
            return Ok(());
        }
    };
    let grid = session.preflight(&reached);
    let passes = grid.passes();
    let links = reached.iter().flat_map(|host| host.links.iter().cloned());
    tell(Message::Checked(Box::new(grid), links.collect()));
    if !passes {
        release(&mut reached);
        return Ok(());
    }
    let plan = session.plan(&reached);
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            release(&mut reached);
            return Err(error.to_string());
        }
    };
    let mut changes = session.file_changes(&plan, &mut reached);
    let planned = Planned {
        text: plan.to_string(),
        steps: plan
            .steps()
            .map(|step| to_read(step, changes.remove(&step.id).unwrap_or_default()))
            .collect(),
    };
    tell(Message::Planned(Box::new(planned)));
    // An end of the screens is a "no".
    if !begin.recv().unwrap_or(false) || control.aborting().is_some() {
        release(&mut reached);
        return Ok(());
    }
    let context = session.context(text::NAME.into(), false);
    let log = context.log.display().to_string();
    tell(Message::Files(Files {
        log: log.clone(),
        kubeconfig: context.kubeconfig.display().to_string(),
        next: context.next.clone(),
    }));
    let lost = messages.clone();
    let log_lost = move |error: io::Error| {
        let text = text::log_lost(&log, &error.to_string());
        drop(lost.send(Message::Said(text)));
    };
    let summary = Summary::new(context, outcome.clone());
    let faces = vec![summary.sink(), to_screens(messages.clone())];
    session
        .carry_out(&plan, reached, control, log_lost, faces)
        .map_err(say)?;
    if let Err(why) = watch::start(&session, control, messages, summary) {
        tell(Message::Said(text::cluster::not_watched(&why)));
    }
    Ok(())
}

/// A step with the script that is sent to its host and what changes in files, secrets masked.
pub fn to_read(step: &Step, files: Vec<FileChange>) -> PlannedStep {
    PlannedStep {
        id: step.id.clone(),
        title: step.title.clone(),
        script: match &step.work {
            Work::Shell(shell) => shell.to_read(),
            Work::Task(_) => text::NO_SCRIPT.to_owned(),
        },
        files,
    }
}

/// A host that was reached, in a line.
pub fn introduced(host: &Reached) -> String {
    format!("{}: {}", host.name, what_it_is(host))
}

fn what_it_is(host: &Reached) -> String {
    let facts = &host.facts;
    text::what_it_is(&facts.os_name, &facts.arch, facts.memory_kib / 1024)
}

fn unreached(error: &LeaseError) -> Unreached {
    match error {
        LeaseError::Remote(error) => probe::of_remote(error),
        LeaseError::Held { host, .. } => Unreached::new(host, &error.to_string()),
    }
}

/// Hands every event to the screens, and never waits for them.
pub fn to_screens(messages: Sender<Message>) -> Sink {
    let missed = AtomicU64::new(0);
    Box::new(move |event: &Event| {
        let is_output = matches!(event.what, What::Output { .. });
        if is_output && messages.len() >= WAITING {
            missed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let lines = missed.swap(0, Ordering::Relaxed);
        if lines > 0 {
            drop(messages.send(Message::Missed(lines)));
        }
        drop(messages.send(Message::Event(Box::new(event.clone()))));
    })
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;
    use crate::events::fixtures::{Tape, outline, step};

    #[test]
    fn a_flood_waits_for_no_screen_and_nothing_but_lines_is_left_out() {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        tape.started("a@h1");
        for _ in 0..WAITING + 500 {
            tape.output("a@h1", "a line");
        }
        tape.ended("a@h1", crate::events::Outcome::Done);
        let (messages, inbox) = unbounded();
        let mut sink = to_screens(messages);
        for event in &tape.events {
            sink(event);
        }
        let arrived: Vec<Message> = inbox.try_iter().collect();
        assert_eq!(arrived.len(), WAITING + 2);
        // Two events were there before the lines.
        assert!(matches!(arrived[WAITING], Message::Missed(502)));
        let Message::Event(last) = &arrived[WAITING + 1] else {
            panic!("{:?}", arrived[WAITING + 1]);
        };
        assert!(matches!(last.what, What::StepEnded { .. }));
    }
}
