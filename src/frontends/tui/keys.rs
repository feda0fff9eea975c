//! Every key, in one table. The footer, the help and what a key press does are made from it, so
//! they cannot differ.

use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::text::checks::key as checks;
use super::text::hosts::key as hosts;
use super::text::key as say;

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Help,
    Quit,
    Suspend,
    Redraw,
    Back,
    Close,
    Continue,
    /// Done with this page.
    Forward,
    Up,
    Down,
    PageUp,
    PageDown,
    Start,
    End,
    Follow,
    Search,
    NextHit,
    PreviousHit,
    Wrap,
    Times,
    Copy,
    SaveLog,
    Phase(u8),
    NextPhase,
    PreviousPhase,
    Zoom,
    Focus,
    ShowRun,
    ShowProofs,
    ShowFailure,
    ShowCluster,
    NextFailure,
    PreviousFailure,
    LookAtLog,
    RunAgain,
    EditAnswers,
    Play,
    Faster,
    Slower,
    NextEvent,
    ToEnd,
    StopSoftly,
    StopHard,
    NextField,
    PreviousField,
    LineUp,
    LineDown,
    NewLine,
    Generate,
    /// A group of the review.
    Group(u8),
    Left,
    Right,
    Reveal,
    Clear,
    SaveAnswers,
    Add,
    Edit,
    Remove,
    MoveUp,
    MoveDown,
    Confirm,
    Scripts,
    Files,
    Retry,
    RunPhase,
    RunAll,
    Pause,
    Skip,
    Without,
    ShowPhase,
    Shell,
    AskSecret,
    ForAll,
    OtherSecret,
    /// The other view of the same.
    View,
    More,
    Overrule,
    ShowChecks,
}

/// Where a key has its meaning. Several are active at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    Everywhere,
    /// Pages that scroll.
    Scroll,
    /// The pages of a run, from each to the others.
    Views,
    Run,
    Failure,
    Phase,
    /// A phase waits for a word, on its page; and on the other pages of its run.
    Held,
    ShowHeld,
    /// A step failed, and the run waits to hear what becomes of it.
    Asked,
    /// Such a step that only looks.
    Skippable,
    /// A failed or aborted run that this process can begin again.
    Again,
    Replay,
    Search,
    Help,
    Quit,
    Welcome,
    Hosts,
    Form,
    /// A field of one line has focus, or there is none.
    Field,
    /// A field of several lines has focus.
    Lines,
    /// A secret has focus.
    Secret,
    /// And the wizard can make it.
    Generates,
    Plan,
    /// The groups of the review.
    Groups,
    Review,
    Connect,
    /// Connecting has ended, and there is no run.
    Unreached,
    /// The chosen host shows a key that nobody vouches for.
    UnknownKey,
    /// The chosen host lacks a secret.
    Lacking,
    /// A secret is asked for.
    Prompt,
    /// Another one would do as well.
    OtherSecrets,
    Checks,
    /// The chosen check fails, and nothing is at work.
    Overrule,
    Ask,
}

/// Where a key is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Footer,
    HelpOnly,
    /// An alias for those who know it.
    Nowhere,
}

pub struct Binding {
    pub key: Key,
    pub action: Action,
    pub says: &'static str,
    pub told: Told,
}

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

const fn plain(code: KeyCode) -> Key {
    Key { code, ctrl: false }
}

const fn char(letter: char) -> Key {
    plain(KeyCode::Char(letter))
}

const fn ctrl(letter: char) -> Key {
    Key {
        code: KeyCode::Char(letter),
        ctrl: true,
    }
}

const fn bind(key: Key, action: Action, says: &'static str, told: Told) -> Binding {
    Binding {
        key,
        action,
        says,
        told,
    }
}

/// Told in the footer, where there is room, and in the help.
const fn shown(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, Told::Footer)
}

const fn helped(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, Told::HelpOnly)
}

const fn alias(key: Key, action: Action, says: &'static str) -> Binding {
    bind(key, action, says, Told::Nowhere)
}

const ENTER: Key = plain(KeyCode::Enter);
const ESC: Key = plain(KeyCode::Esc);
const TAB: Key = plain(KeyCode::Tab);
const BACK_TAB: Key = plain(KeyCode::BackTab);
const DELETE: Key = plain(KeyCode::Delete);
const UP: Key = plain(KeyCode::Up);
const DOWN: Key = plain(KeyCode::Down);
const LEFT: Key = plain(KeyCode::Left);
const RIGHT: Key = plain(KeyCode::Right);
const PAGE_UP: Key = plain(KeyCode::PageUp);
const PAGE_DOWN: Key = plain(KeyCode::PageDown);
const HOME: Key = plain(KeyCode::Home);
const END: Key = plain(KeyCode::End);
const F1: Key = plain(KeyCode::F(1));

/// Inner scopes first, in the order in which the footer and the help tell them.
pub const TABLE: &[(Scope, &[Binding])] = &[
    (
        Scope::Search,
        &[
            shown(ENTER, Action::Confirm, say::FIND),
            shown(ESC, Action::Close, say::NO_SEARCH),
        ],
    ),
    (
        Scope::Help,
        &[
            shown(ESC, Action::Close, say::CLOSE),
            alias(char('q'), Action::Close, say::CLOSE),
        ],
    ),
    (
        Scope::Quit,
        &[
            shown(ENTER, Action::StopSoftly, say::STOP_SOFTLY),
            shown(char('x'), Action::StopHard, say::STOP_HARD),
            shown(ESC, Action::Close, say::KEEP_ON),
        ],
    ),
    (
        Scope::Ask,
        &[
            shown(ENTER, Action::Confirm, say::YES),
            shown(ESC, Action::Close, say::NO),
        ],
    ),
    (
        Scope::Prompt,
        &[
            shown(ENTER, Action::Confirm, hosts::USE),
            shown(TAB, Action::ForAll, hosts::FOR_ALL),
            shown(ctrl('r'), Action::Reveal, hosts::SHOW),
            shown(ESC, Action::Close, hosts::NOT_NOW),
            helped(LEFT, Action::Left, say::LEFT),
            helped(RIGHT, Action::Right, say::RIGHT),
            helped(ctrl('u'), Action::Clear, say::CLEAR),
        ],
    ),
    (
        Scope::OtherSecrets,
        &[helped(DOWN, Action::OtherSecret, hosts::OTHER)],
    ),
    (
        Scope::Welcome,
        &[shown(ENTER, Action::Continue, say::CHOOSE)],
    ),
    (
        Scope::Hosts,
        &[
            shown(char('a'), Action::Add, say::ADD),
            shown(ENTER, Action::Edit, say::EDIT),
            alias(char('e'), Action::Edit, say::EDIT),
            shown(char('d'), Action::Remove, say::REMOVE),
            alias(DELETE, Action::Remove, say::REMOVE),
            helped(char('K'), Action::MoveUp, say::MOVE_UP),
            helped(char('J'), Action::MoveDown, say::MOVE_DOWN),
            helped(char('t'), Action::Retry, hosts::TRY),
            shown(TAB, Action::Continue, say::CONTINUE),
            helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS),
            shown(ESC, Action::Back, say::BACK),
        ],
    ),
    (
        Scope::Generates,
        &[shown(ctrl('g'), Action::Generate, say::GENERATE)],
    ),
    (
        Scope::Field,
        &[
            shown(ENTER, Action::Continue, say::NEXT_OR_DONE),
            helped(TAB, Action::NextField, say::NEXT_FIELD),
        ],
    ),
    (
        Scope::Lines,
        &[
            shown(ENTER, Action::NewLine, say::NEW_LINE),
            shown(TAB, Action::NextField, say::NEXT_FIELD),
        ],
    ),
    (
        Scope::Form,
        &[
            shown(PAGE_DOWN, Action::Forward, say::DONE),
            shown(ESC, Action::Back, say::BACK),
            helped(BACK_TAB, Action::PreviousField, say::PREVIOUS_FIELD),
            helped(DOWN, Action::LineDown, say::LINE_DOWN),
            helped(UP, Action::LineUp, say::LINE_UP),
            helped(LEFT, Action::Left, say::LEFT),
            helped(RIGHT, Action::Right, say::RIGHT),
            helped(ctrl('u'), Action::Clear, say::CLEAR),
            helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS),
        ],
    ),
    (
        Scope::Secret,
        &[shown(ctrl('r'), Action::Reveal, say::REVEAL)],
    ),
    (
        Scope::Plan,
        &[
            shown(ENTER, Action::Continue, say::PHASE_BY_PHASE),
            shown(char('a'), Action::RunAll, say::RUN_ALL),
            shown(char('v'), Action::Scripts, say::SCRIPTS),
            shown(char('d'), Action::Files, say::FILES),
            shown(char('c'), Action::ShowChecks, checks::CHECKS),
            helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS),
            shown(ESC, Action::Back, say::BACK),
        ],
    ),
    (
        Scope::Review,
        &[
            shown(ENTER, Action::Continue, say::GO_ON),
            helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS),
            shown(ESC, Action::Back, say::BACK),
        ],
    ),
    (
        Scope::Groups,
        &[
            shown(char('1'), Action::Group(1), say::GROUP),
            alias(char('2'), Action::Group(2), say::GROUP),
            alias(char('3'), Action::Group(3), say::GROUP),
            alias(char('4'), Action::Group(4), say::GROUP),
            alias(char('5'), Action::Group(5), say::GROUP),
            alias(char('6'), Action::Group(6), say::GROUP),
            alias(char('7'), Action::Group(7), say::GROUP),
            helped(char('e'), Action::Edit, say::EDIT_WRONG),
        ],
    ),
    (
        Scope::UnknownKey,
        &[shown(char('b'), Action::Confirm, say::BELIEVE)],
    ),
    (
        Scope::Lacking,
        &[shown(char('p'), Action::AskSecret, hosts::GIVE)],
    ),
    (
        Scope::Unreached,
        &[shown(char('r'), Action::Retry, say::RETRY)],
    ),
    (
        Scope::Overrule,
        &[shown(char('o'), Action::Overrule, checks::OVERRULE)],
    ),
    (
        Scope::Checks,
        &[
            shown(ENTER, Action::Continue, say::GO_ON),
            shown(char('m'), Action::View, checks::VIEW),
            shown(TAB, Action::NextField, checks::NEXT),
            shown(ESC, Action::Back, say::BACK),
            helped(LEFT, Action::Left, checks::LEFT),
            helped(RIGHT, Action::Right, checks::RIGHT),
            alias(char('h'), Action::Left, checks::LEFT),
            alias(char('l'), Action::Right, checks::RIGHT),
            helped(char(' '), Action::More, checks::MORE),
            helped(ctrl('s'), Action::SaveAnswers, say::SAVE_ANSWERS),
        ],
    ),
    (Scope::Connect, &[shown(ESC, Action::Back, say::BACK)]),
    (
        Scope::Held,
        &[
            shown(ENTER, Action::RunPhase, say::RUN_PHASE),
            shown(char('a'), Action::RunAll, say::RUN_ALL),
            shown(char('e'), Action::EditAnswers, say::EDIT_ANSWERS),
        ],
    ),
    (
        Scope::Phase,
        &[
            shown(char('v'), Action::Scripts, say::SCRIPTS),
            shown(char('d'), Action::Files, say::FILES),
        ],
    ),
    (
        Scope::Asked,
        &[
            shown(char('r'), Action::Retry, say::TRY_STEP_AGAIN),
            shown(char('w'), Action::Without, say::WITHOUT),
            shown(char('e'), Action::EditAnswers, say::EDIT_ANSWERS),
        ],
    ),
    (
        Scope::Skippable,
        &[shown(char('s'), Action::Skip, say::SKIP)],
    ),
    (
        Scope::Run,
        &[
            shown(TAB, Action::Focus, say::FOCUS),
            shown(char('f'), Action::Follow, say::FOLLOW),
            shown(char('z'), Action::Zoom, say::ZOOM),
            shown(char('/'), Action::Search, say::SEARCH),
            shown(char('p'), Action::Pause, say::PAUSE),
            helped(char('n'), Action::NextHit, say::NEXT_HIT),
            helped(char('N'), Action::PreviousHit, say::PREVIOUS_HIT),
            helped(char('w'), Action::Wrap, say::WRAP),
            helped(char('t'), Action::Times, say::TIMES),
            helped(char('y'), Action::Copy, say::COPY),
            helped(char('s'), Action::SaveLog, say::SAVE_LOG),
            helped(char('['), Action::PreviousPhase, say::PREVIOUS_PHASE),
            helped(char(']'), Action::NextPhase, say::NEXT_PHASE),
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
    ),
    (
        Scope::Failure,
        &[
            shown(ENTER, Action::LookAtLog, say::LOOK_AT_LOG),
            shown(char('!'), Action::Shell, say::SHELL),
            helped(char('n'), Action::NextFailure, say::NEXT_FAILURE),
            helped(char('N'), Action::PreviousFailure, say::PREVIOUS_FAILURE),
            helped(char('y'), Action::Copy, say::COPY_FAILURE),
        ],
    ),
    (
        Scope::Again,
        &[
            shown(char('r'), Action::RunAgain, say::RUN_AGAIN),
            shown(char('e'), Action::EditAnswers, say::EDIT_ANSWERS),
        ],
    ),
    (
        Scope::Replay,
        &[
            shown(char(' '), Action::Play, say::PLAY),
            helped(char('+'), Action::Faster, say::FASTER),
            helped(char('-'), Action::Slower, say::SLOWER),
            helped(char('.'), Action::NextEvent, say::NEXT_EVENT),
            shown(char('>'), Action::ToEnd, say::TO_END),
        ],
    ),
    (
        Scope::ShowHeld,
        &[shown(char('h'), Action::ShowPhase, say::SHOW_PHASE)],
    ),
    (
        Scope::Views,
        &[
            shown(char('l'), Action::ShowRun, say::SHOW_RUN),
            shown(char('o'), Action::ShowProofs, say::SHOW_PROOFS),
            shown(char('x'), Action::ShowFailure, say::SHOW_FAILURE),
            shown(char('c'), Action::ShowCluster, say::SHOW_CLUSTER),
        ],
    ),
    (
        Scope::Scroll,
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
    ),
    (
        Scope::Everywhere,
        &[
            shown(F1, Action::Help, say::HELP),
            helped(char('?'), Action::Help, say::HELP),
            shown(ctrl('c'), Action::Quit, say::QUIT),
            helped(ctrl('z'), Action::Suspend, say::SUSPEND),
            helped(ctrl('l'), Action::Redraw, say::REDRAW),
        ],
    ),
];

/// What a key means where these scopes are active.
pub fn meaning(scopes: &[Scope], key: Key) -> Option<Action> {
    active(scopes)
        .find(|binding| binding.key == key)
        .map(|binding| binding.action)
}

/// The bindings of these scopes, in the order of the table.
pub fn active(scopes: &[Scope]) -> impl Iterator<Item = &'static Binding> {
    TABLE
        .iter()
        .filter(|(scope, _)| scopes.contains(scope))
        .flat_map(|(_, bindings)| *bindings)
}
