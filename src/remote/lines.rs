//! Bytes into lines.

use crate::events::Stream;

/// The maximum length of a line, in bytes: memory stays bounded.
const LONGEST: usize = 64 * 1024;

/// Cuts two streams of bytes into lines: at every line feed, without a carriage return in front of
/// it, in pieces of 64 KiB when a line is longer. What is not UTF-8 becomes U+FFFD.
#[derive(Debug, Clone, Default)]
pub struct LineSplitter {
    out: Vec<u8>,
    err: Vec<u8>,
}

impl LineSplitter {
    /// Takes bytes, and passes on complete lines.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8], line: &mut dyn FnMut(Stream, &str)) {
        let rest = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                Some(end) if rest.is_empty() => cut(end, |piece| line(stream, piece)),
                Some(end) => {
                    rest.extend_from_slice(end);
                    cut(rest, |piece| line(stream, piece));
                    rest.clear();
                }
                None => rest.extend_from_slice(part),
            }
        }
        while rest.len() > LONGEST {
            let end = boundary(rest);
            line(stream, &String::from_utf8_lossy(&rest[..end]));
            rest.drain(..end);
        }
    }

    /// Passes on the rest without a line end.
    pub fn finish(&mut self, line: &mut dyn FnMut(Stream, &str)) {
        for (stream, rest) in [(Stream::Out, &mut self.out), (Stream::Err, &mut self.err)] {
            if !rest.is_empty() {
                cut(rest, |piece| line(stream, piece));
                rest.clear();
            }
        }
    }
}

fn cut(line: &[u8], mut piece: impl FnMut(&str)) {
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    while line.len() > LONGEST {
        let (first, rest) = line.split_at(boundary(line));
        piece(&String::from_utf8_lossy(first));
        line = rest;
    }
    piece(&String::from_utf8_lossy(line));
}

/// Where to cut a line that is too long: not inside a character.
fn boundary(line: &[u8]) -> usize {
    let continues = |at: &usize| line[*at] & 0b1100_0000 == 0b1000_0000;
    (LONGEST - 3..=LONGEST)
        .rev()
        .find(|at| !continues(at))
        .unwrap_or(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(parts: &[&[u8]]) -> Vec<String> {
        let mut got = Vec::new();
        let mut lines = LineSplitter::default();
        let mut line = |_: Stream, text: &str| got.push(text.to_owned());
        for part in parts {
            lines.feed(Stream::Out, part, &mut line);
        }
        lines.finish(&mut line);
        got
    }

    #[test]
    fn lines_do_not_depend_on_how_they_arrive() {
        let text = "one\r\ntwo\n\nthr\u{e9}e\rstill three\nfour".as_bytes();
        let want = ["one", "two", "", "thr\u{e9}e\rstill three", "four"];
        for size in 1..=text.len() {
            let parts: Vec<&[u8]> = text.chunks(size).collect();
            assert_eq!(lines(&parts), want, "in pieces of {size}");
        }
    }

    #[test]
    fn nothing_is_no_line_and_a_line_end_is_one() {
        assert_eq!(lines(&[b""]), Vec::<String>::new());
        assert_eq!(lines(&[b"\n"]), [""]);
    }

    #[test]
    fn what_is_not_text_is_shown_all_the_same() {
        assert_eq!(lines(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn long_lines_come_in_pieces_which_keep_characters_whole() {
        let text = format!("a{}", "\u{20ac}".repeat(LONGEST));
        for parts in [
            vec![text.as_bytes()],
            text.as_bytes().chunks(1000).collect(),
            vec![text.as_bytes(), b"\n"],
        ] {
            let got = lines(&parts);
            assert!(got.len() >= 3, "{} pieces", got.len());
            assert!(got.iter().all(|piece| piece.len() <= LONGEST));
            assert_eq!(got.concat(), text);
        }
    }

    #[test]
    fn the_streams_do_not_mix() {
        let mut got = Vec::new();
        let mut lines = LineSplitter::default();
        let mut line = |stream: Stream, text: &str| got.push((stream, text.to_owned()));
        lines.feed(Stream::Out, b"o", &mut line);
        lines.feed(Stream::Err, b"e\n", &mut line);
        lines.feed(Stream::Out, b"ut\n", &mut line);
        let want = [(Stream::Err, "e".into()), (Stream::Out, "out".into())];
        assert_eq!(got, want);
    }
}
