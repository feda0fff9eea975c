//! A form on a screen: one of its fields has focus, and its text a cursor.

mod editing;

use crossterm::event::KeyCode;

use super::action::Action;
use crate::interview::form::{Field, Form};
use editing::Editing;
pub use editing::FieldEntry;

/// For how many milliseconds a secret shows.
const REVEALED: u64 = 5000;

#[derive(Debug, Clone)]
pub struct FormEditor {
    pub form: Form,
    /// One for each field.
    entries: Vec<FieldEntry>,
    pub focus: usize,
    /// For how many milliseconds secrets still show.
    pub revealed: u64,
}

impl FormEditor {
    pub fn new(form: Form) -> Self {
        Self {
            entries: form.fields.iter().map(FieldEntry::of).collect(),
            form,
            focus: 0,
            revealed: 0,
        }
    }

    /// Every field with what the screens know of it.
    pub fn fields(&self) -> impl Iterator<Item = (&Field, &FieldEntry)> {
        self.form.fields.iter().zip(&self.entries)
    }

    /// The form may have got more fields at its end, or lost them.
    fn follow(&mut self) {
        let fields = &self.form.fields;
        self.entries.truncate(fields.len());
        let new = fields.iter().skip(self.entries.len());
        self.entries.extend(new.map(FieldEntry::of));
        self.focus = self.focus.min(fields.len().saturating_sub(1));
    }

    pub fn focused(&self) -> Option<&Field> {
        self.form.fields.get(self.focus)
    }

    fn editing(&mut self) -> Option<Editing<'_>> {
        Some(Editing {
            field: self.form.fields.get_mut(self.focus)?,
            entry: self.entries.get_mut(self.focus)?,
        })
    }

    /// Whether anything changed.
    pub fn typed(&mut self, code: KeyCode) -> bool {
        self.editing().is_some_and(|mut field| field.typed(code))
    }

    /// Whether anything changed.
    pub fn pasted(&mut self, text: &str) -> bool {
        self.editing().is_some_and(|mut field| field.pasted(text))
    }

    /// A secret was made for a field. Whether anything changed.
    pub fn generated(&mut self, key: &str, secret: &str) -> bool {
        let mut fields = self.form.fields.iter_mut().zip(&mut self.entries);
        let Some((field, entry)) = fields.find(|(field, _)| field.key == key) else {
            return false;
        };
        Editing { field, entry }.set(secret);
        entry.generated = true;
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
                let moved = self.editing().is_some_and(|mut field| field.go_line(down));
                match (moved, down) {
                    (true, _) => {}
                    (false, true) => self.go(focus + 1),
                    (false, false) => self.go(focus.saturating_sub(1)),
                }
            }
            Action::Reveal => self.revealed = REVEALED,
            Action::Left | Action::Right => {
                let right = action == Action::Right;
                if let Some(mut field) = self.editing() {
                    if field.choose(if right { 1 } else { -1 }) {
                        return true;
                    }
                    field.go_letter(right);
                }
            }
            Action::NewLine => return self.editing().is_some_and(|mut field| field.new_line()),
            Action::Clear => return self.editing().is_some_and(|mut field| field.clear()),
            _ => {}
        }
        false
    }

    /// To a field further on, or before. Nothing changes.
    pub fn scroll(&mut self, by: isize) -> bool {
        self.go(self.focus.saturating_add_signed(by));
        false
    }

    fn go(&mut self, to: usize) {
        if let Some(entry) = self.entries.get_mut(self.focus) {
            entry.visited = true;
        }
        self.focus = to.min(self.entries.len().saturating_sub(1));
        self.revealed = 0;
    }

    /// Shows at the field with focus why it was refused, until it changes.
    pub fn refuse(&mut self, why: String) {
        if let Some(entry) = self.entries.get_mut(self.focus) {
            entry.error = Some(why);
        }
    }

    pub fn is_at_end(&self) -> bool {
        self.focus + 1 >= self.entries.len()
    }

    /// Takes what is wrong, and shows it at the fields that were visited; at all of them where it
    /// is `all`, and then goes to the first. Whether there is anything.
    pub fn judge(&mut self, all: bool, problem: impl Fn(&Field) -> Option<String>) -> bool {
        self.follow();
        for (field, entry) in self.form.fields.iter().zip(&mut self.entries) {
            entry.visited |= all;
            entry.error = if entry.visited { problem(field) } else { None };
        }
        let first = self.entries.iter().position(|entry| entry.error.is_some());
        if let (true, Some(first)) = (all, first) {
            self.focus = first;
        }
        first.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::form::Kind;

    const SECRET: Kind = Kind::Secret { generates: true };

    fn editor(kind: Kind, value: &str) -> FormEditor {
        let field = Field::new("k", ("l", "h"), kind, value);
        FormEditor::new(Form::new("t", "w", vec![field]))
    }

    #[test]
    fn letters_go_where_the_cursor_is_and_whole_letters_go_away() {
        let mut editor = editor(Kind::Text, "ab");
        editor.act(Action::Left);
        assert!(editor.typed(KeyCode::Char('é')));
        assert_eq!(editor.form.value("k"), "aéb");
        assert!(editor.typed(KeyCode::Backspace));
        assert!(editor.typed(KeyCode::Delete));
        assert!(!editor.typed(KeyCode::Delete));
        assert_eq!(editor.form.value("k"), "a");
        editor.typed(KeyCode::Home);
        assert!(!editor.typed(KeyCode::Backspace));
        assert!(editor.pasted("  xy\nsecond line\n"));
        assert_eq!(editor.form.value("k"), "xya");
        assert!(editor.act(Action::Clear));
        assert_eq!(editor.form.value("k"), "");
    }

    #[test]
    fn numbers_take_digits_and_choices_take_turns() {
        let mut number = editor(Kind::Number, "");
        assert!(!number.typed(KeyCode::Char('x')));
        assert!(number.pasted("12a34567"));
        assert_eq!(number.form.value("k"), "12345");

        let mut choice = editor(Kind::Choice(&["one", "two", "three"]), "one");
        assert!(choice.act(Action::Left));
        assert_eq!(choice.form.value("k"), "three");
        assert!(choice.typed(KeyCode::Char(' ')));
        assert!(!choice.typed(KeyCode::Char('x')));
        assert!(!choice.typed(KeyCode::Backspace));
        assert_eq!(choice.form.value("k"), "one");
    }

    #[test]
    fn what_is_wrong_shows_once_a_field_was_left() {
        let mut editor = editor(Kind::Text, "");
        let wrong = |_: &Field| Some("wrong".to_owned());
        assert!(!editor.judge(false, wrong));
        editor.act(Action::NextField);
        assert!(editor.judge(false, wrong));
        assert!(!editor.judge(true, |_| None));
    }

    #[test]
    fn several_lines_are_gone_through_and_then_left() {
        let mut editor = editor(Kind::Lines, "one = 1\n\nthree = 3");
        let other = Field::new("other", ("l", "h"), Kind::Text, "");
        editor.entries.push(FieldEntry::of(&other));
        editor.form.fields.push(other);
        editor.act(Action::LineUp);
        editor.act(Action::LineUp);
        editor.typed(KeyCode::End);
        assert!(editor.act(Action::NewLine));
        assert!(editor.pasted("two = 2\r\ntwo-more = 2\n"));
        assert_eq!(
            editor.form.value("k"),
            "one = 1\ntwo = 2\ntwo-more = 2\n\nthree = 3"
        );
        assert!(editor.act(Action::Clear));
        assert_eq!(editor.form.value("k"), "one = 1\ntwo = 2\n\n\nthree = 3");
        for _ in 0..2 {
            editor.act(Action::LineDown);
        }
        assert_eq!(editor.focus, 0);
        editor.act(Action::LineDown);
        assert_eq!(editor.focus, 1);
        editor.act(Action::LineUp);
        assert_eq!(editor.focus, 0);
        // Elsewhere, there is nothing but one line.
        editor.act(Action::NextField);
        assert!(!editor.act(Action::NewLine));
        assert!(editor.pasted("one\ntwo"));
        assert_eq!(editor.form.value("other"), "one");
    }

    #[test]
    fn what_was_made_is_told_from_what_was_typed() {
        let mut editor = editor(SECRET, "typed");
        editor.generated("k", "made");
        assert!(editor.entries[0].generated && editor.form.fields[0].is_hidden());
        editor.act(Action::Left);
        assert!(editor.entries[0].generated);
        editor.typed(KeyCode::Char('x'));
        assert!(!editor.entries[0].generated);
        assert_eq!(editor.form.value("k"), "madxe");
    }
}
