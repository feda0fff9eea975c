//! Forms in use: what is typed goes into the answers at once, and what is wrong shows at its field.

use std::collections::BTreeMap;

use crossterm::event::KeyCode;

use crate::answers::Problem;
use crate::secrets::SecretText;

use super::asking::{self, Prompt};
use super::fields;
use super::form::{Field, Form, Kind};
use super::keys::Action;
use super::model::{Effect, Model, Page};
use super::wizard::{Wizard, draft, go, leave};
use super::{screens, text};

/// Texts that cannot be understood, by the host that they are about and their key: they are in no
/// answers, and still wait in their fields for whoever comes back.
#[derive(Debug, Default)]
pub struct Unread(BTreeMap<(Option<usize>, &'static str), (String, String)>);

impl Unread {
    fn replace(&mut self, host: Option<usize>, form: &Form, with: &[fields::Unread]) {
        for field in &form.fields {
            self.0.remove(&(host, field.key));
        }
        for unread in with {
            let value = (unread.text.clone(), unread.message.clone());
            self.0.insert((host, unread.key), value);
        }
    }

    pub fn put_back(&self, host: Option<usize>, form: &mut Form) {
        for field in &mut form.fields {
            if let Some((text, _)) = self.0.get(&(host, field.key)) {
                field.set(text);
            }
        }
    }

    pub fn problems(&self) -> Vec<Problem> {
        let problem =
            |(&(host, key), (_, message)): (&(Option<usize>, &str), &(String, String))| Problem {
                at: None,
                key: full_key(host, key),
                message: message.clone(),
            };
        self.0.iter().map(problem).collect()
    }

    pub fn remove_host(&mut self, place: usize) {
        self.move_hosts(|host| match host {
            host if host == place => None,
            host if host > place => Some(host - 1),
            host => Some(host),
        });
    }

    pub fn swap_hosts(&mut self, one: usize, other: usize) {
        self.move_hosts(|host| match host {
            host if host == one => Some(other),
            host if host == other => Some(one),
            host => Some(host),
        });
    }

    fn move_hosts(&mut self, to: impl Fn(usize) -> Option<usize>) {
        let all = std::mem::take(&mut self.0).into_iter();
        self.0 = all
            .filter_map(|((host, key), value)| match host {
                None => Some(((None, key), value)),
                Some(host) => Some(((Some(to(host)?), key), value)),
            })
            .collect();
    }
}

fn full_key(host: Option<usize>, key: &str) -> String {
    match host {
        Some(place) => format!("hosts[{place}].{key}"),
        None => key.to_owned(),
    }
}

impl Wizard {
    /// Puts the form's content into the answers; whether something is wrong with it.
    pub(super) fn take_form(&mut self, page: Page, all: bool) -> bool {
        let Some(mut form) = self.form.take() else {
            return false;
        };
        let (host, unread) = match page {
            Page::Host => {
                let (host, unread) = fields::to_host(&form, &self.edited());
                let is_new = self.editing >= self.answers.hosts.len();
                if is_new && (!host.name.is_empty() || !host.address.is_empty()) {
                    self.editing = self.answers.hosts.len();
                    self.answers.hosts.push(host);
                } else if let Some(place) = self.answers.hosts.get_mut(self.editing) {
                    *place = host;
                }
                (Some(self.editing), unread)
            }
            Page::Options(section) => {
                let unread = fields::to_section(section, &form, &mut self.answers);
                fields::refresh(section, &mut form, &self.answers);
                (None, unread)
            }
            _ => {
                self.form = Some(form);
                return false;
            }
        };
        let there_is = host.is_none_or(|place| place < self.answers.hosts.len());
        let kept: &[_] = if there_is { &unread } else { &[] };
        self.unread.replace(host, &form, kept);
        let found = self.answers.problems();
        let wrong = form.judge(all, |field| {
            let own = unread.iter().find(|unread| unread.key == field.key);
            own.map(|unread| unread.message.clone())
                .or_else(|| problem_of(field, &full_key(host, field.key), &found))
        });
        self.form = Some(form);
        wrong
    }
}

/// What is wrong with a field. A problem of a part of it says which part.
fn problem_of(field: &Field, key: &str, found: &[Problem]) -> Option<String> {
    found.iter().find_map(|problem| {
        let rest = problem.key.strip_prefix(key)?;
        if rest.is_empty() {
            return Some(problem.message.clone());
        }
        if let Some(setting) = rest.strip_prefix('.') {
            return Some(text::field::of_part(setting, &problem.message));
        }
        let place: usize = rest.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
        let words = field.value().split([' ', ',']);
        let word = words.filter(|word| !word.is_empty()).nth(place);
        Some(text::field::of_part(
            word.unwrap_or_default(),
            &problem.message,
        ))
    })
}

/// The box over the page in which a secret is asked for.
fn prompt(model: &mut Model) -> Option<&mut Prompt> {
    model.prompt()?;
    model.wizard.as_mut()?.prompt.as_mut()
}

/// A key went into a form.
pub fn typed(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    if let Some(prompt) = prompt(model) {
        asking::typed(prompt, code);
        return Vec::new();
    }
    let form = model
        .wizard
        .as_ref()
        .and_then(|wizard| wizard.form.as_ref());
    let kind = form.and_then(Form::focused).map(|field| field.kind);
    if let (Some(Kind::Number), KeyCode::Char(letter)) = (kind, code)
        && !letter.is_ascii_digit()
    {
        model.say(text::field::ONLY_DIGITS);
        return Vec::new();
    }
    change(model, |form| form.typed(code))
}

pub fn pasted(model: &mut Model, pasted: &str) -> Vec<Effect> {
    if let Some(prompt) = prompt(model) {
        asking::pasted(prompt, pasted);
        return Vec::new();
    }
    if model.page != Page::Hosts {
        return change(model, |form| form.pasted(pasted));
    }
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let hosts = fields::hosts_from(pasted);
    let count = hosts.len();
    wizard.answers.hosts.extend(hosts);
    model.say(text::pasted(count));
    draft(model)
}

/// The secret that was asked for is there.
pub fn generated(model: &mut Model, key: &str, secret: &SecretText) -> Vec<Effect> {
    change(model, |form| form.generated(key, secret.expose()))
}

fn change(model: &mut Model, what: impl FnOnce(&mut Form) -> bool) -> Vec<Effect> {
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
        .is_some_and(|form| form.fields.is_empty())
    {
        match action {
            Action::LineUp => wizard.scroll = wizard.scroll.saturating_sub(1),
            Action::LineDown => wizard.scroll = (wizard.scroll + 1).min(most),
            _ => {}
        }
    }
    let at_end = wizard.form.as_ref().is_none_or(Form::is_at_end);
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
            let field = wizard.form.as_ref().and_then(Form::focused);
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
        let path = wizard.form.as_ref().map(|form| form.value("path").trim());
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
                wizard.chosen = place.min(wizard.answers.hosts.len().saturating_sub(1));
            }
        }
        Page::Options(_) => leave(model, forward),
        _ => go(model, Page::Welcome),
    }
}
