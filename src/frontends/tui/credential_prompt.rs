//! What a host that was not reached lacks: somebody's word for its key, or a secret.
//!
//! A secret is asked for in a box over the page. What is typed into it goes out as an effect at once;
//! the model keeps no secret.

use crossterm::event::KeyCode;

use crate::answers::{CredentialRequest, Host};
use crate::interview::form::{Field, Form, Kind};
use crate::secrets::SecretText;

use super::connecting;
use super::form_editor::FormEditor;
use super::keys::Action;
use super::model::{Effect, Given, Model, Page, Unreached};
use super::text::hosts as say;
use super::wizard::{Attempt, Wizard};

/// What is asked, and of which host.
#[derive(Debug)]
pub struct Prompt {
    pub host: Host,
    /// Each would do.
    pub wants: Vec<CredentialRequest>,
    pub which: usize,
    pub for_all: bool,
    /// One field.
    pub form: FormEditor,
}

impl Prompt {
    fn new(host: Host, wants: Vec<CredentialRequest>) -> Self {
        Self {
            host,
            wants,
            which: 0,
            for_all: false,
            form: empty(),
        }
    }

    pub fn wanted(&self) -> Option<&CredentialRequest> {
        self.wants.get(self.which)
    }
}

fn empty() -> FormEditor {
    let field = Field::new("", ("", ""), Kind::Secret { generates: false }, "");
    FormEditor::new(Form::new("", "", vec![field]))
}

/// What the chosen host lacks, on a page where that shows.
pub fn lacking(wizard: &Wizard, page: Page) -> Option<(&Host, &Unreached)> {
    let (host, failed) = match page {
        Page::Hosts => {
            let host = wizard.interview.answers.hosts.get(wizard.chosen)?;
            (host, wizard.probes.failed(host, &wizard.interview.answers)?)
        }
        Page::Connect => match wizard.attempts.get(wizard.chosen)? {
            (name, Attempt::Failed(failed)) => (wizard.interview.answers.host(name)?, failed),
            _ => return None,
        },
        _ => return None,
    };
    (!failed.wants.is_empty()).then_some((host, failed))
}

impl Wizard {
    /// The host at the chosen place, and its key, where nobody vouches for that.
    pub fn unknown_key(&self, page: Page) -> Option<(&str, &str)> {
        if page == Page::Hosts {
            let host = self.interview.answers.hosts.get(self.chosen)?;
            let failed = self.probes.failed(host, &self.interview.answers)?;
            return Some((&host.name, failed.host_key.as_deref()?));
        }
        match self.attempts.get(self.chosen)? {
            (name, Attempt::Failed(failed)) => Some((name, failed.host_key.as_deref()?)),
            _ => None,
        }
    }

    /// The operator vouches for it: it goes into the answers.
    pub fn believe(&mut self, page: Page) -> Option<usize> {
        let (name, key) = self.unknown_key(page)?;
        let (name, key) = (name.to_owned(), key.to_owned());
        let mut hosts = self.interview.answers.hosts.iter();
        let place = hosts.position(|host| host.name == name)?;
        self.interview.answers.hosts[place].host_key = Some(key);
        Some(place)
    }
}

/// Asks for what the chosen host lacks.
pub fn open(wizard: &mut Wizard, page: Page) {
    if let Some((host, failed)) = lacking(wizard, page) {
        wizard.prompt = Some(Prompt::new(host.clone(), failed.wants.clone()));
    }
}

/// Asks for what the first host from this place on lacks; whether there is one.
pub fn open_from(wizard: &mut Wizard, place: usize) -> bool {
    let lacks = |(_, attempt): &(String, Attempt)| match attempt {
        Attempt::Failed(failed) => !failed.wants.is_empty(),
        _ => false,
    };
    let rest = wizard.attempts.get(place..).unwrap_or_default();
    let Some(after) = rest.iter().position(lacks) else {
        return false;
    };
    wizard.chosen = place + after;
    open(wizard, Page::Connect);
    wizard.prompt.is_some()
}

pub fn typed(prompt: &mut Prompt, code: KeyCode) {
    prompt.form.typed(code);
}

/// Every letter of a secret counts: only the end of the line does not.
pub fn pasted(prompt: &mut Prompt, pasted: &str) {
    let line = pasted.lines().next().unwrap_or_default();
    for letter in line.chars() {
        prompt.form.typed(KeyCode::Char(letter));
    }
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.page;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let Some(prompt) = &mut wizard.prompt else {
        return Vec::new();
    };
    match action {
        Action::ForAll => prompt.for_all = !prompt.for_all,
        Action::OtherSecret => {
            prompt.which = (prompt.which + 1) % prompt.wants.len().max(1);
            prompt.form = empty();
        }
        Action::Confirm if prompt.form.form.value("").is_empty() => model.say(say::NOTHING_TYPED),
        Action::Confirm => return take(model),
        Action::Close => {
            wizard.prompt = None;
            if page == Page::Connect {
                return connecting::go_on(model);
            }
        }
        action => drop(prompt.form.act(action)),
    }
    Vec::new()
}

fn take(model: &mut Model) -> Vec<Effect> {
    let page = model.page;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let Some(prompt) = wizard.prompt.take() else {
        return Vec::new();
    };
    let Some(wanted) = prompt.wanted() else {
        return Vec::new();
    };
    let what = wanted.what.clone();
    let mut effects = vec![Effect::Give(Box::new(Given {
        host: prompt.host.clone(),
        what: what.clone(),
        secret: SecretText::from(prompt.form.form.value("").to_owned()),
        for_all: prompt.for_all,
    }))];
    if page == Page::Hosts {
        effects.extend(wizard.probes.again(&prompt.host, &wizard.interview.answers));
        if prompt.for_all {
            wizard.probes.again_where_lacking(&what);
        }
        return effects;
    }
    let chosen = wizard.chosen;
    for (place, (_, attempt)) in wizard.attempts.iter_mut().enumerate() {
        let given = match attempt {
            Attempt::Failed(failed) => prompt.for_all && failed.lacks(&what),
            _ => false,
        };
        if given || place == chosen {
            *attempt = Attempt::Given;
        }
    }
    // One after the other, and then all are tried again.
    if !open_from(wizard, chosen + 1) {
        effects.extend(connecting::go_on(model));
    }
    effects
}
