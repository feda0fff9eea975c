//! The pages that are forms: a host, an answers file, the options. What is typed goes into the answers
//! at once, and what is wrong shows at its field.

mod text;
mod view;

use crossterm::event::KeyCode;
use ratatui::Frame;

use super::Screen;
use crate::answers::Problems;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::effect::Effect;
use crate::frontends::tui::form_editor::FormEditor;
use crate::frontends::tui::keys::{
    self, BACK, BACK_TAB, DOWN, ENTER, LEFT, NEXT, PAGE_DOWN, PAGE_UP, RIGHT, SAVE, Scope, TAB, UP,
    ctrl, helped, shown,
};
use crate::frontends::tui::page::Page;
use crate::frontends::tui::text::key;
use crate::frontends::tui::wizard::WizardSession;
use crate::interview::form::{Field, Form, Kind};
use crate::interview::text::field::PATH;
use crate::interview::{Typed, key_of, problem_of};
use crate::secrets::SecretText;
use text as say;

/// The wizard can make what goes into the field.
const GENERATES: Scope = Scope::new(
    "generates",
    &[shown(ctrl('g'), Action::Generate, say::key::GENERATE)],
);

/// A field of one line has focus, and there is another one after it.
const FIELD: Scope = Scope::new(
    "field",
    &[
        shown(ENTER, Action::Continue, say::key::NEXT_FIELD),
        helped(TAB, Action::NextField, say::key::NEXT_FIELD),
    ],
);

/// The last field has focus, or there is none: the page is done.
const LAST: Scope = Scope::new(
    "last field",
    &[
        shown(ENTER, Action::Continue, say::key::DONE),
        helped(TAB, Action::NextField, say::key::NEXT_FIELD),
    ],
);

/// The path of an answers file has focus.
const FILE: Scope = Scope::new(
    "file",
    &[shown(ENTER, Action::Continue, say::key::OPEN_FILE)],
);

/// A field of several lines has focus.
const LINES: Scope = Scope::new(
    "lines",
    &[
        shown(ENTER, Action::NewLine, say::key::NEW_LINE),
        shown(TAB, Action::NextField, say::key::NEXT_FIELD),
    ],
);

const FORM: Scope = Scope::new(
    "form",
    &[
        helped(BACK_TAB, Action::PreviousField, say::key::PREVIOUS_FIELD),
        helped(DOWN, Action::LineDown, say::key::LINE_DOWN),
        helped(UP, Action::LineUp, say::key::LINE_UP),
        helped(ctrl('u'), Action::Clear, key::CLEAR),
        helped(PAGE_DOWN, Action::PageDown, key::PAGE_DOWN),
        helped(PAGE_UP, Action::PageUp, key::PAGE_UP),
    ],
);

/// A field that is typed into has focus.
const CURSOR: Scope = Scope::new(
    "cursor",
    &[
        helped(LEFT, Action::Left, key::LEFT),
        helped(RIGHT, Action::Right, key::RIGHT),
    ],
);

/// A field with choices has focus. Space chooses, too: it is a letter.
const CHOICES: Scope = Scope::new(
    "choices",
    &[
        shown(RIGHT, Action::Right, say::key::CHOOSE),
        helped(LEFT, Action::Left, say::key::PREVIOUS_CHOICE),
    ],
);

/// A secret has focus.
const SECRET: Scope = Scope::new(
    "secret",
    &[shown(ctrl('r'), Action::Reveal, say::key::REVEAL)],
);

#[derive(Debug)]
pub struct FormPage {
    /// Which of the forms.
    page: Page,
    pub editor: Option<FormEditor>,
    /// Of a form without fields.
    scroll: usize,
    /// The form is for a host that was not there when it was opened.
    is_new_host: bool,
    /// What was typed when the form was opened, and the form.
    before: Option<Box<(Typed, Form)>>,
    /// Whether what was changed is to be discarded.
    asks_to_discard: bool,
}

impl Default for FormPage {
    fn default() -> Self {
        Self {
            page: Page::Open,
            editor: None,
            scroll: 0,
            is_new_host: false,
            before: None,
            asks_to_discard: false,
        }
    }
}

impl Screen for FormPage {
    fn entered(&mut self, common: &mut Common, page: Page, _: Page) {
        let Some(wizard) = common.mode.wizard_mut() else {
            return;
        };
        let form = match page {
            Page::Options(section) => wizard.interview.section_form(section),
            Page::Host => host_form(wizard),
            _ => open(),
        };
        *self = Self {
            page,
            before: Some(Box::new((wizard.interview.typed(), form.clone()))),
            editor: Some(FormEditor::new(form)),
            scroll: 0,
            is_new_host: page == Page::Host && wizard.host >= wizard.interview.answers.hosts.len(),
            asks_to_discard: false,
        };
        let place = page.place().filter(|_| page != Page::Host);
        if place.is_some_and(|place| place <= wizard.reached) {
            // It was seen before: what is wrong shows at once.
            self.take(wizard, true);
        }
    }

    fn scopes(&self, _: &Common) -> Vec<Scope> {
        if self.asks_to_discard {
            return vec![keys::ASK];
        }
        let field = self.editor.as_ref().and_then(FormEditor::focused);
        let generates = field.filter(|field| field.generates());
        let secret = field.filter(|field| field.is_secret());
        let mut scopes: Vec<Scope> = generates.map(|_| GENERATES).into_iter().collect();
        scopes.push(match field.map(|field| field.kind) {
            Some(Kind::Lines) => LINES,
            _ if self.page == Page::Open => FILE,
            _ if self.editor.as_ref().is_some_and(FormEditor::is_at_end) => LAST,
            _ => FIELD,
        });
        scopes.push(match field.map(|field| field.kind) {
            Some(Kind::Choice(_)) => CHOICES,
            _ => CURSOR,
        });
        scopes.extend(secret.map(|_| SECRET));
        scopes.extend([FORM, NEXT, BACK]);
        scopes.extend((self.page != Page::Open).then_some(SAVE));
        scopes
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if std::mem::take(&mut self.asks_to_discard) {
            return match action {
                Action::Confirm => self.discard(common),
                _ => Vec::new(),
            };
        }
        let Some(editor) = &self.editor else {
            return Vec::new();
        };
        if editor.form.fields.is_empty() {
            match action {
                Action::LineUp => self.scroll = self.scroll.saturating_sub(1),
                Action::LineDown => {
                    let most = view::most_scroll(self, common);
                    self.scroll = (self.scroll + 1).min(most);
                }
                _ => {}
            }
        }
        match action {
            Action::Back if self.is_changed() => {
                self.asks_to_discard = true;
                Vec::new()
            }
            Action::Back => self.leave(common, false).into_iter().collect(),
            Action::Forward => self.done(common),
            Action::Continue if editor.is_at_end() => self.done(common),
            Action::Continue => self.change(common, |form| form.act(Action::NextField)),
            Action::Generate => {
                let field = editor.focused().filter(|field| field.generates());
                let effect = field.map(|field| Effect::Generate(field.key));
                effect.into_iter().collect()
            }
            action => self.change(common, |form| form.act(action)),
        }
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        let fields = self.editor.as_ref().map(|editor| &editor.form.fields);
        if fields.is_some_and(Vec::is_empty) {
            let most = view::most_scroll(self, common);
            self.scroll = self.scroll.saturating_add_signed(by).min(most);
        } else {
            self.change(common, |form| form.scroll(by));
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn types(&self) -> bool {
        !self.asks_to_discard
    }

    fn question(&self, _: &Common) -> Option<String> {
        self.asks_to_discard.then(|| say::ASK_TO_DISCARD.to_owned())
    }

    fn typed(&mut self, common: &mut Common, code: KeyCode) -> Vec<Effect> {
        let field = self.editor.as_ref().and_then(FormEditor::focused);
        let kind = field.map(|field| field.kind);
        if let (Some(Kind::Number), KeyCode::Char(letter)) = (kind, code)
            && !letter.is_ascii_digit()
        {
            common.say(say::ONLY_DIGITS);
            return Vec::new();
        }
        if let (Some(Kind::Choice(_)), KeyCode::Char(_)) = (kind, code) {
            common.say(say::HOW_TO_CHOOSE);
        }
        self.change(common, |form| form.typed(code))
    }

    fn pasted(&mut self, common: &mut Common, pasted: &str) -> Vec<Effect> {
        if self.asks_to_discard {
            return Vec::new();
        }
        self.change(common, |form| form.pasted(pasted))
    }

    fn generated(&mut self, common: &mut Common, key: &str, secret: &SecretText) -> Vec<Effect> {
        self.change(common, |form| form.generated(key, secret.expose()))
    }

    fn tick(&mut self, common: &mut Common, passed: u64) -> Vec<Effect> {
        if let Some(editor) = &mut self.editor {
            editor.revealed = editor.revealed.saturating_sub(passed);
        }
        match common.mode.wizard_mut() {
            Some(wizard) if self.page == Page::Host => {
                let held = Some(wizard.host);
                wizard.tick_probes(passed, held)
            }
            _ => Vec::new(),
        }
    }

    fn wakes(&self, common: &Common) -> Option<u64> {
        let reveals = self.editor.as_ref().is_some_and(|form| form.revealed > 0);
        let wizard = common.mode.wizard().filter(|_| self.page == Page::Host);
        let probing = wizard.is_some_and(|wizard| wizard.is_probing(Some(wizard.host)));
        (reveals || probing).then_some(100)
    }
}

impl FormPage {
    /// Puts the form's content into the answers; whether something is wrong with it.
    fn take(&mut self, wizard: &mut WizardSession, all: bool) -> bool {
        if self.is_new_host && !self.is_changed() {
            // The network alone is no host.
            if wizard.host < wizard.interview.answers.hosts.len() {
                wizard.interview.remove_host(wizard.host);
            }
            return false;
        }
        let Some(editor) = &mut self.editor else {
            return false;
        };
        let form = &mut editor.form;
        let (host, errors) = match self.page {
            Page::Host => {
                let errors = wizard.interview.take_host(wizard.host, form);
                (Some(wizard.host), errors)
            }
            Page::Options(section) => (None, wizard.interview.take_section(section, form)),
            _ => return false,
        };
        let problems = wizard.interview.answers.problems();
        editor.judge(all, |field| {
            let own = errors.iter().find(|error| error.key == field.key);
            own.map(|error| error.message.clone())
                .or_else(|| problem_of(field, &key_of(host, field.key), &problems))
        })
    }

    fn change(
        &mut self,
        common: &mut Common,
        what: impl FnOnce(&mut FormEditor) -> bool,
    ) -> Vec<Effect> {
        let changed = self.editor.as_mut().is_some_and(what);
        if let Some(wizard) = common.mode.wizard_mut() {
            self.take(wizard, false);
        }
        if changed {
            if let (Page::Open, Some(editor)) = (self.page, &mut self.editor) {
                editor.judge(false, |_| None);
            }
            self.draft(common)
        } else {
            Vec::new()
        }
    }

    /// An answers file that is named is no part of the answers.
    fn draft(&self, common: &Common) -> Vec<Effect> {
        match self.page {
            Page::Open => Vec::new(),
            _ => common.draft(),
        }
    }

    fn is_changed(&self) -> bool {
        let (Some(editor), Some(before)) = (&self.editor, &self.before) else {
            return false;
        };
        let values = |form: &Form| {
            form.fields
                .iter()
                .map(Field::value)
                .eq(before.1.fields.iter().map(Field::value))
        };
        self.page != Page::Open && !values(&editor.form)
    }

    /// What was typed is again what it was when the form was opened.
    fn discard(&mut self, common: &mut Common) -> Vec<Effect> {
        if let (Some(wizard), Some(before)) = (common.mode.wizard_mut(), self.before.take()) {
            wizard.interview.return_to(before.0);
        }
        let mut effects = self.draft(common);
        effects.extend(self.leave(common, false));
        effects
    }

    fn done(&mut self, common: &mut Common) -> Vec<Effect> {
        if self.page == Page::Open {
            let path = self.editor.as_ref();
            let path = path.map_or("", |editor| editor.form.value("path").trim());
            let load = Some(path).filter(|path| !path.is_empty());
            return load
                .map(|path| Effect::Load(path.into()))
                .into_iter()
                .collect();
        }
        let wizard = common.mode.wizard_mut();
        if wizard.is_some_and(|wizard| self.take(wizard, true)) {
            return Vec::new();
        }
        let mut effects = self.draft(common);
        effects.extend(self.leave(common, true));
        effects
    }

    fn leave(&mut self, common: &Common, forward: bool) -> Option<Effect> {
        // What was typed is in the answers.
        self.editor = None;
        let wizard = common.mode.wizard()?;
        Some(Effect::Go(match self.page {
            Page::Host => Page::Hosts,
            Page::Options(_) => wizard.way_from(self.page, forward),
            _ => Page::Welcome,
        }))
    }

    /// The answers file that was named has mistakes.
    pub fn not_loaded(&mut self, problems: &Problems) {
        let said = say::not_loaded(&problems.list);
        if let (Page::Open, Some(editor)) = (self.page, &mut self.editor) {
            editor.refuse(said);
        }
    }
}

/// The form of a host. The address of a new one begins with the network of the last.
fn host_form(wizard: &WizardSession) -> Form {
    let mut form = wizard.interview.host_form(wizard.host);
    if wizard.host >= wizard.interview.answers.hosts.len() {
        let network = wizard.interview.network();
        let address = form.fields.iter_mut().find(|field| field.key == "address");
        if let Some(address) = address.filter(|field| field.value().is_empty()) {
            address.set(network);
        }
    }
    form
}

/// The form that asks for an answers file.
fn open() -> Form {
    let fields = vec![Field::new("path", PATH, Kind::Text, "")];
    Form::new(say::OPEN, say::OPEN_WHY, fields)
}
