//! Tables of text: columns as wide as what is in them.

use std::io::{self, Write};

const GAP: usize = 2;

/// Writes rows, the first one being the heads, indented by two.
pub(super) fn write<W: Write, C: AsRef<str>>(out: &mut W, rows: &[Vec<C>]) -> io::Result<()> {
    let widths = widths(rows);
    for row in rows {
        writeln!(out, "{}", line(row, &widths))?;
    }
    Ok(())
}

pub(super) fn widths<C: AsRef<str>>(rows: &[Vec<C>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.as_ref().chars().count()).max()
    };
    (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect()
}

pub(super) fn line<C: AsRef<str>>(row: &[C], widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let width = width + GAP;
        line.push_str(&format_cell(cell.as_ref(), width));
    }
    format!("  {}", line.trim_end())
}

fn format_cell(cell: &str, width: usize) -> String {
    format!("{cell:<width$}")
}
