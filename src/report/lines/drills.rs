//! What drills showed, in a table for a terminal.

use std::io::{self, Write};
use std::path::PathBuf;

use super::write_table;
use crate::report::drill::DrillReport;

/// The figures of each drill, and where the report is.
pub fn write_drills(
    out: &mut impl Write,
    report: &DrillReport,
    files: &[PathBuf],
) -> io::Result<()> {
    let rows = report.drills.iter();
    let rows: Vec<_> = rows
        .map(|part| (part.columns().into(), part.why.clone()))
        .collect();
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
