//! The forms of the screens, asked for field by field. All that this walk knows of how they are
//! made is here.

use zeroize::Zeroizing;

use crate::answers::{Host, Problem};
use crate::tui::fields;
use crate::tui::form::{Field, Form, Kind};
use crate::tui::text;
use crate::tui::walk::Section;
use crate::tui::wizard::Wizard;

/// What the forms say of keys has no meaning here.
const OF_KEYS: &str = " Left and right choose.";

/// A form that is asked for in one go.
pub struct Sheet {
    pub title: &'static str,
    pub why: &'static str,
    form: Form,
    about: About,
}

enum About {
    /// By its place.
    Host(usize),
    Section(Section),
}

/// Why an answer is not taken as it is.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It means nothing: what was there before stays.
    Unread(String),
    /// It was taken, and is not right, alone or beside other answers.
    Unfit(String),
}

impl Sheet {
    /// The form of the host at this place, or of a new one behind the last.
    pub fn of_host(wizard: &Wizard, place: usize) -> Self {
        let form = fields::of_host(&host(wizard, place));
        Self {
            title: form.title,
            why: form.why,
            form,
            about: About::Host(place),
        }
    }

    /// The options, a part a phase.
    pub fn of_options(wizard: &Wizard) -> Vec<Self> {
        let part = |section| {
            let form = wizard.options(section);
            Self {
                title: form.title,
                why: form.why,
                form,
                about: About::Section(section),
            }
        };
        Section::ALL.into_iter().map(part).collect()
    }

    pub fn fields(&self) -> &[Field] {
        &self.form.fields
    }

    /// Takes an answer for the field at this place.
    pub fn put(&mut self, place: usize, value: &str, wizard: &mut Wizard) -> Result<(), Wrong> {
        let field = &mut self.form.fields[place];
        let key = field.key;
        let before = Zeroizing::new(field.value().to_owned());
        field.set(value);
        let unread = self.take(wizard);
        if let Some(unread) = unread.into_iter().find(|unread| unread.key == key) {
            self.form.fields[place].set(&before);
            self.take(wizard);
            return Err(Wrong::Unread(unread.message));
        }
        let key = match self.about {
            About::Host(place) => format!("hosts[{place}].{key}"),
            About::Section(_) => key.to_owned(),
        };
        let problems = wizard.answers.problems();
        match problems.into_iter().find(|problem| is_of(problem, &key)) {
            Some(problem) => Err(Wrong::Unfit(problem.message)),
            None => Ok(()),
        }
    }

    /// Puts all of it into the answers; what cannot be understood, by its key.
    fn take(&self, wizard: &mut Wizard) -> Vec<fields::Unread> {
        let place = match self.about {
            About::Host(place) => place,
            About::Section(section) => {
                return fields::to_section(section, &self.form, &mut wizard.answers);
            }
        };
        let (host, unread) = fields::to_host(&self.form, &host(wizard, place));
        let hosts = &mut wizard.answers.hosts;
        if let Some(there) = hosts.get_mut(place) {
            *there = host;
        } else if !host.name.is_empty() || !host.address.is_empty() {
            hosts.push(host);
        }
        unread
    }
}

fn host(wizard: &Wizard, place: usize) -> Host {
    let there = wizard.answers.hosts.get(place).cloned();
    there.unwrap_or_else(|| Host::new("", wizard.next_role(), ""))
}

/// A list has problems of its members too.
fn is_of(problem: &Problem, key: &str) -> bool {
    let rest = problem.key.strip_prefix(key);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}

pub fn choices(field: &Field) -> Option<&'static [&'static str]> {
    match field.kind {
        Kind::Choice(choices) => Some(choices),
        Kind::Text | Kind::Number | Kind::Secret { .. } | Kind::Lines => None,
    }
}

/// Whether it is asked for line by line.
pub fn has_lines(field: &Field) -> bool {
    field.kind == Kind::Lines
}

/// What stands in it, for everybody to see.
pub fn shown(field: &Field) -> &str {
    if field.generates() && field.value().is_empty() {
        text::GENERATED
    } else if field.is_hidden() && !field.value().is_empty() {
        text::GIVEN
    } else {
        field.value()
    }
}

pub fn help(field: &Field) -> &'static str {
    field.help.strip_suffix(OF_KEYS).unwrap_or(field.help)
}

/// Hosts from lines, one a line.
pub fn hosts_from(lines: &str) -> Vec<Host> {
    fields::hosts_from(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::wizard::Found;

    fn place(sheet: &Sheet, key: &str) -> usize {
        let mut fields = sheet.fields().iter();
        fields.position(|field| field.key == key).expect("a field")
    }

    #[test]
    fn a_host_is_made_field_by_field() {
        let mut wizard = Wizard::new(Found::default());
        let mut sheet = Sheet::of_host(&wizard, 0);
        let fields = ["name", "address", "port"].map(|key| place(&sheet, key));
        let mut put = |at: usize, value: &str| sheet.put(fields[at], value, &mut wizard);
        assert!(matches!(put(0, "Not A Name"), Err(Wrong::Unfit(_))));
        assert_eq!(put(0, "db"), Ok(()));
        assert_eq!(put(1, "10.0.0.5"), Ok(()));
        assert_eq!(put(2, "2222"), Ok(()));
        // What means nothing changes nothing.
        assert!(matches!(put(2, "ssh"), Err(Wrong::Unread(_))));
        let host = &wizard.answers.hosts[0];
        assert_eq!((&*host.name, host.port), ("db", Some(2222)));
        assert_eq!(wizard.answers.hosts.len(), 1);
        assert_eq!(sheet.fields()[fields[2]].value(), "2222");
    }

    #[test]
    fn a_secret_is_not_shown() {
        let mut wizard = Wizard::new(Found::default());
        let inline = crate::answers::Secret::Inline("hunter2hunter2".to_owned().into());
        wizard.answers.k3s.token = Some(inline);
        for part in Sheet::of_options(&wizard) {
            for field in part.fields() {
                assert!(!shown(field).contains("hunter2"));
            }
        }
    }
}
