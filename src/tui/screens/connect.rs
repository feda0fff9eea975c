//! The connections: what each host is, or why it was not reached.

use ratatui::Frame;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::super::model::Model;
use super::super::wizard::Attempt;
use super::super::{layout, text};
use super::run::{pad, padded};
use super::{from_chosen, wrapped};
use crate::engine::progress::Status;

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
            for line in wrapped(&failed.why, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), theme.bad()));
            }
            if let Some(key) = &failed.host_key {
                for line in wrapped(&text::believe(key), width.saturating_sub(4)) {
                    lines.push(Line::styled(format!("    {line}"), theme.accent()));
                }
            }
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
