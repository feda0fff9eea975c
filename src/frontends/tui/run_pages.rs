//! What the pages of a run have in common: the keys from each to the others, and to begin again; and
//! how lines are drawn beside the phases.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::Line;

use super::action::Action;
use super::common::Common;
use super::effect::Effect;
use super::keys::{BACK, NEXT, PHASES, SCROLL, Scope, char, ctrl, helped, shown};
use super::layout;
use super::page::Page;
use super::text::key as say;
use super::widgets::{scrolled, stepper};

const TO_RUN: Scope = Scope::new(
    "to-run",
    &[shown(char('l'), Action::ShowRun, say::SHOW_RUN)],
);
const TO_PROOFS: Scope = Scope::new(
    "to-proofs",
    &[shown(char('o'), Action::ShowProofs, say::SHOW_PROOFS)],
);
const TO_FAILURE: Scope = Scope::new(
    "to-failures",
    &[shown(char('x'), Action::ShowFailure, say::SHOW_FAILURE)],
);
const TO_CLUSTER: Scope = Scope::new(
    "to-cluster",
    &[shown(char('c'), Action::ShowCluster, say::SHOW_CLUSTER)],
);

const TO_DRILL: Scope = Scope::new(
    "to-drill",
    &[shown(char('d'), Action::ShowDrill, say::SHOW_DRILL)],
);

/// The pages of a run that a letter opens.
const VIEWS: [(Page, Scope); 4] = [
    (Page::Run, TO_RUN),
    (Page::Proofs, TO_PROOFS),
    (Page::Failure, TO_FAILURE),
    (Page::Cluster, TO_CLUSTER),
];

/// Those of drills.
const VIEWS_OF_DRILLS: [(Page, Scope); 4] = [
    (Page::Drill, TO_DRILL),
    (Page::Run, TO_RUN),
    (Page::Proofs, TO_PROOFS),
    (Page::Failure, TO_FAILURE),
];

fn views(common: &Common) -> [(Page, Scope); 4] {
    if common.run.progress.is_drill() {
        VIEWS_OF_DRILLS
    } else {
        VIEWS
    }
}

/// The page that shows how the run goes.
pub fn main_page(common: &Common) -> Page {
    let [(page, _), ..] = views(common);
    page
}

/// A failed or aborted run that this process can begin again.
const AGAIN: Scope = Scope::new(
    "again",
    &[
        shown(char('r'), Action::RunAgain, say::RUN_AGAIN),
        shown(char('e'), Action::EditAnswers, say::EDIT_ANSWERS),
    ],
);

const REPLAY: Scope = Scope::new(
    "replay",
    &[
        shown(char(' '), Action::Play, say::PLAY),
        helped(char('+'), Action::Faster, say::FASTER),
        helped(char('-'), Action::Slower, say::SLOWER),
        helped(char('.'), Action::NextEvent, say::NEXT_EVENT),
        shown(char('>'), Action::ToEnd, say::TO_END),
    ],
);

/// A phase waits for the operator.
const SHOW_HELD: Scope = Scope::new(
    "show held",
    &[shown(char('h'), Action::ShowPhase, say::SHOW_PHASE)],
);

/// The page of the phase that waits: to go on is to run it.
const RUN_HELD: Scope = Scope::new(
    "run held",
    &[helped(ctrl('n'), Action::Forward, say::RUN_PHASE)],
);

/// The pages of a run, in the order in which one goes on to the next, and back.
fn order(common: &Common) -> Vec<Page> {
    let held = common.run.progress.held.is_some();
    let rest = views(common).map(|(page, _)| page);
    held.then_some(Page::Phase)
        .into_iter()
        .chain(rest)
        .collect()
}

/// The page after one of these, or before it.
fn beside(common: &Common, page: Page, forward: bool) -> Option<Page> {
    let order = order(common);
    let place = order.iter().position(|other| *other == page);
    let beside = match (place, forward) {
        (Some(place), true) => place + 1,
        (Some(place), false) => place.checked_sub(1)?,
        (None, _) => 0,
    };
    order.get(beside).copied()
}

/// The keys of a page, and those of all pages of a run.
pub fn scopes(common: &Common, page: Page, mut own: Vec<Scope>) -> Vec<Scope> {
    let held = common.run.progress.held.is_some();
    if let Some(replay) = common.mode.replay() {
        own.extend(replay.is_played().then_some(REPLAY));
    } else if common.listens() {
        own.extend(held.then_some(SHOW_HELD));
    } else if common.can_run_again() {
        own.push(AGAIN);
    }
    let others = views(common).into_iter().filter(|(view, _)| *view != page);
    own.extend(others.map(|(_, scope)| scope));
    if page == Page::Phase && held && common.listens() {
        own.push(RUN_HELD);
    } else {
        own.extend(beside(common, page, true).map(|_| NEXT));
    }
    own.extend(beside(common, page, false).map(|_| BACK));
    own.extend([PHASES, SCROLL]);
    own
}

pub fn act(common: &mut Common, page: Page, action: Action) -> Vec<Effect> {
    match action {
        Action::Forward | Action::Back => {
            let beside = beside(common, page, action == Action::Forward);
            beside.map(Effect::Go).into_iter().collect()
        }
        Action::Phase(number) => {
            let phase = usize::from(number.saturating_sub(1));
            common.run.choose_phase(phase);
            vec![Effect::Go(Page::Run)]
        }
        Action::ShowRun => vec![Effect::Go(Page::Run)],
        Action::ShowProofs => vec![Effect::Go(Page::Proofs)],
        Action::ShowFailure => vec![Effect::Go(Page::Failure)],
        Action::ShowCluster => vec![Effect::Go(Page::Cluster)],
        Action::ShowDrill => vec![Effect::Go(Page::Drill)],
        Action::ShowPhase => vec![Effect::Go(Page::Phase)],
        Action::EditAnswers if common.at_work => {
            // What was done stays done: the next run finds it so.
            common.edits_next = true;
            common.stop()
        }
        Action::EditAnswers => vec![Effect::Go(Page::Review)],
        Action::RunAgain => common.reach(),
        _ => Vec::new(),
    }
}

/// Where the phases are, if the run has any, and what is left beside them.
fn areas(common: &Common) -> (Option<Rect>, Rect) {
    match common.watched {
        Some(_) => (None, layout::frame(common.size).body),
        None => layout::beside_stepper(common.size),
    }
}

/// Lines to scroll, beside the phases.
pub fn draw(common: &Common, lines: Vec<Line<'static>>, scroll: usize, frame: &mut Frame<'_>) {
    draw_in(common, common.run.phase, lines, scroll, frame);
}

/// The same about a phase.
pub fn draw_in(
    common: &Common,
    phase: usize,
    lines: Vec<Line<'static>>,
    scroll: usize,
    frame: &mut Frame<'_>,
) {
    let (phases, area) = areas(common);
    if let Some(phases) = phases {
        stepper::of_run(common, phase, phases, frame);
    }
    scrolled(common.theme, lines, scroll, area, frame);
}

/// How wide they may be.
pub fn width(common: &Common) -> usize {
    let (_, area) = areas(common);
    usize::from(area.width)
}

/// How many there is room for.
pub fn height(common: &Common) -> usize {
    let (_, area) = areas(common);
    usize::from(area.height)
}

/// The line on the screen, counted from the first, on which a place is.
pub fn row_of(common: &Common, place: Position) -> Option<usize> {
    let (_, area) = areas(common);
    let row = area.contains(place).then(|| place.y - area.y);
    row.map(usize::from)
}

/// Where they stand once they were scrolled from a place.
pub fn scrolled_to(common: &Common, lines: &[Line<'_>], from: usize, by: isize) -> usize {
    let (_, area) = areas(common);
    let most = lines.len().saturating_sub(usize::from(area.height));
    from.saturating_add_signed(by).min(most)
}
