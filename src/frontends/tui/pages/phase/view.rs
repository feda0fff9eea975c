//! What was done before it, why it is there, what it will do.

use ratatui::text::{Line, Span};

use super::text;
use crate::events::Outcome;
use crate::events::progress::{PhaseProgress, Proof, Status, StepProgress};
use crate::frontends::tui::common::Common;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::widgets::{fit, step_details, styled};

pub fn lines(common: &Common) -> Vec<Line<'static>> {
    let width = run_pages::width(common);
    let theme = common.theme;
    let progress = &common.run.progress;
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
        page.extend(done(common, before, width));
        page.push(Line::default());
    }
    let phase = &progress.phases[place];
    let title = text::next(place + 1, progress.phases.len(), &phase.title);
    page.push(Line::styled(title, theme.title()));
    let external = progress.external_parts();
    page.extend(styled(text::why(&phase.id, external), width, theme.faint()));
    page.push(Line::default());
    page.push(Line::styled(text::WILL_DO, theme.title()));
    for step in progress.steps_of(phase) {
        page.extend(to_do(common, step, width));
    }
    page.push(Line::default());
    page.extend(styled(text::ENTER_RUNS, width, theme.faint()));
    page
}

/// What a phase has come to.
fn done(common: &Common, phase: &PhaseProgress, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    let progress = &common.run.progress;
    let steps = progress.steps_of(phase);
    let ended = |is: fn(&Outcome) -> bool| {
        let outcomes = steps.iter().filter_map(StepProgress::outcome);
        outcomes.filter(|outcome| is(outcome)).count()
    };
    let failed = ended(|outcome| matches!(outcome, Outcome::Failed(_)));
    let wont_run = ended(|outcome| matches!(outcome, Outcome::WontRun { .. }));
    let begun = steps.iter().filter_map(|step| step.started).min();
    let over = steps.iter().filter_map(|step| step.ended).max();
    let took = over.unwrap_or(0).saturating_sub(begun.unwrap_or(0));
    let (mark, style, title) = if failed + wont_run == 0 {
        let title = text::is_done(&phase.title, took);
        (theme.good_mark(), theme.good(), title)
    } else {
        let title = text::is_broken(&phase.title, failed, wont_run);
        (theme.bad_mark(), theme.bad(), title)
    };
    let of_phase = |proof: &&Proof| steps.iter().any(|step| step.id == proof.step);
    let proofs = progress.proofs.iter().filter(of_phase);
    let (all, held) = proofs.fold((0, 0), |(all, held), proof| {
        (all + 1, held + usize::from(proof.holds))
    });
    let results = text::results(
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
        let what = fit(&format!("  {} {host}: {what}", theme.dot()), width, theme);
        lines.push(Line::from(what));
    }
    lines
}

/// A step that is to come; with its details, where they are asked for.
fn to_do(common: &Common, step: &StepProgress, width: usize) -> Vec<Line<'static>> {
    let theme = common.theme;
    let (mark, style) = theme.step(&step.status, common.run.clock);
    let host = step.host.as_deref().unwrap_or(text::HERE);
    let state = match step.status {
        Status::NotStarted => String::new(),
        _ => format!("  {}", text::step_state(&step.status, common.run.clock)),
    };
    let what = fit(
        &format!("{host}: {}{state}", step.title),
        width.saturating_sub(4),
        theme,
    );
    let mut lines = vec![Line::from(vec![
        Span::styled(format!("  {mark} "), style),
        Span::raw(what),
    ])];
    if let Some(wizard) = common.mode.wizard()
        && let Some(step) = wizard.plan.step(&step.id)
    {
        lines.extend(step_details::lines(theme, step, wizard.detail));
    }
    lines
}
