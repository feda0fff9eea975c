//! Editing the text of a field: where the cursor is, and what keys do to both.

use crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation as _;

use crate::interview::form::{Field, Kind};

/// What the screens know of a field beside its text.
#[derive(Debug, Clone)]
pub struct FieldEntry {
    /// In bytes.
    pub cursor: usize,
    /// What is wrong with the field, once that is shown.
    pub error: Option<String>,
    /// It was left once: from now on it says what is wrong.
    pub visited: bool,
    /// What stands in it was made by the wizard, and is as it was made.
    pub generated: bool,
}

impl FieldEntry {
    pub fn of(field: &Field) -> Self {
        Self {
            cursor: field.value().len(),
            error: None,
            visited: false,
            generated: false,
        }
    }
}

/// A field while it is changed.
pub struct Editing<'a> {
    pub field: &'a mut Field,
    pub entry: &'a mut FieldEntry,
}

impl Editing<'_> {
    pub fn set(&mut self, value: &str) {
        self.field.set(value);
        self.entry.cursor = value.len();
        self.entry.generated = false;
    }

    /// Whether anything changed.
    pub fn typed(&mut self, code: KeyCode) -> bool {
        match code {
            KeyCode::Char(' ') if self.is_choice() => self.choose(1),
            KeyCode::Char(letter) => self.insert(letter),
            KeyCode::Backspace if !self.is_choice() => {
                self.delete(self.before()..self.entry.cursor)
            }
            KeyCode::Delete if !self.is_choice() => self.delete(self.entry.cursor..self.after()),
            KeyCode::Home => {
                self.entry.cursor = self.line_start();
                false
            }
            KeyCode::End => {
                self.entry.cursor = self.line_end();
                false
            }
            _ => false,
        }
    }

    /// Whether anything changed.
    pub fn pasted(&mut self, text: &str) -> bool {
        let before = self.value().len();
        let text = text.trim_end_matches(['\r', '\n']);
        if self.field.kind == Kind::Lines {
            for (number, line) in text.lines().enumerate() {
                if number > 0 {
                    self.new_line();
                }
                for letter in line.chars() {
                    self.insert(letter);
                }
            }
        } else {
            let line = text.lines().next().unwrap_or_default().trim();
            for letter in line.chars() {
                self.insert(letter);
            }
        }
        self.value().len() > before
    }

    /// Whether anything changed.
    pub fn clear(&mut self) -> bool {
        if self.is_choice() {
            return false;
        }
        // Of several lines, the one with the cursor.
        self.delete(self.line_start()..self.line_end());
        true
    }

    pub fn new_line(&mut self) -> bool {
        self.field.kind == Kind::Lines && self.put('\n')
    }

    /// To the line above or below; whether there is one.
    pub fn go_line(&mut self, down: bool) -> bool {
        let (value, cursor) = (self.value(), self.entry.cursor);
        let start = self.line_start();
        let column = value[start..cursor].graphemes(true).count();
        let start = if down {
            match value[cursor..].find('\n') {
                Some(end) => cursor + end + 1,
                None => return false,
            }
        } else {
            let Some(end) = start.checked_sub(1) else {
                return false;
            };
            value[..end].rfind('\n').map_or(0, |at| at + 1)
        };
        let line = value[start..].split('\n').next().unwrap_or_default();
        let at = line.grapheme_indices(true).nth(column);
        self.entry.cursor = start + at.map_or(line.len(), |(at, _)| at);
        true
    }

    pub fn go_letter(&mut self, right: bool) {
        self.entry.cursor = if right { self.after() } else { self.before() };
    }

    pub fn choose(&mut self, by: isize) -> bool {
        let Kind::Choice(choices) = self.field.kind else {
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
        self.set(choices[next]);
        true
    }

    fn value(&self) -> &str {
        self.field.value()
    }

    fn is_choice(&self) -> bool {
        matches!(self.field.kind, Kind::Choice(_))
    }

    fn insert(&mut self, letter: char) -> bool {
        let fits = match self.field.kind {
            Kind::Number => letter.is_ascii_digit() && self.value().len() < 5,
            Kind::Choice(_) => false,
            Kind::Text | Kind::Secret { .. } | Kind::Lines => !letter.is_control(),
        };
        fits && self.put(letter)
    }

    fn put(&mut self, letter: char) -> bool {
        if self.value().len() >= 4096 {
            return false;
        }
        self.field.value_mut().insert(self.entry.cursor, letter);
        self.entry.cursor += letter.len_utf8();
        self.entry.generated = false;
        true
    }

    fn delete(&mut self, range: std::ops::Range<usize>) -> bool {
        let changes = !range.is_empty();
        self.entry.cursor = range.start;
        self.field.value_mut().replace_range(range, "");
        self.entry.generated &= !changes;
        changes
    }

    fn before(&self) -> usize {
        let mut before = self.value()[..self.entry.cursor].grapheme_indices(true);
        before.next_back().map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.value()[self.entry.cursor..].graphemes(true).next();
        self.entry.cursor + next.map_or(0, str::len)
    }

    fn line_start(&self) -> usize {
        let before = &self.value()[..self.entry.cursor];
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let after = &self.value()[self.entry.cursor..];
        after
            .find('\n')
            .map_or(self.value().len(), |at| self.entry.cursor + at)
    }
}
