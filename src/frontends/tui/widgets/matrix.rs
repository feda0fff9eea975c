//! A table of cells under short heads, of which one is chosen: around it, as much as there is room
//! for.

use std::ops::Range;

use ratatui::text::{Line, Span};

use super::super::theme::Theme;
use super::pad;
use super::table::TableCell;

/// No name of a host takes more.
const NAME: usize = 20;

pub struct Matrix<'a> {
    pub rows: &'a [&'a str],
    pub heads: &'a [String],
    /// Without the gap behind it.
    pub column: &'a dyn Fn(usize) -> usize,
    pub chosen: (usize, usize),
    pub cell: &'a dyn Fn(usize, usize) -> TableCell,
}

/// How wide the column of the names is.
pub fn names(rows: &[&str]) -> usize {
    let widths = rows.iter().map(|name| name.chars().count());
    widths.max().unwrap_or(0).min(NAME)
}

pub fn lines(theme: Theme, matrix: &Matrix<'_>, width: usize, height: usize) -> Vec<Line<'static>> {
    let names = names(matrix.rows);
    let (row, column) = matrix.chosen;
    let columns = columns(matrix, width.saturating_sub(names));
    let rows = window(matrix.rows.len(), height.saturating_sub(1), row);
    let mut head = vec![Span::raw(" ".repeat(names))];
    for place in columns.clone() {
        let style = if place == column {
            theme.accent()
        } else {
            theme.faint()
        };
        let text = pad(
            &cut(theme, &matrix.heads[place], (matrix.column)(place)),
            (matrix.column)(place),
        );
        head.push(Span::raw(" "));
        head.push(Span::styled(text, style));
    }
    if columns.end < matrix.heads.len() {
        head.push(Span::styled(theme.more(), theme.accent()));
    }
    let mut lines = vec![Line::from(head)];
    for place in rows {
        let style = if place == row {
            theme.accent()
        } else {
            theme.title()
        };
        let name = pad(&cut(theme, matrix.rows[place], names), names);
        let mut spans = vec![Span::styled(name, style)];
        for at in columns.clone() {
            let (text, style) = (matrix.cell)(place, at);
            let text = pad(&cut(theme, &text, (matrix.column)(at)), (matrix.column)(at));
            spans.push(Span::raw(" "));
            let chosen = place == row && at == column;
            let style = if chosen {
                style.patch(theme.selected())
            } else {
                style
            };
            spans.push(Span::styled(text, style));
        }
        lines.push(Line::from(spans));
    }
    lines
}

/// Those columns around the chosen one that fit.
fn columns(matrix: &Matrix<'_>, room: usize) -> Range<usize> {
    let many = matrix.heads.len();
    let chosen = matrix.chosen.1.min(many.saturating_sub(1));
    let all: usize = (0..many).map(|at| 1 + (matrix.column)(at)).sum();
    // The mark that there are more takes one.
    let room = if all > room {
        room.saturating_sub(1)
    } else {
        room
    };
    let (mut from, mut to, mut used) = (chosen, chosen, 0);
    loop {
        let behind = (to < many).then(|| 1 + (matrix.column)(to));
        let before = (from > 0).then(|| 1 + (matrix.column)(from - 1));
        if let Some(more) = behind.filter(|more| used + more <= room) {
            used += more;
            to += 1;
        } else if let Some(more) = before.filter(|more| used + more <= room) {
            used += more;
            from -= 1;
        } else {
            return from..to;
        }
    }
}

fn window(many: usize, room: usize, chosen: usize) -> Range<usize> {
    let from = chosen
        .saturating_sub(room / 2)
        .min(many.saturating_sub(room));
    from..many.min(from + room)
}

/// Names of a series differ at their ends: what stands before is left out.
fn cut(theme: Theme, text: &str, width: usize) -> String {
    let letters = text.chars().count();
    if letters <= width {
        return text.to_owned();
    }
    let end = text.chars().skip(letters - width.saturating_sub(1));
    std::iter::once(theme.more())
        .map(str::to_owned)
        .chain(end.map(String::from))
        .collect()
}
