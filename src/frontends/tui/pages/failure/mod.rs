//! The steps that failed, one at a time; and what becomes of one that the run waits about.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::events::Decision;
use crate::events::progress::StepProgress;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{self, ENTER, Scope, char, helped, shown};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::text::key;
use text as say;

/// The run waits for the operator's decision.
const ASKED: Scope = Scope::new(
    "asked",
    &[
        shown(char('r'), Action::Retry, say::key::TRY_STEP_AGAIN),
        shown(char('w'), Action::Without, say::key::WITHOUT),
        shown(char('e'), Action::EditAnswers, key::EDIT_ANSWERS),
    ],
);

/// About a step that only looks.
const SKIPPABLE: Scope = Scope::new(
    "skippable",
    &[shown(char('s'), Action::Skip, say::key::SKIP)],
);

/// The step failed on a host that the wizard can log in to.
const SHELL: Scope = Scope::new("shell", &[shown(char('!'), Action::Shell, say::key::SHELL)]);

const FAILURE: Scope = Scope::new(
    "failure",
    &[
        shown(ENTER, Action::LookAtLog, say::key::LOOK_AT_LOG),
        helped(char('n'), Action::NextFailure, say::key::NEXT_FAILURE),
        helped(
            char('N'),
            Action::PreviousFailure,
            say::key::PREVIOUS_FAILURE,
        ),
        helped(char('y'), Action::Copy, say::key::COPY_FAILURE),
    ],
);

#[derive(Debug, Default)]
pub struct FailurePage {
    /// Which of the failures is shown.
    number: usize,
    scroll: usize,
    /// Whether the run is to end, because its answers are to be edited.
    asks_to_end: bool,
}

impl Screen for FailurePage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        self.scroll = 0;
        self.asks_to_end = false;
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if self.asks_to_end {
            return vec![keys::ASK];
        }
        let asked = self.asked(common).filter(|_| common.listens());
        let skippable = asked.is_some_and(|step| step.may_be_skipped);
        let asked = asked.map(|_| ASKED).into_iter();
        let shell = self.shell(common).map(|_| SHELL);
        let own = asked.chain(skippable.then_some(SKIPPABLE));
        let failure = common.run.failure(self.number).map(|_| FAILURE);
        let own = own.chain(failure).chain(shell);
        run_pages::scopes(common, Page::Failure, own.collect())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if std::mem::take(&mut self.asks_to_end) {
            return match action {
                Action::Confirm => run_pages::act(common, Page::Failure, Action::EditAnswers),
                _ => Vec::new(),
            };
        }
        match action {
            Action::EditAnswers if common.at_work => self.asks_to_end = true,
            Action::NextFailure => self.choose(common, 1),
            Action::PreviousFailure => self.choose(common, -1),
            Action::LookAtLog => {
                if let Some(place) = common.run.failures().get(self.number).copied() {
                    common.run.look_at(place);
                    return vec![Effect::Go(Page::Run)];
                }
            }
            Action::Copy => {
                let lines = view::as_text(self, common);
                return common.copy(lines.join("\n"), lines.len());
            }
            Action::Shell => return self.shell(common).into_iter().collect(),
            Action::Retry => return self.decide(common, Decision::Retry),
            Action::Skip => return self.decide(common, Decision::Skip),
            Action::Without => return self.decide(common, Decision::GiveUp),
            action => return run_pages::act(common, Page::Failure, action),
        }
        Vec::new()
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let lines = view::lines(self, common, run_pages::width(common));
        self.scroll = run_pages::scrolled_to(common, &lines, self.scroll, by);
    }

    /// That of the step that failed, whatever else is at work.
    fn phase(&self, common: &Common) -> usize {
        let failure = common.run.failure(self.number);
        let phase = failure.and_then(|(step, _)| common.run.progress.phase_of(&step.id));
        phase.unwrap_or(common.run.phase)
    }

    fn question(&self, _: &Common) -> Option<String> {
        self.asks_to_end.then(|| say::ASK_TO_END.to_owned())
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        let lines = view::lines(self, common, run_pages::width(common));
        run_pages::draw_in(common, self.phase(common), lines, self.scroll, frame);
    }
}

impl FailurePage {
    /// Another one is to be shown.
    pub fn shows(&mut self, number: usize) {
        self.number = number;
    }

    /// The step that failed, where the operator is asked what becomes of it.
    fn asked<'a>(&self, common: &'a Common) -> Option<&'a StepProgress> {
        let (step, _) = common.run.failure(self.number)?;
        let progress = &common.run.progress;
        progress.asked.contains(&step.id).then_some(step)
    }

    fn choose(&mut self, common: &Common, by: isize) {
        let last = common.run.failures().len().saturating_sub(1);
        self.number = self.number.saturating_add_signed(by).min(last);
        self.scroll = 0;
    }

    /// Where the failure is.
    fn shell(&self, common: &Common) -> Option<Effect> {
        let (step, _) = common.run.failure(self.number)?;
        let answers = Box::new(common.answers()?.clone());
        Some(Effect::Shell(answers, step.host.clone()?))
    }

    fn decide(&self, common: &Common, decision: Decision) -> Vec<Effect> {
        let step = self.asked(common).map(|step| step.id.clone());
        let effect = step.map(|step| Effect::Decide(step, decision));
        effect.into_iter().collect()
    }
}
