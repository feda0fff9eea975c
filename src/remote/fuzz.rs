//! The fuzz targets of this room.

use std::path::Path;

use openssl::base64;

use super::LineSplitter;
use super::known_hosts::{KeyVerdict, KnownHosts};
use super::ssh::frame::Frame;
use crate::events::Stream;

/// The first line is an address, the second a key; a revoked key is never a known one.
pub(crate) fn known_hosts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.splitn(3, '\n');
    let (address, key) = (
        lines.next().unwrap_or_default(),
        lines.next().unwrap_or_default(),
    );
    let mut known = KnownHosts::default();
    known.add(lines.next().unwrap_or_default(), Path::new("known"));
    let _ = known.kinds(address);
    let Ok(key) = base64::decode_block(key) else {
        return;
    };
    let verdict = known.judge(address, &key);
    if verdict == KeyVerdict::Known {
        let revoked = format!(
            "@revoked {address} ssh-ed25519 {}",
            base64::encode_block(&key)
        );
        known.add(&revoked, Path::new("revoked"));
        let plain =
            !address.contains(|letter: char| letter.is_whitespace() || ",!|#@*?".contains(letter));
        let ed25519 = key.get(4..15) == Some(b"ssh-ed25519");
        if plain && ed25519 {
            let now = known.judge(address, &key);
            assert!(matches!(now, KeyVerdict::Revoked { .. }), "{now:?}");
        }
    }
}

/// A mark that no input knows, in front of what each one says and after it.
pub(crate) fn frame(bytes: &[u8]) {
    const MARK: &str = "5f1c0e9a7b3d4862";
    let knows = bytes
        .windows(MARK.len())
        .any(|part| part == MARK.as_bytes());
    let begin = format!("\x1e{MARK}+\n");
    let end = format!("\x1e{MARK} 7\n");
    let framed = [begin.as_bytes(), bytes, end.as_bytes()].concat();
    let through = |said: &[u8], size: usize| {
        let mut frame = Frame::new(MARK);
        let mut text = Vec::new();
        for piece in said.chunks(size) {
            frame.feed(Stream::Out, piece, &mut |_, bytes| {
                text.extend_from_slice(bytes);
            });
        }
        let ended = format!("{begin}{end}");
        frame.feed(Stream::Err, ended.as_bytes(), &mut |_, _| {});
        (frame.status(), text)
    };
    let whole = through(&framed, usize::MAX);
    assert_eq!(whole, through(&framed, 1), "however it is cut");
    assert_eq!(whole, through(&framed, 5), "however it is cut");
    if !knows {
        assert_eq!(whole, (Some(7), bytes.to_vec()));
        let (status, text) = through(bytes, 3);
        assert!(matches!(status, None | Some(255)), "no outcome is forged");
        assert!(text.is_empty());
    }
}

/// Lines do not depend on how they arrive, and none is too long.
pub(crate) fn lines(bytes: &[u8]) {
    let through = |size: usize| {
        let mut all = Vec::new();
        let mut splitter = LineSplitter::default();
        let mut line = |_: Stream, line: &str| {
            assert!(line.len() <= 3 * (64 << 10));
            assert!(!line.contains('\n'));
            all.push(line.to_owned());
        };
        for piece in bytes.chunks(size) {
            splitter.feed(Stream::Out, piece, &mut line);
        }
        splitter.finish(&mut line);
        all
    };
    assert_eq!(through(1), through(usize::MAX));
}
