//! What messages do to the model. Nothing here knows a terminal, a file or a thread: what has to be
//! done outside is an [`Effect`].

mod drills;

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::action::Action;
use super::common::{Common, SavePrompt};
use super::effect::{Effect, Saved};
use super::keys::{self, Key};
use super::live::LiveUpdate;
use super::message::{Message, Unreached};
use super::model::Model;
use super::page::Page;
use super::pages::preflight::PreflightPage;
use super::run_pages::main_page;
use super::run_view::RunView;
use super::shown_plan::ShownPlan;
use super::widgets::help;
use super::wizard::WizardSession;
use super::{layout, text};
use crate::answers::Answers;
use crate::events::{Abort, End, Event, Outcome, What};
use crate::interview::save::suggested;

/// What a message does. The only place where the model changes.
pub fn update(model: &mut Model, message: Message) -> Vec<Effect> {
    let effects = take(model, message);
    settle(model, effects)
}

fn take(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
        Message::Key(key) => press(model, key),
        Message::Paste(text) => paste(model, &text),
        Message::Mouse(event) => {
            mouse(model, event);
            Vec::new()
        }
        Message::Resize(width, height) => {
            model.common.size = (width, height);
            Vec::new()
        }
        Message::Tick(passed) => tick(model, passed),
        Message::Resumed => {
            model.common.say(text::SUSPENDED_BACK);
            Vec::new()
        }
        Message::Stopped => vec![Effect::Suspend],
        Message::Continued => vec![Effect::TakeTerminal],
        Message::Signal(signal) => {
            model.signal = Some(signal);
            model.common.leaving = true;
            model.common.stop()
        }
        Message::Event(event) => {
            happened(model, &event);
            Vec::new()
        }
        Message::Files(files) => {
            model.common.run.files = Some(files);
            Vec::new()
        }
        Message::Earlier(earlier) => {
            model.common.earlier = earlier;
            Vec::new()
        }
        Message::NotFollowed(why) => {
            if let Some(replay) = model.common.mode.replay_mut() {
                replay.lost = Some(why);
            }
            Vec::new()
        }
        Message::Live(update) => looked(model, *update),
        Message::Over => over(model),
        Message::Refused(why) => {
            model.common.at_work = false;
            model.common.edits_next = false;
            model.pages.connect.nothing_tries();
            if let Some(wizard) = model.common.mode.wizard_mut() {
                wizard.refused = Some(why);
            }
            leave_if_idle(model)
        }
        Message::Said(text) => {
            model.common.say(text);
            Vec::new()
        }
        Message::NotLoaded(problems) => {
            model.pages.form.not_loaded(&problems);
            Vec::new()
        }
        Message::Generated(key, secret) => {
            let page = model.pages.get_mut(model.page);
            page.generated(&mut model.common, key, &secret)
        }
        Message::Reached(name, what) => {
            model.pages.connect.reached(&name, what);
            Vec::new()
        }
        Message::Unreached(hosts) => {
            model.pages.connect.unreached(hosts);
            Vec::new()
        }
        Message::Probed(id, what) => probed(model, id, what),
        Message::Checked(grid, links) => {
            let Some(wizard) = model.common.mode.wizard_mut() else {
                return Vec::new();
            };
            match model.page {
                Page::Connect => {
                    wizard.checked = true;
                    model.pages.preflight = PreflightPage::new(*grid, links);
                    vec![Effect::Go(Page::Preflight)]
                }
                Page::Preflight => {
                    let preflight = &mut model.pages.preflight;
                    preflight.checked_again(&wizard.interview.answers, *grid, links);
                    Vec::new()
                }
                _ => Vec::new(),
            }
        }
        Message::Planned(plan) => planned(model, *plan),
        Message::Loaded(answers) => loaded(model, *answers),
        Message::Drills(news) => drills::told(model, news),
    }
}

/// Does what the model itself has to do of these effects; the rest is for outside.
fn settle(model: &mut Model, effects: Vec<Effect>) -> Vec<Effect> {
    let mut outside = Vec::new();
    // Before what is done with other answers.
    let wizard = model.common.mode.wizard_mut();
    if wizard.is_some_and(|wizard| std::mem::take(&mut wizard.forgets)) {
        outside.push(Effect::ForgetSecrets);
    }
    for effect in effects {
        match effect {
            Effect::Go(page) => go(model, page),
            // Drafts are kept in the state folder.
            Effect::KeepDraft(_) if model.common.read_only => {}
            Effect::Reach(_) | Effect::ReachOn(_) | Effect::Drill(_) if model.common.read_only => {
                model.common.say(text::READ_ONLY_RUNS_NOTHING);
            }
            Effect::Reach(answers) => {
                outside.extend(reach(model, answers, Effect::Reach));
            }
            Effect::ReachOn(answers) => {
                outside.extend(reach(model, answers, Effect::ReachOn));
            }
            Effect::Drill(order) => outside.extend(drills::begin(model, order)),
            effect => outside.push(effect),
        }
    }
    outside
}

fn go(model: &mut Model, page: Page) {
    let from = std::mem::replace(&mut model.page, page);
    let is_drill = page == Page::Drills || model.common.run.progress.is_drill();
    if page != Page::Cluster && !(is_drill && page.is_of_a_run()) {
        model.common.watched = None;
    }
    if from.is_of_a_run() && !page.is_of_a_run() {
        // The answers again, or another run of them.
        model.common.run = RunView::new();
        model.common.toast = None;
        model.pages.forget_run();
    }
    let common = &mut model.common;
    model.pages.get_mut(page).entered(common, page, from);
    if let Some(wizard) = common.mode.wizard_mut() {
        wizard.comes_to(page);
    }
}

fn reach(
    model: &mut Model,
    answers: Box<Answers>,
    effect: impl Fn(Box<Answers>) -> Effect,
) -> Vec<Effect> {
    if model.common.at_work {
        // What was given up before still goes down.
        model.common.say(text::STILL_CLOSING);
        return Vec::new();
    }
    go(model, Page::Connect);
    model.common.at_work = true;
    model.pages.connect.begins(&answers.hosts);
    model.pages.preflight = PreflightPage::default();
    let wizard = model.common.mode.wizard_mut();
    let mut effects = wizard.map_or_else(Vec::new, WizardSession::begins);
    effects.push(effect(answers));
    effects
}

/// The cluster was looked at, after the run.
fn looked(model: &mut Model, update: LiveUpdate) -> Vec<Effect> {
    let common = &model.common;
    if common.run.progress.ended.is_some() || common.watched.is_some() {
        model.pages.cluster.told(&model.common, update);
        return Vec::new();
    }
    // An operator who has gone on to something else looks at no cluster any more. A new run has ended
    // the looking already.
    if common.at_work || common.mode.replay().is_some() {
        Vec::new()
    } else {
        vec![Effect::Abort(Abort::Hard)]
    }
}

fn over(model: &mut Model) -> Vec<Effect> {
    let common = &mut model.common;
    common.at_work = false;
    if std::mem::take(&mut common.edits_next) && !common.leaving {
        model.asks_to_stop = false;
        common.stopping = None;
        return vec![Effect::Go(Page::Review)];
    }
    model.pages.connect.nothing_tries();
    let mut effects = model.pages.get_mut(model.page).over(common);
    effects.extend(leave_if_idle(model));
    effects
}

fn probed(model: &mut Model, id: u64, what: Result<String, Unreached>) -> Vec<Effect> {
    if let Some(wizard) = model.common.mode.wizard_mut() {
        wizard.probes.told(id, what);
    }
    Vec::new()
}

fn planned(model: &mut Model, plan: ShownPlan) -> Vec<Effect> {
    let Some(wizard) = model.common.mode.wizard_mut() else {
        return Vec::new();
    };
    wizard.plan = plan;
    match model.page {
        // The operator looks at what the hosts are first.
        Page::Preflight if !model.pages.preflight.goes_on() => Vec::new(),
        Page::Preflight | Page::Connect => vec![Effect::Go(Page::Plan)],
        // An operator who has gone back meanwhile wants no plan any more.
        _ => vec![Effect::Begin(false)],
    }
}

fn loaded(model: &mut Model, answers: Answers) -> Vec<Effect> {
    let Some(wizard) = model.common.mode.wizard_mut() else {
        return Vec::new();
    };
    wizard.replace(answers);
    vec![Effect::Go(Page::Review), wizard.draft()]
}

fn mouse(model: &mut Model, mouse: MouseEvent) {
    if mouse.kind != MouseEventKind::Moved {
        model.pages.get_mut(model.page).pressed();
    }
    match mouse.kind {
        MouseEventKind::ScrollUp => scroll(model, -3),
        MouseEventKind::ScrollDown => scroll(model, 3),
        MouseEventKind::Down(MouseButton::Left) => {
            click(model, Position::new(mouse.column, mouse.row));
        }
        _ => {}
    }
}

fn click(model: &mut Model, place: Position) {
    if !model.is_covered() && !layout::is_too_small(model.common.size) {
        let page = model.pages.get_mut(model.page);
        page.clicked(&mut model.common, place);
    }
}

fn press(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let key = Key::of(event);
    // The operator has gone on: what was said before is over.
    model.common.toast = None;
    model.pages.get_mut(model.page).pressed();
    let searches = model.common.run.searching.is_some() || model.common.saving.is_some();
    let into_text = match key.code {
        KeyCode::Char(_) | KeyCode::Backspace | KeyCode::Delete => !key.ctrl,
        KeyCode::Home | KeyCode::End => !searches,
        _ => false,
    };
    if into_text && model.types() {
        return typed(model, key.code);
    }
    match keys::meaning(&model.scopes(), key) {
        Some(action) => act(model, action),
        None => Vec::new(),
    }
}

/// What is typed in the message line: a search, or where to save something.
fn line(common: &mut Common) -> Option<&mut String> {
    match &mut common.saving {
        Some(saving) => Some(&mut saving.path),
        None => common.run.searching.as_mut(),
    }
}

fn typed(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    if let Some(line) = line(&mut model.common) {
        match code {
            KeyCode::Char(letter) => line.push(letter),
            _ => drop(line.pop()),
        }
        return Vec::new();
    }
    let page = model.pages.get_mut(model.page);
    page.typed(&mut model.common, code)
}

fn paste(model: &mut Model, pasted: &str) -> Vec<Effect> {
    model.pages.get_mut(model.page).pressed();
    // tmux and other terminals send CR for a line end that is pasted.
    let pasted = &pasted.replace("\r\n", "\n").replace('\r', "\n");
    if model.is_covered() || model.common.saving.as_ref().is_some_and(|it| it.exists) {
        return Vec::new();
    }
    if let Some(line) = line(&mut model.common) {
        let first = pasted.lines().next().unwrap_or_default();
        line.extend(first.chars().filter(|letter| !letter.is_control()));
        return Vec::new();
    }
    let page = model.pages.get_mut(model.page);
    page.pasted(&mut model.common, pasted)
}

fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let common = &mut model.common;
    match action {
        Action::Help => common.help = if common.help.is_some() { None } else { Some(0) },
        Action::Quit => return quit(model),
        Action::AskToQuit => {
            common.help = None;
            model.asks_to_stop = true;
        }
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Close if model.asks_to_stop => model.asks_to_stop = false,
        Action::Close if common.help.is_some() => common.help = None,
        Action::Close if common.saving.is_some() => common.saving = None,
        Action::Close if common.run.searching.is_some() => {
            common.run.searching = None;
            common.run.pane.search.clear();
            common.run.pane.hit = None;
        }
        Action::Confirm if common.saving.is_some() => return save(common),
        Action::Confirm if common.run.searching.is_some() => {
            common.run.pane.search = common.run.searching.take().unwrap_or_default();
            common.run.pane.hit = None;
            common.find(false);
        }
        Action::StopSoftly => {
            model.asks_to_stop = false;
            common.leaving = true;
            return common.stop();
        }
        Action::StopHard => {
            model.asks_to_stop = false;
            common.leaving = true;
            common.stopping = Some(Abort::Hard);
            return vec![Effect::Abort(Abort::Hard)];
        }
        Action::Up => scroll(model, -1),
        Action::Down => scroll(model, 1),
        Action::PageUp => scroll(model, -page_height(model)),
        Action::PageDown => scroll(model, page_height(model)),
        Action::Start => scroll(model, isize::MIN / 2),
        Action::End => scroll(model, isize::MAX / 2),
        Action::Play | Action::Faster | Action::Slower | Action::NextEvent | Action::ToEnd => {
            let replay = common.mode.replay_mut();
            let events = replay.map(|replay| replay.act(action, &mut common.run.clock));
            all_happened(model, &events.unwrap_or_default());
        }
        Action::SaveAnswers => {
            let wizard = common.mode.wizard();
            let answers = wizard.map(|wizard| wizard.interview.answers.clone());
            common.saving = answers.map(|answers| SavePrompt {
                path: common
                    .saved
                    .clone()
                    .unwrap_or_else(|| suggested(&answers, "")),
                what: Saved::Answers(Box::new(answers)),
                exists: false,
            });
        }
        _ => return model.pages.get_mut(model.page).act(common, action),
    }
    Vec::new()
}

/// Saves where the operator said. The file in which the answers were saved before is replaced by
/// them; another file only after a question.
fn save(common: &mut Common) -> Vec<Effect> {
    let Some(SavePrompt { what, path, exists }) = common.saving.take() else {
        return Vec::new();
    };
    let is_its_own = matches!(what, Saved::Answers(_)) && common.saved.as_ref() == Some(&path);
    vec![Effect::Save {
        what,
        path,
        replaces: exists || is_its_own,
    }]
}

fn page_height(model: &Model) -> isize {
    let height = model.shown().height(&model.common);
    isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1)
}

fn scroll(model: &mut Model, by: isize) {
    if let Some(scroll) = model.common.help {
        let scopes = model.scopes_below_help();
        let most = help::most_scroll(model.common.theme, &scopes, model.common.size);
        model.common.help = Some(scroll.saturating_add_signed(by).min(most));
        return;
    }
    let page = model.pages.get_mut(model.page);
    page.scroll(&mut model.common, by);
}

/// Asks first while something is at work. A second time, it is not asked again.
fn quit(model: &mut Model) -> Vec<Effect> {
    let common = &mut model.common;
    if !common.at_work {
        return vec![Effect::Quit];
    }
    if model.asks_to_stop || common.stopping.is_some() {
        model.asks_to_stop = false;
        common.leaving = true;
        return common.stop();
    }
    if common.run.is_active() {
        common.help = None;
        model.asks_to_stop = true;
        return Vec::new();
    }
    // Nothing was changed yet.
    common.leaving = true;
    common.stop()
}

fn leave_if_idle(model: &mut Model) -> Vec<Effect> {
    model.asks_to_stop = false;
    model.common.stopping = None;
    if model.common.leaving {
        vec![Effect::Quit]
    } else {
        Vec::new()
    }
}

fn tick(model: &mut Model, passed: u64) -> Vec<Effect> {
    let common = &mut model.common;
    if let Some(toast) = &mut common.toast {
        toast.left = toast.left.saturating_sub(passed);
        if toast.left == 0 {
            common.toast = None;
        }
    }
    if let Some(wizard) = common.mode.wizard_mut() {
        wizard.clock = wizard.clock.saturating_add(passed);
    }
    let effects = model.pages.get_mut(model.page).tick(common, passed);
    if let Some(replay) = common.mode.replay_mut().filter(|replay| !replay.follows) {
        let events = replay.tick(passed, &mut common.run.clock);
        all_happened(model, &events);
    } else if common.run_moves() {
        common.run.clock += passed;
    }
    effects
}

fn all_happened(model: &mut Model, events: &[Event]) {
    for event in events {
        happened(model, event);
    }
}

fn happened(model: &mut Model, event: &Event) {
    model.common.run.add(event);
    let run = &model.common.run;
    match &event.what {
        What::Started { .. } if run.progress.is_drill() => go(model, Page::Drill),
        What::Started { .. } if !model.page.is_of_a_run() => go(model, Page::Run),
        What::StepEnded {
            step,
            outcome: Outcome::Failed(_),
        } => {
            if let Some(text) = run.progress.step(step).map(text::failed_step) {
                model.common.say(text);
            }
        }
        What::StepStarted { step, .. } => {
            let failed = run.progress.step(step).map(text::failed_step);
            model.common.unsay(failed.as_deref());
        }
        What::Held { .. } => go(model, Page::Phase),
        What::Released if model.page == Page::Phase => go(model, main_page(&model.common)),
        // An operator who looks at another failure is not taken away from it.
        What::Asked { step } if model.page != Page::Failure => {
            let place = run.failures().into_iter().position(|place| {
                let asked = run.progress.steps.get(place);
                asked.is_some_and(|asked| asked.id == *step)
            });
            model.pages.failure.shows(place.unwrap_or(0));
            // The page says it.
            let failed = run.progress.step(step).map(text::failed_step);
            model.common.unsay(failed.as_deref());
            go(model, Page::Failure);
        }
        What::Decided { .. } if model.page == Page::Failure => {
            model.pages.failure.shows(0);
            if run.progress.asked.is_empty() {
                go(model, main_page(&model.common));
            }
        }
        What::Ended { end } => {
            model.common.toast = None;
            match end {
                _ if model.common.run.progress.is_drill() => go(model, Page::Drill),
                End::Done => go(model, Page::Cluster),
                End::Failed => {
                    model.pages.failure.shows(0);
                    go(model, Page::Failure);
                }
                End::Aborted { .. } => {}
            }
        }
        _ => {}
    }
}

/// What is known of a run that goes on elsewhere; its log was written last so long ago.
pub fn catch_up(model: &mut Model, events: &[Event], age: Duration) {
    all_happened(model, events);
    let run = &mut model.common.run;
    if run.is_active() {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        run.clock = run.clock.saturating_add(age);
    }
}

/// Shows a recorded run as it was so many milliseconds after it began, and waits.
pub fn wait_at(model: &mut Model, at: u64) {
    let common = &mut model.common;
    let replay = common.mode.replay_mut();
    let events = replay.map(|replay| replay.wait_at(at, &mut common.run.clock));
    all_happened(model, &events.unwrap_or_default());
}
