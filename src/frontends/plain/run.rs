//! A run: the lines of a headless run, and a question when it waits for a decision.

use super::ask::NoAnswer;
use super::console::{Gone, Out};
use super::text::Choice;
use super::{Walk, text as say};
use crate::engine::control::Control;
use crate::events::StepId;
use crate::events::progress::{PhaseStatus, Status};
use crate::events::{Abort, Decision, Event, What};
use crate::interview::planned::PlannedStep;
use crate::interview::text::{self, phase as words};
use crate::report::lines::Lines;

/// What the operator chose during the run, besides decisions about steps and phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    ToTheEnd,
    Edit,
    Stop,
}

impl Walk {
    /// Prints events, and asks when the run waits for a decision. While a question is open, nothing
    /// is printed: later events follow after the answer.
    pub(super) fn happened(
        &mut self,
        event: &Event,
        control: &Control,
        lines: &mut Lines<Out>,
        phases: &[Vec<PlannedStep>],
    ) -> Option<Wish> {
        // The reader may be gone: the run continues.
        let _ = lines.event(event);
        if control.aborting().is_some() {
            return None;
        }
        let asked = match &event.what {
            What::Asked { step } => self.failed(step, control, lines),
            What::Held { before } => self.held(before, control, lines, phases),
            _ => return None,
        };
        let wish = match asked {
            Ok(wish) => wish?,
            // The signal has already stopped the run.
            Err(NoAnswer::Gone(Gone::Signal(_))) => return None,
            Err(_) => Wish::Stop,
        };
        control.abort(Abort::Soft, text::BY_OPERATOR);
        Some(wish)
    }

    /// The decision about a failed step.
    fn failed(
        &mut self,
        step: &StepId,
        control: &Control,
        lines: &mut Lines<Out>,
    ) -> Result<Option<Wish>, NoAnswer> {
        let _ = lines.failure(step);
        let Some(failed) = lines.progress().step(step) else {
            return Ok(None);
        };
        let needing = lines.progress().dependents(failed).len();
        let mut choices = vec![say::RETRY];
        if failed.may_be_skipped {
            choices.push(say::SKIP);
        }
        choices.extend([say::WITHOUT, say::EDIT_ANSWERS, say::STOP]);
        self.console.gap();
        self.console.say(&say::asked(step.as_str(), needing));
        let decision = match self.word(&choices, say::help::FAILED)? {
            say::RETRY => Decision::Retry,
            say::SKIP => Decision::Skip,
            say::WITHOUT => Decision::GiveUp,
            say::EDIT_ANSWERS => return Ok(Some(Wish::Edit)),
            _ => return Ok(Some(Wish::Stop)),
        };
        control.decide(step.clone(), decision);
        Ok(None)
    }

    /// Whether a phase may start.
    fn held(
        &mut self,
        phase: &str,
        control: &Control,
        lines: &mut Lines<Out>,
        phases: &[Vec<PlannedStep>],
    ) -> Result<Option<Wish>, NoAnswer> {
        let progress = lines.progress();
        let Some(place) = progress.phases.iter().position(|other| other.id == phase) else {
            return Ok(None);
        };
        self.console.gap();
        if let Some(before) = place.checked_sub(1).map(|before| &progress.phases[before]) {
            let span = progress.phase_span(before).unwrap_or(0..0);
            let took = span.end - span.start;
            match progress.phase_status(before) {
                PhaseStatus::Failed | PhaseStatus::WontRun | PhaseStatus::Running => {}
                _ => self.console.say(&words::is_done(&before.title, took)),
            }
        }
        let about = &progress.phases[place];
        let title = words::next(place + 1, progress.phases.len(), &about.title);
        self.console.say(&title);
        self.console
            .say(words::why(phase, progress.external_parts()));
        self.console.say(words::WILL_DO);
        for step in progress.steps_of(about) {
            let host = step.host.as_deref().unwrap_or(text::HERE);
            let state = match &step.status {
                Status::NotStarted => String::new(),
                status => format!("  ({})", text::step_state(status, progress.at)),
            };
            let what = format!("{host}: {}{state}", step.title);
            self.console.point("  - ", &what);
        }
        let choices = [
            say::RUN_PHASE,
            say::RUN_REST,
            say::HELD_SCRIPTS,
            say::EDIT_ANSWERS,
            say::STOP,
        ];
        loop {
            self.console.gap();
            match self.word(&choices, say::help::HELD)? {
                say::RUN_PHASE => control.let_begin(Some(place + 1)),
                say::RUN_REST => control.let_begin(None),
                say::HELD_SCRIPTS => {
                    for step in phases.get(place).into_iter().flatten() {
                        self.script(step);
                    }
                    continue;
                }
                say::EDIT_ANSWERS => return Ok(Some(Wish::Edit)),
                _ => return Ok(Some(Wish::Stop)),
            }
            return Ok(None);
        }
    }

    /// A choice without "back"; Enter takes the first one.
    fn word(
        &mut self,
        choices: &[Choice<'static>],
        help: &str,
    ) -> Result<Choice<'static>, NoAnswer> {
        self.list(choices);
        loop {
            match self.pick(choices.len(), Some(0), help) {
                Ok(chosen) => return Ok(choices[chosen]),
                Err(NoAnswer::Back) => self.console.say(say::NO_WAY_BACK),
                Err(stop) => return Err(stop),
            }
        }
    }
}
