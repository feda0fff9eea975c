//! Forms: fields with a label, a line of help or of what is wrong, and a text that can be edited.

use crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation as _;
use zeroize::Zeroizing;

use super::keys::Action;

/// For how many milliseconds a secret shows.
const REVEALED: u64 = 5000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Only digits go in.
    Number,
    Secret,
    Choice(&'static [&'static str]),
}

#[derive(Clone)]
pub struct Field {
    /// The key of the answers that it sets, as problems name it.
    pub key: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    /// Stands above it where a part of the form begins.
    pub head: Option<&'static str>,
    pub kind: Kind,
    value: Zeroizing<String>,
    /// In bytes.
    cursor: usize,
    /// What is wrong with it, once that is shown.
    pub error: Option<String>,
    /// It was left once: from now on it says what is wrong.
    visited: bool,
}

/// Its value may be a secret.
impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Field({})", self.key)
    }
}

impl Field {
    pub fn new(
        key: &'static str,
        (label, help): (&'static str, &'static str),
        kind: Kind,
        value: impl Into<String>,
    ) -> Self {
        let value = Zeroizing::new(value.into());
        Self {
            key,
            label,
            help,
            head: None,
            kind,
            cursor: value.len(),
            value,
            error: None,
            visited: false,
        }
    }

    #[must_use]
    pub fn under(mut self, head: &'static str) -> Self {
        self.head = Some(head);
        self
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn set(&mut self, value: &str) {
        value.clone_into(&mut self.value);
        self.cursor = self.value.len();
    }

    /// Whether anything changed.
    fn insert(&mut self, letter: char) -> bool {
        let fits = match self.kind {
            Kind::Number => letter.is_ascii_digit() && self.value.len() < 5,
            Kind::Choice(_) => false,
            Kind::Text | Kind::Secret => !letter.is_control() && self.value.len() < 4096,
        };
        if fits {
            self.value.insert(self.cursor, letter);
            self.cursor += letter.len_utf8();
        }
        fits
    }

    /// Whether it shows as stars: a secret does, where one is kept does not.
    pub fn is_hidden(&self) -> bool {
        let reference = self.value.starts_with("env:") || self.value.starts_with("file:");
        self.kind == Kind::Secret && !reference
    }

    fn before(&self) -> usize {
        let before = self.value[..self.cursor].grapheme_indices(true).next_back();
        before.map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.value[self.cursor..].graphemes(true).next();
        self.cursor + next.map_or(0, str::len)
    }

    fn choose(&mut self, by: isize) -> bool {
        let Kind::Choice(choices) = self.kind else {
            return false;
        };
        let at = choices.iter().position(|choice| *choice == self.value());
        let last = choices.len() - 1;
        let next = match (at.unwrap_or(0), by < 0) {
            (0, true) => last,
            (at, true) => at - 1,
            (at, false) if at == last => 0,
            (at, false) => at + 1,
        };
        *self.value = choices[next].to_owned();
        self.cursor = self.value.len();
        true
    }
}

#[derive(Debug, Clone)]
pub struct Form {
    pub title: &'static str,
    pub why: &'static str,
    pub fields: Vec<Field>,
    pub focus: usize,
    /// For how many milliseconds secrets still show.
    pub revealed: u64,
}

impl Form {
    pub fn new(title: &'static str, why: &'static str, fields: Vec<Field>) -> Self {
        Self {
            title,
            why,
            fields,
            focus: 0,
            revealed: 0,
        }
    }

    pub fn value(&self, key: &str) -> &str {
        let field = self.fields.iter().find(|field| field.key == key);
        field.map_or("", Field::value)
    }

    fn focused(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.focus)
    }

    /// Whether anything changed.
    pub fn typed(&mut self, code: KeyCode) -> bool {
        let Some(field) = self.focused() else {
            return false;
        };
        match code {
            KeyCode::Char(' ') if matches!(field.kind, Kind::Choice(_)) => field.choose(1),
            KeyCode::Char(letter) => field.insert(letter),
            KeyCode::Backspace if !matches!(field.kind, Kind::Choice(_)) => {
                let from = field.before();
                let changes = from < field.cursor;
                field.value.replace_range(from..field.cursor, "");
                field.cursor = from;
                changes
            }
            KeyCode::Delete if !matches!(field.kind, Kind::Choice(_)) => {
                let to = field.after();
                let changes = to > field.cursor;
                field.value.replace_range(field.cursor..to, "");
                changes
            }
            KeyCode::Home => {
                field.cursor = 0;
                false
            }
            KeyCode::End => {
                field.cursor = field.value.len();
                false
            }
            _ => false,
        }
    }

    /// Whether anything changed.
    pub fn pasted(&mut self, text: &str) -> bool {
        let line = text.trim_end_matches(['\r', '\n']);
        let line = line.lines().next().unwrap_or_default().trim();
        let Some(field) = self.focused() else {
            return false;
        };
        let before = field.value.len();
        for letter in line.chars() {
            field.insert(letter);
        }
        field.value.len() > before
    }

    /// Whether anything changed.
    pub fn act(&mut self, action: Action) -> bool {
        match action {
            Action::NextField => self.go(self.focus + 1),
            Action::PreviousField => self.go(self.focus.saturating_sub(1)),
            Action::Reveal => self.revealed = REVEALED,
            Action::Left | Action::Right => {
                let by = if action == Action::Left { -1 } else { 1 };
                let Some(field) = self.focused() else {
                    return false;
                };
                if field.choose(by) {
                    return true;
                }
                field.cursor = if by < 0 {
                    field.before()
                } else {
                    field.after()
                };
            }
            Action::Clear => {
                let Some(field) = self.focused() else {
                    return false;
                };
                if !matches!(field.kind, Kind::Choice(_)) {
                    field.value.clear();
                    field.cursor = 0;
                    return true;
                }
            }
            _ => {}
        }
        false
    }

    fn go(&mut self, to: usize) {
        if let Some(field) = self.focused() {
            field.visited = true;
        }
        self.focus = to.min(self.fields.len().saturating_sub(1));
        self.revealed = 0;
    }

    pub fn is_at_end(&self) -> bool {
        self.focus + 1 >= self.fields.len()
    }

    /// Takes what is wrong, and shows it at the fields that were visited; at all of them where it
    /// is `all`, and then goes to the first. Whether there is anything.
    pub fn judge(&mut self, all: bool, problem: impl Fn(&Field) -> Option<String>) -> bool {
        for field in &mut self.fields {
            field.visited |= all;
            field.error = if field.visited { problem(field) } else { None };
        }
        let first = self.fields.iter().position(|field| field.error.is_some());
        if let (true, Some(first)) = (all, first) {
            self.focus = first;
        }
        first.is_some()
    }

    pub fn focus_on(&mut self, key: &str) {
        if let Some(place) = self.fields.iter().position(|field| field.key == key) {
            self.focus = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(kind: Kind, value: &str) -> Form {
        Form::new("t", "w", vec![Field::new("k", ("l", "h"), kind, value)])
    }

    #[test]
    fn letters_go_where_the_cursor_is_and_whole_letters_go_away() {
        let mut form = form(Kind::Text, "ab");
        form.act(Action::Left);
        assert!(form.typed(KeyCode::Char('é')));
        assert_eq!(form.value("k"), "aéb");
        assert!(form.typed(KeyCode::Backspace));
        assert!(form.typed(KeyCode::Delete));
        assert!(!form.typed(KeyCode::Delete));
        assert_eq!(form.value("k"), "a");
        form.typed(KeyCode::Home);
        assert!(!form.typed(KeyCode::Backspace));
        assert!(form.pasted("  xy\nsecond line\n"));
        assert_eq!(form.value("k"), "xya");
        assert!(form.act(Action::Clear));
        assert_eq!(form.value("k"), "");
    }

    #[test]
    fn numbers_take_digits_and_choices_take_turns() {
        let mut number = form(Kind::Number, "");
        assert!(!number.typed(KeyCode::Char('x')));
        assert!(number.pasted("12a34567"));
        assert_eq!(number.value("k"), "12345");

        let mut choice = form(Kind::Choice(&["one", "two", "three"]), "one");
        assert!(choice.act(Action::Left));
        assert_eq!(choice.value("k"), "three");
        assert!(choice.typed(KeyCode::Char(' ')));
        assert!(!choice.typed(KeyCode::Char('x')));
        assert!(!choice.typed(KeyCode::Backspace));
        assert_eq!(choice.value("k"), "one");
    }

    #[test]
    fn what_is_wrong_shows_once_a_field_was_left() {
        let mut form = form(Kind::Text, "");
        let wrong = |_: &Field| Some("wrong".to_owned());
        assert!(!form.judge(false, wrong));
        form.act(Action::NextField);
        assert!(form.judge(false, wrong));
        assert!(!form.judge(true, |_| None));
    }

    #[test]
    fn a_secret_is_in_no_debug_output() {
        let form = form(Kind::Secret, "hunter2hunter2");
        assert!(!format!("{form:?}").contains("hunter2"));
    }
}
