//! Between the answers and the plan: every host is reached, or it is said why not.

use crate::answers::Answers;
use crate::events::Abort;

use super::checking::{self, Checks};
use super::credential_prompt;
use super::keys::Action;
use super::model::{Effect, Message, Model, Page, Planned};
use super::text;
use super::wizard::{Attempt, draft, go};

pub fn reach(model: &mut Model, answers: Answers) -> Vec<Effect> {
    begin(model, answers, Effect::Reach)
}

/// Probes again where a secret was given meanwhile.
pub fn go_on(model: &mut Model) -> Vec<Effect> {
    let Some(wizard) = &model.wizard else {
        return Vec::new();
    };
    let given = |(_, attempt): &(String, Attempt)| *attempt == Attempt::Given;
    if model.at_work || !wizard.attempts.iter().any(given) {
        return Vec::new();
    }
    let answers = wizard.interview.answers.clone();
    begin(model, answers, Effect::ReachOn)
}

/// Nothing is at work any more: what hosts lack is asked for.
pub fn over(model: &mut Model) -> Vec<Effect> {
    let asks = model.page == Page::Connect && !model.leaving;
    if let Some(wizard) = model.wizard.as_mut().filter(|_| asks) {
        credential_prompt::open_from(wizard, 0);
    }
    checking::over(model)
}

fn begin(
    model: &mut Model,
    answers: Answers,
    effect: impl Fn(Box<Answers>) -> Effect,
) -> Vec<Effect> {
    if model.at_work {
        // What was given up before still goes down.
        model.say(text::STILL_CLOSING);
        return Vec::new();
    }
    go(model, Page::Connect);
    model.at_work = true;
    let mut effects = Vec::new();
    if let Some(wizard) = &mut model.wizard {
        effects = wizard.probes.stop();
        wizard.refused = None;
        wizard.checks = None;
        wizard.plan = Planned::default();
        wizard.clock = 0;
        wizard.attempts = answers
            .hosts
            .iter()
            .map(|host| (host.name.clone(), Attempt::Trying))
            .collect();
    }
    effects.push(effect(Box::new(answers)));
    effects
}

pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let at_work = model.at_work;
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    match action {
        Action::Retry if !at_work => {
            let answers = wizard.interview.answers.clone();
            reach(model, answers)
        }
        Action::Confirm if !at_work => {
            if wizard.believe(Page::Connect).is_none() {
                return Vec::new();
            }
            wizard.attempts[wizard.chosen].1 = Attempt::Reached(text::BELIEVED.into());
            draft(model)
        }
        Action::Back => {
            go(model, Page::Review);
            if at_work {
                vec![Effect::Abort(Abort::Hard)]
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// News of what was asked to be done outside.
pub fn told(model: &mut Model, message: Message) -> Vec<Effect> {
    let Some(wizard) = &mut model.wizard else {
        return Vec::new();
    };
    match message {
        Message::Reached(name, what) => {
            if let Some((_, attempt)) = wizard.attempts.iter_mut().find(|(host, _)| *host == name) {
                *attempt = Attempt::Reached(what);
            }
        }
        Message::Unreached(hosts) => {
            for failed in hosts {
                let mut attempts = wizard.attempts.iter_mut();
                if let Some((_, attempt)) = attempts.find(|(host, _)| *host == failed.host) {
                    *attempt = Attempt::Failed(failed);
                }
            }
            let failed = |(_, attempt): &(String, Attempt)| matches!(attempt, Attempt::Failed(_));
            wizard.chosen = wizard.attempts.iter().position(failed).unwrap_or(0);
        }
        Message::Probed(id, what) => wizard.probes.told(id, what),
        Message::Checked(grid, links) if model.page == Page::Connect => {
            wizard.checks = Some(Checks::new(*grid, links));
            go(model, Page::Checks);
        }
        Message::Planned(plan) => {
            wizard.plan = *plan;
            match model.page {
                // The operator looks at what the hosts are first.
                Page::Checks => {}
                Page::Connect => go(model, Page::Plan),
                // Whoever has gone back meanwhile wants no plan any more.
                _ => return vec![Effect::Begin(false)],
            }
        }
        Message::Loaded(answers) => {
            wizard.interview.replace(*answers);
            go(model, Page::Review);
            return draft(model);
        }
        _ => {}
    }
    Vec::new()
}
