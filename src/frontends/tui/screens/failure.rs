//! A failed step: what, where, why, what to do, and what will not run because of it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::ansi::tame;
use super::super::model::Model;
use super::super::run::RunView;
use super::super::text;
use super::wrapped;
use crate::events::progress::Step;
use crate::events::{Failure, Outcome};

const LABEL: usize = 15;
/// How many steps that will not run are named.
const NAMED: usize = 6;

pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let Some((step, failure, number, of)) = shown(&model.run) else {
        return vec![Line::from(text::NO_FAILURE)];
    };
    let title = text::failure_title(number + 1, of, text::step_name(step));
    let mut page = vec![
        Line::styled(format!("{} {title}", theme.bad_mark()), theme.bad()),
        Line::default(),
    ];
    let asked = model.asked().filter(|_| model.at_work);
    if let Some(step) = asked {
        let asks = wrapped(text::phase::asks(step.may_be_skipped), width);
        page.extend(
            asks.into_iter()
                .map(|line| Line::styled(line, theme.accent())),
        );
        page.push(Line::default());
    }
    let mut entry = |label: &str, what: &str, style: Style| {
        let mut label = label;
        for line in wrapped(what, width.saturating_sub(LABEL)) {
            page.push(Line::from(vec![
                Span::styled(format!("{label:<LABEL$}"), theme.faint()),
                Span::styled(line, style),
            ]));
            label = "";
        }
    };
    entry(
        text::ON_HOST,
        step.host.as_deref().unwrap_or(text::HERE),
        theme.title(),
    );
    entry(text::TO_REACH, &step.title, Style::new());
    entry(text::WHAT_HAPPENED, &failure.why, theme.bad());
    if let Some(status) = failure.status {
        entry(text::EXIT_STATUS, &status.to_string(), Style::new());
    }
    if let Some(hint) = &failure.hint {
        entry(text::WHAT_TO_DO, hint, theme.accent());
    }
    for (number, line) in failure.last_lines.iter().enumerate() {
        let label = if number == 0 { text::LAST_LINES } else { "" };
        let line = tame(line).text;
        entry(label, &format!("{} {line}", theme.down()), Style::new());
    }
    if let Some(files) = &model.run.files {
        entry(text::LOG_FILE, &files.log, Style::new());
    }
    page.push(Line::default());
    page.extend(wont_run(model, step, width));
    if asked.is_some() {
        return page;
    }
    for line in wrapped(text::KEPT, width) {
        page.push(Line::styled(line, theme.faint()));
    }
    page
}

/// The step that failed, why, which of the failures it is, and of how many.
fn shown(run: &RunView) -> Option<(&Step, &Failure, usize, usize)> {
    let step = run.shown_failure()?;
    let count = run.failures().len();
    match step.outcome()? {
        Outcome::Failed(failure) => Some((step, failure, run.failure.min(count - 1), count)),
        _ => None,
    }
}

fn wont_run(model: &Model, failed: &Step, width: usize) -> Vec<Line<'static>> {
    let steps = model.run.progress.dependents(failed);
    if steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::styled(
        text::wont_run(steps.len()),
        model.theme.title(),
    )];
    for step in steps.iter().take(NAMED) {
        let what = format!("{} {}: {}", model.theme.dot(), step.id, step.title);
        lines.push(Line::from(super::run::fit(&what, width, model)));
    }
    if steps.len() > NAMED {
        lines.push(Line::from(text::and_more(steps.len() - NAMED)));
    }
    lines.push(Line::default());
    lines
}

/// For the clipboard.
pub fn as_text(model: &Model) -> Vec<String> {
    if shown(&model.run).is_none() {
        return Vec::new();
    }
    lines(model, 100)
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect()
}
