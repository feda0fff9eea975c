//! How a run goes, as the screens hear of it.

use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::message::{Message, RunFiles};
use super::summary::{RunEnd, Summary};
use super::terminal::columns;
use super::text;
use crate::events::Event;
use crate::run::{Planned, Proceed};

/// So many messages may wait for the screens; the events of a run wait on their side, where lines of
/// output are left out when there are too many.
const WAITING: usize = 4096;

/// Tells the screens how a run goes.
pub struct RunTeller {
    messages: Sender<Message>,
    outcome: Sender<RunEnd>,
    /// Once the operator has said yes.
    begun: Option<BegunRun>,
}

struct BegunRun {
    log: String,
    summary: Summary,
}

impl RunTeller {
    pub fn new(messages: Sender<Message>, outcome: Sender<RunEnd>) -> Self {
        Self {
            messages,
            outcome,
            begun: None,
        }
    }

    /// When the screens are gone, no message is read any more.
    pub fn tell(&self, message: Message) {
        drop(self.messages.send(message));
    }

    pub fn messages(&self) -> &Sender<Message> {
        &self.messages
    }

    /// The run begins.
    pub fn begins(&mut self, planned: &Planned) -> Proceed {
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

    pub fn event(&self, event: &Event) {
        let Some(begun) = &self.begun else {
            return;
        };
        begun.summary.event(event);
        while self.messages.len() >= WAITING {
            thread::sleep(Duration::from_millis(5));
        }
        self.tell(Message::Event(Box::new(event.clone())));
    }

    pub fn log_lost(&self, why: &io::Error) {
        if let Some(begun) = &self.begun {
            let text = text::log_lost(&begun.log, &why.to_string());
            self.tell(Message::Said(text));
        }
    }

    /// Of a run that has begun.
    pub fn summary(&self) -> Option<&Summary> {
        self.begun.as_ref().map(|begun| &begun.summary)
    }
}
