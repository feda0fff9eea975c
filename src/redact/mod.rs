//! Keeps secrets out of everything that is shown or stored.
//!
//! A [`Redactor`] knows every secret of a run, in the forms in which programs print them, and a few
//! shapes that are always secret: private keys in PEM, `K10…::…` tokens, passwords in URLs.

mod forms;
mod shapes;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
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

/// The shortest part of a secret that is redacted where a line cuts it in two.
const PART: usize = 8;

#[derive(Default)]
pub struct Redactor {
    needles: Vec<Needle>,
    /// The needles by their first bytes.
    firsts: HashMap<[u8; SHORT], Vec<usize>>,
    /// A needle and a place in it, by the hash of the bytes that follow.
    parts: HashMap<u64, Vec<(usize, usize)>>,
    hash: RandomState,
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
        if self.needles.iter().any(|needle| needle.text == text) {
            return;
        }
        let number = self.needles.len();
        self.begins.0[pair(first[0], first[1])] = true;
        self.firsts.entry(first).or_default().push(number);
        for (at, part) in text.as_bytes().windows(PART).enumerate().skip(1) {
            let parts = self.parts.entry(self.hash.hash_one(part)).or_default();
            parts.push((number, at));
        }
        self.needles.push(Needle { text, base64 });
    }

    /// The text with every secret replaced; borrowed when there is none in it.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut found = Vec::new();
        self.known(text, &mut found);
        self.begun_before(text, &mut found);
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
                .and_then(|first| self.firsts.get(&first));
            for number in needles.into_iter().flatten() {
                self.fits(text, at, *number, 0, found);
            }
        }
        self.alone(text, found);
    }

    /// A needle from a place in it on, at a place of the text; or as much of it as comes before the
    /// end of the text, because programs break lines.
    fn fits(
        &self,
        text: &str,
        at: usize,
        number: usize,
        from: usize,
        found: &mut Vec<Range<usize>>,
    ) {
        let needle = &self.needles[number];
        let (rest, wanted) = (&text.as_bytes()[at..], &needle.text.as_bytes()[from..]);
        let is_cut = rest.len() >= PART && wanted.starts_with(rest);
        if rest.starts_with(wanted) || is_cut {
            let range = at..at + wanted.len().min(rest.len());
            found.push(if needle.base64 {
                widened(text, range, is_base64)
            } else {
                range
            });
        }
    }

    /// What the line before has begun.
    fn begun_before(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let at = text.len() - text.trim_start().len();
        let Some(part) = text.as_bytes()[at..].first_chunk::<PART>() else {
            return;
        };
        let places = self.parts.get(&self.hash.hash_one(part.as_slice()));
        for (number, from) in places.into_iter().flatten() {
            self.fits(text, at, *number, *from, found);
        }
    }

    /// Secrets that are searched as whole words.
    fn alone(&self, text: &str, found: &mut Vec<Range<usize>>) {
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
