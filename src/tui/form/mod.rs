//! Forms: fields, one of them with focus, under a title and why they are asked for.

mod field;

use crossterm::event::KeyCode;

use super::keys::Action;
pub use field::{Field, Kind};

/// For how many milliseconds a secret shows.
const REVEALED: u64 = 5000;

#[derive(Debug, Clone)]
pub struct Form {
    pub title: &'static str,
    pub why: &'static str,
    /// The names of the hosts that it concerns; nothing for a form that is about none.
    pub hosts: Option<Vec<String>>,
    pub fields: Vec<Field>,
    /// What will be done, below the fields.
    pub does: Vec<String>,
    pub focus: usize,
    /// For how many milliseconds secrets still show.
    pub revealed: u64,
}

impl Form {
    pub fn new(title: &'static str, why: &'static str, fields: Vec<Field>) -> Self {
        Self {
            title,
            why,
            hosts: None,
            fields,
            does: Vec::new(),
            focus: 0,
            revealed: 0,
        }
    }

    pub fn value(&self, key: &str) -> &str {
        let field = self.fields.iter().find(|field| field.key == key);
        field.map_or("", Field::value)
    }

    pub fn focused(&self) -> Option<&Field> {
        self.fields.get(self.focus)
    }

    fn focused_mut(&mut self) -> Option<&mut Field> {
        self.fields.get_mut(self.focus)
    }

    /// Whether anything changed.
    pub fn typed(&mut self, code: KeyCode) -> bool {
        self.focused_mut().is_some_and(|field| field.typed(code))
    }

    /// Whether anything changed.
    pub fn pasted(&mut self, text: &str) -> bool {
        self.focused_mut().is_some_and(|field| field.pasted(text))
    }

    /// A secret was made for a field. Whether anything changed.
    pub fn generated(&mut self, key: &str, secret: &str) -> bool {
        let mut fields = self.fields.iter_mut();
        let Some(field) = fields.find(|field| field.key == key) else {
            return false;
        };
        field.set(secret);
        field.generated = true;
        self.revealed = 0;
        true
    }

    /// Whether anything changed.
    pub fn act(&mut self, action: Action) -> bool {
        let focus = self.focus;
        match action {
            Action::NextField => self.go(focus + 1),
            Action::PreviousField => self.go(focus.saturating_sub(1)),
            Action::LineUp | Action::LineDown => {
                let down = action == Action::LineDown;
                let moved = self.focused_mut().is_some_and(|field| field.go_line(down));
                match (moved, down) {
                    (true, _) => {}
                    (false, true) => self.go(focus + 1),
                    (false, false) => self.go(focus.saturating_sub(1)),
                }
            }
            Action::Reveal => self.revealed = REVEALED,
            Action::Left | Action::Right => {
                let right = action == Action::Right;
                if let Some(field) = self.focused_mut() {
                    if field.choose(if right { 1 } else { -1 }) {
                        return true;
                    }
                    field.go_letter(right);
                }
            }
            Action::NewLine => return self.focused_mut().is_some_and(Field::new_line),
            Action::Clear => return self.focused_mut().is_some_and(Field::clear),
            _ => {}
        }
        false
    }

    fn go(&mut self, to: usize) {
        if let Some(field) = self.focused_mut() {
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

    const SECRET: Kind = Kind::Secret { generates: true };

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
        let form = form(SECRET, "hunter2hunter2");
        assert!(!format!("{form:?}").contains("hunter2"));
    }

    #[test]
    fn several_lines_are_gone_through_and_then_left() {
        let mut form = form(Kind::Lines, "one = 1\n\nthree = 3");
        let other = Field::new("other", ("l", "h"), Kind::Text, "");
        form.fields.push(other);
        form.act(Action::LineUp);
        form.act(Action::LineUp);
        form.typed(KeyCode::End);
        assert!(form.act(Action::NewLine));
        assert!(form.pasted("two = 2\r\ntwo-more = 2\n"));
        assert_eq!(
            form.value("k"),
            "one = 1\ntwo = 2\ntwo-more = 2\n\nthree = 3"
        );
        assert!(form.act(Action::Clear));
        assert_eq!(form.value("k"), "one = 1\ntwo = 2\n\n\nthree = 3");
        for _ in 0..2 {
            form.act(Action::LineDown);
        }
        assert_eq!(form.focus, 0);
        form.act(Action::LineDown);
        assert_eq!(form.focus, 1);
        form.act(Action::LineUp);
        assert_eq!(form.focus, 0);
        // Elsewhere, there is nothing but one line.
        form.act(Action::NextField);
        assert!(!form.act(Action::NewLine));
        assert!(form.pasted("one\ntwo"));
        assert_eq!(form.value("other"), "one");
    }

    #[test]
    fn what_was_made_is_told_from_what_was_typed() {
        let mut form = form(SECRET, "typed");
        form.generated("k", "made");
        assert!(form.fields[0].generated && form.fields[0].is_hidden());
        form.act(Action::Left);
        assert!(form.fields[0].generated);
        form.typed(KeyCode::Char('x'));
        assert!(!form.fields[0].generated);
        assert_eq!(form.value("k"), "madxe");
    }
}
