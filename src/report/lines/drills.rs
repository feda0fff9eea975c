//! What drills showed, in a table for a terminal.

use std::io::{self, Write};
use std::path::PathBuf;

use super::write_table;
use crate::events::DrillFigures;
use crate::report::drill::{DrillReport, seconds};

/// The figures of each drill, and where the report is.
pub fn write_drills(
    out: &mut impl Write,
    report: &DrillReport,
    files: &[PathBuf],
) -> io::Result<()> {
    let rows = report.drills.iter().map(|part| {
        let figures = part.figures.as_ref();
        let before = part.before.as_ref();
        let gap = |figures: &DrillFigures| seconds(figures.longest_gap());
        let cells = vec![
            part.drill.clone(),
            part.result.to_string(),
            figures.map(gap).unwrap_or_default(),
            before.map(gap).unwrap_or_default(),
            figures.map(|it| it.lost.to_string()).unwrap_or_default(),
            figures
                .map(|it| seconds(it.redundant_after))
                .unwrap_or_default(),
        ];
        (cells, part.why.clone())
    });
    let rows: Vec<_> = rows.collect();
    let heads = [
        "DRILL",
        "RESULT",
        "LONGEST GAP",
        "PREVIOUS GAP",
        "LOST WRITES",
        "REDUNDANT AFTER",
    ];
    writeln!(out)?;
    write_table(out, &heads, &rows)?;
    for file in files {
        writeln!(out, "report {}", file.display())?;
    }
    Ok(())
}
