//! The model of the screens: what all pages share, the pages, and which of them is shown.

use super::common::Common;
use super::keys::{self, Scope};
use super::mode::Mode;
use super::page::Page;
use super::pages::{Pages, Screen};
use super::replay::ReplaySession;
use super::theme::{SPIN, Theme};
use super::wizard::WizardSession;
use crate::events::Event;
use crate::interview::offers::Found;

#[derive(Debug)]
pub struct Model {
    pub common: Common,
    pub pages: Pages,
    /// The one that is shown.
    pub page: Page,
    /// The operator is asked whether to stop the run.
    pub asks_to_stop: bool,
    /// The signal that asked for the end.
    pub signal: Option<i32>,
}

impl Model {
    fn new(theme: Theme, size: (u16, u16), mode: Mode, page: Page) -> Self {
        Self {
            common: Common::new(theme, size, mode),
            pages: Pages::default(),
            page,
            asks_to_stop: false,
            signal: None,
        }
    }

    pub fn for_replay(theme: Theme, size: (u16, u16), events: Vec<Event>) -> Self {
        let mode = Mode::Replay(ReplaySession::new(events));
        Self::new(theme, size, mode, Page::Run)
    }

    /// For a run of another process.
    pub fn for_following(theme: Theme, size: (u16, u16)) -> Self {
        let mode = Mode::Replay(ReplaySession::following());
        Self::new(theme, size, mode, Page::Run)
    }

    pub fn for_wizard(theme: Theme, size: (u16, u16), found: Found) -> Self {
        let wizard = WizardSession::new(found);
        let mode = Mode::Wizard(Box::new(wizard));
        Self::new(theme, size, mode, Page::Welcome)
    }

    /// The page that is shown.
    pub fn shown(&self) -> &dyn Screen {
        self.pages.get(self.page)
    }

    /// How long until something changes by itself, in milliseconds; `None` when nothing will.
    pub fn wakes(&self) -> Option<u64> {
        let common = &self.common;
        let replay = common.mode.replay();
        let plays = replay.is_some_and(ReplaySession::plays);
        let moves = common.run_moves() || (common.run.is_active() && plays);
        let turns = moves.then_some(SPIN);
        let passes = (plays || common.toast.is_some()).then_some(100);
        let page = self.shown().wakes(common);
        [turns, passes, page].into_iter().flatten().min()
    }

    /// The scopes in which keys have a meaning now.
    pub fn scopes(&self) -> Vec<Scope> {
        if self.asks_to_stop {
            return vec![self.quit_scope(), keys::EVERYWHERE];
        }
        if self.common.help.is_some() {
            return vec![keys::HELP, keys::SCROLL, keys::LETTERS, keys::EVERYWHERE];
        }
        self.scopes_below_help()
    }

    /// The scopes of what the help is about.
    pub fn scopes_below_help(&self) -> Vec<Scope> {
        let mut scopes = if let Some(saving) = &self.common.saving {
            vec![if saving.exists {
                keys::ASK
            } else {
                keys::SAVE_TO
            }]
        } else if self.common.run.searching.is_some() {
            vec![keys::SEARCH]
        } else {
            self.shown().scopes(&self.common)
        };
        let asks = self.common.saving.as_ref().is_some_and(|it| it.exists);
        scopes.extend((!asks && !self.takes_letters()).then_some(keys::LETTERS));
        scopes.push(keys::EVERYWHERE);
        scopes
    }

    /// How the question whether to quit can be answered.
    pub fn quit_scope(&self) -> Scope {
        if self.common.at_work && self.common.run.is_active() {
            keys::QUIT
        } else {
            keys::LEAVE
        }
    }

    /// Something lies over the page.
    pub fn is_covered(&self) -> bool {
        self.asks_to_stop || self.common.help.is_some()
    }

    /// Letters go into a text.
    pub fn types(&self) -> bool {
        self.takes_letters() && !self.is_covered()
    }

    fn takes_letters(&self) -> bool {
        match &self.common.saving {
            Some(saving) => !saving.exists,
            None => self.common.run.searching.is_some() || self.shown().types(),
        }
    }
}
