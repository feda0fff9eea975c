//! The wizard in a terminal: the interview and a run, as screens.
//!
//! * [`model`], and what messages do to it, [`update`]; `run`, `wizard`, `connecting`, `live`,
//!   `replay`: their parts
//! * [`screens`]: what is drawn, from the model alone
//! * [`keys`]: every key, in one table; [`text`]: every sentence; [`theme`]: how things look
//! * [`layout`]: where things stand; [`log`]: the lines that hosts print; `ansi`: made safe
//! * `probes`, `probe`: hosts tried while they are entered; `credential_prompt`: secrets that are
//!   missing
//! * `checking`: the preflight as a page
//! * [`page_order`]: the order of the pages before a run
//! * `form_editor`: a form with focus and a cursor; `form_page`: the pages that are forms
//! * `event_loop`: the loop; `driver`: the thread behind it; `watch`: those that look at the cluster
//!   after a run; `summary`: what stays in the scrollback
//! * `terminal`: takes the terminal, and puts it back in every case; `terminal_handoff`: lends it
//!
//! ```text
//! keys, mouse, signals ─┐                    ┌─► screens::view ─► terminal
//! the driver's events ──┼─► update(model) ───┤
//! time ─────────────────┘                    └─► effects ─► driver, files, clipboard
//! ```

mod ansi;
mod checking;
mod connecting;
mod credential_prompt;
pub(crate) mod driver;
mod event_loop;
mod form_editor;
mod form_page;
pub mod keys;
pub mod layout;
pub mod live;
pub mod log;
pub mod model;
pub mod page_order;
pub mod probe;
mod probes;
mod replay;
pub mod run;
pub mod screens;
mod summary;
mod terminal;
mod terminal_handoff;
#[cfg(test)]
mod tests;
pub mod text;
pub mod theme;
pub mod update;
mod watch;
pub mod wizard;

use std::path::Path;

use crate::events::End;
use crate::events::log::read;
use crate::frontends::{Display, Palette as Wanted};
use crate::interview::offers::find;
use crate::run::exit;
use driver::Outcome;
use event_loop::EventLoop;
use model::Model;
use terminal::Guard;
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
pub fn wizard(how: &Display, knocks: bool) -> Left {
    if !terminal::is_there() {
        return Left::complaint(text::NOT_A_TERMINAL, exit::USAGE);
    }
    show(how, |theme, size| {
        let mut model = Model::for_wizard(theme, size, find());
        if let Some(wizard) = &mut model.wizard {
            wizard.probes_hosts = knocks;
        }
        model
    })
}

/// Shows a recorded run again.
/// Where `at` says how many seconds after its beginning, it waits there.
pub fn replay(path: &Path, at: Option<u64>, how: &Display) -> Left {
    if !terminal::is_there() {
        return Left::complaint(text::NOT_A_TERMINAL_FOR_REPLAY, exit::USAGE);
    }
    match read(path) {
        Ok(events) => show(how, |theme, size| {
            let mut model = Model::for_replay(theme, size, events);
            if let Some(seconds) = at {
                update::wait_at(&mut model, seconds.saturating_mul(1000));
            }
            model
        }),
        Err(error) => Left::complaint(format!("{error}\n"), exit::USAGE),
    }
}

fn show(how: &Display, model: impl FnOnce(Theme, (u16, u16)) -> Model) -> Left {
    let shown = crossterm::terminal::size().and_then(|size| {
        let mut model = model(theme(how), size);
        let event_loop = EventLoop::new()?;
        let mut guard = Guard::enter(!how.no_mouse)?;
        let mut outcome = event_loop.run(&mut model, &mut guard)?;
        if model.at_work && outcome.end.is_none() {
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

fn code(outcome: &Outcome, signal: Option<i32>) -> u8 {
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
            Some(Wanted::Light) => Palette::Light,
            Some(Wanted::Mono) => Palette::Mono,
            None if has_light_background() => Palette::Light,
            Some(Wanted::Dark) | None => Palette::Dark,
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
