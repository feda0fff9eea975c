//! The wizard: a second face on the engine, in a terminal.
//!
//! * [`model`], and what messages do to it, [`update`]; `run`, `wizard`, `replay`: their parts
//! * [`screens`]: what is drawn, from the model alone
//! * [`keys`]: every key, in one table; [`text`]: every sentence; [`theme`]: how things look
//! * [`layout`]: where things stand; [`log`]: the lines that hosts print; `ansi`: made safe
//! * `form`, `fields`: forms, and how they and the answers become each other
//! * `runtime`: the loop; `driver`: the thread behind it; `drafts`: what was typed is kept
//! * `terminal`: takes the terminal, and puts it back in every case
//!
//! ```text
//! keys, mouse, signals ─┐                    ┌─► screens::view ─► terminal
//! the driver's events ──┼─► update(model) ───┤
//! time ─────────────────┘                    └─► effects ─► driver, files, clipboard
//! ```

mod ansi;
mod drafts;
mod driver;
mod fields;
mod form;
pub mod keys;
pub mod layout;
pub mod log;
pub mod model;
mod replay;
pub mod run;
mod runtime;
pub mod screens;
mod terminal;
#[cfg(test)]
mod tests;
pub mod text;
pub mod theme;
pub mod update;
pub mod wizard;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::{Palette as Wanted, Screens};
use crate::engine::event::End;
use crate::headless::exit;
use crate::report::log::read;
use crate::state::{self, Folder};
use driver::Outcome;
use model::Model;
use runtime::Runtime;
use terminal::Guard;
use theme::{Palette, Theme};
use wizard::{Found, Known};

/// The exit code of a run that the operator stopped, see `cli`.
const STOPPED: u8 = 3;

/// Walks the operator through an installation.
pub fn wizard(how: &Screens) -> ExitCode {
    if !is_terminal() {
        let _ = io::stderr().write_all(text::NOT_A_TERMINAL.as_bytes());
        return ExitCode::from(exit::USAGE);
    }
    show(how, |theme, size| Model::for_wizard(theme, size, find()))
}

/// Shows a recorded run again.
pub fn replay(path: &Path, how: &Screens) -> ExitCode {
    if !is_terminal() {
        let _ = io::stderr().write_all(text::NOT_A_TERMINAL_FOR_REPLAY.as_bytes());
        return ExitCode::from(exit::USAGE);
    }
    let events = match read(path) {
        Ok(events) => events,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            return ExitCode::from(exit::USAGE);
        }
    };
    show(how, |theme, size| Model::for_replay(theme, size, events))
}

fn is_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn show(how: &Screens, model: impl FnOnce(Theme, (u16, u16)) -> Model) -> ExitCode {
    let shown = crossterm::terminal::size().and_then(|size| {
        let mut model = model(theme(how), size);
        let runtime = Runtime::new()?;
        let mut guard = Guard::enter(!how.no_mouse)?;
        let outcome = runtime.run(&mut model, &mut guard)?;
        Ok((outcome, model.signal))
    });
    // The guard is gone: the terminal is the shell's again.
    for panic in terminal::panics() {
        let _ = writeln!(io::stderr(), "{}\n{panic}", text::WENT_WRONG);
    }
    match shown {
        Ok((outcome, signal)) => {
            // Whoever reads our standard output may be gone.
            let _ = io::stdout().write_all(outcome.summary.as_bytes());
            code(&outcome, signal)
        }
        Err(error) => {
            let _ = writeln!(
                io::stderr(),
                "{}",
                text::terminal_failed(&error.to_string())
            );
            ExitCode::from(exit::FAILED)
        }
    }
}

fn code(outcome: &Outcome, signal: Option<i32>) -> ExitCode {
    if let Some(signal) = signal.and_then(|signal| u8::try_from(signal).ok()) {
        return ExitCode::from(128 + signal);
    }
    match outcome.end {
        Some(End::Failed) => ExitCode::from(exit::FAILED),
        Some(End::Aborted { .. }) => ExitCode::from(STOPPED),
        Some(End::Done) | None => ExitCode::SUCCESS,
    }
}

fn theme(how: &Screens) -> Theme {
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
fn find() -> Found {
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
