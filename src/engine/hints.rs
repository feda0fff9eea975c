//! What a failure means and what to do next, told by the text that was printed.
//!
//! The signs are looked for line by line: first those that name a cause, then those that are only
//! what one sees of it. What was said last counts most, and of the signs in one line the first one
//! in its table: each table goes from the specific to the general.

mod datastore;
mod general;
mod host;
mod k3s;
mod proofs;
mod services;

use crate::events::Failure;
use crate::events::StepId;

/// Something that is printed, and what it means.
struct Sign {
    /// What the step's name begins with. Empty: any step.
    at: &'static str,
    /// Everything that must stand in one line.
    says: &'static [&'static str],
    /// What it means and what to do: a sentence or two. Commands are for root on the step's host,
    /// unless they say another one.
    hint: &'static str,
}

const fn sign(says: &'static [&'static str], hint: &'static str) -> Sign {
    at("", says, hint)
}

const fn at(at: &'static str, says: &'static [&'static str], hint: &'static str) -> Sign {
    Sign { at, says, hint }
}

impl Sign {
    fn is_of(&self, step: &StepId) -> bool {
        step.as_str().starts_with(self.at)
    }

    fn is_in(&self, line: &str) -> bool {
        self.says.iter().all(|text| line.contains(text))
    }
}

const CAUSES: [&[Sign]; 5] = [
    proofs::CAUSES,
    k3s::CAUSES,
    datastore::CAUSES,
    services::CAUSES,
    host::CAUSES,
];

const SYMPTOMS: [&[Sign]; 4] = [
    proofs::SYMPTOMS,
    k3s::SYMPTOMS,
    services::SYMPTOMS,
    host::SYMPTOMS,
];

/// What K3s prints also when all is well.
const HARMLESS: [&str; 4] = [
    // At every start: its role is let into no database but its own.
    "failed to ensure existence of database",
    // Somebody else's view of a connection that he began.
    "http: TLS handshake error from",
    // On the way up.
    "runtime core not ready",
    "Polling for API server readiness",
];

/// What to do about a failed step, where there is something to say.
pub(super) fn hint(step: &StepId, failure: &Failure) -> Option<&'static str> {
    let lines = lines(failure);
    let found = find(&CAUSES, step, &lines).or_else(|| find(&SYMPTOMS, step, &lines));
    let found = found.or_else(|| {
        // A step that refused to begin has said what to do; a program that failed has only failed.
        failure.status?;
        general::HINTS.iter().find(|sign| sign.is_of(step))
    });
    found.map(|sign| sign.hint)
}

/// What was said, the last first.
fn lines(failure: &Failure) -> Vec<&str> {
    let last_lines = failure.last_lines.iter().rev();
    failure
        .why
        .lines()
        .rev()
        .chain(last_lines.map(String::as_str))
        .filter(|line| !HARMLESS.iter().any(|harmless| line.contains(harmless)))
        .collect()
}

fn find<'s>(tables: &[&'s [Sign]], step: &StepId, lines: &[&str]) -> Option<&'s Sign> {
    lines.iter().find_map(|line| {
        let mut signs = tables.iter().copied().flatten();
        signs.find(|sign| sign.is_of(step) && sign.is_in(line))
    })
}

#[cfg(test)]
mod tests;
