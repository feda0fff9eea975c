//! Where one is before a run: beside the pages about the answers, where there is room.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::model::{Model, Page};
use super::super::page_order::{self, ORDER};
use super::super::{layout, text};
use super::run;

/// The place of these pages. The connections and the plan take the whole width: there are lines to
/// read.
pub fn body(model: &Model) -> Rect {
    if shows(model.page) {
        layout::beside_stepper(model.size).1
    } else {
        layout::frame(model.size).body
    }
}

fn shows(page: Page) -> bool {
    matches!(
        page,
        Page::Hosts | Page::Host | Page::Options(_) | Page::Review
    )
}

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let (Some(area), body) = layout::beside_stepper(model.size) else {
        return;
    };
    let (Some(wizard), Some(shown)) = (&model.wizard, page_order::place(model.page)) else {
        return;
    };
    if !shows(model.page) {
        return;
    }
    let theme = model.theme;
    let problems = wizard.interview.problems();
    let steps = ORDER.into_iter().enumerate().map(|(place, page)| {
        let wrong = problems
            .iter()
            .any(|problem| page_order::page_of(&problem.key) == page);
        let (mark, style) = match (place, wrong) {
            _ if place == shown => (theme.focus_mark(), theme.accent()),
            _ if place > wizard.reached => (theme.dot(), theme.faint()),
            (_, true) => (theme.bad_mark(), theme.bad()),
            // What is shown is not done by that.
            _ if place >= page_order::GROUPS => (theme.dot(), theme.faint()),
            (_, false) => (theme.good_mark(), theme.good()),
        };
        (mark, style, text::page(page))
    });
    run::steps_aside(model, steps, shown, area, frame);
    run::separator(model, body, frame);
}
