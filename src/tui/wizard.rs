//! What comes before a run: where to begin, the hosts, the options, the review, the connections.

use crossterm::event::KeyCode;

use crate::answers::{Answers, Host, Problem, Role};

use super::asking::{self, Prompt};
use super::checking::{self, Checks};
use super::fields;
use super::form::Form;
use super::keys::Action;
use super::model::{Effect, Model, Page, Unreached};
use super::run::RunView;
use super::trying::Tries;
use super::{connecting, layout, screens, text, text_checks};

/// What was there when the wizard was started.
#[derive(Debug, Default)]
pub struct Found {
    pub clusters: Vec<Known>,
    /// What was typed and came to no run.
    pub draft: Option<Answers>,
    /// The operator came over SSH, and nothing keeps their screen when the line drops.
    pub needs_tmux: bool,
    /// The version of the wizard, for the welcome page.
    pub trouble: Option<String>,
    /// Hosts are tried while they are entered.
    pub knocks: bool,
}

/// A cluster with a state folder.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: String,
    pub answers: Answers,
    /// How far it came, in words.
    pub story: String,
    pub unfinished: bool,
}

/// What is to be done, as the welcome page offers it.
#[derive(Debug, Clone, PartialEq)]
pub enum Offer {
    Cluster(usize),
    Draft,
    New,
    Open,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    RemoveHost(usize),
    /// There is a draft, and only one is kept.
    StartAnew,
    /// The chosen check, at its host.
    Overrule,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    Trying,
    Reached(String),
    Failed(Unreached),
    /// What it lacked was given: it will be tried again.
    Given,
}

#[derive(Debug)]
pub struct Wizard {
    pub answers: Answers,
    pub found: Found,
    /// What is chosen in the list of the page.
    pub chosen: usize,
    pub form: Option<Form>,
    /// The place of the host that the form is about.
    editing: usize,
    pub scroll: usize,
    /// In the order of the hosts.
    pub attempts: Vec<(String, Attempt)>,
    pub tries: Tries,
    /// A secret that is asked for.
    pub prompt: Option<Prompt>,
    pub checks: Option<Checks>,
    /// Without the scripts, and with them.
    pub plan: [String; 2],
    pub with_scripts: bool,
    /// Why there is no run.
    pub refused: Option<String>,
    pub asks: Option<Ask>,
    /// Milliseconds since connecting began.
    pub clock: u64,
}

impl Ask {
    pub fn text(self) -> &'static str {
        match self {
            Self::RemoveHost(_) => text::REMOVE_HOST,
            Self::StartAnew => text::START_ANEW,
            Self::Overrule => text_checks::OVERRULE,
        }
    }
}

impl Wizard {
    pub fn new(found: Found) -> Self {
        Self {
            answers: Answers::default(),
            found,
            chosen: 0,
            form: None,
            editing: 0,
            scroll: 0,
            attempts: Vec::new(),
            tries: Tries::default(),
            prompt: None,
            checks: None,
            plan: Default::default(),
            with_scripts: false,
            refused: None,
            asks: None,
            clock: 0,
        }
    }

    /// What the welcome page offers; what is likeliest comes first.
    pub fn offers(&self) -> Vec<Offer> {
        let clusters = self.found.clusters.iter().enumerate();
        let (unfinished, done): (Vec<_>, Vec<_>) =
            clusters.partition(|(_, cluster)| cluster.unfinished);
        let cluster = |(place, _): (usize, &Known)| Offer::Cluster(place);
        unfinished
            .into_iter()
            .map(cluster)
            .chain(self.found.draft.is_some().then_some(Offer::Draft))
            .chain([Offer::New, Offer::Open])
            .chain(done.into_iter().map(cluster))
            .collect()
    }

    pub fn reveals(&self) -> bool {
        let prompt = self.prompt.as_ref().map(|prompt| &prompt.form);
        let mut forms = self.form.iter().chain(prompt);
        forms.any(|form| form.revealed > 0)
    }

    /// Whether hosts are being tried in the background, or will be.
    pub fn knocks(&self, page: Page) -> bool {
        self.may_knock(page) && self.tries.moves(&self.answers, self.held(page))
    }

    fn may_knock(&self, page: Page) -> bool {
        self.found.knocks && matches!(page, Page::Hosts | Page::Host)
    }

    /// The place of the host that is being edited.
    fn held(&self, page: Page) -> Option<usize> {
        (page == Page::Host).then_some(self.editing)
    }

    pub fn tick(&mut self, passed: u64, page: Page) -> Vec<Effect> {
        self.clock = self.clock.saturating_add(passed);
        let prompt = self.prompt.as_mut().map(|prompt| &mut prompt.form);
        for form in self.form.iter_mut().chain(prompt) {
            form.revealed = form.revealed.saturating_sub(passed);
        }
        if self.may_knock(page) {
            let held = self.held(page);
            self.tries.tick(passed, &self.answers, held)
        } else {
            Vec::new()
        }
    }

    pub fn refused(&mut self, why: String) {
        self.refused = Some(why);
        self.nothing_tries();
    }

    /// Connecting is over.
    pub fn nothing_tries(&mut self) {
        for (_, attempt) in &mut self.attempts {
            if *attempt == Attempt::Trying {
                *attempt = Attempt::Reached(text::NOT_KNOWN.into());
            }
        }
    }

    /// What is wrong with the host at this place.
    pub fn host_problems(&self, place: usize) -> Vec<Problem> {
        let prefix = format!("hosts[{place}].");
        let mut problems = self.answers.problems();
        problems.retain(|problem| problem.key.starts_with(&prefix));
        problems
    }

    /// The host that a form was opened for.
    fn edited(&self) -> Host {
        let host = self.answers.hosts.get(self.editing).cloned();
        host.unwrap_or_else(|| Host::new("", self.next_role(), ""))
    }

    /// What is likely to be added next.
    fn next_role(&self) -> Role {
        let has = |role| self.answers.with_role(role).count();
        if has(Role::Postgres) == 0 {
            Role::Postgres
        } else if has(Role::Server) < 2 {
            Role::Server
        } else if has(Role::LoadBalancer) == 0 {
            Role::LoadBalancer
        } else {
            Role::Agent
        }
    }

    fn open_host(&mut self, place: usize) {
        self.editing = place.min(self.answers.hosts.len());
        self.form = Some(fields::of_host(&self.edited()));
    }

    /// Puts the form's content into the answers; whether something is wrong with it.
    fn take_form(&mut self, page: Page, all: bool) -> bool {
        let Some(mut form) = self.form.take() else {
            return false;
        };
        let (mut own, prefix) = match page {
            Page::Host => {
                let (host, problems) = fields::to_host(&form, &self.edited());
                let is_new = self.editing >= self.answers.hosts.len();
                if is_new && (!host.name.is_empty() || !host.address.is_empty()) {
                    self.editing = self.answers.hosts.len();
                    self.answers.hosts.push(host);
                } else if let Some(place) = self.answers.hosts.get_mut(self.editing) {
                    *place = host;
                }
                (problems, format!("hosts[{}].", self.editing))
            }
            Page::Options => (fields::to_options(&form, &mut self.answers), String::new()),
            _ => (Vec::new(), String::new()),
        };
        let found = match page {
            Page::Host | Page::Options => self.answers.problems(),
            _ => Vec::new(),
        };
        let wrong = form.judge(all, |field| {
            if let Some(place) = own.iter().position(|(key, _)| *key == field.key) {
                return Some(own[place].1.clone());
            }
            let key = format!("{prefix}{}", field.key);
            let mine = |problem: &&Problem| {
                problem.key == key
                    || problem
                        .key
                        .strip_prefix(&key)
                        .is_some_and(|rest| rest.starts_with('['))
            };
            found
                .iter()
                .find(mine)
                .map(|problem| problem.message.clone())
        });
        own.clear();
        self.form = Some(form);
        wrong
    }
}

pub(super) fn go(model: &mut Model, page: Page) {
    model.page = page;
    if let Some(wizard) = &mut model.wizard {
        wizard.chosen = 0;
        wizard.scroll = 0;
        wizard.prompt = None;
        wizard.form = match page {
            Page::Options => Some(fields::of_options(&wizard.answers)),
            Page::Open => Some(screens::form::open()),
            Page::Host => wizard.form.take(),
            _ => None,
        };
    }
}

pub(super) fn draft(model: &Model) -> Vec<Effect> {
    let answers = model.wizard.as_ref().map(|wizard| wizard.answers.clone());
    let draft = answers.map(|answers| Effect::KeepDraft(Box::new(answers)));
    draft.into_iter().collect()
}

/// A key went into a form.
pub fn typed(model: &mut Model, code: KeyCode) -> Vec<Effect> {
    if model.prompt().is_some()
        && let Some(prompt) = model
            .wizard
            .as_mut()
            .and_then(|wizard| wizard.prompt.as_mut())
    {
        asking::typed(prompt, code);
        return Vec::new();
    }
    change(model, |form| form.typed(code))
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

pub fn pasted(model: &mut Model, pasted: &str) -> Vec<Effect> {
    if model.prompt().is_some()
        && let Some(prompt) = model
            .wizard
            .as_mut()
            .and_then(|wizard| wizard.prompt.as_mut())
    {
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

pub fn scroll(model: &mut Model, by: isize) {
    if model.page == Page::Checks {
        return checking::scroll(model, by);
    }
    let height = usize::from(layout::frame(model.size).body.height);
    let lines = match model.page {
        Page::Review | Page::Plan => screens::review::count(model),
        _ => 0,
    };
    let Some(wizard) = &mut model.wizard else {
        return;
    };
    let last = match model.page {
        Page::Welcome => wizard.offers().len(),
        Page::Hosts => wizard.answers.hosts.len(),
        Page::Connect => wizard.attempts.len(),
        _ => {
            let most = lines.saturating_sub(height);
            wizard.scroll = wizard.scroll.saturating_add_signed(by).min(most);
            return;
        }
    };
    wizard.chosen = wizard
        .chosen
        .saturating_add_signed(by)
        .min(last.saturating_sub(1));
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.page;
    if model.prompt().is_some() {
        return asking::act(model, action);
    }
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    if let Some(ask) = wizard.asks.take() {
        let place = match (ask, action) {
            (Ask::RemoveHost(place), Action::Confirm) => place,
            (Ask::Overrule, Action::Confirm) => return checking::overrule(model),
            (Ask::StartAnew, Action::Confirm) => {
                start_anew(model);
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        if place < wizard.answers.hosts.len() {
            wizard.answers.hosts.remove(place);
        }
        wizard.chosen = place.min(wizard.answers.hosts.len().saturating_sub(1));
        return draft(model);
    }
    match action {
        Action::SaveAnswers => {
            let answers = Box::new(wizard.answers.clone());
            return vec![Effect::SaveAnswers(answers)];
        }
        Action::AskSecret => {
            asking::open(wizard, page);
            return Vec::new();
        }
        Action::RunAgain | Action::EditAnswers => {
            let answers = wizard.answers.clone();
            model.run = RunView::new();
            model.toast = None;
            if action == Action::EditAnswers {
                go(model, Page::Hosts);
                return Vec::new();
            }
            return connecting::reach(model, answers);
        }
        _ => {}
    }
    match page {
        Page::Welcome => choose(model, action),
        Page::Hosts => on_hosts(model, action),
        Page::Host | Page::Options | Page::Open => on_form(model, action),
        Page::Review => match action {
            Action::Continue => {
                if let Some(first) = wizard.answers.problems().first() {
                    model.say(text::not_yet(&first.to_string()));
                    return Vec::new();
                }
                let answers = wizard.answers.clone();
                connecting::reach(model, answers)
            }
            Action::Back => {
                go(model, Page::Options);
                Vec::new()
            }
            _ => Vec::new(),
        },
        Page::Connect => connecting::act(model, action),
        Page::Checks => checking::act(model, action),
        Page::Plan => match action {
            Action::Continue => vec![Effect::Begin(true)],
            Action::Scripts => {
                wizard.with_scripts = !wizard.with_scripts;
                wizard.scroll = 0;
                Vec::new()
            }
            Action::Back | Action::ShowChecks if wizard.checks.is_some() => {
                go(model, Page::Checks);
                Vec::new()
            }
            Action::Back => {
                go(model, Page::Review);
                vec![Effect::Begin(false)]
            }
            _ => Vec::new(),
        },
        Page::Run | Page::Proofs | Page::Failure | Page::Cluster => Vec::new(),
    }
}

fn choose(model: &mut Model, action: Action) -> Vec<Effect> {
    let (Some(wizard), Action::Continue) = (&mut model.wizard, action) else {
        return Vec::new();
    };
    let offers = wizard.offers();
    match offers.get(wizard.chosen) {
        Some(Offer::Cluster(place)) => {
            wizard.answers = wizard.found.clusters[*place].answers.clone();
            go(model, Page::Review);
        }
        Some(Offer::Draft) => {
            wizard.answers = wizard.found.draft.clone().unwrap_or_default();
            go(model, Page::Hosts);
        }
        Some(Offer::New) => {
            if wizard.found.draft.is_some() {
                wizard.asks = Some(Ask::StartAnew);
            } else {
                start_anew(model);
            }
        }
        Some(Offer::Open) => go(model, Page::Open),
        None => {}
    }
    Vec::new()
}

fn start_anew(model: &mut Model) {
    if let Some(wizard) = &mut model.wizard {
        wizard.answers = Answers::default();
        wizard.found.draft = None;
    }
    go(model, Page::Hosts);
}

fn on_hosts(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let (chosen, count) = (wizard.chosen, wizard.answers.hosts.len());
    match action {
        Action::Add => {
            wizard.open_host(count);
            model.page = Page::Host;
        }
        Action::Edit => {
            wizard.open_host(chosen);
            model.page = Page::Host;
        }
        Action::Remove if chosen < count => wizard.asks = Some(Ask::RemoveHost(chosen)),
        Action::MoveUp if chosen > 0 && chosen < count => {
            wizard.answers.hosts.swap(chosen, chosen - 1);
            wizard.chosen -= 1;
            return draft(model);
        }
        Action::MoveDown if chosen + 1 < count => {
            wizard.answers.hosts.swap(chosen, chosen + 1);
            wizard.chosen += 1;
            return draft(model);
        }
        Action::Retry if chosen < count => {
            let host = &wizard.answers.hosts[chosen];
            let stops = wizard.tries.again(host, &wizard.answers);
            return [Effect::Forgive].into_iter().chain(stops).collect();
        }
        Action::Confirm => {
            let Some(place) = wizard.believe(Page::Hosts) else {
                return Vec::new();
            };
            let host = &wizard.answers.hosts[place];
            let stops = wizard.tries.again(host, &wizard.answers);
            return draft(model).into_iter().chain(stops).collect();
        }
        Action::Continue => go(model, Page::Options),
        Action::Back => go(model, Page::Welcome),
        _ => {}
    }
    Vec::new()
}

fn on_form(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = model.page;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
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
        Action::Forward => done_with_form(model),
        Action::Continue if at_end => done_with_form(model),
        Action::Continue => change(model, |form| form.act(Action::NextField)),
        action => change(model, |form| form.act(action)),
    }
}

fn done_with_form(model: &mut Model) -> Vec<Effect> {
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
    match (model.page, forward) {
        (Page::Host, _) => {
            go(model, Page::Hosts);
            if let Some(wizard) = &mut model.wizard {
                wizard.chosen = place.min(wizard.answers.hosts.len().saturating_sub(1));
            }
        }
        (Page::Options, true) => go(model, Page::Review),
        (Page::Options, false) => go(model, Page::Hosts),
        _ => go(model, Page::Welcome),
    }
}
