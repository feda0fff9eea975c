//! The grid as text, at most 100 columns wide.

use std::fmt::{self, Write as _};

use super::{Cell, Fitness, Grid, Level};
use crate::answers::Check;

const WIDTH: usize = 100;
/// The text of a cell, at most four characters.
const WORD: usize = 4;
const HOSTS: &str = "Preflight";

impl Level {
    /// The text in the grid.
    pub fn word(self) -> &'static str {
        match self {
            Level::Fine => "ok",
            Level::Warns => "warn",
            Level::Trial => "try",
            Level::Overridden => "over",
            Level::Fails => "FAIL",
        }
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, checks) in self.blocks().iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            self.table(f, checks)?;
        }
        for (level, about) in [
            (Level::Fails, "FAIL"),
            (Level::Overridden, "overridden by the answers"),
            (Level::Trial, "warning, fit for a trial only"),
            (Level::Warns, "warning"),
        ] {
            for (host, check, cell) in self.of(level) {
                writeln!(f, "\n{host}, {check}: {about}")?;
                explain(f, cell)?;
            }
        }
        if !self.notes.is_empty() {
            writeln!(f)?;
        }
        for note in &self.notes {
            wrapped(f, "", note)?;
        }
        if let Some(verdict) = self.verdict() {
            writeln!(f, "\n{verdict}")?;
        }
        Ok(())
    }
}

fn explain(f: &mut fmt::Formatter<'_>, cell: &Cell) -> fmt::Result {
    for finding in &cell.findings {
        wrapped(f, "  ", &finding.cause)?;
        // What follows the first line are commands: whole lines can be pasted.
        let mut lines = finding.remedy.lines();
        wrapped(f, "    ", lines.next().unwrap_or_default())?;
        lines.try_for_each(|command| writeln!(f, "    {command}"))?;
    }
    Ok(())
}

/// Wraps words; a word that is too long gets its own line.
fn wrapped(f: &mut fmt::Formatter<'_>, indent: &str, text: &str) -> fmt::Result {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let length = indent.len() + line.chars().count() + 1 + word.chars().count();
        if !line.is_empty() && length > WIDTH {
            writeln!(f, "{indent}{line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(f, "{indent}{line}")
}

impl Grid {
    /// What the hosts are fit for, in a sentence; `None` where a check fails, and says so itself.
    pub fn verdict(&self) -> Option<&'static str> {
        match self.fitness() {
            Fitness::Unfit => None,
            Fitness::Trial if self.one_server => {
                Some("Fit for a trial, not for production: there is one server.")
            }
            Fitness::Trial => Some("Fit for a trial, not for production."),
            Fitness::Production => Some("Fit for production."),
        }
    }

    /// The checks, in as many tables of the same size as the width requires.
    fn blocks(&self) -> Vec<Vec<Check>> {
        let made = |check: &Check| self.rows.iter().any(|row| row.cells.contains_key(check));
        let made: Vec<_> = Check::ALL.into_iter().filter(made).collect();
        let fits = |checks: &[Check]| {
            let columns = checks.iter().map(|check| 1 + column(*check));
            self.first_column() + columns.sum::<usize>() <= WIDTH
        };
        let mut tables = 1;
        loop {
            let blocks: Vec<_> = made.chunks(made.len().div_ceil(tables).max(1)).collect();
            if tables >= made.len() || blocks.iter().all(|checks| fits(checks)) {
                return blocks.into_iter().map(<[Check]>::to_vec).collect();
            }
            tables += 1;
        }
    }

    fn first_column(&self) -> usize {
        let hosts = self.rows.iter().map(|row| row.host.len());
        hosts.chain([HOSTS.len()]).max().unwrap_or_default()
    }

    fn table(&self, f: &mut fmt::Formatter<'_>, checks: &[Check]) -> fmt::Result {
        let line =
            |f: &mut fmt::Formatter<'_>, head: &str, word: &dyn Fn(Check) -> &'static str| {
                let mut line = format!("{head:<0$}", self.first_column());
                for check in checks {
                    let word = word(*check);
                    let _ = write!(line, " {word:<0$}", column(*check));
                }
                writeln!(f, "{}", line.trim_end())
            };
        line(f, HOSTS, &Check::as_str)?;
        for row in &self.rows {
            line(f, &row.host, &|check| {
                row.cells.get(&check).map_or("-", |cell| cell.level.word())
            })?;
        }
        Ok(())
    }
}

fn column(check: Check) -> usize {
    check.as_str().len().max(WORD)
}
