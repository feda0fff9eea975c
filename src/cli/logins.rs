//! Login secrets that are missing: asked for on standard error, where a terminal is there to answer.

use std::io::{self, BufReader};

use super::streams::{can_ask, err};
use crate::answers::Answers;
use crate::frontends::plain::LoginPrompt;
use crate::frontends::plain::echo::Terminal;
use crate::frontends::tui;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::run::{RunError, Tried};
use crate::signals::SignalWatch;

/// The secrets that were given so far.
pub struct Logins {
    prompt: Option<LoginPrompt>,
    pub tried: Tried,
}

impl Logins {
    /// For the hosts of these answers, besides those given before. A signal ends a question.
    pub fn of(answers: &Answers, tried: &Tried, signals: &SignalWatch) -> Self {
        let is_attended = can_ask();
        let prompt = is_attended.then(|| {
            let input = BufReader::new(io::stdin());
            let echo = Box::new(Terminal::default());
            let heard = signals.heard();
            LoginPrompt::new(input, err(), echo, answers.clone(), heard, tui::columns)
        });
        Self {
            prompt: prompt.and_then(Result::ok),
            tried: tried.clone(),
        }
    }

    /// Asks for what these hosts want; whether something was given, to try again with.
    pub fn ask(&mut self, errors: &[&RemoteError]) -> bool {
        let prompt = self.prompt.as_mut();
        let given = prompt.is_some_and(|prompt| prompt.unreached(errors));
        self.take(given)
    }

    /// The same for an error of a run.
    pub fn ask_for(&mut self, error: &RunError) -> bool {
        match (error, &mut self.prompt) {
            (RunError::Unreached(errors), _) => {
                let remote = errors.iter().filter_map(|error| match error {
                    LeaseError::Remote(error) => Some(error),
                    LeaseError::Held { .. } => None,
                });
                self.ask(&remote.collect::<Vec<_>>())
            }
            (RunError::LoginSecret(error), Some(prompt)) => {
                let given = prompt.unavailable(error);
                self.take(given)
            }
            _ => false,
        }
    }

    fn take(&mut self, given: bool) -> bool {
        if let Some(prompt) = &self.prompt {
            self.tried.asked = prompt.entered();
        }
        given
    }
}
