//! The sentences that both interactive frontends show, for their snapshots: each is kept once.

use super::form::{Field, Form};
use super::offers::Found;
use super::section::Section;
use super::{Interview, text};
use crate::answers::{Answers, Host, Problem, Role};

/// Every sentence of the forms, by what it belongs to.
fn of_forms() -> Vec<(String, String)> {
    let interview = Interview::new(Found::default());
    let mut forms = vec![interview.host_form(0)];
    forms.extend(Section::ALL.map(|section| interview.section_form(section)));
    let of_field = |field: &Field| {
        [
            (field.key.to_owned(), field.help.to_owned()),
            (format!("{}, empty", field.key), field.when_empty.clone()),
        ]
    };
    let of_form = |form: Form| {
        let mut said = vec![(form.title.to_owned(), form.why.to_owned())];
        said.extend(form.fields.iter().flat_map(of_field));
        said
    };
    forms.into_iter().flat_map(of_form).collect()
}

/// Sentences about wrong answers that both show.
fn of_problems() -> Vec<(String, String)> {
    let mut answers = Answers::default();
    let mut problems = answers.problems();
    answers.cluster.name = "Not a name".into();
    answers.hosts = vec![Host::new("db", Role::Postgres, "10.0.0")];
    problems.extend(answers.problems());
    let named = |problem: Problem| (format!("problem of {}", problem.key), problem.message);
    problems.into_iter().map(named).collect()
}

pub fn listed() -> String {
    let mut lines = Vec::new();
    for (name, text) in of_forms() {
        if !text.is_empty() {
            lines.push(format!("{name}\n  {text}"));
        }
    }
    lines.join("\n")
}

/// A transcript in which names stand for the sentences that the screens have, too.
pub fn named(transcript: &str) -> String {
    let texts = [
        ("welcome", text::WELCOME_WHAT),
        ("needs", text::WELCOME_NEEDS),
        ("tmux", text::WELCOME_TMUX),
        ("draft", text::OFFER_DRAFT.1),
        ("new", text::OFFER_NEW.1),
        ("open", text::OFFER_OPEN.1),
        ("hosts", text::HOSTS_WHY),
        ("remove", text::REMOVE_HOST),
        ("complete", text::ANSWERS_VALID),
        ("will-do", text::phase::WILL_DO),
        ("not-an-address", text::field::NOT_AN_ADDRESS),
    ];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let mut all = of_forms();
    all.extend(of_problems());
    all.extend(texts);
    all.retain(|(_, text)| text.split(' ').count() > 2);
    // A sentence may begin as a shorter one does.
    all.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
    let named = |transcript: String, (name, text): (String, String)| {
        replaced(&transcript, &text, &format!("‹{name}›"))
    };
    all.into_iter().fold(transcript.to_owned(), named)
}

/// However the text is wrapped.
fn replaced(transcript: &str, text: &str, with: &str) -> String {
    let mut out = String::new();
    let mut rest = transcript;
    while let Some(first) = rest.chars().next() {
        if let Some(length) = length_of(rest, text) {
            out.push_str(with);
            rest = &rest[length..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn length_of(rest: &str, text: &str) -> Option<usize> {
    let mut length = 0;
    for (number, word) in text.split_whitespace().enumerate() {
        let after = &rest[length..];
        let gap = after.len() - after.trim_start().len();
        if (gap == 0) != (number == 0) {
            return None;
        }
        length += gap;
        rest[length..]
            .starts_with(word)
            .then(|| length += word.len())?;
    }
    Some(length)
}
