//! Forms in use: what is typed goes into the answers at once, and what is wrong shows at its field.

use crossterm::event::KeyCode;

use crate::interview::form::Kind;
use crate::interview::{binding, key_of, problem_of};
use crate::secrets::SecretText;

use super::credential_prompt::{self, Prompt};
use super::form_editor::FormEditor;
use super::keys::Action;
use super::model::{Effect, Model, Page};
use super::wizard::{Wizard, draft, go, leave};
use super::{screens, text};

impl Wizard {
    /// Puts the form's content into the answers; whether something is wrong with it.
    pub(super) fn take_form(&mut self, page: Page, all: bool) -> bool {
        let Some(editor) = &mut self.form else {
            return false;
        };
        let form = &mut editor.form;
        let (host, errors) = match page {
            Page::Host => {
                let errors = self.interview.take_host(self.editing, form);
                (Some(self.editing), errors)
            }
            Page::Options(section) => (None, self.interview.take_section(section, form)),
            _ => return false,
        };
        let problems = self.interview.answers.problems();
        editor.judge(all, |field| {
            let own = errors.iter().find(|error| error.key == field.key);
            own.map(|error| error.message.clone())
                .or_else(|| problem_of(field, &key_of(host, field.key), &problems))
        })
    }
}

/// The box over the page in which a secret is asked for.
fn prompt(model: &mut Model) -> Option<&mut Prompt> {
    model.prompt()?;
    model.wizard.as_mut()?.prompt.as_mut()
}

/// A key went into a form.
pub fn typed(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    if let Some(prompt) = prompt(model) {
        credential_prompt::typed(prompt, code);
        return Vec::new();
    }
    let form = model
        .wizard
        .as_ref()
        .and_then(|wizard| wizard.form.as_ref());
    let kind = form.and_then(FormEditor::focused).map(|field| field.kind);
    if let (Some(Kind::Number), KeyCode::Char(letter)) = (kind, code)
        && !letter.is_ascii_digit()
    {
        model.say(text::form::ONLY_DIGITS);
        return Vec::new();
    }
    change(model, |form| form.typed(code))
}

pub fn pasted(model: &mut Model, pasted: &str) -> Vec<Effect> {
    if let Some(prompt) = prompt(model) {
        credential_prompt::pasted(prompt, pasted);
        return Vec::new();
    }
    if model.page != Page::Hosts {
        return change(model, |form| form.pasted(pasted));
    }
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let hosts = binding::hosts_from(pasted);
    let count = hosts.len();
    wizard.interview.answers.hosts.extend(hosts);
    model.say(text::pasted(count));
    draft(model)
}

/// The secret that was asked for is there.
pub fn generated(model: &mut Model, key: &str, secret: &SecretText) -> Vec<Effect> {
    change(model, |form| form.generated(key, secret.expose()))
}

fn change(model: &mut Model, what: impl FnOnce(&mut FormEditor) -> bool) -> Vec<Effect> {
    let page = model.page;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let changed = wizard.form.as_mut().is_some_and(what);
    wizard.take_form(page, false);
    if changed && page != Page::Open {
        draft(model)
    } else {
        Vec::new()
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.page;
    let most = screens::form::most_scroll(model);
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    if wizard
        .form
        .as_ref()
        .is_some_and(|editor| editor.form.fields.is_empty())
    {
        match action {
            Action::LineUp => wizard.scroll = wizard.scroll.saturating_sub(1),
            Action::LineDown => wizard.scroll = (wizard.scroll + 1).min(most),
            _ => {}
        }
    }
    let at_end = wizard.form.as_ref().is_none_or(FormEditor::is_at_end);
    match action {
        Action::Back => {
            wizard.take_form(page, false);
            let effects = if page == Page::Open {
                Vec::new()
            } else {
                draft(model)
            };
            leave_form(model, false);
            effects
        }
        Action::Forward => done(model),
        Action::Continue if at_end => done(model),
        Action::Continue => change(model, |form| form.act(Action::NextField)),
        Action::Generate => {
            let field = wizard.form.as_ref().and_then(FormEditor::focused);
            let field = field.filter(|field| field.generates());
            field
                .map(|field| Effect::Generate(field.key))
                .into_iter()
                .collect()
        }
        action => change(model, |form| form.act(action)),
    }
}

fn done(model: &mut Model) -> Vec<Effect> {
    let page = model.page;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    if page == Page::Open {
        let path = wizard
            .form
            .as_ref()
            .map(|editor| editor.form.value("path").trim());
        let path = path.unwrap_or_default().to_owned();
        return if path.is_empty() {
            Vec::new()
        } else {
            vec![Effect::Load(path.into())]
        };
    }
    if wizard.take_form(page, true) {
        return Vec::new();
    }
    let effects = draft(model);
    leave_form(model, true);
    effects
}

fn leave_form(model: &mut Model, forward: bool) {
    let place = model.wizard.as_ref().map_or(0, |wizard| wizard.editing);
    match model.page {
        Page::Host => {
            go(model, Page::Hosts);
            if let Some(wizard) = &mut model.wizard {
                wizard.chosen = place.min(wizard.interview.answers.hosts.len().saturating_sub(1));
            }
        }
        Page::Options(_) => leave(model, forward),
        _ => go(model, Page::Welcome),
    }
}
