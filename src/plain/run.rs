//! A run: the lines that a headless run prints, and a question where it waits for a word.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};

use super::ask::Stop;
use super::connect::Ready;
use super::console::{Gone, Out};
use super::{Page, Walk, text as say};
use crate::cli::exit;
use crate::engine::control::Control;
use crate::events::StepId;
use crate::events::progress::{PhaseStatus, Status};
use crate::events::{Abort, Decision, End, What};
use crate::interview::drafts;
use crate::interview::text::{self, phase as phases};
use crate::plan::Plan;
use crate::report::lines::Lines;
use crate::tui::driver;
use crate::tui::model::Message;

/// What was chosen while it ran, beside what a step or a phase is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    ToTheEnd,
    Edit,
    Stop,
}

impl Walk {
    /// Carries out what was planned, by itself or phase by phase.
    pub(super) fn run(&mut self, ready: Ready, phases: Option<usize>) -> Result<Page, Stop> {
        let Ready {
            session,
            reached,
            plan,
            control,
            ..
        } = ready;
        control.let_begin(phases);
        if let Some(root) = &self.root {
            // There is a run now, which remembers the answers. A draft that stays does no harm.
            let _ = drafts::remove(root);
        }
        let context = session.context(say::AGAIN.into(), false);
        let log = context.log.display().to_string();
        let mut lines = Lines::new(self.console.out(), context);
        let (messages, inbox) = unbounded();
        let lost = messages.clone();
        let log_lost = move |error: std::io::Error| {
            let text = text::log_lost(&log, &error.to_string());
            drop(lost.send(Message::Said(text)));
        };
        self.console.gap();
        self.console.say(say::CTRL_C);
        if let Some(watch) = &self.watch {
            watch.running();
        }
        let (wish, ended) = thread::scope(|scope| {
            let faces = vec![driver::to_screens(messages)];
            let (session, plan, control) = (&session, &plan, &control);
            let running =
                scope.spawn(move || session.carry_out(plan, reached, control, log_lost, faces));
            let wish = self.follow(control, &inbox, &mut lines, Some(plan));
            (wish, running.join())
        });
        drop(session);
        let end = match ended {
            Ok(Ok(end)) => end,
            Ok(Err(error)) => {
                self.console.say(&error.to_string());
                End::Failed
            }
            Err(_) => {
                self.console.say(text::WENT_WRONG);
                End::Failed
            }
        };
        self.over(wish, &end)
    }

    fn over(&mut self, wish: Wish, end: &End) -> Result<Page, Stop> {
        self.code = match end {
            End::Done => 0,
            End::Failed => exit::FAILED,
            End::Aborted { .. } => exit::STOPPED,
        };
        if *end == End::Done {
            return Ok(Page::Left);
        }
        if let Some(signal) = self.signalled() {
            return Err(signal);
        }
        match wish {
            Wish::Edit => return Ok(Page::Review),
            Wish::Stop => return Ok(Page::Left),
            Wish::ToTheEnd => {}
        }
        self.console.gap();
        let choices = [say::RUN_AGAIN, say::TO_REVIEW, say::LEAVE];
        match choices[self.choose(&choices, None)?] {
            say::RUN_AGAIN => Ok(Page::Connect),
            say::LEAVE => Ok(Page::Left),
            _ => Ok(Page::Review),
        }
    }

    /// Prints what happens, and asks where a word is waited for. While a question stands, nothing is
    /// printed below it: what happened meanwhile comes after the answer.
    pub(super) fn follow(
        &mut self,
        control: &Arc<Control>,
        inbox: &Receiver<Message>,
        lines: &mut Lines<Out>,
        plan: Option<&Plan>,
    ) -> Wish {
        let mut wish = Wish::ToTheEnd;
        for message in inbox {
            let event = match message {
                Message::Event(event) => event,
                Message::Missed(count) => {
                    self.console.say(&say::missed(count));
                    continue;
                }
                Message::Said(text) => {
                    self.console.say(&text);
                    continue;
                }
                _ => continue,
            };
            // Whoever reads us may be gone: the run goes on without them.
            let _ = lines.event(&event);
            if control.aborting().is_some() {
                continue;
            }
            let asked = match &event.what {
                What::Asked { step } => self.failed(step, control, lines),
                What::Held { before } => self.held(before, control, lines, plan),
                _ => continue,
            };
            match asked {
                Ok(Some(said)) => {
                    wish = said;
                    control.abort(Abort::Soft, text::BY_OPERATOR);
                }
                // A signal has stopped the run already.
                Ok(None) | Err(Stop::Gone(Gone::Signal(_))) => {}
                Err(_) => {
                    wish = Wish::Stop;
                    control.abort(Abort::Soft, text::BY_OPERATOR);
                }
            }
        }
        wish
    }

    /// What becomes of a step that failed.
    fn failed(
        &mut self,
        step: &StepId,
        control: &Arc<Control>,
        lines: &mut Lines<Out>,
    ) -> Result<Option<Wish>, Stop> {
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
        let decision = match self.word(&choices, Some(0))? {
            say::RETRY => Decision::Retry,
            say::SKIP => Decision::Skip,
            say::WITHOUT => Decision::GiveUp,
            say::EDIT_ANSWERS => return Ok(Some(Wish::Edit)),
            _ => return Ok(Some(Wish::Stop)),
        };
        control.decide(step.clone(), decision);
        Ok(None)
    }

    /// Whether a phase may begin.
    fn held(
        &mut self,
        phase: &str,
        control: &Arc<Control>,
        lines: &mut Lines<Out>,
        plan: Option<&Plan>,
    ) -> Result<Option<Wish>, Stop> {
        let progress = lines.progress();
        let Some(place) = progress.phases.iter().position(|other| other.id == phase) else {
            return Ok(None);
        };
        self.console.gap();
        if let Some(before) = place.checked_sub(1).map(|before| &progress.phases[before]) {
            let took = progress.phase_time(before).unwrap_or(0);
            match progress.phase_status(before) {
                PhaseStatus::Failed | PhaseStatus::WontRun | PhaseStatus::Running => {}
                _ => self.console.say(&phases::is_done(&before.title, took)),
            }
        }
        let about = &progress.phases[place];
        let title = phases::next(place + 1, progress.phases.len(), &about.title);
        self.console.say(&title);
        self.console.say(phases::why(phase));
        self.console.say(phases::WILL_DO);
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
            match self.word(&choices, Some(0))? {
                say::RUN_PHASE => control.let_begin(Some(place + 1)),
                say::RUN_REST => control.let_begin(None),
                say::HELD_SCRIPTS => {
                    let planned = plan.and_then(|plan| plan.phases.get(place));
                    for step in planned.iter().flat_map(|phase| &phase.steps) {
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

    /// A choice where there is no way back.
    fn word(&mut self, choices: &[say::Words], default: Option<usize>) -> Result<say::Words, Stop> {
        self.list(choices);
        loop {
            match self.pick(choices.len(), default) {
                Ok(chosen) => return Ok(choices[chosen]),
                Err(Stop::Back) => self.console.say(say::NO_WAY_BACK),
                Err(stop) => return Err(stop),
            }
        }
    }
}
