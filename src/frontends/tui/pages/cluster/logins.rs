//! What hosts of a cluster that is looked at need to let the wizard in, and the box that asks for
//! it.

use ratatui::text::Line;

use super::text;
use crate::frontends::tui::action::Action;
use crate::frontends::tui::common::Common;
use crate::frontends::tui::credential_prompt::{self, NOTHING_TYPED, Prompt, Prompted};
use crate::frontends::tui::effect::{Effect, EnteredSecret};
use crate::frontends::tui::message::Unreached;
use crate::frontends::tui::widgets::styled;

/// The hosts that refused a login, each for want of a secret.
#[derive(Debug, Default)]
pub struct LackingLogins {
    lacking: Vec<LackingHost>,
    pub prompt: Option<Prompt>,
    /// A secret was given since the hosts were tried.
    given: bool,
}

#[derive(Debug)]
struct LackingHost {
    failed: Unreached,
    /// The operator has closed its box.
    not_now: bool,
}

impl LackingLogins {
    /// A host refused the login.
    pub fn refused(&mut self, common: &Common, failed: Unreached) {
        let mut known = self.lacking.iter_mut();
        match known.find(|host| host.failed.host == failed.host) {
            Some(known) => known.failed = failed,
            None => self.lacking.push(LackingHost {
                failed,
                not_now: false,
            }),
        }
        if self.prompt.is_none() {
            self.ask(common);
        }
    }

    pub fn lacks(&self) -> Option<&Unreached> {
        self.lacking.first().map(|host| &host.failed)
    }

    /// Asks for what was left out before.
    pub fn ask_again(&mut self, common: &Common) {
        for host in &mut self.lacking {
            host.not_now = false;
        }
        self.ask(common);
    }

    /// Asks for the first host that is not left out.
    fn ask(&mut self, common: &Common) {
        let mut hosts = self.lacking.iter().filter(|host| !host.not_now);
        self.prompt = hosts.find_map(|host| {
            let answers = common.answers()?;
            let place = answers.login_place(host.failed.place())?;
            Prompt::of(answers, &place, &host.failed)
        });
    }

    /// What a key does in the box; `None` where there is no box.
    pub fn act(&mut self, common: &mut Common, action: Action) -> Option<Vec<Effect>> {
        let prompt = self.prompt.as_mut()?;
        let host = prompt.host.name.clone();
        Some(match prompt.act(action) {
            Prompted::Asks => Vec::new(),
            Prompted::NothingTyped => {
                common.say(NOTHING_TYPED);
                Vec::new()
            }
            Prompted::Closed => {
                // Several hosts may be behind a bastion.
                for left in &mut self.lacking {
                    left.not_now |= left.failed.place() == host;
                }
                self.go_on(common)
            }
            Prompted::Given(secret) => self.give(common, secret),
        })
    }

    fn give(&mut self, common: &mut Common, secret: Box<EnteredSecret>) -> Vec<Effect> {
        if let Some(wizard) = common.mode.wizard_mut() {
            wizard.was_given(&secret);
        }
        self.given = true;
        self.lacking.retain(|host| {
            let same = secret.for_all && host.failed.lacks(&secret.what);
            !same && host.failed.place() != secret.host.name
        });
        let mut effects = vec![Effect::Give(secret)];
        effects.extend(self.go_on(common));
        effects
    }

    /// The next host; behind the last one, all are tried again if a secret was given.
    fn go_on(&mut self, common: &Common) -> Vec<Effect> {
        self.ask(common);
        let goes_on = self.prompt.is_none() && std::mem::take(&mut self.given);
        let name = common.watched.clone().filter(|_| goes_on);
        name.map(Effect::Watch).into_iter().collect()
    }

    /// Which hosts and bastions do not let the wizard in, and what they need.
    pub fn lines(&self, common: &Common, width: usize) -> Vec<Line<'static>> {
        let mut told: Vec<String> = Vec::new();
        for failed in self.lacking.iter().map(|host| &host.failed) {
            let needs = credential_prompt::needs(&failed.wants);
            let line = text::needs(failed.place(), &needs);
            // Several hosts may be behind a bastion.
            if !told.contains(&line) {
                told.push(line);
            }
        }
        let style = common.theme.accent();
        let lines = told.iter().flat_map(|line| styled(line, width, style));
        lines.collect()
    }
}
