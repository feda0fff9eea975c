//! The plan, to be read before it is carried out.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{
    BACK, ENTER, PHASES, SAVE, SCROLL, Scope, char, ctrl, helped, shown,
};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::shown_plan::Detail;
use crate::frontends::tui::text::key;
use text as say;

const PLAN: Scope = Scope::new(
    "plan",
    &[
        shown(ENTER, Action::Continue, say::key::PHASE_BY_PHASE),
        helped(ctrl('n'), Action::Forward, say::key::PHASE_BY_PHASE),
        shown(char('a'), Action::RunAll, key::RUN_ALL),
        shown(char('v'), Action::Scripts, key::SCRIPTS),
        shown(char('d'), Action::Files, key::FILES),
        shown(char('c'), Action::ShowChecks, say::key::CHECKS),
    ],
);

#[derive(Debug, Default)]
pub struct PlanPage {
    scroll: usize,
}

impl Screen for PlanPage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        vec![PLAN, BACK, PHASES, SAVE, SCROLL]
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        match action {
            Action::Continue | Action::Forward => begin(common, Some(0)),
            Action::RunAll => begin(common, None),
            Action::Scripts | Action::Files => {
                wizard.detail.toggle(match action {
                    Action::Scripts => Detail::Script,
                    _ => Detail::Files,
                });
                self.scroll = 0;
                Vec::new()
            }
            // Back from the scripts or the files first.
            Action::Back if wizard.detail != Detail::None => {
                wizard.detail = Detail::None;
                self.scroll = 0;
                Vec::new()
            }
            Action::Back | Action::ShowChecks if wizard.checked => {
                vec![Effect::Go(Page::Preflight)]
            }
            Action::Back | Action::Phase(_) => {
                vec![
                    Effect::Go(common.back_to_answers(action)),
                    Effect::Begin(false),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let most = view::count(common).saturating_sub(self.height(common));
        self.scroll = self.scroll.saturating_add_signed(by).min(most);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }
}

/// Carries out what was planned; by itself, or phase by phase.
fn begin(common: &mut Common, phases: Option<usize>) -> Vec<Effect> {
    common.let_begin = phases;
    vec![Effect::LetBegin(phases), Effect::Begin(true)]
}
