//! A form: a field a row, and below the one with focus what it is for, or what is wrong.

use ratatui::Frame;
use ratatui::layout::Position;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::super::form::{Field, Form, Kind};
use super::super::log::split;
use super::super::model::Model;
use super::super::{layout, text};
use super::wrapped;

const LABEL: usize = 22;

/// The form that asks for an answers file.
pub fn open() -> Form {
    let fields = vec![Field::new("path", text::field::PATH, Kind::Text, "")];
    Form::new(text::OPEN, text::OPEN_WHY, fields)
}

pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(form) = model
        .wizard
        .as_ref()
        .and_then(|wizard| wizard.form.as_ref())
    else {
        return;
    };
    let theme = model.theme;
    let area = layout::frame(model.size).body;
    let width = usize::from(area.width);
    let mut lines: Vec<Line<'_>> = wrapped(form.why, width)
        .into_iter()
        .map(|line| Line::styled(line, theme.faint()))
        .collect();
    if form.fields.iter().all(|field| field.head.is_none()) {
        lines.push(Line::default());
    }
    let (mut from, mut to, mut cursor) = (0, 0, None);
    for (number, field) in form.fields.iter().enumerate() {
        let focused = number == form.focus;
        if focused {
            from = lines.len();
        }
        if let Some(head) = field.head {
            lines.push(Line::styled(head, theme.title()));
        }
        let (value, at) = value(form, field, width.saturating_sub(LABEL + 3));
        let mark = if focused { theme.focus_mark() } else { " " };
        let label = format!("{mark} {:<LABEL$}", field.label);
        let label_style = if focused {
            theme.accent()
        } else {
            theme.faint()
        };
        let mut spans = vec![Span::styled(label, label_style)];
        match field.kind {
            Kind::Choice(choices) => {
                for choice in choices {
                    let style = if *choice == field.value() {
                        theme.selected()
                    } else {
                        theme.faint()
                    };
                    spans.push(Span::styled(format!(" {choice} "), style));
                    spans.push(Span::raw(" "));
                }
            }
            _ => spans.push(Span::raw(value)),
        }
        if focused && !matches!(field.kind, Kind::Choice(_)) {
            cursor = Some((lines.len(), LABEL + 2 + at));
        }
        lines.push(Line::from(spans));
        if let Some(error) = &field.error {
            let what = format!("{} {error}", theme.bad_mark());
            for line in wrapped(&what, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), theme.bad()));
            }
        } else if focused {
            for line in wrapped(field.help, width.saturating_sub(4)) {
                lines.push(Line::styled(format!("    {line}"), theme.faint()));
            }
        }
        if focused {
            to = lines.len();
        }
    }
    let height = usize::from(area.height);
    let skip = to
        .saturating_sub(height)
        .max(from.saturating_sub(height / 2));
    let skip = skip.min(lines.len().saturating_sub(height));
    let shown: Vec<_> = lines.into_iter().skip(skip).take(height).collect();
    frame.render_widget(Paragraph::new(shown), area);
    if let Some((row, column)) = cursor
        && model.help.is_none()
        && let Some(row) = row.checked_sub(skip)
        && row < height
    {
        let column = column.min(width.saturating_sub(1));
        let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        frame.set_cursor_position(Position::new(area.x + cells(column), area.y + cells(row)));
    }
}

/// What stands in a field, and where the cursor is in it, in cells.
fn value(form: &Form, field: &Field, width: usize) -> (String, usize) {
    let (shown, at) = if field.is_hidden() && form.revealed == 0 {
        let before = field.value()[..field.cursor()].chars().count();
        ("*".repeat(field.value().chars().count()), before)
    } else {
        let before = field.value()[..field.cursor()].width();
        (field.value().to_owned(), before)
    };
    if shown.width() <= width {
        return (shown, at);
    }
    // The part around the cursor.
    let parts = split(&shown, width.max(1));
    let part = at.checked_div(width).unwrap_or(0).min(parts.len() - 1);
    (
        shown[parts[part].clone()].to_owned(),
        at - (part * width).min(at),
    )
}
