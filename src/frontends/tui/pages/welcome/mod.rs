//! Where to begin.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{self, ENTER, NEXT, SCROLL, Scope, shown};
use crate::frontends::tui::page::{self, Page};
use crate::interview::offers::Offer;

const WELCOME: Scope = Scope::new(
    "welcome",
    &[shown(ENTER, Action::Continue, text::key::CHOOSE)],
);

#[derive(Debug, Default)]
pub struct WelcomePage {
    /// Which of the offers.
    chosen: usize,
    /// There is a draft, and only one is kept: the operator is asked first.
    asks_to_start_anew: bool,
}

impl Screen for WelcomePage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        if self.asks_to_start_anew {
            return vec![keys::ASK];
        }
        vec![WELCOME, NEXT, SCROLL]
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        if std::mem::take(&mut self.asks_to_start_anew) {
            if action != Action::Confirm {
                return Vec::new();
            }
            wizard.interview.begin(&Offer::New);
            wizard.reached = 0;
            return vec![Effect::Go(page::ORDER[0])];
        }
        let offers = wizard.interview.found.offers();
        let goes_on = matches!(action, Action::Continue | Action::Forward);
        let Some(offer) = offers.get(self.chosen).filter(|_| goes_on) else {
            return Vec::new();
        };
        let page = match offer {
            Offer::New if wizard.interview.found.draft.is_some() => {
                self.asks_to_start_anew = true;
                return Vec::new();
            }
            Offer::New => {
                wizard.reached = 0;
                page::ORDER[0]
            }
            Offer::Open => Page::Open,
            Offer::Cluster(_) => Page::Review,
            Offer::Draft => Page::Hosts,
        };
        wizard.interview.begin(offer);
        vec![Effect::Go(page)]
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if let Some(wizard) = common.mode.wizard() {
            let last = wizard.interview.found.offers().len().saturating_sub(1);
            self.chosen = self.chosen.saturating_add_signed(by).min(last);
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn question(&self, _: &Common) -> Option<String> {
        self.asks_to_start_anew.then(|| text::START_ANEW.to_owned())
    }
}
