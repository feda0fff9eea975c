//! The wizard as questions and lines: for screen readers, and for terminals that can only print. It
//! uses the same interview and the same run as the screens; lines are only appended, as plain text.
//!
//! * `console`: lines out, lines in; `echo`: hides secrets; `ask`: questions; `text`: the texts of
//!   this frontend
//! * `forms`: forms, field by field
//! * `answers`: where to begin, the hosts, the options, the review
//! * `connect`: connecting, and the plan; `logins`: missing login secrets
//! * `run`: the run, and its questions

mod answers;
mod ask;
mod connect;
mod console;
pub mod echo;
mod forms;
mod logins;
mod run;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::answers::EnteredCredentials;
use crate::engine::control::Control;
use crate::interview::drafts::state_root;
use crate::interview::offers::{self, Found};
use crate::interview::save::save;
use crate::interview::{self, Interview, drafts};
use crate::run::exit;
use crate::signals::SignalWatch;
use ask::NoAnswer;
use console::{Console, Gone};
use echo::Echo;
pub use logins::LoginPrompt;

/// Walks the operator through an installation; the exit code. `columns` tells how wide the terminal
/// is.
pub fn wizard(
    input: impl BufRead + Send + 'static,
    out: impl Write + 'static,
    echo: Box<dyn Echo>,
    columns: fn() -> Option<usize>,
) -> io::Result<u8> {
    let watch = SignalWatch::start()?;
    let console = Console::new(input, out, echo, Some(watch.heard()), columns)?;
    let mut walk = Walk::new(console, offers::find(), state_root());
    walk.watch = Some(watch);
    Ok(walk.walk())
}

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainPage {
    Welcome,
    Hosts,
    /// A part of the options.
    Options(usize),
    Review,
    Connect,
    /// It is over.
    Left,
}

struct Walk {
    console: Console,
    /// The answers, and what was there before.
    interview: Interview,
    /// Where drafts and clusters are kept.
    root: Option<PathBuf>,
    /// That drafts cannot be kept was said.
    complained: bool,
    /// Where the answers were saved already.
    saved: Option<PathBuf>,
    /// What was given to log in with. Kept nowhere else.
    asked: EnteredCredentials,
    /// What this is was said.
    greeted: bool,
    /// The options were answered once: from now on the review offers them.
    reviewed: bool,
    watch: Option<SignalWatch>,
    /// How the last run ended, where there was one.
    code: Option<u8>,
}

impl Walk {
    fn new(console: Console, found: Found, root: Option<PathBuf>) -> Self {
        Self {
            console,
            interview: Interview::new(found),
            root,
            complained: false,
            saved: None,
            asked: EnteredCredentials::default(),
            greeted: false,
            reviewed: false,
            watch: None,
            code: None,
        }
    }

    fn walk(&mut self) -> u8 {
        let mut page = PlainPage::Welcome;
        loop {
            let next = match page {
                PlainPage::Welcome => self.welcome(),
                PlainPage::Hosts => self.hosts(),
                PlainPage::Options(part) => self.options(part),
                PlainPage::Review => self.review(),
                PlainPage::Connect => self.connect(),
                PlainPage::Left => return self.code.unwrap_or(0),
            };
            page = match next {
                Ok(page) => page,
                Err(NoAnswer::Back) => self.before(page),
                Err(stop) => return self.leave(stop),
            };
        }
    }

    fn before(&self, page: PlainPage) -> PlainPage {
        match page {
            PlainPage::Options(_) if self.reviewed => PlainPage::Review,
            PlainPage::Options(1) | PlainPage::Review => PlainPage::Hosts,
            PlainPage::Options(part @ 2..) => PlainPage::Options(part - 1),
            PlainPage::Hosts if !self.reviewed => PlainPage::Options(0),
            PlainPage::Connect => PlainPage::Review,
            PlainPage::Welcome | PlainPage::Options(_) | PlainPage::Hosts | PlainPage::Left => {
                PlainPage::Welcome
            }
        }
    }

    fn leave(&mut self, stop: NoAnswer) -> u8 {
        let kept = self.interview.found.draft.is_some() && self.root.is_some() && !self.complained;
        if kept && self.code.unwrap_or(0) == 0 {
            self.console.say(text::KEPT);
        }
        match stop {
            // As a shell would say it of a process that a signal ended.
            NoAnswer::Gone(Gone::Signal(signal)) => {
                u8::try_from(128 + signal).unwrap_or(exit::FAILED)
            }
            NoAnswer::Back | NoAnswer::Quit => self.code.unwrap_or(0),
            // Input that ends before a run is no success.
            NoAnswer::Gone(Gone::End) => self.code.unwrap_or(exit::STOPPED),
        }
    }

    /// The answers are what they will be when the wizard is started the next time.
    fn keep(&mut self) {
        self.interview.found.draft = Some(self.interview.answers.clone());
        let Some(root) = &self.root else { return };
        if let Err(error) = drafts::keep(root, &self.interview.answers)
            && !std::mem::replace(&mut self.complained, true)
        {
            let path = root.display().to_string();
            let text = interview::text::not_saved(&path, &error.to_string());
            self.console.say(&text);
        }
    }

    fn save(&mut self) {
        let said = save(&mut self.saved, &self.interview.answers);
        self.console.say(&said);
    }

    /// What signals stop from now on.
    fn watch_over(&self, control: &Arc<Control>) {
        if let Some(watch) = &self.watch {
            watch.over(control);
        }
    }

    /// A signal that arrived outside of a question.
    fn signalled(&self) -> Option<NoAnswer> {
        let code = self.watch.as_ref()?.code()?;
        Some(NoAnswer::Gone(Gone::Signal(i32::from(code) - 128)))
    }
}
