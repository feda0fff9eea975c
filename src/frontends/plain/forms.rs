//! Forms, asked for field by field.

use zeroize::Zeroizing;

use crate::answers::Problem;
use crate::interview::binding::ParseError;
use crate::interview::form::{Field, Form, Kind};
use crate::interview::section::Section;
use crate::interview::{Interview, key_of, part_of, text};

/// A form that is asked for in one go.
pub struct PlainForm {
    pub title: &'static str,
    pub why: &'static str,
    form: Form,
    about: About,
}

enum About {
    /// By its index.
    Host(usize),
    Section(Section),
}

/// Why an answer is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It cannot be parsed: the old value stays.
    Unread(String),
    /// It was accepted but is invalid, alone or together with other answers.
    Unfit(String),
}

impl PlainForm {
    /// The form of the host at this place, or of a new one behind the last.
    pub fn of_host(interview: &Interview, place: usize) -> Self {
        Self::new(interview.host_form(place), About::Host(place))
    }

    /// The options, one section per phase.
    pub fn of_options(interview: &Interview) -> Vec<Self> {
        let part = |section| Self::new(interview.section_form(section), About::Section(section));
        Section::ALL.into_iter().map(part).collect()
    }

    fn new(form: Form, about: About) -> Self {
        Self {
            title: form.title,
            why: form.why,
            form,
            about,
        }
    }

    pub fn fields(&self) -> &[Field] {
        &self.form.fields
    }

    /// Stores an answer for the field at this index.
    pub fn put(
        &mut self,
        place: usize,
        value: &str,
        interview: &mut Interview,
    ) -> Result<(), Wrong> {
        let field = &mut self.form.fields[place];
        let key = field.key;
        let before = Zeroizing::new(field.value().to_owned());
        field.set(value);
        let errors = self.take(interview);
        if let Some(error) = errors.into_iter().find(|error| error.key == key) {
            self.form.fields[place].set(&before);
            self.take(interview);
            return Err(Wrong::Unread(error.message));
        }
        let key = match self.about {
            About::Host(place) => key_of(Some(place), key),
            About::Section(_) => key_of(None, key),
        };
        let problems = interview.answers.problems();
        match problems.into_iter().find(|problem| is_of(problem, &key)) {
            Some(problem) => Err(Wrong::Unfit(problem.message)),
            None => Ok(()),
        }
    }

    /// Puts all fields into the answers; returns what cannot be parsed.
    fn take(&mut self, interview: &mut Interview) -> Vec<ParseError> {
        match self.about {
            About::Host(place) => interview.take_host(place, &self.form),
            About::Section(section) => interview.take_section(section, &mut self.form),
        }
    }
}

/// A list also has the problems of its items.
fn is_of(problem: &Problem, key: &str) -> bool {
    let rest = part_of(problem, key);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}

pub fn choices(field: &Field) -> Option<&'static [&'static str]> {
    match field.kind {
        Kind::Choice(choices) => Some(choices),
        Kind::Text | Kind::Number | Kind::Secret { .. } | Kind::Lines => None,
    }
}

/// Whether it takes several lines.
pub fn has_lines(field: &Field) -> bool {
    field.kind == Kind::Lines
}

/// Its value as shown.
pub fn shown(field: &Field) -> &str {
    if field.generates() && field.value().is_empty() {
        text::GENERATED
    } else if field.is_hidden() && !field.value().is_empty() {
        text::GIVEN
    } else {
        field.value()
    }
}

/// What Enter takes: the value, or what the field means while it is empty.
pub fn default(field: &Field) -> &str {
    if field.value().is_empty() {
        &field.when_empty
    } else {
        shown(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::offers::Found;

    fn place(sheet: &PlainForm, key: &str) -> usize {
        let mut fields = sheet.fields().iter();
        fields.position(|field| field.key == key).expect("a field")
    }

    #[test]
    fn a_host_is_made_field_by_field() {
        let mut interview = Interview::new(Found::default());
        let mut sheet = PlainForm::of_host(&interview, 0);
        let fields = ["name", "address", "port"].map(|key| place(&sheet, key));
        let mut put = |at: usize, value: &str| sheet.put(fields[at], value, &mut interview);
        assert!(matches!(put(0, "Not A Name"), Err(Wrong::Unfit(_))));
        assert_eq!(put(0, "db"), Ok(()));
        assert_eq!(put(1, "10.0.0.5"), Ok(()));
        assert_eq!(put(2, "2222"), Ok(()));
        // What means nothing changes nothing.
        assert!(matches!(put(2, "ssh"), Err(Wrong::Unread(_))));
        let host = &interview.answers.hosts[0];
        assert_eq!((&*host.name, host.port), ("db", Some(2222)));
        assert_eq!(interview.answers.hosts.len(), 1);
        assert_eq!(sheet.fields()[fields[2]].value(), "2222");
    }

    #[test]
    fn what_enter_takes_is_known_of_every_field_that_may_stay_empty() {
        let mut interview = Interview::new(Found::default());
        let of = |interview: &Interview, key| {
            let sheet = PlainForm::of_host(interview, 0);
            default(&sheet.fields()[place(&sheet, key)]).to_owned()
        };
        assert_eq!(of(&interview, "port"), "from ~/.ssh/config, or 22");
        assert_eq!(of(&interview, "role"), "postgres");
        // It must be filled in.
        assert_eq!(of(&interview, "address"), "");
        interview.answers.ssh.user = Some("admin".into());
        let inline = crate::answers::Secret::Inline("hunter2hunter2".to_owned().into());
        interview.answers.ssh.password = Some(inline);
        assert_eq!(of(&interview, "user"), "admin, as for all hosts");
        assert_eq!(of(&interview, "password"), "as for all hosts");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let mut interview = Interview::new(Found::default());
        let inline = crate::answers::Secret::Inline("hunter2hunter2".to_owned().into());
        interview.answers.k3s.token = Some(inline);
        for part in PlainForm::of_options(&interview) {
            for field in part.fields() {
                assert!(!shown(field).contains("hunter2"));
            }
        }
    }
}
