//! What was answered, with what is wrong on top.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{
    BACK, ENTER, NEXT, PHASES, SAVE, SCROLL, Scope, char, helped, shown,
};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::text::key;
use text as say;

const REVIEW: Scope = Scope::new(
    "review",
    &[
        shown(ENTER, Action::Continue, key::GO_ON),
        helped(char('e'), Action::Edit, say::key::EDIT_WRONG),
    ],
);

#[derive(Debug, Default)]
pub struct ReviewPage {
    scroll: usize,
}

impl Screen for ReviewPage {
    fn entered(&mut self, common: &mut Common, _: Page, _: Page) {
        *self = Self::default();
        if let Some(wizard) = common.mode.wizard_mut() {
            wizard.from_review = false;
        }
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        vec![REVIEW, NEXT, BACK, PHASES, SAVE, SCROLL]
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        let first = wizard.interview.problems().into_iter().next();
        let page = match (action, first) {
            (Action::Continue | Action::Forward, Some(first)) => {
                let told = wizard.interview.told(&first);
                common.say(say::not_yet(&told));
                return Vec::new();
            }
            (Action::Continue | Action::Forward, None) => return vec![wizard.reach()],
            (Action::Phase(number), _) => wizard.jump(number),
            (Action::Edit, Some(first)) => {
                let place = first.key.strip_prefix("hosts[");
                let place = place.and_then(|rest| rest.split(']').next()?.parse().ok());
                wizard.from_review = true;
                wizard.host = place.unwrap_or(0);
                Page::of_key(&first.key)
            }
            (Action::Back, _) => wizard.way_from(Page::Review, false),
            _ => return Vec::new(),
        };
        vec![Effect::Go(page)]
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let most = view::count(common).saturating_sub(self.height(common));
        self.scroll = self.scroll.saturating_add_signed(by).min(most);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }
}
