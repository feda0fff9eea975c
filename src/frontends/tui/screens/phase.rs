//! The phase that waits for a word: what was done before it, why it is there, what it will do.

use ratatui::text::{Line, Span};

use super::super::ansi::tame;
use super::super::model::{Detail, Model};
use super::super::text::{self, phase as say};
use super::run::fit;
use super::wrapped;
use crate::events::Outcome;
use crate::events::progress::{Phase, Proof, Status, Step};
use crate::interview::planned::PlannedStep;
use crate::report::diff::{FileChange, How, Sign};

pub fn lines(model: &Model, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let progress = &model.run.progress;
    let mut page = Vec::new();
    let held = progress.held.as_deref();
    let Some(place) = progress
        .phases
        .iter()
        .position(|phase| Some(phase.id.as_str()) == held)
    else {
        return vec![Line::styled(text::NOT_BEGUN, theme.faint())];
    };
    if let Some(before) = place.checked_sub(1).map(|before| &progress.phases[before]) {
        page.extend(done(model, before, width));
        page.push(Line::default());
    }
    let phase = &progress.phases[place];
    let title = say::next(place + 1, progress.phases.len(), &phase.title);
    page.push(Line::styled(title, theme.title()));
    for line in wrapped(say::why(&phase.id), width) {
        page.push(Line::styled(line, theme.faint()));
    }
    page.push(Line::default());
    page.push(Line::styled(say::WILL_DO, theme.title()));
    for step in progress.steps_of(phase) {
        page.extend(to_do(model, step, width));
    }
    page.push(Line::default());
    for line in wrapped(say::ENTER_RUNS, width) {
        page.push(Line::styled(line, theme.faint()));
    }
    page
}

/// What a phase has come to.
fn done(model: &Model, phase: &Phase, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let progress = &model.run.progress;
    let steps = progress.steps_of(phase);
    let ended = |is: fn(&Outcome) -> bool| {
        let outcomes = steps.iter().filter_map(Step::outcome);
        outcomes.filter(|outcome| is(outcome)).count()
    };
    let failed = ended(|outcome| matches!(outcome, Outcome::Failed(_)));
    let wont_run = ended(|outcome| matches!(outcome, Outcome::WontRun { .. }));
    let begun = steps.iter().filter_map(|step| step.started).min();
    let over = steps.iter().filter_map(|step| step.ended).max();
    let took = over.unwrap_or(0).saturating_sub(begun.unwrap_or(0));
    let (mark, style, title) = if failed + wont_run == 0 {
        let title = say::is_done(&phase.title, took);
        (theme.good_mark(), theme.good(), title)
    } else {
        let title = say::is_broken(&phase.title, failed, wont_run);
        (theme.bad_mark(), theme.bad(), title)
    };
    let of_phase = |proof: &&Proof| {
        let id = proof.step.as_str().split('/').next();
        id == Some(phase.id.as_str())
    };
    let proofs = progress.proofs.iter().filter(of_phase);
    let (all, held) = proofs.fold((0, 0), |(all, held), proof| {
        (all + 1, held + usize::from(proof.holds))
    });
    let results = say::results(
        ended(|outcome| matches!(outcome, Outcome::Done)),
        ended(|outcome| matches!(outcome, Outcome::Unchanged | Outcome::Warned { .. })),
        held,
        all,
    );
    let mut lines = vec![
        Line::styled(format!("{mark} {title}"), style),
        Line::styled(format!("  {results}"), theme.faint()),
    ];
    for step in steps {
        let what = match step.outcome() {
            Some(Outcome::Done) => step.title.clone(),
            Some(Outcome::Warned { why }) => format!("{}: {why}", step.title),
            _ => continue,
        };
        let host = step.host.as_deref().unwrap_or(text::HERE);
        let what = fit(&format!("  {} {host}: {what}", theme.dot()), width, model);
        lines.push(Line::from(what));
    }
    lines
}

/// A step that is to come; with its details, where they are asked for.
fn to_do(model: &Model, step: &Step, width: usize) -> Vec<Line<'static>> {
    let theme = model.theme;
    let (mark, style) = theme.step(&step.status, model.run.clock);
    let host = step.host.as_deref().unwrap_or(text::HERE);
    let state = match step.status {
        Status::NotStarted => String::new(),
        _ => format!("  {}", text::step_state(&step.status, model.run.clock)),
    };
    let what = fit(
        &format!("{host}: {}{state}", step.title),
        width.saturating_sub(4),
        model,
    );
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("  {mark} "), style),
        Span::raw(what),
    ])];
    if let Some(wizard) = &model.wizard
        && let Some(step) = wizard.plan.step(&step.id)
    {
        lines.extend(details(model, step, wizard.detail));
    }
    lines
}

/// The script of a step, or what it changes in files.
pub fn details(model: &Model, step: &PlannedStep, detail: Detail) -> Vec<Line<'static>> {
    let theme = model.theme;
    match detail {
        Detail::None => Vec::new(),
        Detail::Script => step
            .script
            .lines()
            .map(|line| Line::styled(format!("      {} {line}", theme.down()), theme.faint()))
            .collect(),
        Detail::Files if step.files.is_empty() => {
            vec![Line::styled(
                format!("      {}", say::NO_FILES),
                theme.faint(),
            )]
        }
        Detail::Files => step
            .files
            .iter()
            .flat_map(|file| file_lines(model, file))
            .collect(),
    }
}

fn file_lines(model: &Model, file: &FileChange) -> Vec<Line<'static>> {
    let theme = model.theme;
    let title = match &file.how {
        How::New { mode } => say::new_file(&file.path, mode),
        How::Changed { modes } => say::changed_file(&file.path, modes.as_ref()),
        How::Unchanged => say::same_file(&file.path),
    };
    let mut lines = vec![Line::styled(format!("      {title}"), theme.accent())];
    lines.extend(file.lines.iter().map(|line| {
        let (sign, style) = match line.sign {
            Sign::Same => (" ", theme.faint()),
            Sign::Added => ("+", theme.good()),
            Sign::Removed => ("-", theme.bad()),
            Sign::Gap => (theme.more(), theme.faint()),
        };
        let text = tame(&line.text).text;
        Line::styled(format!("      {sign} {text}"), style)
    }));
    lines
}
