//! Lines that are no longer than the terminal is wide.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

/// A line in parts that are each at most so wide. Parts after the first one are indented to a column
/// of the first. Words are kept whole, so that paths and addresses can be copied.
pub fn wrapped(line: &str, width: Option<usize>) -> Vec<String> {
    let Some(width) = width.filter(|width| line.width() > *width) else {
        return vec![line.to_owned()];
    };
    let indent = column(line, width / 2);
    let (mut parts, mut part, mut is_new) = (Vec::new(), String::new(), true);
    for word in line.split(' ') {
        let space = usize::from(!is_new);
        if !is_new && !part.trim().is_empty() && part.width() + space + word.width() > width {
            parts.push(part.trim_end().to_owned());
            part = " ".repeat(indent);
        } else if !is_new {
            part.push(' ');
        }
        part.push_str(word);
        is_new = false;
    }
    parts.push(part);
    parts
}

/// Where the last column of a line begins, if it does so before a limit: behind two spaces or more.
fn column(line: &str, limit: usize) -> usize {
    let mut spaces = 0;
    let mut column = 0;
    for (at, letter) in line.chars().enumerate() {
        if letter == ' ' {
            spaces += 1;
        } else {
            if spaces >= 2 && at <= limit {
                column = at;
            }
            spaces = 0;
        }
    }
    column
}

/// Wraps every line that is written to it.
#[derive(Debug)]
pub(super) struct Wrapping<W> {
    out: W,
    /// In columns; `None` leaves lines as they are.
    width: Option<usize>,
    line: Vec<u8>,
}

impl<W: Write> Wrapping<W> {
    pub(super) fn new(out: W, width: Option<usize>) -> Self {
        let line = Vec::new();
        Self { out, width, line }
    }

    /// A command, which is copied as it is.
    pub(super) fn whole(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    fn end_line(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        for part in wrapped(&String::from_utf8_lossy(&line), self.width) {
            writeln!(self.out, "{part}")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Wrapping<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                self.end_line()?;
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_go_on_in_their_column() {
        let line = "    0.2s  k3s-db  unchanged  the role k3s owns the database k3s";
        assert_eq!(
            wrapped(line, Some(40)),
            [
                "    0.2s  k3s-db  unchanged  the role",
                "                  k3s owns the database",
                "                  k3s"
            ]
        );
        let line = "  goal  Postgres runs as primary";
        let parts = ["  goal  Postgres", "        runs as", "        primary"];
        assert_eq!(wrapped(line, Some(17)), parts);
        // A path is longer than the terminal is wide.
        let parts = ["log", "     /a/very/long/path"];
        assert_eq!(wrapped("log  /a/very/long/path", Some(10)), parts);
        for width in [None, Some(100)] {
            assert_eq!(wrapped("a b  c ", width), ["a b  c "]);
        }
    }

    #[test]
    fn a_command_stays_whole_and_lines_may_be_written_in_pieces() {
        let mut out = Wrapping::new(Vec::new(), Some(8));
        write!(out, "one ").unwrap();
        write!(out, "two three\nfour").unwrap();
        out.write_all(b"\n").unwrap();
        out.whole("  export KUBECONFIG=/x").unwrap();
        let written = String::from_utf8(out.out).unwrap();
        assert_eq!(written, "one two\nthree\nfour\n  export KUBECONFIG=/x\n");
    }

    proptest::proptest! {
        #[test]
        fn no_word_is_lost(line in "[a-zµ日 ]{0,60}", width in 0..30usize) {
            let parts = wrapped(&line, Some(width)).join(" ");
            let words: Vec<_> = parts.split_whitespace().collect();
            proptest::prop_assert_eq!(words, line.split_whitespace().collect::<Vec<_>>());
        }
    }
}
