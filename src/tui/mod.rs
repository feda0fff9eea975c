//! The wizard: a second face on the engine, in a terminal.
//!
//! * [`model`], and what messages do to it, [`update`]; `run`, `wizard`, `connecting`, `live`,
//!   `replay`: their parts
//! * [`screens`]: what is drawn, from the model alone
//! * [`keys`]: every key, in one table; [`text`]: every sentence; [`theme`]: how things look
//! * [`layout`]: where things stand; [`log`]: the lines that hosts print; `ansi`: made safe
//! * `trying`, `knock`: hosts tried while they are entered; `asking`: secrets that are missing
//! * `checking`: the preflight as a page
//! * [`walk`]: the order of the pages before a run
//! * `form`, `fields`: forms, and how they and the answers become each other; `filling`: them in use
//! * `runtime`: the loop; `driver`: the thread behind it; `watch`: those that look at the cluster
//!   after a run; `summary`: what stays in the scrollback; `drafts`: what was typed is kept
//! * `terminal`: takes the terminal, and puts it back in every case; `away`: lends it
//!
//! ```text
//! keys, mouse, signals ─┐                    ┌─► screens::view ─► terminal
//! the driver's events ──┼─► update(model) ───┤
//! time ─────────────────┘                    └─► effects ─► driver, files, clipboard
//! ```

mod ansi;
mod asking;
mod away;
mod checking;
mod connecting;
pub(crate) mod drafts;
pub(crate) mod driver;
pub(crate) mod fields;
mod filling;
pub(crate) mod form;
pub mod keys;
pub mod knock;
pub mod layout;
pub mod live;
pub mod log;
pub mod model;
mod replay;
pub mod run;
pub(crate) mod runtime;
pub mod screens;
mod summary;
mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
pub mod theme;
mod trying;
pub mod update;
pub mod walk;
mod watch;
pub mod wizard;

use std::path::Path;

use crate::cli::{Display, Palette as Wanted};
use crate::events::End;
use crate::events::log::read;
use crate::run::exit;
use crate::state::{self, Folder};
use driver::Outcome;
use model::Model;
use runtime::Runtime;
use terminal::Guard;
use theme::{Palette, Theme};
use wizard::{Found, Known};

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
        let found = Found { knocks, ..find() };
        Model::for_wizard(theme, size, found)
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
        let runtime = Runtime::new()?;
        let mut guard = Guard::enter(!how.no_mouse)?;
        let mut outcome = runtime.run(&mut model, &mut guard)?;
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

/// What is there to go on with.
pub(crate) fn find() -> Found {
    let set = |name: &str| std::env::var_os(name).is_some();
    let mut found = Found {
        needs_tmux: set("SSH_CONNECTION") && !set("TMUX") && !set("STY"),
        ..Found::default()
    };
    let Some(root) = runtime::state_root() else {
        return found;
    };
    found.draft = drafts::load(&root);
    let names = match state::clusters(&root) {
        Ok(names) => names,
        Err(error) => {
            found.trouble = Some(error.to_string());
            return found;
        }
    };
    for name in names {
        let state = Folder::open(Some(root.clone()), &name).and_then(|folder| folder.state());
        match state {
            Ok(Some(state)) => found.clusters.push(known(name, &state)),
            Ok(None) => {}
            Err(error) => found.trouble = Some(text::left_out(&name, &error.to_string())),
        }
    }
    found
}

fn known(name: String, state: &state::State) -> Known {
    let (story, unfinished) = match &state.last_run {
        Some(run) => {
            let how = text::ended(run.end.as_ref());
            let story = text::story(&run.when, &how, state.made.len());
            (story, run.end != Some(End::Done))
        }
        None => (text::never_run().to_owned(), true),
    };
    Known {
        name,
        answers: state.answers.clone(),
        story,
        unfinished,
    }
}
