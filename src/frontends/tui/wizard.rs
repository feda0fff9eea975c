//! What the pages of the wizard share: the answers, how far the operator came, and the plan.

use super::effect::{Effect, EnteredSecret};
use super::page::{self, Page};
use super::probes::Probes;
use super::shown_plan::{Detail, ShownPlan};
use crate::answers::{Answers, CredentialKind};
use crate::interview::Interview;
use crate::interview::offers::{Found, Offer};

#[derive(Debug)]
pub struct WizardSession {
    pub interview: Interview,
    /// The host that is chosen in the list of hosts, or edited: its place.
    pub host: usize,
    /// Hosts are tried while they are entered.
    pub probes_hosts: bool,
    pub probes: Probes,
    /// How far the walk through the pages went: a place in its order.
    pub reached: usize,
    /// The page was opened from the review, and leads back to it.
    pub from_review: bool,
    /// The hosts were checked, since they were connected to last.
    pub checked: bool,
    pub plan: ShownPlan,
    pub detail: Detail,
    /// Which secrets the operator typed: for the host or for all, and what for. Never the secrets.
    given: Vec<(Option<String>, CredentialKind)>,
    /// They were typed for other answers than these.
    pub forgets: bool,
    /// Why there is no run.
    pub refused: Option<String>,
    /// Milliseconds since connecting began.
    pub clock: u64,
}

impl WizardSession {
    pub fn new(found: Found) -> Self {
        Self {
            interview: Interview::new(found),
            host: 0,
            probes_hosts: false,
            probes: Probes::default(),
            reached: 0,
            from_review: false,
            checked: false,
            plan: ShownPlan::default(),
            detail: Detail::None,
            given: Vec::new(),
            forgets: false,
            refused: None,
            clock: 0,
        }
    }

    /// Another interview begins.
    pub fn begin(&mut self, offer: &Offer) {
        self.interview.begin(offer);
        self.forget();
    }

    /// Other answers take the place of these.
    pub fn replace(&mut self, answers: Answers) {
        self.interview.replace(answers);
        self.forget();
    }

    fn forget(&mut self) {
        self.forgets |= !self.given.is_empty();
        self.given.clear();
    }

    /// The secrets that the operator typed for hosts of the answers, or for all.
    pub fn given(&self) -> impl Iterator<Item = &(Option<String>, CredentialKind)> {
        let is_there = |host: &String| self.interview.answers.host(host).is_some();
        let mut given = self.given.iter();
        std::iter::from_fn(move || given.find(|(host, _)| host.as_ref().is_none_or(is_there)))
    }

    /// The operator typed a secret.
    pub fn was_given(&mut self, secret: &EnteredSecret) {
        let host = (!secret.for_all).then(|| secret.host.name.clone());
        let given = (host, secret.what.clone());
        if !self.given.contains(&given) {
            self.given.push(given);
        }
    }

    /// Where the walk, or the review, leads to from a page.
    pub fn way_from(&self, page: Page, forward: bool) -> Page {
        match (self.from_review, forward) {
            (true, _) => Page::Review,
            (false, true) => page.after(),
            (false, false) => page.before(),
        }
    }

    /// The page of the answers to which a digit leads: a part, or the review.
    pub fn jump(&mut self, number: u8) -> Page {
        let place = usize::from(number.saturating_sub(1)).min(page::GROUPS);
        self.from_review = self.reached >= page::GROUPS;
        self.host = 0;
        page::ORDER[place]
    }

    /// A page is shown.
    pub fn comes_to(&mut self, page: Page) {
        if let Some(place) = page.place() {
            self.reached = self.reached.max(place);
        }
    }

    /// Hosts are connected to anew: what is known of them from before counts no more.
    pub fn begins(&mut self) -> Vec<Effect> {
        self.refused = None;
        self.checked = false;
        self.plan = ShownPlan::default();
        self.clock = 0;
        self.probes.stop()
    }

    /// The last place in the list of hosts.
    pub fn last_host(&self) -> usize {
        self.interview.answers.hosts.len().saturating_sub(1)
    }

    /// The operator accepts the key of a host or a bastion: it goes into the answers. The host's
    /// place; `None` for a bastion.
    pub fn accept_key(&mut self, name: &str, key: String) -> Option<usize> {
        self.interview.answers.accept_key(name, key);
        let mut hosts = self.interview.answers.hosts.iter();
        hosts.position(|host| host.name == name)
    }

    /// The answers are kept, as they are now.
    pub fn draft(&self) -> Effect {
        Effect::KeepDraft(Box::new(self.interview.answers.clone()))
    }

    pub fn reach(&self) -> Effect {
        Effect::Reach(Box::new(self.interview.answers.clone()))
    }

    /// Some milliseconds have passed on a page where hosts are tried in the background. The host at
    /// the place `held` is being edited.
    pub fn tick_probes(&mut self, passed: u64, held: Option<usize>) -> Vec<Effect> {
        if !self.probes_hosts {
            return Vec::new();
        }
        self.probes.tick(passed, &self.interview.answers, held)
    }

    /// Whether hosts are being tried in the background, or will be.
    pub fn is_probing(&self, held: Option<usize>) -> bool {
        self.probes_hosts && self.probes.moves(&self.interview.answers, held)
    }
}
