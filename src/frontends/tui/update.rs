//! What messages do to the model. Nothing here knows a terminal, a file or a thread: what has to be
//! done outside is an [`Effect`].

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEventKind};
use ratatui::layout::Position;

use crate::events::progress::{Phase, PhaseStatus};
use crate::events::{Abort, Decision, End, Event, Outcome, What};

use super::keys::{self, Action, Key};
use super::model::{Effect, Message, Model, Page};
use super::run::Focus;
use super::screens::run::Hit;
use super::{layout, screens, text};

/// The clipboards of terminals take no more.
const CLIPBOARD: usize = 64 << 10;

/// What a message does. The only place where the model changes.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => press(model, key),
        Message::Paste(text) => paste(model, &text),
        Message::Mouse(mouse) => {
            match mouse.kind {
                MouseEventKind::ScrollUp => scroll(model, -3),
                MouseEventKind::ScrollDown => scroll(model, 3),
                MouseEventKind::Down(MouseButton::Left) => {
                    click(model, Position::new(mouse.column, mouse.row));
                }
                _ => {}
            }
            Vec::new()
        }
        Message::Resize(width, height) => {
            model.size = (width, height);
            Vec::new()
        }
        Message::Tick(passed) => tick(model, passed),
        Message::Resumed => {
            model.say(text::SUSPENDED_BACK);
            Vec::new()
        }
        Message::Stopped => vec![Effect::Suspend],
        Message::Continued => vec![Effect::TakeTerminal],
        Message::Signal(signal) => {
            model.signal = Some(signal);
            model.leaving = true;
            stop(model)
        }
        Message::Event(event) => {
            happened(model, &event);
            Vec::new()
        }
        Message::Files(files) => {
            model.run.files = Some(files);
            Vec::new()
        }
        Message::Live(sight) => super::live::told(model, *sight),
        Message::Over => {
            model.at_work = false;
            if std::mem::take(&mut model.edits_next) && !model.leaving {
                model.stopping = None;
                return super::wizard::edit(model);
            }
            if let Some(wizard) = &mut model.wizard {
                wizard.nothing_tries();
            }
            let mut effects = super::connecting::over(model);
            effects.extend(leave_if_idle(model));
            effects
        }
        Message::Refused(why) => {
            model.at_work = false;
            if let Some(wizard) = &mut model.wizard {
                wizard.refused(why);
            }
            leave_if_idle(model)
        }
        Message::Said(text) | Message::NotLoaded(text) => {
            model.say(text);
            Vec::new()
        }
        Message::Generated(key, secret) => super::form_page::generated(model, key, &secret),
        Message::Reached(..)
        | Message::Unreached(_)
        | Message::Probed(..)
        | Message::Checked(..)
        | Message::Planned(_)
        | Message::Loaded(_) => super::connecting::told(model, message),
    }
}

/// What is clicked at is looked at.
fn click(model: &mut Model, place: Position) {
    let covered = model.help.is_some() || model.asks_to_stop;
    if model.page != Page::Run || covered || layout::is_too_small(model.size) {
        return;
    }
    match screens::run::hit(model, place) {
        Some(Hit::Phase(phase)) => model.run.choose_phase(phase),
        Some(Hit::Step(step)) => {
            model.run.focus = Focus::Steps;
            let by = isize::try_from(step).unwrap_or(0);
            model.run.choose_step(isize::MIN / 2);
            model.run.choose_step(by);
        }
        Some(Hit::Log) => model.run.focus = Focus::Log,
        None => {}
    }
}

fn press(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let key = Key::of(event);
    if model.types()
        && !key.ctrl
        && let KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete = key.code
    {
        return typed(model, key.code);
    }
    if model.types()
        && model.run.searching.is_none()
        && let KeyCode::Home | KeyCode::End = key.code
    {
        return typed(model, key.code);
    }
    match keys::meaning(&model.scopes(), key) {
        Some(action) => act(model, action),
        None => Vec::new(),
    }
}

fn typed(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    if let Some(search) = &mut model.run.searching {
        match code {
            KeyCode::Char(letter) => search.push(letter),
            _ => drop(search.pop()),
        }
        return Vec::new();
    }
    super::form_page::typed(model, code)
}

fn paste(model: &mut Model, pasted: &str) -> Vec<Effect> {
    if let Some(search) = &mut model.run.searching {
        let line = pasted.lines().next().unwrap_or_default();
        search.extend(line.chars().filter(|letter| !letter.is_control()));
        return Vec::new();
    }
    if model.asks_to_stop || model.help.is_some() {
        return Vec::new();
    }
    super::form_page::pasted(model, pasted)
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Help => model.help = if model.help.is_some() { None } else { Some(0) },
        Action::Quit => return quit(model),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Close if model.asks_to_stop => model.asks_to_stop = false,
        Action::Close if model.help.is_some() => model.help = None,
        Action::Close if model.run.searching.is_some() => {
            model.run.searching = None;
            model.run.pane.search.clear();
            model.run.pane.hit = None;
        }
        Action::Confirm if model.run.searching.is_some() => {
            model.run.pane.search = model.run.searching.take().unwrap_or_default();
            model.run.pane.hit = None;
            find(model, false);
        }
        Action::StopSoftly => {
            model.asks_to_stop = false;
            model.leaving = true;
            return stop(model);
        }
        Action::StopHard => {
            model.asks_to_stop = false;
            model.leaving = true;
            model.stopping = Some(Abort::Hard);
            return vec![Effect::Abort(Abort::Hard)];
        }
        Action::Up => scroll(model, -1),
        Action::Down => scroll(model, 1),
        Action::PageUp => scroll(model, -page_height(model)),
        Action::PageDown => scroll(model, page_height(model)),
        Action::Start => scroll(model, isize::MIN / 2),
        Action::End => scroll(model, isize::MAX / 2),
        _ if is_of_a_run(model.page) => return act_on_run(model, action),
        _ => return super::wizard::act(model, action),
    }
    Vec::new()
}

fn is_of_a_run(page: Page) -> bool {
    matches!(
        page,
        Page::Phase | Page::Run | Page::Proofs | Page::Failure | Page::Cluster
    )
}

fn act_on_run(model: &mut Model, action: Action) -> Vec<Effect> {
    let room = model.log_room();
    match action {
        Action::Follow => {
            let run = &mut model.run;
            if run.pane.follow {
                let which = run.which();
                run.pane.hold(&run.log, which, room);
            } else {
                run.pane.follow = true;
                run.phase_follows = true;
            }
        }
        Action::Search => model.run.searching = Some(String::new()),
        Action::NextHit => find(model, true),
        Action::PreviousHit => find(model, false),
        Action::Wrap => model.run.pane.wrap = !model.run.pane.wrap,
        Action::Times => model.run.pane.times = !model.run.pane.times,
        Action::Zoom => model.run.zoom = !model.run.zoom,
        Action::Focus => {
            model.run.focus = match model.run.focus {
                Focus::Steps => Focus::Log,
                Focus::Log => Focus::Steps,
            };
        }
        Action::Phase(number) => model
            .run
            .choose_phase(usize::from(number.saturating_sub(1))),
        Action::NextPhase => model.run.choose_phase(model.run.phase + 1),
        Action::PreviousPhase => model.run.choose_phase(model.run.phase.saturating_sub(1)),
        Action::ShowRun => show(model, Page::Run),
        Action::ShowProofs => show(model, Page::Proofs),
        Action::ShowFailure => show(model, Page::Failure),
        Action::ShowCluster => show(model, Page::Cluster),
        Action::NextFailure => choose_failure(model, 1),
        Action::PreviousFailure => choose_failure(model, -1),
        Action::LookAtLog => {
            if let Some(place) = model.run.failures().get(model.run.failure).copied() {
                model.run.look_at(place);
                show(model, Page::Run);
            }
        }
        Action::Copy => return copy(model),
        Action::SaveLog => {
            let (text, _) = model.run.as_text(usize::MAX);
            let name = screens::run::file_name(&model.run);
            return vec![Effect::SaveLog { name, text }];
        }
        Action::Shell => return shell(model),
        Action::ShowPhase => show(model, Page::Phase),
        Action::RunPhase => return run_held_phase(model),
        Action::RunAll => return let_begin(model, None, text::phase::GOES_ON),
        Action::Pause => return pause(model),
        Action::Retry => return decide(model, Decision::Retry),
        Action::Skip => return decide(model, Decision::Skip),
        Action::Without => return decide(model, Decision::GiveUp),
        Action::Scripts | Action::Files => {
            if let Some(wizard) = &mut model.wizard {
                wizard.look_into(action);
                model.run.scroll = 0;
            }
        }
        Action::EditAnswers if model.at_work => {
            // What was done stays done: the next run finds it so.
            model.edits_next = true;
            return stop(model);
        }
        Action::RunAgain | Action::EditAnswers => return super::wizard::act(model, action),
        Action::Play | Action::Faster | Action::Slower | Action::NextEvent | Action::ToEnd => {
            let Some(replay) = &mut model.replay else {
                return Vec::new();
            };
            for event in replay.act(action, &mut model.run.clock) {
                happened(model, &event);
            }
        }
        _ => {}
    }
    Vec::new()
}

/// The phase that waits, and no more after it.
fn run_held_phase(model: &mut Model) -> Vec<Effect> {
    let progress = &model.run.progress;
    let held = progress.held.as_deref();
    let mut phases = progress.phases.iter();
    let place = phases.position(|phase| Some(phase.id.as_str()) == held);
    match place {
        Some(place) => {
            model.let_begin = Some(place + 1);
            vec![Effect::LetBegin(model.let_begin)]
        }
        None => Vec::new(),
    }
}

fn let_begin(model: &mut Model, phases: Option<usize>, says: &str) -> Vec<Effect> {
    model.let_begin = phases;
    model.say(says);
    vec![Effect::LetBegin(phases)]
}

/// Nothing but the phases that have begun, or everything again.
fn pause(model: &mut Model) -> Vec<Effect> {
    if !model.at_work || !model.run.is_active() {
        return Vec::new();
    }
    if model.let_begin.is_some() {
        return let_begin(model, None, text::phase::GOES_ON);
    }
    let progress = &model.run.progress;
    let has_begun = |phase: &Phase| progress.phase_status(phase) != PhaseStatus::NotStarted;
    let begun = progress.phases.iter().rposition(has_begun);
    let phases = Some(begun.map_or(0, |place| place + 1));
    let_begin(model, phases, text::phase::PAUSES)
}

/// Where the failure is.
fn shell(model: &Model) -> Vec<Effect> {
    let failed = model.run.shown_failure();
    let host = failed.and_then(|step| step.host.clone());
    let (Some(wizard), Some(host)) = (&model.wizard, host) else {
        return Vec::new();
    };
    vec![Effect::Shell(
        Box::new(wizard.interview.answers.clone()),
        host,
    )]
}

fn decide(model: &mut Model, decision: Decision) -> Vec<Effect> {
    let step = model.asked().map(|step| step.id.clone());
    let effect = step.map(|step| Effect::Decide(step, decision));
    effect.into_iter().collect()
}

fn show(model: &mut Model, page: Page) {
    model.page = page;
    model.run.scroll = 0;
}

fn choose_failure(model: &mut Model, by: isize) {
    let last = model.run.failures().len().saturating_sub(1);
    model.run.failure = model.run.failure.saturating_add_signed(by).min(last);
    model.run.scroll = 0;
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let (text, lines) = if model.page == Page::Failure {
        let lines = screens::failure::as_text(model);
        (lines.join("\n"), lines.len())
    } else {
        model.run.as_text(CLIPBOARD)
    };
    if lines == 0 {
        model.say(text::NOTHING_TO_COPY);
        return Vec::new();
    }
    model.say(text::copied(lines));
    vec![Effect::Copy(text)]
}

fn find(model: &mut Model, forwards: bool) {
    let room = model.log_room();
    let run = &mut model.run;
    let which = run.which();
    if run.pane.search.is_empty() {
        return;
    }
    if !run.pane.find(forwards, &run.log, which, room) {
        model.say(text::NOT_FOUND);
    }
}

fn page_height(model: &Model) -> isize {
    let height = match model.page {
        Page::Run => model.log_room().height,
        _ => usize::from(layout::frame(model.size).body.height),
    };
    isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1)
}

fn scroll(model: &mut Model, by: isize) {
    if let Some(help) = model.help {
        let most = screens::help::most_scroll(model);
        model.help = Some(help.saturating_add_signed(by).min(most));
        return;
    }
    match model.page {
        Page::Run if model.run.focus == Focus::Steps && !model.run.zoom => {
            model.run.choose_step(by);
        }
        Page::Run => {
            let room = model.log_room();
            model.run.scroll_log(by, room);
        }
        Page::Phase | Page::Proofs | Page::Failure | Page::Cluster => {
            let most = screens::most_scroll(model);
            model.run.scroll = model.run.scroll.saturating_add_signed(by).min(most);
        }
        _ => super::wizard::scroll(model, by),
    }
}

/// Asks first while something is at work. A second time, it is not asked again.
fn quit(model: &mut Model) -> Vec<Effect> {
    if !model.at_work {
        return vec![Effect::Quit];
    }
    if model.asks_to_stop || model.stopping.is_some() {
        model.asks_to_stop = false;
        model.leaving = true;
        return stop(model);
    }
    if model.run.is_active() {
        model.help = None;
        model.asks_to_stop = true;
        return Vec::new();
    }
    // Nothing was changed yet.
    model.leaving = true;
    stop(model)
}

/// Softly first, hard the second time; the third time, nobody is waited for.
fn stop(model: &mut Model) -> Vec<Effect> {
    if !model.at_work {
        return vec![Effect::Quit];
    }
    // A host may not let go of us: nobody is kept here by it. What runs there is found again.
    if model.stopping == Some(Abort::Hard) {
        return vec![Effect::Quit];
    }
    let how = if model.stopping.is_some() || !model.run.is_active() {
        Abort::Hard
    } else {
        Abort::Soft
    };
    model.stopping = Some(how);
    vec![Effect::Abort(how)]
}

fn leave_if_idle(model: &mut Model) -> Vec<Effect> {
    model.asks_to_stop = false;
    model.stopping = None;
    if model.leaving {
        vec![Effect::Quit]
    } else {
        Vec::new()
    }
}

fn tick(model: &mut Model, passed: u64) -> Vec<Effect> {
    if let Some(toast) = &mut model.toast {
        toast.left = toast.left.saturating_sub(passed);
        if toast.left == 0 {
            model.toast = None;
        }
    }
    let page = model.page;
    let effects = match &mut model.wizard {
        Some(wizard) => wizard.tick(passed, page),
        None => Vec::new(),
    };
    if let Some(replay) = &mut model.replay {
        for event in replay.tick(passed, &mut model.run.clock) {
            happened(model, &event);
        }
    } else if model.run.is_active() {
        model.run.clock += passed;
    }
    effects
}

fn happened(model: &mut Model, event: &Event) {
    model.run.add(event);
    match &event.what {
        What::Started { .. } if !is_of_a_run(model.page) => show(model, Page::Run),
        What::StepEnded {
            step,
            outcome: Outcome::Failed(_),
        } => {
            if let Some(step) = model.run.progress.step(step) {
                let text = text::failed_step(step);
                model.say(text);
            }
        }
        What::Held { .. } => show(model, Page::Phase),
        What::Released if model.page == Page::Phase => show(model, Page::Run),
        What::Asked { step } => {
            let place = model.run.failures().into_iter().position(|place| {
                let asked = model.run.progress.steps.get(place);
                asked.is_some_and(|asked| asked.id == *step)
            });
            // Whoever looks at another failure is not taken away from it.
            if model.page != Page::Failure {
                model.run.failure = place.unwrap_or(0);
                show(model, Page::Failure);
            }
        }
        What::Decided { .. } if model.page == Page::Failure => {
            model.run.failure = 0;
            if model.run.progress.asked.is_empty() {
                show(model, Page::Run);
            }
        }
        What::Ended { end } => {
            model.toast = None;
            match end {
                End::Done => show(model, Page::Cluster),
                End::Failed => {
                    model.run.failure = 0;
                    show(model, Page::Failure);
                }
                End::Aborted { .. } => {}
            }
        }
        _ => {}
    }
}

/// Shows a recorded run as it was so many milliseconds after it began, and waits.
pub fn wait_at(model: &mut Model, at: u64) {
    if let Some(replay) = &mut model.replay {
        for event in replay.wait_at(at, &mut model.run.clock) {
            happened(model, &event);
        }
    }
}
