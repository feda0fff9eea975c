//! Between the answers and the plan: every host is reached, or it is said why not.

mod text;
mod view;

use crossterm::event::KeyCode;
use ratatui::Frame;

use super::Screen;
use crate::answers::Host;
use crate::events::Abort;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt::{self, Prompt, Prompted};
use crate::frontends::tui::effect::{Effect, EnteredSecret};
use crate::frontends::tui::keys::{self, BACK, PHASES, SCROLL, Scope, ctrl, helped};
use crate::frontends::tui::message::Unreached;
use crate::frontends::tui::page::Page;
use crate::frontends::tui::text::key;
use crate::frontends::tui::theme::SPIN;
use text as say;

/// Hosts were not reached. There is no next page yet: to go on is to try again.
const REACH_AGAIN: Scope = Scope::new(
    "reach again",
    &[helped(ctrl('n'), Action::Forward, key::RETRY)],
);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Connecting {
    Trying,
    Reached(String),
    Failed(Unreached),
    /// What it lacked was given: it will be tried again.
    Given,
    /// Connecting ended before this host was connected.
    Stopped,
}

#[derive(Debug, Default)]
pub struct ConnectPage {
    /// In the order of the hosts.
    hosts: Vec<(String, Connecting)>,
    chosen: usize,
    prompt: Option<Prompt>,
    /// The keys that the operator compares: each with the name of its host.
    compares: Vec<(String, String)>,
}

impl Screen for ConnectPage {
    fn entered(&mut self, _: &mut Common, _: Page, _: Page) {
        self.chosen = 0;
        self.prompt = None;
        self.compares.clear();
    }

    fn scopes(&self, common: &Common) -> Vec<Scope> {
        if let Some(prompt) = &self.prompt {
            return prompt.scopes();
        }
        if !self.compares.is_empty() {
            return vec![keys::ASK];
        }
        if common.at_work {
            return vec![BACK, PHASES, SCROLL];
        }
        let mut scopes = credential_prompt::scopes_of(self.failed());
        scopes.extend([keys::RETRY, REACH_AGAIN, BACK, PHASES, SCROLL]);
        scopes
    }

    fn act(&mut self, common: &mut Common, action: Action) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            let came = prompt.act(action);
            return self.prompted(common, came);
        }
        if !self.compares.is_empty() {
            let keys = std::mem::take(&mut self.compares);
            return if action == Action::Confirm {
                self.trust(common, keys)
            } else {
                Vec::new()
            };
        }
        let at_work = common.at_work;
        let Some(wizard) = common.mode.wizard_mut() else {
            return Vec::new();
        };
        match action {
            Action::Retry | Action::Forward if !at_work => vec![wizard.reach()],
            Action::Confirm if !at_work => self.accept_key(common),
            Action::TrustAll if !at_work => {
                self.compares = self.unknown_keys();
                Vec::new()
            }
            Action::AskSecret => {
                self.ask(common);
                Vec::new()
            }
            Action::Back | Action::Phase(_) => {
                let abort = at_work.then_some(Effect::Abort(Abort::Hard));
                [Effect::Go(common.back_to_answers(action))]
                    .into_iter()
                    .chain(abort)
                    .collect()
            }
            _ => Vec::new(),
        }
    }

    fn scroll(&mut self, _: &mut Common, by: isize) {
        let last = self.hosts.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
    }

    fn draw(&self, common: &Common, frame: &mut Frame<'_>) {
        view::draw(self, common, frame);
    }

    fn question(&self, _: &Common) -> Option<String> {
        let asks = !self.compares.is_empty();
        asks.then(|| credential_prompt::trust_all(self.compares.len()))
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

    fn pasted(&mut self, _: &mut Common, pasted: &str) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.pasted(pasted);
        }
        Vec::new()
    }

    fn tick(&mut self, _: &mut Common, passed: u64) -> Vec<Effect> {
        if let Some(prompt) = &mut self.prompt {
            prompt.tick(passed);
        }
        Vec::new()
    }

    fn wakes(&self, common: &Common) -> Option<u64> {
        let reveals = self.prompt.as_ref().is_some_and(Prompt::reveals);
        let turns = common.at_work.then_some(SPIN);
        if reveals { Some(100) } else { turns }
    }

    /// What hosts lack is asked for.
    fn over(&mut self, common: &mut Common) -> Vec<Effect> {
        if !common.leaving {
            self.ask_from(common, 0);
        }
        Vec::new()
    }
}

impl ConnectPage {
    /// These hosts are being connected to.
    pub fn begins(&mut self, hosts: &[Host]) {
        let hosts = hosts.iter();
        self.hosts = hosts
            .map(|host| (host.name.clone(), Connecting::Trying))
            .collect();
    }

    pub fn reached(&mut self, name: &str, what: String) {
        if let Some(connecting) = self.of(name) {
            *connecting = Connecting::Reached(what);
        }
    }

    pub fn unreached(&mut self, hosts: Vec<Unreached>) {
        for failed in hosts {
            if let Some(connecting) = self.of(&failed.host) {
                *connecting = Connecting::Failed(failed);
            }
        }
        let failed = |(_, one): &(String, Connecting)| matches!(one, Connecting::Failed(_));
        self.chosen = self.hosts.iter().position(failed).unwrap_or(0);
    }

    /// Connecting is over.
    pub fn nothing_tries(&mut self) {
        for (_, connecting) in &mut self.hosts {
            if *connecting == Connecting::Trying {
                *connecting = Connecting::Stopped;
            }
        }
    }

    fn of(&mut self, name: &str) -> Option<&mut Connecting> {
        let mut hosts = self.hosts.iter_mut();
        let found = hosts.find(|(host, _)| host == name);
        found.map(|(_, connecting)| connecting)
    }

    /// Why the chosen host was not reached, where it was not.
    fn failed(&self) -> Option<&Unreached> {
        match self.hosts.get(self.chosen)? {
            (_, Connecting::Failed(failed)) => Some(failed),
            _ => None,
        }
    }

    fn accept_key(&mut self, common: &mut Common) -> Vec<Effect> {
        let key = self.failed().and_then(|failed| {
            let key = failed.host_key.clone()?;
            Some((failed.place().to_owned(), key))
        });
        self.trust(common, key.into_iter().collect())
    }

    /// Every key that is not known yet, with the name of its host.
    fn unknown_keys(&self) -> Vec<(String, String)> {
        let mut failed = Vec::new();
        for (name, connecting) in &self.hosts {
            if let Connecting::Failed(unreached) = connecting {
                failed.push((name, unreached));
            }
        }
        credential_prompt::unknown_keys(failed)
    }

    /// Keys of hosts go into the answers.
    fn trust(&mut self, common: &mut Common, keys: Vec<(String, String)>) -> Vec<Effect> {
        let mut trusts = false;
        for (name, key) in keys {
            if let Some(wizard) = common.mode.wizard_mut() {
                wizard.interview.answers.accept_key(&name, key);
            }
            for (_, connecting) in &mut self.hosts {
                if matches!(connecting, Connecting::Failed(failed) if failed.place() == name) {
                    *connecting = Connecting::Reached(say::TRUSTED.into());
                    trusts = true;
                }
            }
        }
        if trusts { common.draft() } else { Vec::new() }
    }

    /// Asks for what the chosen host lacks.
    fn ask(&mut self, common: &Common) {
        let wizard = common.mode.wizard();
        let chosen = self.hosts.get(self.chosen);
        self.prompt = match (wizard, chosen) {
            (Some(wizard), Some((name, Connecting::Failed(failed)))) => {
                let answers = &wizard.interview.answers;
                let host = answers.host(name);
                host.and_then(|host| Prompt::of(answers, host, failed))
            }
            _ => None,
        };
    }

    /// Asks for what the first host from this place on lacks; whether there is one.
    fn ask_from(&mut self, common: &Common, place: usize) -> bool {
        let lacks = |(_, connecting): &(String, Connecting)| match connecting {
            Connecting::Failed(failed) => !failed.wants.is_empty(),
            _ => false,
        };
        let rest = self.hosts.get(place..).unwrap_or_default();
        let Some(after) = rest.iter().position(lacks) else {
            return false;
        };
        self.chosen = place + after;
        self.ask(common);
        self.prompt.is_some()
    }

    fn prompted(&mut self, common: &mut Common, came: Prompted) -> Vec<Effect> {
        match came {
            Prompted::Asks => Vec::new(),
            Prompted::NothingTyped => {
                common.say(credential_prompt::NOTHING_TYPED);
                Vec::new()
            }
            Prompted::Closed => {
                self.prompt = None;
                self.go_on(common).into_iter().collect()
            }
            Prompted::Given(secret) => self.give(common, secret),
        }
    }

    fn give(&mut self, common: &mut Common, secret: Box<EnteredSecret>) -> Vec<Effect> {
        self.prompt = None;
        if let Some(wizard) = common.mode.wizard_mut() {
            wizard.was_given(&secret);
        }
        let chosen = self.chosen;
        for (place, (_, connecting)) in self.hosts.iter_mut().enumerate() {
            let given = match connecting {
                Connecting::Failed(failed) => {
                    failed.place() == secret.host.name
                        || secret.for_all && failed.lacks(&secret.what)
                }
                _ => false,
            };
            if given || place == chosen {
                *connecting = Connecting::Given;
            }
        }
        let mut effects = vec![Effect::Give(secret)];
        // One after the other, and then all are tried again.
        if !self.ask_from(common, chosen + 1) {
            effects.extend(self.go_on(common));
        }
        effects
    }

    /// Connects again where a secret was given meanwhile.
    fn go_on(&self, common: &Common) -> Option<Effect> {
        let given = |(_, connecting): &(String, Connecting)| *connecting == Connecting::Given;
        let wizard = common.mode.wizard()?;
        let goes_on = !common.at_work && self.hosts.iter().any(given);
        goes_on.then(|| Effect::ReachOn(Box::new(wizard.interview.answers.clone())))
    }
}
