//! The phase that waits for the operator.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{self, ENTER, Scope, char, shown};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::shown_plan::Detail;
use crate::frontends::tui::text::key;

/// The run holds it back.
const HELD: Scope = Scope::new(
    "held",
    &[
        shown(ENTER, Action::RunPhase, key::RUN_PHASE),
        shown(char('a'), Action::RunAll, key::RUN_ALL),
        shown(char('e'), Action::EditAnswers, key::EDIT_ANSWERS),
    ],
);

const PHASE: Scope = Scope::new(
    "phase",
    &[
        shown(char('v'), Action::Scripts, key::SCRIPTS),
        shown(char('d'), Action::Files, key::FILES),
    ],
);

#[derive(Debug, Default)]
pub struct PhasePage {
    scroll: usize,
    /// Whether the run is to end, because its answers are to be edited.
    asks_to_end: bool,
}

impl Screen for PhasePage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if self.asks_to_end {
            return vec![keys::ASK];
        }
        let own = is_held(common).then_some(HELD).into_iter().chain([PHASE]);
        run_pages::scopes(common, Page::Phase, own.collect())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if std::mem::take(&mut self.asks_to_end) {
            return match action {
                Action::Confirm => run_pages::act(common, Page::Phase, Action::EditAnswers),
                _ => Vec::new(),
            };
        }
        match action {
            Action::EditAnswers if common.at_work => self.asks_to_end = true,
            Action::RunPhase | Action::Forward if is_held(common) => return run_held(common),
            Action::RunAll => return common.let_begin(None, text::GOES_ON),
            Action::Scripts | Action::Files => {
                if let Some(wizard) = common.mode.wizard_mut() {
                    wizard.detail.toggle(match action {
                        Action::Scripts => Detail::Script,
                        _ => Detail::Files,
                    });
                    self.scroll = 0;
                }
            }
            action => return run_pages::act(common, Page::Phase, action),
        }
        Vec::new()
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let lines = view::lines(common);
        self.scroll = run_pages::scrolled_to(common, &lines, self.scroll, by);
    }

    fn question(&self, _: &Common) -> Option<String> {
        self.asks_to_end.then(|| text::ASK_TO_END.to_owned())
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        run_pages::draw(common, view::lines(common), self.scroll, frame);
    }
}

/// The run waits for the operator with a phase.
fn is_held(common: &Common) -> bool {
    common.listens() && common.run.progress.held.is_some()
}

/// The phase that waits, and no more after it.
fn run_held(common: &mut Common) -> Vec<Effect> {
    let progress = &common.run.progress;
    let held = progress.held.as_deref();
    let mut phases = progress.phases.iter();
    let place = phases.position(|phase| Some(phase.id.as_str()) == held);
    match place {
        Some(place) => {
            common.let_begin = Some(place + 1);
            vec![Effect::LetBegin(common.let_begin)]
        }
        None => Vec::new(),
    }
}
