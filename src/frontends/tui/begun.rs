//! A run that has begun, as the screens hear of it.

use std::io;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Sender;

use super::message::{Message, RunFiles};
use super::summary::{RunEnd, Summary};
use super::terminal::columns;
use super::text;
use crate::events::Event;
use crate::run::Planned;

/// So many messages may wait for the screens; the events of a run wait on their side, where lines of
/// output are left out when there are too many.
const WAITING: usize = 4096;

/// The operator has said yes.
pub struct BegunRun {
    messages: Sender<Message>,
    log: String,
    pub summary: Summary,
}

impl BegunRun {
    pub fn of(planned: &Planned, messages: &Sender<Message>, outcome: Sender<RunEnd>) -> Self {
        let mut context = planned.context(text::NAME.into(), false);
        context.width = columns();
        let log = context.log.display().to_string();
        let kubeconfig = context.kubeconfig.as_ref();
        // When the screens are gone, no message is read any more.
        let tell = |message| drop(messages.send(message));
        tell(Message::Earlier(context.earlier.clone()));
        tell(Message::Files(RunFiles {
            log: Some(log.clone()),
            kubeconfig: kubeconfig.map_or_else(String::new, |path| path.display().to_string()),
            next: context.next.clone(),
        }));
        Self {
            messages: messages.clone(),
            log,
            summary: Summary::new(context, outcome),
        }
    }

    pub fn event(&self, event: &Event) {
        self.summary.event(event);
        while self.messages.len() >= WAITING {
            thread::sleep(Duration::from_millis(5));
        }
        drop(self.messages.send(Message::Event(Box::new(event.clone()))));
    }

    pub fn log_lost(&self, why: &io::Error) {
        let text = text::log_lost(&self.log, &why.to_string());
        drop(self.messages.send(Message::Said(text)));
    }
}
