//! The hosts of the cluster. They are tried in the background while they are entered.

mod text;
mod view;

use crossterm::event::KeyCode;
use ratatui::Frame;

use super::Screen;
use crate::answers::Host;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt::{self, Prompt, Prompted};
use crate::frontends::tui::effect::{Effect, EnteredSecret};
use crate::frontends::tui::keys::{
    self, BACK, DELETE, ENTER, NEXT, PHASES, SAVE, SCROLL, Scope, alias, char, helped, shown,
};
use crate::frontends::tui::message::Unreached;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::wizard::WizardSession;
use crate::interview::binding;
use text as say;

const HOSTS: Scope = Scope::new(
    "hosts",
    &[
        shown(ENTER, Action::Edit, say::key::EDIT),
        alias(char('e'), Action::Edit, say::key::EDIT),
        shown(char('d'), Action::Remove, say::key::REMOVE),
        alias(DELETE, Action::Remove, say::key::REMOVE),
        helped(char('K'), Action::MoveUp, say::key::MOVE_UP),
        helped(char('J'), Action::MoveDown, say::key::MOVE_DOWN),
        helped(char('t'), Action::Retry, say::key::TRY),
    ],
);

const ADD: Scope = Scope::new("add", &[shown(char('a'), Action::Add, say::key::ADD)]);

/// In an empty list.
const FIRST: Scope = Scope::new("first host", &[alias(ENTER, Action::Add, say::key::ADD)]);

/// Which host is chosen stands in what the wizard's pages share: the form and the review choose, too.
#[derive(Debug, Default)]
pub struct HostsPage {
    prompt: Option<Prompt>,
    /// The host that the operator is asked about.
    asks_to_remove: Option<usize>,
    /// The keys that the operator compares: each with the name of its host.
    compares: Vec<(String, String)>,
}

impl Screen for HostsPage {
    fn entered(&mut self, common: &mut Common, _: Page, from: Page) {
        *self = Self::default();
        if let Some(wizard) = common.mode.wizard_mut() {
            wizard.host = match from {
                Page::Host | Page::Review => wizard.host.min(wizard.last_host()),
                _ => 0,
            };
        }
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if self.asks_to_remove.is_some() || !self.compares.is_empty() {
            return vec![keys::ASK];
        }
        if let Some(prompt) = &self.prompt {
            return prompt.scopes();
        }
        let wizard = common.mode.wizard();
        let failed = wizard.and_then(failed).map(|(_, failed)| failed);
        let failed = credential_prompt::scopes_of(failed).into_iter();
        let is_empty = wizard.is_none_or(|it| it.interview.answers.hosts.is_empty());
        let own = [ADD, if is_empty { FIRST } else { HOSTS }];
        let rest = [NEXT, BACK, PHASES, SAVE, SCROLL];
        failed.chain(own).chain(rest).collect()
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            let came = prompt.act(action);
            return self.prompted(common, came);
        }
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        if let Some(place) = self.asks_to_remove.take() {
            return if action == Action::Confirm {
                remove(wizard, place)
            } else {
                Vec::new()
            };
        }
        if !self.compares.is_empty() {
            let keys = std::mem::take(&mut self.compares);
            return if action == Action::Confirm {
                trust(wizard, keys)
            } else {
                Vec::new()
            };
        }
        let (chosen, count) = (wizard.host, wizard.interview.answers.hosts.len());
        match action {
            Action::Add => return open(wizard, count),
            Action::Edit => return open(wizard, chosen),
            Action::Remove if chosen < count => self.asks_to_remove = Some(chosen),
            Action::MoveUp if chosen > 0 && chosen < count => {
                wizard.interview.swap_hosts(chosen, chosen - 1);
                wizard.host -= 1;
                return vec![wizard.draft()];
            }
            Action::MoveDown if chosen + 1 < count => {
                wizard.interview.swap_hosts(chosen, chosen + 1);
                wizard.host += 1;
                return vec![wizard.draft()];
            }
            Action::Retry if chosen < count => {
                let stops = again(wizard, chosen);
                return [Effect::Forgive].into_iter().chain(stops).collect();
            }
            Action::Confirm => return accept_key(wizard),
            Action::TrustAll => self.compares = unknown_keys(wizard),
            Action::AskSecret => {
                let answers = &wizard.interview.answers;
                self.prompt =
                    failed(wizard).and_then(|(host, failed)| Prompt::of(answers, host, failed));
            }
            Action::Phase(number) => return vec![Effect::Go(wizard.jump(number))],
            Action::Forward | Action::Back => {
                let forward = action == Action::Forward;
                return vec![Effect::Go(wizard.way_from(Page::Hosts, forward))];
            }
            _ => {}
        }
        Vec::new()
    }

    fn scroll(&mut self, common: &mut Common, by: isize) {
        if let Some(wizard) = common.mode.wizard_mut() {
            wizard.host = wizard
                .host
                .saturating_add_signed(by)
                .min(wizard.last_host());
        }
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn question(&self, common: &Common) -> Option<String> {
        if !self.compares.is_empty() {
            return Some(credential_prompt::trust_all(self.compares.len()));
        }
        let hosts = &common.mode.wizard()?.interview.answers.hosts;
        let host = hosts.get(self.asks_to_remove?)?;
        Some(say::remove(&host.name))
    }

    fn types(&self) -> bool {
        self.prompt.is_some()
    }

    fn typed(&mut self, _: &mut Common, code: KeyCode) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.typed(code);
        }
        Vec::new()
    }

    /// Several hosts can be pasted.
    fn pasted(&mut self, common: &mut Common, pasted: &str) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.pasted(pasted);
            return Vec::new();
        }
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        let pasted = binding::hosts_from(pasted);
        let said = say::pasted(pasted.hosts.len(), &pasted.unknown);
        wizard.interview.answers.hosts.extend(pasted.hosts);
        common.say(said);
        common.draft()
    }

    fn tick(&mut self, common: &mut Common, passed: u64) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.tick(passed);
        }
        let wizard = common.mode.wizard_mut();
        wizard.map_or_else(Vec::new, |wizard| wizard.tick_probes(passed, None))
    }

    fn wakes(&self, common: &Common) -> Option<u64> {
        let reveals = self.prompt.as_ref().is_some_and(Prompt::reveals);
        let wizard = common.mode.wizard();
        let probing = wizard.is_some_and(|wizard| wizard.is_probing(None));
        (reveals || probing).then_some(100)
    }
}

impl HostsPage {
    fn prompted(&mut self, common: &mut Common, came: Prompted) -> Vec<Effect> {
        match came {
            Prompted::Asks => Vec::new(),
            Prompted::NothingTyped => {
                common.say(credential_prompt::NOTHING_TYPED);
                Vec::new()
            }
            Prompted::Closed => {
                self.prompt = None;
                Vec::new()
            }
            Prompted::Given(secret) => {
                self.prompt = None;
                let wizard = common.mode.wizard_mut();
                wizard.map_or_else(Vec::new, |wizard| give(wizard, secret))
            }
        }
    }
}

/// The chosen host and why it was not reached, where it was not.
fn failed(wizard: &WizardSession) -> Option<(&Host, &Unreached)> {
    let answers = &wizard.interview.answers;
    let host = answers.hosts.get(wizard.host)?;
    Some((host, wizard.probes.failed(host, answers)?))
}

fn open(wizard: &mut WizardSession, place: usize) -> Vec<Effect> {
    wizard.host = place.min(wizard.interview.answers.hosts.len());
    vec![Effect::Go(Page::Host)]
}

fn remove(wizard: &mut WizardSession, place: usize) -> Vec<Effect> {
    if place < wizard.interview.answers.hosts.len() {
        wizard.interview.remove_host(place);
    }
    wizard.host = place.min(wizard.last_host());
    vec![wizard.draft()]
}

/// The host at a place is tried at once.
fn again(wizard: &mut WizardSession, place: usize) -> Vec<Effect> {
    let answers = &wizard.interview.answers;
    wizard.probes.again(&answers.hosts[place], answers)
}

fn accept_key(wizard: &mut WizardSession) -> Vec<Effect> {
    let failed = failed(wizard).map(|(host, failed)| (&host.name, failed));
    let key = credential_prompt::unknown_keys(failed);
    trust(wizard, key)
}

/// Every key that is not known yet, with the name of its host.
fn unknown_keys(wizard: &WizardSession) -> Vec<(String, String)> {
    let answers = &wizard.interview.answers;
    let hosts = answers.hosts.iter();
    let failed = hosts.filter_map(|host| Some((&host.name, wizard.probes.failed(host, answers)?)));
    credential_prompt::unknown_keys(failed)
}

/// Keys of hosts go into the answers, and these hosts are tried with them.
fn trust(wizard: &mut WizardSession, keys: Vec<(String, String)>) -> Vec<Effect> {
    if keys.is_empty() {
        return Vec::new();
    }
    let mut effects = Vec::new();
    for (name, key) in keys {
        // What is behind a bastion is tried again because the answers have changed.
        if let Some(place) = wizard.accept_key(&name, key) {
            effects.extend(again(wizard, place));
        }
    }
    effects.insert(0, wizard.draft());
    effects
}

fn give(wizard: &mut WizardSession, secret: Box<EnteredSecret>) -> Vec<Effect> {
    wizard.was_given(&secret);
    let answers = &wizard.interview.answers;
    let stops = wizard.probes.again(&secret.host, answers);
    wizard.probes.again_behind(&secret.host.name);
    if secret.for_all {
        wizard.probes.again_where_lacking(&secret.what);
    }
    [Effect::Give(secret)].into_iter().chain(stops).collect()
}
