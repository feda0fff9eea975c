//! The run at work: its steps, and the log.

mod text;
mod view;

use ratatui::Frame;
use ratatui::layout::Position;

use super::Screen;
use crate::events::progress::{PhaseProgress, PhaseStatus};
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::{Common, SavePrompt};
use crate::frontends::tui::effect::{Effect, Saved};
use crate::frontends::tui::keys::{Scope, TAB, char, helped, shown};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::run_pages;
use crate::frontends::tui::run_view::Focus;
use text as say;
use view::Hit;

/// The clipboards of terminals take no more.
const CLIPBOARD: usize = 64 << 10;

const RUN: Scope = Scope::new(
    "run",
    &[
        shown(TAB, Action::Focus, say::key::FOCUS),
        shown(char('f'), Action::Follow, say::key::FOLLOW),
        shown(char('z'), Action::Zoom, say::key::ZOOM),
        shown(char('/'), Action::Search, say::key::SEARCH),
        helped(char('n'), Action::NextHit, say::key::NEXT_HIT),
        helped(char('N'), Action::PreviousHit, say::key::PREVIOUS_HIT),
        helped(char('w'), Action::Wrap, say::key::WRAP),
        helped(char('t'), Action::Times, say::key::TIMES),
        helped(char('y'), Action::Copy, say::key::COPY),
        helped(char('s'), Action::SaveLog, say::key::SAVE_LOG),
        helped(char('['), Action::PreviousPhase, say::key::PREVIOUS_PHASE),
        helped(char(']'), Action::NextPhase, say::key::NEXT_PHASE),
    ],
);

/// The run takes decisions about its phases.
const PAUSE: Scope = Scope::new("pause", &[shown(char('p'), Action::Pause, say::key::PAUSE)]);

/// Where the operator looks stands in the run's view: the other pages of the run lead to it.
#[derive(Debug, Default)]
pub struct RunPage;

impl Screen for RunPage {
    fn scopes(&self, common: &Common) -> Vec<Scope> {
        let pauses = common.listens() && common.run.is_active();
        let own = [RUN].into_iter().chain(pauses.then_some(PAUSE));
        run_pages::scopes(common, Page::Run, own.collect())
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        let room = common.log_room();
        let run = &mut common.run;
        match action {
            Action::Follow if run.pane.follow => {
                let which = run.which();
                run.pane.hold(&run.log, which, room);
            }
            Action::Follow => {
                run.pane.follow = true;
                run.phase_follows = true;
            }
            Action::Search => run.searching = Some(String::new()),
            Action::NextHit => common.find(true),
            Action::PreviousHit => common.find(false),
            Action::Wrap => run.pane.wrap = !run.pane.wrap,
            Action::Times => run.pane.times = !run.pane.times,
            Action::Zoom => run.zoom = !run.zoom,
            Action::Focus => {
                run.focus = match run.focus {
                    Focus::Steps => Focus::Log,
                    Focus::Log => Focus::Steps,
                };
            }
            Action::NextPhase => run.choose_phase(run.phase + 1),
            Action::PreviousPhase => run.choose_phase(run.phase.saturating_sub(1)),
            Action::Copy => {
                let (text, lines) = run.as_text(CLIPBOARD);
                return common.copy(text, lines);
            }
            Action::SaveLog => {
                let (text, lines) = run.as_text(usize::MAX);
                if lines == 0 {
                    common.say(say::NOTHING_TO_SAVE);
                    return Vec::new();
                }
                common.saving = Some(SavePrompt {
                    path: format!("./{}", view::file_name(run)),
                    what: Saved::Log(text),
                    exists: false,
                });
            }
            Action::Pause => return pause(common),
            action => return run_pages::act(common, Page::Run, action),
        }
        Vec::new()
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if common.run.focus == Focus::Steps && !common.run.zoom {
            common.run.choose_step(by);
        } else {
            let room = common.log_room();
            common.run.scroll_log(by, room);
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(common, frame);
    }

    fn height(&self, common: &Common) -> usize {
        common.log_room().height
    }

    /// What is clicked at is looked at.
    fn clicked(&mut self, common: &mut Common, place: Position) {
        let hit = view::hit(common, place);
        let run = &mut common.run;
        match hit {
            Some(Hit::Phase(phase)) => run.choose_phase(phase),
            Some(Hit::Step(step)) => {
                run.focus = Focus::Steps;
                let by = isize::try_from(step).unwrap_or(0);
                run.choose_step(isize::MIN / 2);
                run.choose_step(by);
            }
            Some(Hit::Log) => run.focus = Focus::Log,
            None => {}
        }
    }
}

/// Nothing but the phases that have begun, or everything again.
fn pause(common: &mut Common) -> Vec<Effect> {
    if !common.at_work || !common.run.is_active() {
        return Vec::new();
    }
    if common.let_begin.is_some() {
        return common.let_begin(None, say::GOES_ON);
    }
    let progress = &common.run.progress;
    let has_begun = |phase: &PhaseProgress| progress.phase_status(phase) != PhaseStatus::NotStarted;
    let begun = progress.phases.iter().rposition(has_begun);
    let phases = Some(begun.map_or(0, |place| place + 1));
    common.let_begin(phases, say::PAUSES)
}
