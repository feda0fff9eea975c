//! What a failure means and what to do next, derived from the printed text.
//!
//! The signs are searched line by line, the last line first: first the causes, then the symptoms.
//! Within one line the first sign of its table wins: each table goes from the specific to the
//! general.

mod datastore;
mod external;
mod general;
mod host;
mod k3s;
mod proofs;
mod services;

use crate::events::external::ExternalParts;
use crate::events::{Failure, StepId};
use crate::platform::Platform;
use crate::platform::hints::{Hints, Sign};

/// The tables in which a failure of a host is looked up.
struct Tables {
    causes: Vec<&'static [Sign]>,
    symptoms: Vec<&'static [Sign]>,
    general: Vec<&'static [Sign]>,
}

impl Tables {
    /// With the tables of the host's family, or of every family if it is unknown. The last symptoms
    /// of a host are so general that a family's come first.
    fn of(parts: ExternalParts, platform: Option<Platform>) -> Self {
        let own = Platform::hints(platform);
        let each = |table: fn(&'static Hints) -> &'static [Sign]| own.iter().copied().map(table);
        let mut causes = Vec::new();
        if parts.postgres {
            causes.push(external::POSTGRES);
        }
        if parts.load_balancer {
            causes.push(external::LOAD_BALANCER);
        }
        causes.extend([
            proofs::CAUSES,
            k3s::CAUSES,
            datastore::CAUSES,
            services::CAUSES,
            host::CAUSES,
        ]);
        causes.extend(each(|own| own.causes));
        let mut symptoms = vec![proofs::SYMPTOMS, k3s::SYMPTOMS, services::SYMPTOMS];
        symptoms.extend(each(|own| own.symptoms));
        symptoms.push(host::SYMPTOMS);
        let mut general = vec![general::STEPS];
        general.extend(each(|own| own.general));
        general.push(general::ANY);
        Self {
            causes,
            symptoms,
            general,
        }
    }
}

/// What K3s also prints when all is well.
const HARMLESS: [&str; 4] = [
    // At every start: its role may enter only its own database.
    "failed to ensure existence of database",
    // From the other side of a connection.
    "http: TLS handshake error from",
    // During startup.
    "runtime core not ready",
    "Polling for API server readiness",
];

/// What to do about a failed step; `None` if unknown.
pub(super) fn hint(
    parts: ExternalParts,
    platform: Option<Platform>,
    step: &StepId,
    failure: &Failure,
) -> Option<&'static str> {
    let tables = Tables::of(parts, platform);
    let lines = lines(failure);
    let found = find(&tables.causes, step, &lines);
    let found = found.or_else(|| find(&tables.symptoms, step, &lines));
    let found = found.or_else(|| {
        // A step that refused to start has said what to do; a failed program has not.
        failure.status?;
        let mut signs = tables.general.iter().copied().flatten();
        signs.find(|sign| is_of(sign, step))
    });
    found.map(|sign| sign.hint)
}

/// The printed lines, the last one first.
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

fn is_of(sign: &Sign, step: &StepId) -> bool {
    step.as_str().starts_with(sign.at)
}

fn is_in(sign: &Sign, line: &str) -> bool {
    sign.says.iter().all(|text| line.contains(text))
}

fn find<'s>(tables: &[&'s [Sign]], step: &StepId, lines: &[&str]) -> Option<&'s Sign> {
    lines.iter().find_map(|line| {
        let mut signs = tables.iter().copied().flatten();
        signs.find(|sign| is_of(sign, step) && is_in(sign, line))
    })
}

#[cfg(test)]
mod tests;
