//! Where one is among steps: of the walk to a run, or the phases of one. Beside the page, where there
//! is room.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::common::Common;
use super::super::layout;
use super::super::page::{self, ORDER, Page};
use super::super::theme::Theme;
use super::padded;

/// The steps that lead to a run, beside one of them.
pub fn of_walk(common: &Common, shown: Page, frame: &mut Frame<'_>) {
    let (Some(area), body) = layout::beside_stepper(common.size) else {
        return;
    };
    let (Some(wizard), Some(shown)) = (common.mode.wizard(), shown.place()) else {
        return;
    };
    let theme = common.theme;
    let problems = wizard.interview.problems();
    let steps = ORDER.into_iter().enumerate().map(|(place, page)| {
        let wrong = problems
            .iter()
            .any(|problem| Page::of_key(&problem.key) == page);
        let (mark, style) = match (place, wrong) {
            _ if place == shown => (theme.focus_mark(), theme.accent()),
            _ if place > wizard.reached => (theme.dot(), theme.faint()),
            (_, true) => (theme.bad_mark(), theme.bad()),
            // What is shown is not done by that.
            _ if place >= page::GROUPS => (theme.dot(), theme.faint()),
            (_, false) => (theme.good_mark(), theme.good()),
        };
        (mark, style, page.title())
    });
    aside(theme, steps, shown, area, frame);
    separator(theme, body, frame);
}

/// Every phase of the run with its state, beside one of them.
pub fn of_run(common: &Common, shown: usize, area: Rect, frame: &mut Frame<'_>) {
    let run = &common.run;
    let phases = run.progress.phases.iter().map(|phase| {
        let status = run.progress.phase_status(phase);
        let (mark, style) = common.theme.phase(status, run.clock);
        (mark, style, phase.title.as_str())
    });
    aside(common.theme, phases, shown, area, frame);
}

/// Numbered steps with a mark each, the shown one reversed.
fn aside<'a>(
    theme: Theme,
    steps: impl Iterator<Item = (&'static str, Style, &'a str)>,
    shown: usize,
    area: Rect,
    frame: &mut Frame<'_>,
) {
    let lines: Vec<Line<'_>> = steps
        .enumerate()
        .map(|(number, (mark, style, title))| {
            let name = Span::raw(format!(" {} {title}", number + 1));
            let line = Line::from(vec![Span::styled(mark, style), name]);
            if number == shown {
                let width = usize::from(area.width);
                padded(line, width).patch_style(theme.selected())
            } else {
                line
            }
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// The line at the left of an area, where there is room for it.
pub fn separator(theme: Theme, area: Rect, frame: &mut Frame<'_>) {
    let Some(x) = area.x.checked_sub(2) else {
        return;
    };
    let line = vec![Line::from(theme.down()); usize::from(area.height)];
    let area = Rect {
        x,
        width: 1,
        ..area
    };
    frame.render_widget(Paragraph::new(line).style(theme.faint()), area);
}
