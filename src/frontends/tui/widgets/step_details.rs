//! What a step of a plan does: its script, or what it changes in files.

use ratatui::text::Line;

use super::super::ansi::tame;
use super::super::shown_plan::Detail;
use super::super::text;
use super::super::theme::Theme;
use crate::interview::planned::PlannedStep;
use crate::report::diff::{DiffSign, FileChange, How};

pub fn lines(theme: Theme, step: &PlannedStep, detail: Detail) -> Vec<Line<'static>> {
    match detail {
        Detail::None => Vec::new(),
        Detail::Script => step
            .script
            .lines()
            .map(|line| Line::styled(format!("      {} {line}", theme.down()), theme.faint()))
            .collect(),
        Detail::Files if step.files.is_empty() => {
            vec![Line::styled(
                format!("      {}", text::NO_FILES),
                theme.faint(),
            )]
        }
        Detail::Files => step
            .files
            .iter()
            .flat_map(|file| file_lines(theme, file))
            .collect(),
    }
}

fn file_lines(theme: Theme, file: &FileChange) -> Vec<Line<'static>> {
    let title = match &file.how {
        How::New { mode } => text::new_file(&file.path, mode),
        How::Changed { modes } => text::changed_file(&file.path, modes.as_ref()),
        How::Unchanged => text::same_file(&file.path),
    };
    let mut lines = vec![Line::styled(format!("      {title}"), theme.accent())];
    lines.extend(file.lines.iter().map(|line| {
        let (sign, style) = match line.sign {
            DiffSign::Same => (" ", theme.faint()),
            DiffSign::Added => ("+", theme.good()),
            DiffSign::Removed => ("-", theme.bad()),
            DiffSign::Gap => (theme.more(), theme.faint()),
        };
        let text = tame(&line.text).text;
        Line::styled(format!("      {sign} {text}"), style)
    }));
    lines
}
