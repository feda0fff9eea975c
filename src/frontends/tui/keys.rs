//! Keys and their meanings. The footer, the help and the effect of a key press come from the same
//! bindings, so they cannot differ. Each page has its own; those of all pages are here.
//!
//! The convention, on every page: Ctrl-N goes on to the next page, and Esc goes back or closes what
//! lies over the page. Digits jump to a phase, q asks to quit, ? and F1 help, y and n answer a
//! question. README lists it, and a test (`tests/rules.rs`) holds every page to it.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::Action;
use super::text::key as say;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub code: KeyCode,
    pub ctrl: bool,
}

impl Key {
    pub fn of(event: KeyEvent) -> Self {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        Self {
            code: event.code,
            ctrl,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("Ctrl-")?;
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(letter) if self.ctrl => write!(f, "{}", letter.to_ascii_uppercase()),
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            KeyCode::BackTab => f.write_str("Shift-Tab"),
            KeyCode::PageUp => f.write_str("PgUp"),
            KeyCode::PageDown => f.write_str("PgDn"),
            KeyCode::Delete => f.write_str("Del"),
            code => write!(f, "{code:?}"),
        }
    }
}

/// Where a key is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListedIn {
    /// In the footer where there is room, and in the help.
    Footer,
    Help,
    /// An alias, not listed.
    Nothing,
}

pub struct Binding {
    pub key: Key,
    pub action: Action,
    pub says: &'static str,
    pub listed: ListedIn,
}

/// Keys that have a meaning at the same time. Several scopes are active together.
#[derive(Clone, Copy)]
pub struct Scope {
    /// For tests and their messages.
    pub name: &'static str,
    pub bindings: &'static [Binding],
}

impl Scope {
    pub const fn new(name: &'static str, bindings: &'static [Binding]) -> Self {
        Self { name, bindings }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

pub const fn char(letter: char) -> Key {
    plain(KeyCode::Char(letter))
}

pub const fn ctrl(letter: char) -> Key {
    Key {
        code: KeyCode::Char(letter),
        ctrl: true,
    }
}

const fn bind(key: Key, action: Action, says: &'static str, listed: ListedIn) -> Binding {
    Binding {
        key,
        action,
        says,
        listed,
    }
}

pub const fn shown(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, ListedIn::Footer)
}

pub const fn helped(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, ListedIn::Help)
}

pub const fn alias(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, ListedIn::Nothing)
}

pub const ENTER: Key = plain(KeyCode::Enter);
pub const ESC: Key = plain(KeyCode::Esc);
pub const TAB: Key = plain(KeyCode::Tab);
pub const BACK_TAB: Key = plain(KeyCode::BackTab);
pub const DELETE: Key = plain(KeyCode::Delete);
pub const UP: Key = plain(KeyCode::Up);
pub const DOWN: Key = plain(KeyCode::Down);
pub const LEFT: Key = plain(KeyCode::Left);
pub const RIGHT: Key = plain(KeyCode::Right);
pub const PAGE_UP: Key = plain(KeyCode::PageUp);
pub const PAGE_DOWN: Key = plain(KeyCode::PageDown);
const HOME: Key = plain(KeyCode::Home);
const END: Key = plain(KeyCode::End);
const F1: Key = plain(KeyCode::F(1));

/// The operator is typing a search.
pub const SEARCH: Scope = Scope::new(
    "search",
    &[
        shown(ENTER, Action::Confirm, say::FIND),
        shown(ESC, Action::Close, say::NO_SEARCH),
    ],
);

/// The operator is typing where to save the answers or the log.
pub const SAVE_TO: Scope = Scope::new(
    "save to",
    &[
        shown(ENTER, Action::Confirm, say::SAVE),
        shown(ESC, Action::Close, say::NO_SAVE),
    ],
);

/// The help is open.
pub const HELP: Scope = Scope::new("help", &[shown(ESC, Action::Close, say::CLOSE)]);

/// The operator is asked whether to stop the run.
pub const QUIT: Scope = Scope::new(
    "quit",
    &[
        shown(char('y'), Action::StopSoftly, say::STOP_SOFTLY),
        shown(char('x'), Action::StopHard, say::STOP_HARD),
        shown(char('n'), Action::Close, say::KEEP_ON),
        alias(ENTER, Action::StopSoftly, say::STOP_SOFTLY),
        alias(ESC, Action::Close, say::KEEP_ON),
    ],
);

/// The operator is asked whether to leave; nothing runs.
pub const LEAVE: Scope = Scope::new(
    "leave",
    &[
        shown(char('y'), Action::StopSoftly, say::LEAVE),
        shown(char('n'), Action::Close, say::STAY),
        alias(ENTER, Action::StopSoftly, say::LEAVE),
        alias(ESC, Action::Close, say::STAY),
    ],
);

/// Pages where letters are keys, not input.
pub const LETTERS: Scope = Scope::new(
    "letters",
    &[
        helped(char('q'), Action::AskToQuit, say::QUIT),
        helped(char('?'), Action::Help, say::HELP),
    ],
);

/// A page asks a yes-or-no question.
pub const ASK: Scope = Scope::new(
    "ask",
    &[
        shown(char('y'), Action::Confirm, say::YES),
        shown(char('n'), Action::Close, say::NO),
        alias(ENTER, Action::Confirm, say::YES),
        alias(ESC, Action::Close, say::NO),
    ],
);

/// There is a page to go on to. The key is one byte: it works in every field, no terminal, tmux or
/// screen takes it, and a slow line cannot break it into pieces.
pub const NEXT: Scope = Scope::new("next", &[shown(ctrl('n'), Action::Forward, say::NEXT)]);

/// There is a page to go back to.
pub const BACK: Scope = Scope::new("back", &[shown(ESC, Action::Back, say::BACK)]);

/// Pages without text: before a run, a digit opens that part of the answers.
pub const PHASES: Scope = Scope::new(
    "phases",
    &[
        helped(char('1'), Action::Phase(1), say::PHASE),
        alias(char('2'), Action::Phase(2), say::PHASE),
        alias(char('3'), Action::Phase(3), say::PHASE),
        alias(char('4'), Action::Phase(4), say::PHASE),
        alias(char('5'), Action::Phase(5), say::PHASE),
        alias(char('6'), Action::Phase(6), say::PHASE),
        alias(char('7'), Action::Phase(7), say::PHASE),
        alias(char('8'), Action::Phase(8), say::PHASE),
        alias(char('9'), Action::Phase(9), say::PHASE),
    ],
);

/// The answers can be saved to a file.
pub const SAVE: Scope = Scope::new(
    "save",
    &[helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS)],
);

/// The connections to hosts can be retried.
pub const RETRY: Scope = Scope::new("retry", &[shown(char('r'), Action::Retry, say::RETRY)]);

/// Pages that scroll, or have a list.
pub const SCROLL: Scope = Scope::new(
    "scroll",
    &[
        helped(UP, Action::Up, say::UP),
        helped(DOWN, Action::Down, say::DOWN),
        helped(PAGE_UP, Action::PageUp, say::PAGE_UP),
        helped(PAGE_DOWN, Action::PageDown, say::PAGE_DOWN),
        helped(HOME, Action::Start, say::START),
        helped(END, Action::End, say::END),
        alias(char('k'), Action::Up, say::UP),
        alias(char('j'), Action::Down, say::DOWN),
        alias(char('g'), Action::Start, say::START),
        alias(char('G'), Action::End, say::END),
    ],
);

pub const EVERYWHERE: Scope = Scope::new(
    "everywhere",
    &[
        shown(F1, Action::Help, say::HELP),
        shown(ctrl('c'), Action::Quit, say::QUIT),
        helped(ctrl('z'), Action::Suspend, say::SUSPEND),
        helped(ctrl('l'), Action::Redraw, say::REDRAW),
    ],
);

/// The meaning of a key while these scopes are active.
pub fn meaning(scopes: &[Scope], key: Key) -> Option<Action> {
    active(scopes)
        .find(|binding| binding.key == key)
        .map(|binding| binding.action)
}

/// The bindings of these scopes, in the order of the footer and the help.
pub fn active(scopes: &[Scope]) -> impl Iterator<Item = &'static Binding> {
    scopes.iter().flat_map(|scope| scope.bindings)
}
