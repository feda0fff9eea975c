//! A field: a label, a line of help or of what is wrong, and a text that can be edited.

use crossterm::event::KeyCode;
use unicode_segmentation::UnicodeSegmentation as _;
use zeroize::Zeroizing;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Only digits go in.
    Number,
    Secret {
        /// The wizard can make one.
        generates: bool,
    },
    Choice(&'static [&'static str]),
    /// Several lines.
    Lines,
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
    pub(super) visited: bool,
    /// What stands in it was made by the wizard, and is as it was made.
    pub generated: bool,
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
            generated: false,
        }
    }

    #[must_use]
    pub fn under(mut self, head: &'static str) -> Self {
        self.head = Some(head);
        self
    }

    #[must_use]
    pub fn helped(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    pub fn value(&self) -> &str {
        &self.value
    }

    pub fn cursor(&self) -> usize {
        self.cursor
    }

    pub fn generates(&self) -> bool {
        self.kind == Kind::Secret { generates: true }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret { .. })
    }

    /// Whether it shows as stars: a secret does, where one is kept does not.
    pub fn is_hidden(&self) -> bool {
        let reference = self.value.starts_with("env:") || self.value.starts_with("file:");
        self.is_secret() && !reference
    }

    pub fn set(&mut self, value: &str) {
        value.clone_into(&mut self.value);
        self.cursor = self.value.len();
        self.generated = false;
    }

    /// Whether anything changed.
    pub(super) fn typed(&mut self, code: KeyCode) -> bool {
        match code {
            KeyCode::Char(' ') if self.is_choice() => self.choose(1),
            KeyCode::Char(letter) => self.insert(letter),
            KeyCode::Backspace if !self.is_choice() => self.delete(self.before()..self.cursor),
            KeyCode::Delete if !self.is_choice() => self.delete(self.cursor..self.after()),
            KeyCode::Home => {
                self.cursor = self.line_start();
                false
            }
            KeyCode::End => {
                self.cursor = self.line_end();
                false
            }
            _ => false,
        }
    }

    /// Whether anything changed.
    pub(super) fn pasted(&mut self, text: &str) -> bool {
        let before = self.value.len();
        let text = text.trim_end_matches(['\r', '\n']);
        if self.kind == Kind::Lines {
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
        self.value.len() > before
    }

    /// Whether anything changed.
    pub(super) fn clear(&mut self) -> bool {
        if self.is_choice() {
            return false;
        }
        // Of several lines, the one with the cursor.
        self.delete(self.line_start()..self.line_end());
        true
    }

    pub(super) fn new_line(&mut self) -> bool {
        self.kind == Kind::Lines && self.put('\n')
    }

    /// To the line above or below; whether there is one.
    pub(super) fn go_line(&mut self, down: bool) -> bool {
        let start = self.line_start();
        let column = self.value[start..self.cursor].graphemes(true).count();
        let start = if down {
            match self.value[self.cursor..].find('\n') {
                Some(end) => self.cursor + end + 1,
                None => return false,
            }
        } else {
            let Some(end) = start.checked_sub(1) else {
                return false;
            };
            self.value[..end].rfind('\n').map_or(0, |at| at + 1)
        };
        let line = self.value[start..].split('\n').next().unwrap_or_default();
        let at = line.grapheme_indices(true).nth(column);
        self.cursor = start + at.map_or(line.len(), |(at, _)| at);
        true
    }

    pub(super) fn go_letter(&mut self, right: bool) {
        self.cursor = if right { self.after() } else { self.before() };
    }

    fn is_choice(&self) -> bool {
        matches!(self.kind, Kind::Choice(_))
    }

    fn insert(&mut self, letter: char) -> bool {
        let fits = match self.kind {
            Kind::Number => letter.is_ascii_digit() && self.value.len() < 5,
            Kind::Choice(_) => false,
            Kind::Text | Kind::Secret { .. } | Kind::Lines => !letter.is_control(),
        };
        fits && self.put(letter)
    }

    fn put(&mut self, letter: char) -> bool {
        if self.value.len() >= 4096 {
            return false;
        }
        self.value.insert(self.cursor, letter);
        self.cursor += letter.len_utf8();
        self.generated = false;
        true
    }

    fn delete(&mut self, range: std::ops::Range<usize>) -> bool {
        let changes = !range.is_empty();
        self.cursor = range.start;
        self.value.replace_range(range, "");
        self.generated &= !changes;
        changes
    }

    fn before(&self) -> usize {
        let before = self.value[..self.cursor].grapheme_indices(true).next_back();
        before.map_or(0, |(at, _)| at)
    }

    fn after(&self) -> usize {
        let next = self.value[self.cursor..].graphemes(true).next();
        self.cursor + next.map_or(0, str::len)
    }

    fn line_start(&self) -> usize {
        let before = &self.value[..self.cursor];
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    fn line_end(&self) -> usize {
        let after = &self.value[self.cursor..];
        after
            .find('\n')
            .map_or(self.value.len(), |at| self.cursor + at)
    }

    pub(super) fn choose(&mut self, by: isize) -> bool {
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
        self.set(choices[next]);
        true
    }
}
