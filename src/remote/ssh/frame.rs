//! Separates the root shell's own messages from the output of a script.

use super::Stream;

/// Starts every mark. ASCII calls it the record separator.
const SEPARATOR: u8 = 0x1e;

/// What may follow a mark, in bytes: a host that goes on is no root shell of ours.
const LONGEST_STATUS: usize = 64;

/// One script on its way through the root shell: `assets/remote/root-shell.sh` has the format.
pub struct Frame {
    out: Side,
    err: Side,
}

impl Frame {
    /// `mark` is hexadecimal, and new for every script.
    pub fn new(mark: &str) -> Self {
        let side = || Side {
            mark: [&[SEPARATOR], mark.as_bytes()].concat(),
            state: FrameState::Before,
            held: Vec::new(),
        };
        let (out, err) = (side(), side());
        Self { out, err }
    }

    /// Passes on the script's output. Output before it, from leftovers of an earlier script, is
    /// dropped.
    pub fn feed(&mut self, stream: Stream, bytes: &[u8], to: &mut dyn FnMut(Stream, &[u8])) {
        let side = match stream {
            Stream::Out => &mut self.out,
            Stream::Err => &mut self.err,
        };
        side.feed(bytes, &mut |text| {
            if !text.is_empty() {
                to(stream, text);
            }
        });
    }

    /// Whether the script has begun.
    pub fn has_begun(&self) -> bool {
        !matches!(self.out.state, FrameState::Before)
    }

    /// The script's status, once both outputs have ended.
    pub fn status(&self) -> Option<i32> {
        match (self.out.state, self.err.state) {
            (FrameState::Ended(status), FrameState::Ended(_)) => Some(status),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
enum FrameState {
    Before,
    Within,
    Ended(i32),
}

/// One of the two outputs.
struct Side {
    mark: Vec<u8>,
    state: FrameState,
    /// Possibly the start of a mark; the rest is still missing.
    held: Vec<u8>,
}

impl Side {
    fn feed(&mut self, bytes: &[u8], to: &mut dyn FnMut(&[u8])) {
        if self.held.is_empty() {
            let rest = self.parse(bytes, to);
            self.held.extend_from_slice(rest);
        } else {
            let mut all = std::mem::take(&mut self.held);
            all.extend_from_slice(bytes);
            let rest = self.parse(&all, to);
            self.held = rest.to_owned();
        }
    }

    /// Returns the bytes that cannot be decided yet.
    fn parse<'a>(&mut self, mut bytes: &'a [u8], to: &mut dyn FnMut(&[u8])) -> &'a [u8] {
        loop {
            if let FrameState::Ended(_) = self.state {
                return &[];
            }
            let at = self.find(bytes);
            if let FrameState::Within = self.state {
                to(&bytes[..at]);
            }
            bytes = &bytes[at..];
            let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
                if bytes.len() > self.mark.len() + LONGEST_STATUS {
                    self.state = FrameState::Ended(255);
                    return &[];
                }
                return bytes;
            };
            let Some(said) = bytes[..end].strip_prefix(&self.mark[..]) else {
                return bytes;
            };
            self.state = match said {
                b"+" => FrameState::Within,
                status => FrameState::Ended(number(status)),
            };
            bytes = &bytes[end + 1..];
        }
    }

    /// Where the mark begins, or might begin; the length if nowhere.
    fn find(&self, bytes: &[u8]) -> usize {
        let mut from = 0;
        while let Some(next) = bytes[from..].iter().position(|byte| *byte == SEPARATOR) {
            let at = from + next;
            let length = self.mark.len().min(bytes.len() - at);
            if bytes[at..at + length] == self.mark[..length] {
                return at;
            }
            from = at + 1;
        }
        bytes.len()
    }
}

/// A status is ` 0` to ` 255`. Only the root shell knows the mark.
fn number(status: &[u8]) -> i32 {
    let text = std::str::from_utf8(status).unwrap_or_default();
    text.trim().parse().unwrap_or(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(pieces: &[&[u8]]) -> (Option<i32>, String) {
        let mut frame = Frame::new("abc");
        let mut text = Vec::new();
        for piece in pieces {
            frame.feed(Stream::Out, piece, &mut |_, bytes| text.extend(bytes));
        }
        frame.feed(Stream::Err, b"\x1eabc+\n\x1eabc 9\n", &mut |_, _| panic!());
        (frame.status(), String::from_utf8(text).unwrap())
    }

    #[test]
    fn what_the_script_prints_comes_through_however_it_is_cut() {
        let whole = b"late\x1eabc+\none\n\x1e\x1eab\x1eabd 0\n\x1exyz 0\ntwo\x1eabc 7\nnext";
        let text = "one\n\x1e\x1eab\x1eabd 0\n\x1exyz 0\ntwo";
        for size in 1..=whole.len() {
            let pieces: Vec<&[u8]> = whole.chunks(size).collect();
            assert_eq!(through(&pieces), (Some(7), text.into()), "in {size}s");
        }
    }

    #[test]
    fn a_status_without_an_end_is_no_status_of_ours() {
        let mut frame = Frame::new("abc");
        let mut fed = 0;
        for _ in 0..1000 {
            for stream in [Stream::Out, Stream::Err] {
                frame.feed(
                    stream,
                    b"\x1eabc 0000000000000000000000000",
                    &mut |_, bytes| {
                        fed += bytes.len();
                    },
                );
            }
        }
        assert_eq!(frame.status(), Some(255));
        assert_eq!(fed, 0);
        assert!(frame.out.held.len() < 200);
    }

    #[test]
    fn there_is_no_status_until_both_outputs_ended() {
        let mut frame = Frame::new("abc");
        let mut none = |_: Stream, _: &[u8]| panic!();
        for stream in [Stream::Out, Stream::Err] {
            frame.feed(stream, b"\x1eabc+\n", &mut none);
        }
        frame.feed(Stream::Out, b"\x1eabc 3\n", &mut none);
        assert_eq!(frame.status(), None);
        frame.feed(Stream::Err, b"\x1eabc 3", &mut none);
        assert_eq!(frame.status(), None);
        frame.feed(Stream::Err, b"\n", &mut none);
        assert_eq!(frame.status(), Some(3));
    }
}
