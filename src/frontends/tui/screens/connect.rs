//! The connections: what each host is, or why it was not reached.

use ratatui::Frame;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::layout;
use super::super::model::{Model, Unreached};
use super::super::text::{self, hosts as say};
use super::super::theme::Theme;
use super::super::wizard::Attempt;
use super::run::{pad, padded};
use super::{from_chosen, wrapped};
use crate::events::progress::Status;

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(wizard) = &model.wizard else { return };
    let theme = model.theme;
    let area = layout::frame(model.size).body;
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'_>> = wrapped(text::CONNECT_WHY, width)
        .into_iter()
        .map(|line| Line::styled(line, theme.faint()))
        .collect();
    lines.push(Line::default());
    let names = wizard.attempts.iter().map(|(name, _)| name.chars().count());
    let column = names.max().unwrap_or(0).min(24);
    let mut chosen_line = 0;
    for (number, (name, attempt)) in wizard.attempts.iter().enumerate() {
        let trying = Status::Running {
            since: 0,
            attempt: 1,
            applying: true,
        };
        let (mark, style, what) = match attempt {
            Attempt::Trying => {
                let (mark, style) = theme.step(&trying, wizard.clock);
                (mark, style, text::CONNECTING.to_owned())
            }
            Attempt::Reached(what) => (theme.good_mark(), theme.good(), what.clone()),
            Attempt::Given => (theme.dot(), theme.accent(), say::GIVEN.to_owned()),
            Attempt::Failed(_) => (theme.bad_mark(), theme.bad(), text::NOT_REACHED.to_owned()),
        };
        let line = Line::from(vec![
            Span::styled(format!("{mark} "), style),
            Span::styled(pad(name, column), theme.title()),
            Span::raw(format!("  {what}")),
        ]);
        if number == wizard.chosen {
            chosen_line = lines.len();
            lines.push(padded(line, width).patch_style(theme.selected()));
        } else {
            lines.push(line);
        }
        if let Attempt::Failed(failed) = attempt {
            why(theme, failed, width, &mut lines);
        }
    }
    if let Some(why) = &wizard.refused {
        lines.push(Line::default());
        for line in wrapped(why, width) {
            lines.push(Line::styled(line, theme.bad()));
        }
    }
    let shown = from_chosen(lines, chosen_line, usize::from(area.height));
    frame.render_widget(Paragraph::new(shown), area);
}

/// Why a host was not reached, and what can be done about it from here, below its row.
pub fn why(theme: Theme, failed: &Unreached, width: usize, lines: &mut Vec<Line<'_>>) {
    let mut add = |text: &str, style| {
        for line in wrapped(text, width.saturating_sub(4)) {
            lines.push(Line::styled(format!("    {line}"), style));
        }
    };
    add(&failed.why, theme.bad());
    if let Some(key) = &failed.host_key {
        add(&text::believe(key), theme.accent());
    }
    if !failed.wants.is_empty() {
        add(&say::p_gives(&failed.wants), theme.accent());
    }
}
