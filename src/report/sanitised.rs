//! The edge of the process: what a host says reaches no terminal as a command to it.

use std::io::{self, Write};
use std::str;

use crate::letters::misleads;

/// Writes text with an escape in place of each character that a terminal obeys, or that makes text
/// read otherwise than it is written: `\u001b`, as JSON has it. So JSON stays valid, and means the
/// same.
#[derive(Debug)]
pub struct Sanitised<W> {
    inner: W,
    /// The begun last character of what was written.
    begun: Vec<u8>,
}

impl<W: Write> Sanitised<W> {
    pub fn new(inner: W) -> Self {
        let begun = Vec::new();
        Self { inner, begun }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let mut rest = text;
        while let Some(at) = rest.find(is_unsafe) {
            let (safe, from) = rest.split_at(at);
            self.inner.write_all(safe.as_bytes())?;
            let mut letters = from.chars();
            if let Some(letter) = letters.next() {
                self.escaped(letter)?;
            }
            rest = letters.as_str();
        }
        self.inner.write_all(rest.as_bytes())
    }

    /// Beyond U+FFFF, JSON has two escapes for a character.
    fn escaped(&mut self, letter: char) -> io::Result<()> {
        let mut units = [0; 2];
        for unit in letter.encode_utf16(&mut units) {
            write!(self.inner, "\\u{unit:04x}")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Sanitised<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let error = match str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text)?;
                    break;
                }
                Err(error) => error,
            };
            let (valid, from) = rest.split_at(error.valid_up_to());
            self.text(&String::from_utf8_lossy(valid))?;
            let Some(invalid) = error.error_len() else {
                from.clone_into(&mut self.begun);
                break;
            };
            self.text("\u{fffd}")?;
            rest = &from[invalid..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn is_unsafe(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\n' | '\t') || misleads(letter)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(pieces: &[&[u8]]) -> String {
        let mut out = Vec::new();
        let mut sanitised = Sanitised::new(&mut out);
        for piece in pieces {
            sanitised.write_all(piece).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_has_nothing_to_obey_and_nothing_is_hidden() {
        for (text, shown) in [
            ("plain µ …\n\tx", "plain µ …\n\tx"),
            ("a\u{1b}]52;c;cm0=\u{7}b", "a\\u001b]52;c;cm0=\\u0007b"),
            ("\u{9b}31m\u{7f}\r", "\\u009b31m\\u007f\\u000d"),
            ("a\u{202e}b\u{200b}c\u{feff}", "a\\u202eb\\u200bc\\ufeff"),
            ("tag \u{e0041}", "tag \\udb40\\udc41"),
        ] {
            assert_eq!(written(&[text.as_bytes()]), shown, "{text:?}");
        }
        assert_eq!(written(&[b"a\xffb"]), "a\u{fffd}b");
    }

    proptest! {
        #[test]
        fn json_stays_valid_and_means_the_same(text in ".{0,40}|[\u{1b}\u{9b}\u{202e}\u{e0001}\"\\\\a]{0,20}") {
            let json = serde_json::to_string(&text).unwrap();
            let shown = written(&[json.as_bytes()]);
            prop_assert!(!shown.contains(is_unsafe));
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }

        #[test]
        fn it_does_not_matter_how_text_is_cut(bytes in ".{0,20}", size in 1usize..5) {
            let pieces: Vec<_> = bytes.as_bytes().chunks(size).collect();
            prop_assert_eq!(written(&pieces), written(&[bytes.as_bytes()]));
        }
    }
}
