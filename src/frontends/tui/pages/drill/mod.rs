//! Drills as they run: what is taken down, and what clients of the API see of it; their result in the
//! end.

mod text;
mod view;

use std::path::PathBuf;

use ratatui::Frame;

use super::Screen;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::keys::{ESC, Scope, shown};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::run_view::RunView;
use crate::report::drill::DrillReport;
use text as say;

#[derive(Debug, Default)]
pub struct DrillPage {
    scroll: usize,
    /// In the end, with where it is kept.
    report: Option<(DrillReport, Vec<PathBuf>)>,
}

/// The drills are over: the cluster can be looked at again.
const OVER: Scope = Scope::new("drills over", &[shown(ESC, Action::Back, say::key::LIVE)]);

impl Screen for DrillPage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        self.scroll = 0;
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        let over = drilled(common).map(|_| OVER);
        run_pages::scopes(common, Page::Drill, over.into_iter().collect())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        match (action, drilled(common)) {
            (Action::Back, Some(cluster)) => {
                common.run = RunView::new();
                vec![Effect::Go(Page::Cluster), Effect::Watch(cluster)]
            }
            (action, _) => run_pages::act(common, Page::Drill, action),
        }
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let lines = view::lines(self, common);
        self.scroll = run_pages::scrolled_to(common, &lines, self.scroll, by);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        run_pages::draw(common, view::lines(self, common), self.scroll, frame);
    }
}

impl DrillPage {
    pub fn reported(&mut self, report: DrillReport, files: Vec<PathBuf>) {
        self.report = Some((report, files));
    }
}

/// The cluster whose drills are over.
fn drilled(common: &Common) -> Option<String> {
    let ended = common.run.progress.ended.is_some() && !common.at_work;
    common.watched.clone().filter(|_| ended)
}
