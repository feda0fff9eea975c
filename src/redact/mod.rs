//! Keeps secrets out of everything that is shown or stored.
//!
//! A [`Redactor`] knows every secret of a run, in the forms in which programs print them, and a few
//! shapes that are always secret: private keys in PEM, `K10…::…` tokens, passwords in URLs.

mod forms;
mod shapes;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::secrets::SecretText;
use forms::{base64_forms, written_forms};
pub(crate) use shapes::PemBlock;
use shapes::shapes;

/// The replacement of a secret.
pub const MASK: &str = "[secret]";

/// The shortest text that is searched inside of words.
const SHORT: usize = 4;
/// The shortest line of a multi-line secret that is redacted by itself.
const LINE: usize = 12;

#[derive(Default)]
pub struct Redactor {
    /// By their first bytes.
    needles: HashMap<[u8; SHORT], Vec<Needle>>,
    /// Whether a needle begins with these two bytes: skips most of a text without a look-up.
    begins: Begins,
    /// Secrets too short to be searched inside of words: a password `abc` must not turn every
    /// `abcde` into a hint.
    short: Vec<Zeroizing<String>>,
}

struct Begins(Vec<bool>);

impl Default for Begins {
    fn default() -> Self {
        Self(vec![false; 1 << 16])
    }
}

struct Needle {
    text: Zeroizing<String>,
    /// It is a piece of base64: the base64 around it is redacted too.
    base64: bool,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretText>) -> Self {
        let mut redactor = Self::default();
        for secret in secrets {
            redactor.learn(secret);
        }
        redactor
    }

    /// Adds a secret: a typed password, a token that a server has created.
    pub fn learn(&mut self, secret: &SecretText) {
        let text = secret.expose();
        if text.len() < SHORT {
            if !text.is_empty() {
                self.short.push(Zeroizing::new(text.to_owned()));
            }
            return;
        }
        self.needle(Zeroizing::new(text.to_owned()), false);
        // Output comes line by line.
        if text.contains('\n') {
            let lines = text.lines().map(str::trim);
            for line in lines.filter(|line| line.len() >= LINE && !line.starts_with("-----")) {
                self.needle(Zeroizing::new(line.to_owned()), false);
            }
            return;
        }
        for form in written_forms(text) {
            self.needle(form, false);
        }
        for form in base64_forms(text.as_bytes()) {
            self.needle(form, true);
        }
    }

    fn needle(&mut self, text: Zeroizing<String>, base64: bool) {
        let Some(first) = text.as_bytes().first_chunk::<SHORT>().copied() else {
            return;
        };
        let needles = self.needles.entry(first).or_default();
        if !needles.iter().any(|needle| needle.text == text) {
            self.begins.0[pair(first[0], first[1])] = true;
            needles.push(Needle { text, base64 });
        }
    }

    /// The text with every secret replaced; borrowed when there is none in it.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found = Vec::new();
        self.known(text, &mut found);
        shapes(text, &mut found);
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        found.sort_by_key(|range| range.start);
        let mut redacted = String::with_capacity(text.len());
        let mut done = 0;
        for range in found {
            if range.end <= done {
                continue;
            }
            // Overlapping and adjacent ranges are merged.
            if range.start > done || done == 0 {
                redacted.push_str(&text[done..range.start]);
                redacted.push_str(MASK);
            }
            done = range.end;
        }
        redacted.push_str(&text[done..]);
        Cow::Owned(redacted)
    }

    fn known(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let bytes = text.as_bytes();
        for (at, window) in bytes.windows(SHORT).enumerate() {
            if !self.begins.0[pair(window[0], window[1])] {
                continue;
            }
            let needles = <[u8; SHORT]>::try_from(window)
                .ok()
                .and_then(|first| self.needles.get(&first));
            for needle in needles.into_iter().flatten() {
                if bytes[at..].starts_with(needle.text.as_bytes()) {
                    let range = at..at + needle.text.len();
                    found.push(if needle.base64 {
                        widened(text, range, is_base64)
                    } else {
                        range
                    });
                }
            }
        }
        for short in &self.short {
            let alone = |range: &Range<usize>| widened(text, range.clone(), is_word) == *range;
            found.extend(
                text.match_indices(short.as_str())
                    .map(|(at, short)| at..at + short.len())
                    .filter(alone),
            );
        }
    }
}

/// The range, extended over adjacent letters of a kind.
fn widened(text: &str, range: Range<usize>, kind: fn(char) -> bool) -> Range<usize> {
    let start = text[..range.start].trim_end_matches(kind).len();
    let end = text.len() - text[range.end..].trim_start_matches(kind).len();
    start..end
}

fn is_base64(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/' | '-' | '_' | '=')
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '-' | '_')
}

fn pair(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

#[cfg(test)]
mod tests;
