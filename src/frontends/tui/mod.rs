//! The wizard in a terminal: the interview and a run, as screens.
//!
//! Leaves, which know no page: [`message`], what can happen; [`effect`], what pages ask for; `action`,
//! what keys ask for; `page`, the names of the pages and their order; `live`, `shown_plan`.
//!
//! * `pages`: a folder a page, with its state, its keys, how it is drawn and what it says
//! * `common`: what they share: the `mode` (`wizard` or `replay`), the run (`run_view`, `run_pages`,
//!   `log`), the `theme`; `keys`, `text`: keys and sentences of several pages
//! * `widgets`: what pages are drawn with; `layout`: where things stand; `credential_prompt`: the box
//!   that asks for a secret; `form_editor`: a form with focus and a cursor; `ansi`: what hosts print,
//!   made safe
//! * `model`: all of that; `update`: what a message does to it; `frame`: draws it
//! * `event_loop`: the loop; `driver`: the thread behind it; `drilling`: that of drills; `begun`: what both
//!   tell of a run; `poller`: those that look at the cluster
//!   after a run; `probes`, [`probe`]: hosts tried while they are entered; `summary`: what stays in the
//!   scrollback
//! * `terminal`: takes the terminal, and puts it back in every case; `terminal_handoff`: lends it
//!
//! ```text
//! keys, mouse, signals ─┐                    ┌─► frame::view ─► terminal
//! the driver's events ──┼─► update(model) ───┤
//! time ─────────────────┘                    └─► effects ─► driver, files, clipboard
//! ```
//!
//! A new page: its folder in `pages`, its line in each list of `pages/mod.rs`, its name in `page`.

mod action;
mod ansi;
mod begun;
mod common;
mod credential_prompt;
mod drilling;
mod driver;
pub mod effect;
mod event_loop;
mod form_editor;
mod frame;
mod keys;
mod layout;
mod live;
mod log;
pub mod message;
mod mode;
mod model;
mod page;
mod pages;
mod poller;
pub mod probe;
mod probes;
mod replay;
mod run_pages;
mod run_view;
mod shown_plan;
mod summary;
mod synchronized;
mod terminal;
mod terminal_handoff;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod unreached;
mod update;
mod widgets;
mod wizard;

/// A fuzz target: a line of a host, as the screens show it.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(line: &str) {
    let tamed = ansi::tame(line);
    let is_unsafe = |letter: char| letter.is_control() || crate::letters::misleads(letter);
    assert!(!tamed.text.contains(is_unsafe));
    let mut places = tamed.styles.iter();
    assert!(places.all(|(at, _)| tamed.text.is_char_boundary(*at)));
}

use std::path::Path;

use crate::events::End;
use crate::events::log::{earlier_than, read};
use crate::events::tail::Tail;
use crate::frontends::Display;
use crate::interview::offers::find;
use crate::run::exit;
use event_loop::EventLoop;
use model::Model;
use summary::RunEnd;
use terminal::Guard;
pub use terminal::{columns, rows};
use theme::{Palette, Theme};

/// What is left when the screens are gone.
#[derive(Debug, Default)]
pub struct Left {
    /// For standard output: it stays in the terminal's scrollback.
    pub summary: String,
    /// For standard error.
    pub complaints: String,
    pub code: u8,
}

impl Left {
    fn complaint(what: impl Into<String>, code: u8) -> Self {
        Self {
            complaints: what.into(),
            code,
            ..Self::default()
        }
    }
}

/// Walks the operator through an installation.
pub fn wizard(how: &Display, probes: bool, read_only: bool) -> Left {
    if !terminal::is_there() {
        return Left::complaint(text::NOT_A_TERMINAL, exit::USAGE);
    }
    show(how, None, |theme, size| {
        let mut model = Model::for_wizard(theme, size, find());
        if let Some(wizard) = model.common.mode.wizard_mut() {
            wizard.probes_hosts = probes;
        }
        model.common.read_only = read_only;
        model
    })
}

/// Shows a recorded run again.
/// Where `at` says how many seconds after its beginning, it waits there.
pub fn replay(path: &Path, at: Option<u64>, how: &Display, read_only: bool) -> Left {
    if !terminal::is_there() {
        return Left::complaint(text::NOT_A_TERMINAL_FOR_REPLAY, exit::USAGE);
    }
    match read(path) {
        Ok(events) => show(how, None, |theme, size| {
            let mut model = Model::for_replay(theme, size, events);
            model.common.read_only = read_only;
            model.common.earlier = earlier_than(path);
            if let Some(seconds) = at {
                update::wait_at(&mut model, seconds.saturating_mul(1000));
            }
            model
        }),
        Err(error) => Left::complaint(format!("{error}\n"), exit::USAGE),
    }
}

/// Shows the run of another process while its log grows.
pub fn follow(path: &Path, how: &Display, read_only: bool) -> Left {
    if !terminal::is_there() {
        return Left::complaint(text::NOT_A_TERMINAL_FOR_REPLAY, exit::USAGE);
    }
    let opened = Tail::open(path).and_then(|mut tail| Ok((tail.read()?, tail)));
    match opened {
        Ok((events, tail)) => {
            let age = tail.age();
            show(how, Some(tail), |theme, size| {
                let mut model = Model::for_following(theme, size);
                model.common.read_only = read_only;
                model.common.earlier = earlier_than(path);
                update::catch_up(&mut model, &events, age);
                model
            })
        }
        Err(error) => Left::complaint(format!("{error}\n"), exit::USAGE),
    }
}

/// With the log whose events come by themselves, if there is one.
fn show(how: &Display, tail: Option<Tail>, model: impl FnOnce(Theme, (u16, u16)) -> Model) -> Left {
    let shown = crossterm::terminal::size().and_then(|size| {
        let mut model = model(theme(how), size);
        let event_loop = EventLoop::new(model.common.read_only)?;
        if let Some(tail) = tail {
            event_loop.follow(tail)?;
        }
        let mut guard = Guard::enter(!how.no_mouse)?;
        let mut outcome = event_loop.run(&mut model, &mut guard)?;
        if model.common.at_work && outcome.end.is_none() {
            // Left without waiting for its end.
            let why = text::BY_OPERATOR.into();
            outcome.end = Some(End::Aborted { why });
        }
        Ok((outcome, model.signal))
    });
    // The guard is gone: the terminal is the shell's again.
    let panics = terminal::panics().into_iter();
    let complaints = panics.map(|panic| format!("{}\n{panic}\n", text::WENT_WRONG));
    let complaints: Vec<String> = complaints.collect();
    match shown {
        Ok((outcome, signal)) => Left {
            code: code(&outcome, signal),
            summary: outcome.summary,
            complaints: complaints.concat(),
        },
        Err(error) => {
            let why = text::terminal_failed(&error.to_string());
            Left::complaint(format!("{}{why}\n", complaints.concat()), exit::FAILED)
        }
    }
}

fn code(outcome: &RunEnd, signal: Option<i32>) -> u8 {
    // As a shell would say it of a process that a signal ended.
    if let Some(signal) = signal.and_then(|signal| u8::try_from(signal).ok()) {
        return 128 + signal;
    }
    exit::code(&Ok(outcome.end.clone()))
}

fn theme(how: &Display) -> Theme {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let palette = if set("NO_COLOR") {
        Palette::Mono
    } else {
        match how.theme {
            Some(palette) => palette,
            None if has_light_background() => Palette::Light,
            None => Palette::Dark,
        }
    };
    Theme {
        palette,
        ascii: how.ascii || !speaks_utf8(),
    }
}

/// Some terminals say so: `15;0`, black on white.
fn has_light_background() -> bool {
    let colours = std::env::var("COLORFGBG").unwrap_or_default();
    matches!(colours.rsplit(';').next(), Some("7" | "15"))
}

/// Whether the locale says so. The first of these that is set counts.
fn speaks_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_none_or(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
