//! What comes before a run: where to begin, the hosts, the review, and the ways between pages.

use crate::interview::Interview;
use crate::interview::offers::{Found, Offer};

use super::checking::{self, Checks};
use super::credential_prompt::{self, Prompt};
use super::form_editor::FormEditor;
use super::keys::Action;
use super::model::{Detail, Effect, Model, Page, Planned, Unreached};
use super::probes::Probes;
use super::run::RunView;
use super::{connecting, form_page, layout, page_order, screens, text};

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
    pub interview: Interview,
    /// Hosts are tried while they are entered.
    pub probes_hosts: bool,
    /// What is chosen in the list of the page.
    pub chosen: usize,
    pub form: Option<FormEditor>,
    /// The place of the host that the form is about.
    pub(super) editing: usize,
    /// How far the walk went: a place in its order.
    pub reached: usize,
    /// The page was opened from the review, and leads back to it.
    from_review: bool,
    pub scroll: usize,
    /// In the order of the hosts.
    pub attempts: Vec<(String, Attempt)>,
    pub plan: Planned,
    pub detail: Detail,
    pub probes: Probes,
    /// A secret that is asked for.
    pub prompt: Option<Prompt>,
    pub checks: Option<Checks>,
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
            Self::Overrule => text::checks::OVERRULE,
        }
    }
}

impl Wizard {
    pub fn new(found: Found) -> Self {
        Self {
            interview: Interview::new(found),
            probes_hosts: false,
            chosen: 0,
            form: None,
            editing: 0,
            reached: 0,
            from_review: false,
            scroll: 0,
            attempts: Vec::new(),
            plan: Planned::default(),
            detail: Detail::None,
            probes: Probes::default(),
            prompt: None,
            checks: None,
            refused: None,
            asks: None,
            clock: 0,
        }
    }

    /// Shows the scripts of a plan, or the files that it changes, or neither again.
    pub fn look_into(&mut self, action: Action) {
        let wanted = match action {
            Action::Scripts => Detail::Script,
            _ => Detail::Files,
        };
        self.detail = if self.detail == wanted {
            Detail::None
        } else {
            wanted
        };
    }

    pub fn reveals(&self) -> bool {
        let prompt = self.prompt.as_ref().map(|prompt| &prompt.form);
        let mut forms = self.form.iter().chain(prompt);
        forms.any(|form| form.revealed > 0)
    }

    /// Whether hosts are being tried in the background, or will be.
    pub fn is_probing(&self, page: Page) -> bool {
        self.probes_on(page) && self.probes.moves(&self.interview.answers, self.held(page))
    }

    fn probes_on(&self, page: Page) -> bool {
        self.probes_hosts && matches!(page, Page::Hosts | Page::Host)
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
        if self.probes_on(page) {
            let held = self.held(page);
            self.probes.tick(passed, &self.interview.answers, held)
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

    fn open_host(&mut self, place: usize) {
        self.editing = place.min(self.interview.answers.hosts.len());
        let form = self.interview.host_form(self.editing);
        self.form = Some(FormEditor::new(form));
    }
}

pub(super) fn go(model: &mut Model, page: Page) {
    model.page = page;
    let Some(wizard) = &mut model.wizard else {
        return;
    };
    wizard.chosen = 0;
    wizard.scroll = 0;
    wizard.prompt = None;
    if page == Page::Review {
        wizard.from_review = false;
    }
    wizard.form = match page {
        Page::Options(section) => Some(FormEditor::new(wizard.interview.section_form(section))),
        Page::Open => Some(FormEditor::new(screens::form::open())),
        Page::Host => wizard.form.take(),
        _ => None,
    };
    if let Some(place) = page_order::place(page) {
        if place <= wizard.reached {
            // It was seen before: what is wrong shows at once.
            wizard.take_form(page, true);
        }
        wizard.reached = wizard.reached.max(place);
    }
}

/// To the page that the walk, or the review, leads to from here.
pub(super) fn leave(model: &mut Model, forward: bool) {
    let from_review = model
        .wizard
        .as_ref()
        .is_some_and(|wizard| wizard.from_review);
    let page = match (from_review, forward) {
        (true, _) => Page::Review,
        (false, true) => page_order::after(model.page),
        (false, false) => page_order::before(model.page),
    };
    go(model, page);
}

/// The answers again, of a run that is over.
pub(super) fn edit(model: &mut Model) -> Vec<Effect> {
    model.run = RunView::new();
    model.toast = None;
    go(model, Page::Review);
    Vec::new()
}

pub(super) fn draft(model: &Model) -> Vec<Effect> {
    let answers = model
        .wizard
        .as_ref()
        .map(|wizard| wizard.interview.answers.clone());
    let draft = answers.map(|answers| Effect::KeepDraft(Box::new(answers)));
    draft.into_iter().collect()
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
        Page::Welcome => wizard.interview.found.offers().len(),
        Page::Hosts => wizard.interview.answers.hosts.len(),
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
        return credential_prompt::act(model, action);
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
        if place < wizard.interview.answers.hosts.len() {
            wizard.interview.remove_host(place);
        }
        wizard.chosen = place.min(wizard.interview.answers.hosts.len().saturating_sub(1));
        return draft(model);
    }
    match action {
        Action::SaveAnswers => {
            let answers = Box::new(wizard.interview.answers.clone());
            return vec![Effect::SaveAnswers(answers)];
        }
        Action::AskSecret => {
            credential_prompt::open(wizard, page);
            return Vec::new();
        }
        Action::RunAgain | Action::EditAnswers => {
            let answers = wizard.interview.answers.clone();
            if action == Action::EditAnswers {
                return edit(model);
            }
            model.run = RunView::new();
            model.toast = None;
            return connecting::reach(model, answers);
        }
        _ => {}
    }
    match page {
        Page::Welcome => choose(model, action),
        Page::Hosts => on_hosts(model, action),
        Page::Host | Page::Options(_) | Page::Open => form_page::act(model, action),
        Page::Review => on_review(model, action),
        Page::Connect => connecting::act(model, action),
        Page::Checks => checking::act(model, action),
        Page::Plan => match action {
            Action::Continue => begin(model, Some(0)),
            Action::RunAll => begin(model, None),
            Action::Scripts | Action::Files => {
                wizard.look_into(action);
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
        Page::Phase | Page::Run | Page::Proofs | Page::Failure | Page::Cluster => Vec::new(),
    }
}

/// Carries out what was planned; by itself, or phase by phase.
fn begin(model: &mut Model, phases: Option<usize>) -> Vec<Effect> {
    model.let_begin = phases;
    vec![Effect::LetBegin(phases), Effect::Begin(true)]
}

fn on_review(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let first = wizard.interview.problems().into_iter().next();
    match (action, first) {
        (Action::Continue, Some(first)) => model.say(text::not_yet(&first.to_string())),
        (Action::Continue, None) => {
            let answers = wizard.interview.answers.clone();
            return connecting::reach(model, answers);
        }
        (Action::Group(number), _) => {
            let place = usize::from(number.saturating_sub(1)).min(page_order::GROUPS - 1);
            wizard.from_review = true;
            go(model, page_order::ORDER[place]);
        }
        (Action::Edit, Some(first)) => {
            wizard.from_review = true;
            go(model, page_order::page_of(&first.key));
            if let Some(wizard) = &mut model.wizard {
                let place = first.key.strip_prefix("hosts[");
                let place = place.and_then(|rest| rest.split(']').next()?.parse().ok());
                wizard.chosen = place.unwrap_or(0);
            }
        }
        (Action::Back, _) => leave(model, false),
        _ => {}
    }
    Vec::new()
}

fn choose(model: &mut Model, action: Action) -> Vec<Effect> {
    let (Some(wizard), Action::Continue) = (&mut model.wizard, action) else {
        return Vec::new();
    };
    let offers = wizard.interview.found.offers();
    let Some(offer) = offers.get(wizard.chosen) else {
        return Vec::new();
    };
    match offer {
        Offer::New if wizard.interview.found.draft.is_some() => {
            wizard.asks = Some(Ask::StartAnew);
        }
        Offer::New => start_anew(model),
        Offer::Open => go(model, Page::Open),
        Offer::Cluster(_) | Offer::Draft => {
            wizard.interview.begin(offer);
            let is_draft = *offer == Offer::Draft;
            go(model, if is_draft { Page::Hosts } else { Page::Review });
        }
    }
    Vec::new()
}

fn start_anew(model: &mut Model) {
    if let Some(wizard) = &mut model.wizard {
        wizard.interview.begin(&Offer::New);
        wizard.reached = 0;
    }
    go(model, Page::Hosts);
}

fn on_hosts(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    let (chosen, count) = (wizard.chosen, wizard.interview.answers.hosts.len());
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
            wizard.interview.swap_hosts(chosen, chosen - 1);
            wizard.chosen -= 1;
            return draft(model);
        }
        Action::MoveDown if chosen + 1 < count => {
            wizard.interview.swap_hosts(chosen, chosen + 1);
            wizard.chosen += 1;
            return draft(model);
        }
        Action::Retry if chosen < count => {
            let host = &wizard.interview.answers.hosts[chosen];
            let stops = wizard.probes.again(host, &wizard.interview.answers);
            return [Effect::Forgive].into_iter().chain(stops).collect();
        }
        Action::Confirm => {
            let Some(place) = wizard.believe(Page::Hosts) else {
                return Vec::new();
            };
            let host = &wizard.interview.answers.hosts[place];
            let stops = wizard.probes.again(host, &wizard.interview.answers);
            return draft(model).into_iter().chain(stops).collect();
        }
        Action::Continue => leave(model, true),
        Action::Back => leave(model, false),
        _ => {}
    }
    Vec::new()
}
