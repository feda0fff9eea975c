//! Tables: columns as wide as what is in them, cells with a style.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::pad;

const GAP: usize = 2;

pub type TableCell = (String, Style);

/// The rows as lines. The first row is the heads.
pub fn lines(rows: &[Vec<TableCell>]) -> Vec<Line<'static>> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|(text, _)| text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column) + GAP).collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let spans = cells.map(|((text, style), width)| {
                // Only the text has the style, not the gap behind it.
                let padding = pad(text, *width)[text.len()..].to_owned();
                [Span::styled(text.clone(), *style), Span::raw(padding)]
            });
            Line::from(spans.flatten().collect::<Vec<_>>())
        })
        .collect()
}

pub fn heads(names: &[&str], style: Style) -> Vec<TableCell> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), style))
        .collect()
}
