//! Which fields the forms have, and how forms and answers are converted into each other.
//!
//! * `host`: the form of a host; `sections`: the forms of the options; `pasted`: hosts from lines
//! * `reader`: parses fields; `phase`: what is shown around the fields

mod host;
mod pasted;
mod phase;
mod reader;
mod sections;
#[cfg(test)]
mod tests;

use crate::answers::Answers;
use crate::events::external::ExternalParts;

use super::form::{Field, Form};
use super::section::Section;
use super::text::section as say;
pub use host::of_host;
pub(super) use host::{show_defaults, to_host};
pub use pasted::hosts_from;
pub use reader::ParseError;

/// The form of a screen of options. `is_known`: the cluster exists, and keeps its token.
pub(super) fn of_section(section: Section, answers: &Answers, is_known: bool) -> Form {
    let fields = sections::fields(section, answers, is_known);
    Form {
        hosts: phase::hosts(section, answers),
        does: phase::does(section, answers),
        ..Form::new(
            say::title(section),
            say::why(section, parts(answers)),
            fields,
        )
    }
}

fn parts(answers: &Answers) -> ExternalParts {
    ExternalParts {
        postgres: answers.postgres.is_external(),
        load_balancer: answers.load_balancer.external().is_some(),
    }
}

/// Puts what a form says into the answers. What cannot be understood changes nothing.
pub(super) fn to_section(section: Section, form: &Form, answers: &mut Answers) -> Vec<ParseError> {
    let mut reader = reader::Reader::new(form);
    sections::read(section, &mut reader, answers);
    reader.errors
}

/// What changes with the answers while they are typed: an external Postgres has more fields.
pub(super) fn refresh(section: Section, form: &mut Form, answers: &Answers) {
    form.why = say::why(section, parts(answers));
    form.hosts = phase::hosts(section, answers);
    // Whether the cluster exists changes no key.
    let wanted = sections::fields(section, answers, false);
    let is_same = |(there, wanted): (&Field, &Field)| there.key == wanted.key;
    let same = form
        .fields
        .iter()
        .zip(&wanted)
        .take_while(|pair| is_same(*pair));
    let same = same.count();
    form.fields.truncate(same);
    form.fields.extend(wanted.into_iter().skip(same));
    form.does = phase::does(section, answers);
}
