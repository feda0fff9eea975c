//! What a host that was not reached lacks: that the operator accepts its key, or a secret.
//!
//! A secret is asked for in a box over the page. What is typed into it goes out as an effect at once;
//! the model keeps no secret.

mod text;
mod view;

use crossterm::event::KeyCode;

use super::action::Action;
use super::effect::EnteredSecret;
use super::form_editor::FormEditor;
use super::keys::{DOWN, ENTER, ESC, LEFT, RIGHT, Scope, TAB, char, ctrl, helped, shown};
use super::message::Unreached;
use super::text::key;
use crate::answers::{Answers, CredentialKind, CredentialRequest, Host};
use crate::interview::form::{Field, Form, Kind};
use crate::secrets::SecretText;
use text as say;
pub use text::{NOTHING_TYPED, needs, trust_all};
pub use view::{compare, draw, why};

const PROMPT: Scope = Scope::new(
    "prompt",
    &[
        shown(ENTER, Action::Confirm, say::key::USE),
        shown(TAB, Action::ForAll, say::key::FOR_ALL),
        shown(ctrl('r'), Action::Reveal, say::key::SHOW),
        shown(ESC, Action::Close, say::key::NOT_NOW),
        helped(LEFT, Action::Left, key::LEFT),
        helped(RIGHT, Action::Right, key::RIGHT),
        helped(ctrl('u'), Action::Clear, key::CLEAR),
    ],
);

/// Another secret would do as well.
const OTHER_SECRETS: Scope = Scope::new(
    "other secrets",
    &[helped(DOWN, Action::OtherSecret, say::key::OTHER)],
);

/// A password for sudo is often that of the SSH login.
const SAME: Scope = Scope::new(
    "same",
    &[helped(ctrl('p'), Action::SamePassword, say::key::SAME)],
);

/// The chosen host shows a key that is not known yet.
const UNKNOWN_KEY: Scope = Scope::new(
    "unknown key",
    &[
        shown(char('b'), Action::Confirm, say::key::TRUST),
        helped(char('B'), Action::TrustAll, say::key::TRUST_ALL),
    ],
);

/// The chosen host lacks a secret.
const LACKING: Scope = Scope::new(
    "lacking",
    &[shown(char('p'), Action::AskSecret, say::key::GIVE)],
);

/// What can be done about a host that was not reached.
pub fn scopes_of(failed: Option<&Unreached>) -> Vec<Scope> {
    let unknown = failed.and_then(|failed| failed.host_key.as_ref());
    let lacks = failed.filter(|failed| !failed.wants.is_empty());
    let unknown = unknown.map(|_| UNKNOWN_KEY);
    unknown.into_iter().chain(lacks.map(|_| LACKING)).collect()
}

/// Every key that is not known yet, with the name of its host or bastion. Given are the hosts that
/// were not reached, by their names.
pub fn unknown_keys<'a>(
    failed: impl IntoIterator<Item = (&'a String, &'a Unreached)>,
) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    for (name, failed) in failed {
        let name = failed.bastion.as_ref().unwrap_or(name);
        let key = failed.host_key.as_ref();
        let key = key.map(|key| (name.clone(), key.clone()));
        // Several hosts may be behind a bastion.
        keys.extend(key.filter(|key| !keys.contains(key)));
    }
    keys.truncate(AT_ONCE);
    keys
}

/// As many keys as the least screen has room for are compared at once.
pub const AT_ONCE: usize = 12;

/// What is asked, and of which host.
#[derive(Debug)]
pub struct Prompt {
    pub host: Host,
    /// Each would do.
    wants: Vec<CredentialRequest>,
    which: usize,
    for_all: bool,
    /// One field.
    form: FormEditor,
}

/// What came of a key.
#[derive(Debug)]
pub enum Prompted {
    /// It still asks.
    Asks,
    NothingTyped,
    Closed,
    Given(Box<EnteredSecret>),
}

impl Prompt {
    /// Asks for what the host lacks, or the bastion in front of it; `None` where that is no secret.
    pub fn of(answers: &Answers, host: &Host, failed: &Unreached) -> Option<Self> {
        if failed.wants.is_empty() {
            return None;
        }
        let host = match &failed.bastion {
            Some(bastion) => answers.login_place(bastion)?,
            None => host.clone(),
        };
        Some(Self {
            host,
            wants: failed.wants.clone(),
            which: 0,
            for_all: false,
            form: empty(),
        })
    }

    pub fn scopes(&self) -> Vec<Scope> {
        let others = (self.wants.len() > 1).then_some(OTHER_SECRETS);
        let same = self.may_be_same().then_some(SAME);
        [PROMPT].into_iter().chain(same).chain(others).collect()
    }

    /// The password of the SSH login may do.
    fn may_be_same(&self) -> bool {
        let wanted = self.wanted();
        wanted.is_some_and(|it| matches!(it.what, CredentialKind::SudoPassword { .. }))
    }

    fn wanted(&self) -> Option<&CredentialRequest> {
        self.wants.get(self.which)
    }

    /// The secret shows, for a while.
    pub fn reveals(&self) -> bool {
        self.form.revealed > 0
    }

    pub fn tick(&mut self, passed: u64) {
        self.form.revealed = self.form.revealed.saturating_sub(passed);
    }

    pub fn typed(&mut self, code: KeyCode) {
        self.form.typed(code);
    }

    /// Every letter of a secret counts: only the end of the line does not.
    pub fn pasted(&mut self, pasted: &str) {
        let line = pasted.lines().next().unwrap_or_default();
        for letter in line.chars() {
            self.form.typed(KeyCode::Char(letter));
        }
    }

    pub fn act(&mut self, action: Action) -> Prompted {
        match action {
            Action::ForAll => self.for_all = !self.for_all,
            Action::OtherSecret => {
                self.which = (self.which + 1) % self.wants.len().max(1);
                self.form = empty();
            }
            Action::Confirm if self.form.form.value("").is_empty() => {
                return Prompted::NothingTyped;
            }
            Action::Confirm => {
                let typed = self.form.form.value("").to_owned();
                return self.given(Some(typed.into()), self.for_all);
            }
            // Each host has its own.
            Action::SamePassword => return self.given(None, false),
            Action::Close => return Prompted::Closed,
            action => drop(self.form.act(action)),
        }
        Prompted::Asks
    }

    fn given(&self, secret: Option<SecretText>, for_all: bool) -> Prompted {
        let Some(wanted) = self.wanted() else {
            return Prompted::Closed;
        };
        Prompted::Given(Box::new(EnteredSecret {
            host: self.host.clone(),
            what: wanted.what.clone(),
            secret,
            for_all,
        }))
    }
}

fn empty() -> FormEditor {
    let field = Field::new("", ("", ""), Kind::Secret { generates: false }, "");
    FormEditor::new(Form::new("", "", vec![field]))
}
