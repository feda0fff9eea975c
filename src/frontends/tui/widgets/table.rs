//! Tables: columns as wide as what is in them, cells with a style. Where the columns do not fit, the
//! first ones stay and the others scroll.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr as _;

use super::super::theme::Theme;
use super::{fit, pad};

const GAP: usize = 2;
/// Columns that scroll get so much room at least, where one of them needs it.
const LEAST: usize = 18;

pub type TableCell = (String, Style);

/// The rows as lines. The first row is the heads.
pub fn lines(rows: &[Vec<TableCell>]) -> Vec<Line<'static>> {
    let widths = widths(rows);
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let spans = cells.map(|(cell, width)| padded(cell.clone(), width + GAP));
            Line::from(spans.flatten().collect::<Vec<_>>())
        })
        .collect()
}

fn widths(rows: &[Vec<TableCell>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|(text, _)| text.width()).max().unwrap_or(0)
    };
    (0..columns).map(width).collect()
}

/// Only the text has the style, not what is behind it.
fn padded((text, style): TableCell, width: usize) -> [Span<'static>; 2] {
    let padding = pad(&text, width)[text.len()..].to_owned();
    [Span::styled(text, style), Span::raw(padding)]
}

/// A table in a width.
pub struct Fitted {
    pub lines: Vec<Line<'static>>,
    /// How many columns may be passed over until the last one is shown.
    pub most: usize,
}

/// The columns of a table that are shown in a width.
struct Window {
    /// Columns and their widths.
    first: Vec<(usize, usize)>,
    others: Vec<(usize, usize)>,
    is_more_before: bool,
    is_more_behind: bool,
    most: usize,
}

/// The rows as lines of at most this width. The first `stay` columns are always shown; behind them
/// `passed` columns are passed over. Columns are shown whole or not at all, and marks in the first
/// row say where there are more. Only a cell wider than the room is cut, with a mark.
pub fn fitted(
    theme: Theme,
    rows: &[Vec<TableCell>],
    stay: usize,
    passed: usize,
    width: usize,
) -> Fitted {
    let Some(window) = window(&widths(rows), stay, passed, width) else {
        return Fitted {
            lines: lines(rows),
            most: 0,
        };
    };
    let (before, behind) = theme.more_columns();
    let lines = rows.iter().enumerate().map(|(number, row)| {
        // A mark stands in the gap behind the last column of its part.
        let part = |columns: &[(usize, usize)], mark: Option<&str>| {
            let columns = columns.iter();
            let cells = columns.filter_map(|(column, width)| {
                let (text, style) = row.get(*column)?;
                Some(padded((fit(text, *width, theme), *style), width + GAP))
            });
            let mut line = Line::from(cells.flatten().collect::<Vec<_>>());
            if let Some(mark) = mark.filter(|_| number == 0)
                && let Some(gap) = line.spans.pop()
            {
                let blank = gap.content.len().saturating_sub(1);
                line.push_span(Span::raw(" ".repeat(blank)));
                line.push_span(Span::styled(mark.to_owned(), theme.accent()));
            }
            line.spans
        };
        let mut spans = part(&window.first, window.is_more_before.then_some(before));
        let others = part(&window.others, window.is_more_behind.then_some(behind));
        spans.extend(others);
        Line::from(spans)
    });
    Fitted {
        lines: lines.collect(),
        most: window.most,
    }
}

/// `None` where all columns fit.
fn window(widths: &[usize], stay: usize, passed: usize, width: usize) -> Option<Window> {
    let sum = |widths: &[usize]| widths.iter().map(|width| width + GAP).sum::<usize>();
    if sum(widths) <= width + GAP {
        return None;
    }
    let (first, others) = widths.split_at(stay.min(widths.len()));
    let mut first = first.to_vec();
    let least = others.iter().copied().max().unwrap_or(0).min(LEAST) + GAP;
    let over = (sum(&first) + least).saturating_sub(width);
    if let Some(last) = first.last_mut() {
        *last = last.saturating_sub(over).max(1);
    }
    let room = width.saturating_sub(sum(&first)).max(1 + GAP);
    let others: Vec<usize> = others
        .iter()
        .map(|width| *width.min(&(room - GAP)))
        .collect();
    let fits = |widths: &[usize]| sum(widths) <= room;
    let most = (0..others.len()).find(|from| fits(&others[*from..]));
    let most = most.unwrap_or(others.len().saturating_sub(1));
    let from = passed.min(most);
    let to = (from..=others.len())
        .rev()
        .find(|to| fits(&others[from..*to]));
    let to = to.unwrap_or(from);
    let numbered = others.iter().copied().enumerate();
    let numbered = numbered.map(|(place, width)| (first.len() + place, width));
    Some(Window {
        others: numbered.skip(from).take(to - from).collect(),
        is_more_before: from > 0,
        is_more_behind: to < others.len(),
        most,
        first: first.into_iter().enumerate().collect(),
    })
}

pub fn heads(names: &[&str], style: Style) -> Vec<TableCell> {
    names
        .iter()
        .map(|name| ((*name).to_owned(), style))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::theme::Palette;
    use super::*;

    const THEME: Theme = Theme {
        palette: Palette::Mono,
        ascii: true,
    };

    fn table(name: usize) -> Vec<Vec<TableCell>> {
        let row = |cells: [&str; 6]| cells.map(|cell| (cell.to_owned(), Style::new())).to_vec();
        let name = "x".repeat(name);
        vec![
            row(["NAMESPACE", "POD", "READY", "STATUS", "RESTARTS", "NODE"]),
            row([
                "n",
                &name,
                "0/1",
                "CreateContainerConfigError",
                "4",
                "k3s-server-1",
            ]),
        ]
    }

    /// Whatever is passed over, heads are whole, no line is too wide, and each column is reached.
    #[test]
    fn a_table_fits_and_every_column_is_reached() {
        for width in 44..130 {
            for name in [3, 30, 300] {
                let rows = table(name);
                let most = fitted(THEME, &rows, 2, usize::MAX, width).most;
                let mut met = String::new();
                for passed in 0..=most {
                    let lines = fitted(THEME, &rows, 2, passed, width).lines;
                    for line in &lines {
                        let text = line.to_string();
                        assert!(text.trim_end().width() <= width, "{width}: {text}");
                    }
                    met.push_str(&lines[0].to_string().replace(['<', '>'], " "));
                }
                for head in ["READY", "STATUS", "RESTARTS", "NODE"] {
                    let mut words = met.split_whitespace();
                    assert!(
                        words.any(|word| word == head),
                        "{width} {name}: {head} in {met}"
                    );
                }
            }
        }
    }

    #[test]
    fn marks_say_where_there_are_more_columns() {
        let head = |passed| {
            let lines = fitted(THEME, &table(30), 2, passed, 80).lines;
            lines[0].to_string().trim_end().to_owned()
        };
        let first = head(0);
        assert!(first.ends_with('>') && !first.contains('<'), "{first}");
        let last = head(9);
        assert!(last.contains('<') && last.ends_with("NODE"), "{last}");
        let all = fitted(THEME, &table(3), 2, 9, 80);
        assert_eq!(all.most, 0);
        assert!(!all.lines[0].to_string().contains('>'));
    }
}
