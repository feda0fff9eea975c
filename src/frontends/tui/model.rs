//! The model of the screens, what can happen to it, and what it asks to be done.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};

use crate::answers::{Answers, CredentialKind, CredentialRequest, Host};
use crate::events::StepId;
use crate::events::progress::Step;
use crate::events::{Abort, Decision, End, Event};
use crate::interview::form::Kind;
use crate::interview::offers::Found;
use crate::interview::planned::PlannedStep;
use crate::interview::section::Section;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::secrets::SecretText;
use crate::topology::Link;

use super::checking::Checks;
use super::credential_prompt::{self, Prompt};
use super::form_editor::FormEditor;
use super::keys::Scope;
use super::live::Sight;
use super::log::Room;
use super::probe::Order;
use super::replay::Replay;
use super::run::{Files, RunView};
use super::theme::{SPIN, Theme};
use super::wizard::Wizard;
use super::{layout, screens};

/// Everything that can happen, in the one order in which it happened.
#[derive(Debug)]
pub enum Message {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    Resize(u16, u16),
    /// So many milliseconds have passed.
    Tick(u64),
    /// The terminal was given back to us.
    Resumed,
    /// Somebody asks for what Ctrl-Z does.
    Stopped,
    /// Somebody who stopped us has let us go on: the screen may be anything.
    Continued,
    /// A signal asks for the end.
    Signal(i32),
    /// Something happened in the run.
    Event(Box<Event>),
    /// What the run leaves behind.
    Files(Files),
    /// The cluster looks another way now, after the run.
    Live(Box<Sight>),
    /// A host was reached: its name, and what it is.
    Reached(String, String),
    Unreached(Vec<Unreached>),
    /// What came of trying a host in the background: what it is, or why not.
    Probed(u64, Result<String, Unreached>),
    /// What the hosts are fit for, and whom they reach.
    Checked(Box<Grid>, Vec<(Link, Contact)>),
    /// The plan, to be read before it is carried out.
    Planned(Box<Planned>),
    /// There will be no run, and why.
    Refused(String),
    /// The run is over and has left its locks.
    Over,
    /// Something was done outside, or could not be.
    Said(String),
    Loaded(Box<Answers>),
    /// A secret was made for the field with this key.
    Generated(&'static str, SecretText),
    NotLoaded(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    pub host: String,
    pub why: String,
    /// The fingerprint of a host key that nobody vouches for: the operator may.
    pub host_key: Option<String>,
    /// The secrets with which it might go on.
    pub wants: Vec<CredentialRequest>,
}

impl Unreached {
    /// The host's name stands beside it, so it is not said again.
    pub fn new(host: &str, why: &str) -> Self {
        let name = format!("{host}: ");
        Self {
            host: host.to_owned(),
            why: why.strip_prefix(&name).unwrap_or(why).to_owned(),
            host_key: None,
            wants: Vec::new(),
        }
    }

    /// Whether it lacks a secret of this kind.
    pub fn lacks(&self, what: &CredentialKind) -> bool {
        let kind = std::mem::discriminant(what);
        let mut wants = self.wants.iter();
        wants.any(|wanted| std::mem::discriminant(&wanted.what) == kind)
    }
}

/// A secret that the operator typed.
#[derive(Debug, Clone, PartialEq)]
pub struct Given {
    pub host: Host,
    pub what: CredentialKind,
    pub secret: SecretText,
    pub for_all: bool,
}

/// The plan, to be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Planned {
    pub text: String,
    pub steps: Vec<PlannedStep>,
}

/// What is shown of each step of a plan, besides its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    #[default]
    None,
    Script,
    Files,
}

impl Planned {
    pub fn step(&self, id: &StepId) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.id == *id)
    }
}

/// What has to be done outside of the model.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Quit,
    Suspend,
    /// Take the terminal again: somebody else had it.
    TakeTerminal,
    Redraw,
    Copy(String),
    SaveLog {
        name: String,
        text: String,
    },
    /// Connect to the hosts of these answers, and plan.
    Reach(Box<Answers>),
    /// The same with secrets that were given meanwhile: others that were wrong are not sent again.
    ReachOn(Box<Answers>),
    /// Try a host in the background.
    Probe(Box<Order>),
    StopProbe(u64),
    /// Wrong passwords may be sent once more.
    Forgive,
    /// Log in with this from now on.
    Give(Box<Given>),
    /// Carry out what was planned, or not.
    Begin(bool),
    /// How many phases may begin; all where there is no number.
    LetBegin(Option<usize>),
    /// Gives the terminal to a shell on this host until that ends.
    Shell(Box<Answers>, String),
    /// What becomes of a step that failed.
    Decide(StepId, Decision),
    Abort(Abort),
    SaveAnswers(Box<Answers>),
    KeepDraft(Box<Answers>),
    Load(PathBuf),
    /// Make a secret for the field with this key.
    Generate(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    Welcome,
    Hosts,
    /// The form of a host.
    Host,
    /// Where several hosts can be pasted or an answers file named: a line of text.
    Open,
    /// A form of options.
    Options(Section),
    Review,
    Connect,
    /// The preflight.
    Checks,
    Plan,
    /// The phase that waits for a word.
    Phase,
    Run,
    Proofs,
    Failure,
    Cluster,
}

/// A short message, and for how many milliseconds it still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub left: u64,
}

const TOAST: u64 = 8000;

#[derive(Debug)]
pub struct Model {
    pub theme: Theme,
    pub size: (u16, u16),
    pub page: Page,
    /// How far the help is scrolled, where it is open.
    pub help: Option<usize>,
    /// The operator is asked whether to stop the run.
    pub asks_to_stop: bool,
    pub toast: Option<Toast>,
    pub run: RunView,
    pub replay: Option<Replay>,
    /// Nothing in a replay.
    pub wizard: Option<Wizard>,
    /// A thread works with hosts: connects, waits for a word, or runs.
    pub at_work: bool,
    /// How many phases of the run may begin by themselves; all where there is no number.
    pub let_begin: Option<usize>,
    /// The run is being ended because its answers are to be edited.
    pub edits_next: bool,
    /// How the run is being stopped.
    pub stopping: Option<Abort>,
    /// The screens go when what is at work is over.
    pub leaving: bool,
    /// The signal that asked for the end.
    pub signal: Option<i32>,
}

impl Model {
    pub fn new(theme: Theme, size: (u16, u16)) -> Self {
        Self {
            theme,
            size,
            page: Page::Run,
            help: None,
            asks_to_stop: false,
            toast: None,
            run: RunView::new(),
            replay: None,
            wizard: None,
            at_work: false,
            let_begin: None,
            edits_next: false,
            stopping: None,
            leaving: false,
            signal: None,
        }
    }

    pub fn for_replay(theme: Theme, size: (u16, u16), events: Vec<Event>) -> Self {
        Self {
            replay: Some(Replay::new(events)),
            ..Self::new(theme, size)
        }
    }

    pub fn for_wizard(theme: Theme, size: (u16, u16), found: Found) -> Self {
        Self {
            page: Page::Welcome,
            wizard: Some(Wizard::new(found)),
            ..Self::new(theme, size)
        }
    }

    /// How long until something changes by itself, in milliseconds; nothing when nothing will.
    pub fn wakes(&self) -> Option<u64> {
        let plays = self.replay.as_ref().is_some_and(Replay::plays);
        let moves = self.run.is_active() && (self.replay.is_none() || plays);
        let connects = self.page == Page::Connect && self.at_work;
        let reveals = self.wizard.as_ref().is_some_and(Wizard::reveals);
        let probing = self
            .wizard
            .as_ref()
            .is_some_and(|wizard| wizard.is_probing(self.page));
        let turns = (moves || connects).then_some(SPIN);
        let passes = (plays || self.toast.is_some() || reveals || probing).then_some(100);
        match (turns, passes) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
    }

    /// The scopes in which keys have a meaning now.
    pub fn scopes(&self) -> Vec<Scope> {
        if self.asks_to_stop {
            return vec![Scope::Quit, Scope::Everywhere];
        }
        if self.help.is_some() {
            return vec![Scope::Help, Scope::Scroll, Scope::Everywhere];
        }
        self.scopes_without_help()
    }

    fn scopes_without_help(&self) -> Vec<Scope> {
        if self.run.searching.is_some() {
            return vec![Scope::Search, Scope::Everywhere];
        }
        if self
            .wizard
            .as_ref()
            .is_some_and(|wizard| wizard.asks.is_some())
        {
            return vec![Scope::Ask, Scope::Everywhere];
        }
        if let Some(prompt) = self.prompt() {
            let others = (prompt.wants.len() > 1).then_some(Scope::OtherSecrets);
            let scopes = [Scope::Prompt].into_iter().chain(others);
            return scopes.chain([Scope::Everywhere]).collect();
        }
        let mut scopes = match self.page {
            Page::Welcome => vec![Scope::Welcome, Scope::Scroll],
            Page::Hosts => {
                let mut scopes = vec![Scope::Hosts, Scope::Scroll];
                scopes.extend(self.scopes_of_failed());
                scopes
            }
            Page::Host | Page::Open | Page::Options(_) => self.scopes_of_form(),
            Page::Review => vec![Scope::Review, Scope::Groups, Scope::Scroll],
            Page::Plan => vec![Scope::Plan, Scope::Scroll],
            Page::Connect => self.scopes_of_connecting(),
            Page::Phase => vec![Scope::Phase, Scope::Views, Scope::Scroll],
            Page::Checks => self.scopes_of_checks(),
            Page::Run => vec![Scope::Run, Scope::Views, Scope::Scroll],
            Page::Failure => vec![Scope::Failure, Scope::Views, Scope::Scroll],
            Page::Proofs | Page::Cluster => vec![Scope::Views, Scope::Scroll],
        };
        if scopes.contains(&Scope::Views) {
            if self.replay.is_some() {
                scopes.push(Scope::Replay);
            } else if self.at_work && self.stopping.is_none() {
                scopes.extend(self.scopes_of_a_run_at_work());
            } else if self.can_run_again() {
                scopes.push(Scope::Again);
            }
        }
        scopes.push(Scope::Everywhere);
        scopes
    }

    fn scopes_of_form(&self) -> Vec<Scope> {
        let form = self.wizard.as_ref().and_then(|wizard| wizard.form.as_ref());
        let field = form.and_then(FormEditor::focused);
        let mut scopes = vec![Scope::Form];
        scopes.push(match field.map(|field| field.kind) {
            Some(Kind::Lines) => Scope::Lines,
            _ => Scope::Field,
        });
        scopes.extend(
            field
                .filter(|field| field.is_secret())
                .map(|_| Scope::Secret),
        );
        scopes.extend(
            field
                .filter(|field| field.generates())
                .map(|_| Scope::Generates),
        );
        scopes
    }

    fn scopes_of_connecting(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Connect, Scope::Scroll];
        if !self.at_work {
            scopes.push(Scope::Unreached);
            scopes.extend(self.scopes_of_failed());
        }
        scopes
    }

    fn scopes_of_a_run_at_work(&self) -> Vec<Scope> {
        let mut scopes = Vec::new();
        if self.page == Page::Phase && self.run.progress.held.is_some() {
            scopes.push(Scope::Held);
        }
        if self.run.progress.held.is_some() {
            scopes.push(Scope::ShowHeld);
        }
        if self.page == Page::Failure
            && let Some(step) = self.asked()
        {
            scopes.push(Scope::Asked);
            if step.may_be_skipped {
                scopes.push(Scope::Skippable);
            }
        }
        scopes
    }

    fn scopes_of_checks(&self) -> Vec<Scope> {
        let mut scopes = vec![Scope::Checks, Scope::Unreached, Scope::Scroll];
        let checks = self
            .wizard
            .as_ref()
            .and_then(|wizard| wizard.checks.as_ref());
        if !self.at_work && checks.is_some_and(Checks::chosen_fails) {
            scopes.push(Scope::Overrule);
        }
        scopes
    }

    /// The step that the failure page is about, where its fate is asked for.
    pub fn asked(&self) -> Option<&Step> {
        let step = self.run.shown_failure()?;
        let progress = &self.run.progress;
        progress.asked.contains(&step.id).then_some(step)
    }

    /// What can be done about the chosen host, where it was not reached.
    fn scopes_of_failed(&self) -> Vec<Scope> {
        let Some(wizard) = &self.wizard else {
            return Vec::new();
        };
        let unknown = wizard.unknown_key(self.page).map(|_| Scope::UnknownKey);
        let lacking = credential_prompt::lacking(wizard, self.page).map(|_| Scope::Lacking);
        unknown.into_iter().chain(lacking).collect()
    }

    /// The secret that is being asked for.
    pub fn prompt(&self) -> Option<&Prompt> {
        let asks = matches!(self.page, Page::Hosts | Page::Connect);
        self.wizard.as_ref()?.prompt.as_ref().filter(|_| asks)
    }

    fn can_run_again(&self) -> bool {
        let unfinished = matches!(
            self.run.progress.ended,
            Some(End::Failed | End::Aborted { .. })
        );
        self.wizard.is_some() && unfinished && !self.at_work
    }

    /// Letters go into a text.
    pub(super) fn types(&self) -> bool {
        let form = matches!(self.page, Page::Host | Page::Open | Page::Options(_));
        let covered = self.asks_to_stop || self.help.is_some();
        let asks = self
            .wizard
            .as_ref()
            .is_some_and(|wizard| wizard.asks.is_some());
        let text = self.run.searching.is_some() || self.prompt().is_some();
        (text || (form && !asks)) && !covered
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            left: TOAST,
        });
    }

    /// The scopes of the page that the help is about.
    pub fn below_help(&self) -> Vec<Scope> {
        match self.help {
            Some(_) => self.scopes_without_help(),
            None => self.scopes(),
        }
    }

    /// How much text the log has room for now.
    pub fn log_room(&self) -> Room {
        let prefix = screens::run::prefix_width(&self.run);
        layout::log_room(self.size, self.run.zoom, prefix)
    }
}
