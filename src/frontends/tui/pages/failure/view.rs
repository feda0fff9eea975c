//! A failed step: what, where, why, what to do, and what will not run because of it.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{FailurePage, text};
use crate::events::progress::{Status, StepProgress};
use crate::events::{Failure, Outcome};
use crate::frontends::tui::ansi::tame;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::run_view::RunView;
use crate::frontends::tui::widgets::{fit, styled, wrapped};

const LABEL: usize = 15;
/// How many steps that will not run are named.
const NAMED: usize = 6;

pub fn lines(page: &FailurePage, common: &Common, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    let Some(ShownFailure {
        step,
        failure,
        took,
        number,
        of,
    }) = shown(page, &common.run)
    else {
        return vec![Line::from(text::NO_FAILURE)];
    };
    let title = text::failure_title(number + 1, of, text::step_name(step));
    let mut lines = vec![
        Line::styled(format!("{} {title}", theme.bad_mark()), theme.bad()),
        Line::default(),
    ];
    let asked = page.asked(common);
    if let Some(step) = asked.filter(|_| common.at_work) {
        lines.extend(styled(
            &text::asks(step.may_be_skipped, common.run.progress.counts().running),
            width,
            theme.accent(),
        ));
        lines.push(Line::default());
    } else if asked.is_some() {
        lines.extend(styled(text::OPERATOR_DECIDES, width, theme.accent()));
        lines.push(Line::default());
    }
    let mut entry = |label: &str, what: &str, style: Style| {
        let mut label = label;
        for line in wrapped(what, width.saturating_sub(LABEL)) {
            lines.push(Line::from(vec![
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
    let progress = &common.run.progress;
    let ended = step.ended.and_then(|ended| progress.moment(ended));
    entry(
        text::ATTEMPT,
        &text::attempt(step.attempt, ended, took),
        Style::new(),
    );
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
    let files = common.run.files.as_ref();
    if let Some(log) = files.and_then(|files| files.log.as_deref()) {
        entry(text::LOG_FILE, log, Style::new());
    }
    lines.push(Line::default());
    lines.extend(wont_run(common, step, width));
    if asked.is_some() {
        return lines;
    }
    lines.extend(styled(text::KEPT, width, theme.faint()));
    lines
}

/// The failure that is shown.
struct ShownFailure<'a> {
    step: &'a StepProgress,
    failure: &'a Failure,
    /// How long the attempt took, in milliseconds.
    took: u64,
    /// Which of the failures it is, and of how many.
    number: usize,
    of: usize,
}

fn shown<'a>(page: &FailurePage, run: &'a RunView) -> Option<ShownFailure<'a>> {
    let (step, number) = run.failure(page.number)?;
    let of = run.failures().len();
    match &step.status {
        Status::Ended {
            outcome: Outcome::Failed(failure),
            took,
        } => Some(ShownFailure {
            step,
            failure,
            took: *took,
            number,
            of,
        }),
        _ => None,
    }
}

fn wont_run(common: &Common, failed: &StepProgress, width: usize) -> Vec<Line<'static>> {
    let steps = common.run.progress.dependents(failed);
    if steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::styled(
        text::wont_run(steps.len()),
        common.theme.title(),
    )];
    for step in steps.iter().take(NAMED) {
        let what = format!("{} {}: {}", common.theme.dot(), step.id, step.title);
        lines.push(Line::from(fit(&what, width, common.theme)));
    }
    if steps.len() > NAMED {
        lines.push(Line::from(text::and_more(steps.len() - NAMED)));
    }
    lines.push(Line::default());
    lines
}

/// For the clipboard.
pub fn as_text(page: &FailurePage, common: &Common) -> Vec<String> {
    if shown(page, &common.run).is_none() {
        return Vec::new();
    }
    lines(page, common, 100)
        .iter()
        .map(|line| line.to_string().trim_end().to_owned())
        .collect()
}
