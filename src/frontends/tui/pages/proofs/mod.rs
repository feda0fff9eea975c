//! What was proved of the cluster.

mod text;
mod view;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::Scope;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;

#[derive(Debug, Default)]
pub struct ProofsPage {
    scroll: usize,
}

impl Screen for ProofsPage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        *self = Self::default();
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        run_pages::scopes(common, Page::Proofs, Vec::new())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        run_pages::act(common, Page::Proofs, action)
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let lines = view::lines(common);
        self.scroll = run_pages::scrolled_to(common, &lines, self.scroll, by);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        run_pages::draw(common, view::lines(common), self.scroll, frame);
    }
}
