//! The drill that runs, above the log; or the figures of all, in the end.
//!
//! ```text
//! Drill 2 of 5: stop-nginx@lb-1
//! Stop nginx for 30 s
//! Down. The host brings it back by itself in 12 s.
//!
//! writes  ▁▁▁▁▁▁▁▁▂▃▄▅▅▁▁▁
//! reads   ▁▁▁▁▁▁▁▁▂▃▄▅▅▁▁▁
//!         each bar: 0.25 s; ▁ under 0.46 s without an answer, █ 30 s or more
//! longest gap 5.2 s (limit 30 s) · 212 writes acknowledged
//!
//! ⠋ lb-1 Stop nginx for 30 s 18s
//! ```

use std::collections::BTreeMap;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{DrillPage, text};
use crate::events::progress::{MeasuredDrill, Status, StepProgress};
use crate::events::{DrillSample, Outcome};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::log::{LineKind, Which};
use crate::frontends::tui::run_pages;
use crate::frontends::tui::theme::Theme;
use crate::frontends::tui::widgets::table::{self, TableCell};
use crate::frontends::tui::widgets::{fit, pad, sparkline, styled, wrapped};
use crate::report::drill::{DrillReport, DrillResult, DrilledPart, seconds};

/// Before the bars.
const LABEL: usize = 8;
/// From one sample to the next, in milliseconds.
const SAMPLE: u64 = 250;
/// What the highest bar stands for where there is no limit, in milliseconds.
const TOP: u64 = 30_000;
/// A client that asks four times a second has no gap before.
const NOTICED: u64 = 1_000;
/// So many finished drills are listed while others run.
const LATEST: usize = 4;
/// So many lines of the log are shown at least.
const LEAST_LOG: usize = 4;

pub fn lines(page: &DrillPage, common: &Common) -> Vec<Line<'static>> {
    let progress = &common.run.progress;
    let so_far;
    let (report, files) = if let Some((report, files)) = &page.report {
        (report, &files[..])
    } else {
        so_far = DrillReport::of(progress, &BTreeMap::new());
        let Some(report) = &so_far else {
            return Vec::new();
        };
        (report, &[][..])
    };
    let (theme, width) = (common.theme, run_pages::width(common));
    if progress.ended.is_none() {
        return running(common, report, width);
    }
    let (passed, of) = report.passed();
    let style = if passed == of {
        theme.good()
    } else {
        theme.bad()
    };
    let mut lines: Vec<_> = styled(&report.summary(), width, style).collect();
    lines.push(Line::default());
    lines.extend(results(theme, report.drills.iter(), width));
    lines.push(Line::default());
    for file in files {
        let entry = format!("{} {}", text::REPORT, file.display());
        lines.extend(wrapped(&entry, width).into_iter().map(Line::from));
    }
    lines
}

fn running(common: &Common, report: &DrillReport, width: usize) -> Vec<Line<'static>> {
    let (theme, progress) = (common.theme, &common.run.progress);
    let mut lines = match &progress.measured {
        Some(measured) => of_drill(common, report, measured, width),
        None => styled(text::BEFORE, width, theme.title()).collect(),
    };
    let is_running = |step: &&StepProgress| matches!(step.status, Status::Running { .. });
    let steps = progress.steps.iter().filter(is_running);
    let steps: Vec<_> = steps.map(|step| step_line(common, step, width)).collect();
    if !steps.is_empty() {
        lines.push(Line::default());
        lines.extend(steps);
    }
    let finished = report.drills.iter();
    let finished: Vec<_> = finished
        .filter(|part| part.result != DrillResult::NotDone)
        .collect();
    if !finished.is_empty() {
        let latest = &finished[finished.len().saturating_sub(LATEST)..];
        lines.push(Line::default());
        lines.extend(results(theme, latest.iter().copied(), width));
    }
    lines.push(Line::default());
    let room = run_pages::height(common).saturating_sub(lines.len());
    lines.extend(log(common, room.max(LEAST_LOG), width));
    lines
}

/// A step of this drill.
fn is_of(step: &str, drill: &str) -> bool {
    let part = drill.replacen('@', ".", 1);
    step.strip_prefix(&part)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn of_drill(
    common: &Common,
    report: &DrillReport,
    measured: &MeasuredDrill,
    width: usize,
) -> Vec<Line<'static>> {
    let (theme, progress) = (common.theme, &common.run.progress);
    let name = &measured.drill.drill;
    let number = report.drills.iter().position(|part| part.drill == *name);
    let number = number.map_or(0, |number| number + 1);
    let title = text::title(number, report.drills.len(), name);
    let mut lines: Vec<_> = styled(&title, width, theme.title()).collect();
    let mut steps = progress.steps.iter();
    let act =
        steps.find(|step| is_of(step.id.as_str(), name) && step.id.as_str().contains("/act@"));
    if let Some(act) = act {
        lines.extend(styled(&act.title, width, Style::new()));
        let (says, style) = taken(theme, act, measured.drill.away, common.run.clock);
        lines.extend(styled(&says, width, style));
    }
    lines.push(Line::default());
    lines.extend(seen(theme, measured, width));
    lines
}

/// Whether it is down, and when it comes back.
fn taken(theme: Theme, act: &StepProgress, away: Option<u64>, now: u64) -> (String, Style) {
    match &act.status {
        Status::NotStarted => (text::NOT_YET.to_owned(), theme.faint()),
        Status::Running { since, .. } => {
            let until = away.map(|away| since.saturating_add(away));
            let says = match until.map(|until| until.checked_sub(now)) {
                None => text::COMES_BACK.to_owned(),
                Some(None) => text::COMING_BACK.to_owned(),
                Some(Some(left)) => text::away(left.div_ceil(1000)),
            };
            (says, theme.warning())
        }
        Status::Ended {
            outcome: Outcome::Failed(_) | Outcome::WontRun { .. } | Outcome::Skipped { .. },
            ..
        } => (text::FAILED_TO_ACT.to_owned(), theme.bad()),
        Status::Ended { .. } => (text::IS_BACK.to_owned(), theme.good()),
    }
}

/// What its clients see.
fn seen(theme: Theme, measured: &MeasuredDrill, width: usize) -> Vec<Line<'static>> {
    let Some(last) = measured.samples.back() else {
        return styled(text::NO_SAMPLE, width, theme.faint()).collect();
    };
    let limit = measured.drill.limit;
    let top = limit.unwrap_or(TOP);
    let room = width.saturating_sub(LABEL);
    let row = |label: &str, gap: fn(&DrillSample) -> u64| {
        let samples: Vec<_> = measured.samples.iter().map(gap).collect();
        let label = Span::styled(pad(label, LABEL), theme.faint());
        let bars = sparkline::spans(theme, &samples, (top, limit.is_some()), room);
        std::iter::once(label).chain(bars).collect::<Line>()
    };
    let per_cell = sparkline::per_cell(measured.samples.len(), room);
    let cell = u64::try_from(per_cell)
        .unwrap_or(u64::MAX)
        .saturating_mul(SAMPLE);
    let [low, .., high] = theme.levels();
    let scale = text::scale(cell, (low, sparkline::lowest(top)), (high, top));
    let scale = format!("{}{scale}", " ".repeat(LABEL));
    let gap = last.longest_gap();
    let is_over = limit.is_some_and(|limit| gap > limit);
    let mut figures = vec![
        Span::styled(
            text::longest(&seconds(gap), limit),
            if is_over { theme.bad() } else { Style::new() },
        ),
        Span::raw(format!(
            " {} {}",
            theme.dot(),
            text::acknowledged(last.acknowledged)
        )),
    ];
    let now = last.without_write.max(last.without_read);
    if now >= NOTICED {
        let now = format!(" {} {}", theme.dot(), text::now(&seconds(now)));
        figures.push(Span::styled(now, theme.warning()));
    }
    vec![
        row(text::WRITES, |sample| sample.without_write),
        row(text::READS, |sample| sample.without_read),
        Line::styled(fit(&scale, width, theme), theme.faint()),
        Line::from(figures),
    ]
}

fn step_line(common: &Common, step: &StepProgress, width: usize) -> Line<'static> {
    let (theme, clock) = (common.theme, common.run.clock);
    let (mark, style) = theme.step(&step.status, clock);
    let since = match step.status {
        Status::Running { since, .. } => clock.saturating_sub(since) / 1000 * 1000,
        _ => 0,
    };
    let host = step.host.as_deref().unwrap_or_default();
    let time = text::duration(since).replace(".0s", "s");
    let says = format!("{mark} {host}: {} {time}", step.title);
    Line::styled(fit(&says, width, theme), style)
}

fn results<'a>(
    theme: Theme,
    parts: impl Iterator<Item = &'a DrilledPart>,
    width: usize,
) -> Vec<Line<'static>> {
    let parts: Vec<_> = parts.collect();
    let mut rows = vec![table::heads(&text::HEADS, theme.faint())];
    rows.extend(parts.iter().map(|part| result(theme, part)));
    let mut table = table::fitted(theme, &rows, 1, 0, width).lines.into_iter();
    let mut lines: Vec<_> = table.next().into_iter().collect();
    for (line, part) in table.zip(parts) {
        lines.push(line);
        if let Some(why) = &part.why {
            let why = wrapped(why, width.saturating_sub(4)).into_iter();
            lines.extend(why.map(|line| Line::styled(format!("    {line}"), theme.bad())));
        }
    }
    lines
}

fn result(theme: Theme, part: &DrilledPart) -> Vec<TableCell> {
    let style = match part.result {
        DrillResult::Passed => theme.good(),
        DrillResult::Failed => theme.bad(),
        DrillResult::NotDone => theme.faint(),
    };
    let [name, result, figures @ ..] = part.columns();
    let mut cells = vec![(name, Style::new()), (result, style)];
    cells.extend(figures.map(|figure| (figure, Style::new())));
    cells
}

/// The latest lines of the run's log.
fn log(common: &Common, room: usize, width: usize) -> Vec<Line<'static>> {
    let (theme, run) = (common.theme, &common.run);
    let lines = run.log.lines(Which::All);
    let latest = &lines[lines.len().saturating_sub(room)..];
    let hosts = run.host_width();
    let latest = latest.iter().map(|line| {
        let host = pad(&fit(run.host_name(line.host), hosts, theme), hosts);
        let says = format!(
            "{:>8} {host} {} {}",
            text::clock(line.at),
            theme.stream(line.kind == LineKind::Err),
            line.text
        );
        let style = match line.kind {
            LineKind::Err => theme.stderr(),
            LineKind::Out | LineKind::Note => theme.faint(),
        };
        Line::styled(fit(&says, width, theme), style)
    });
    latest.collect()
}
