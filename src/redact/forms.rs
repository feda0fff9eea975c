//! The forms in which programs print a secret.

use std::fmt::Write as _;

use openssl::base64::encode_block;
use zeroize::Zeroizing;

/// The shortest piece of base64 that reveals a secret.
const BASE64: usize = 6;

/// A text in the encodings of URLs, shells and JSON.
pub(super) fn written_forms(text: &str) -> Vec<Zeroizing<String>> {
    let mut forms = Vec::new();
    // All except the unreserved characters; and as Go does in the user part of a URL.
    for (kept, upper) in [("-._~", true), ("-._~", false), ("-._~$&+,;=", true)] {
        forms.push(percent_encoded(text, kept, upper));
    }
    for quote in ["'\\''", "'\"'\"'"] {
        forms.push(text.replace('\'', quote));
    }
    let plain = |letter: char| letter.is_alphanumeric() || "-._/:=@%+,".contains(letter);
    forms.push(escaped(text, |letter| !plain(letter)));
    forms.push(escaped(text, |letter| "\\\"$`".contains(letter)));
    let json = escaped(text, |letter| "\\\"".contains(letter));
    // Go's JSON also escapes for browsers.
    let browsers = json
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e");
    forms.extend([json, browsers]);
    forms.into_iter().map(Zeroizing::new).collect()
}

fn percent_encoded(text: &str, kept: &str, upper: bool) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            encoded.push(char::from(byte));
        } else if upper {
            let _ = write!(encoded, "%{byte:02X}");
        } else {
            let _ = write!(encoded, "%{byte:02x}");
        }
    }
    encoded
}

/// With a backslash before some letters.
fn escaped(text: &str, which: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for letter in text.chars() {
        if which(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// The base64 of a text inside a longer text: the letters that depend only on it, for each of its
/// three possible offsets in a group.
pub(super) fn base64_forms(text: &[u8]) -> Vec<Zeroizing<String>> {
    let mut forms = Vec::new();
    for before in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(text);
        let encoded = Zeroizing::new(encode_block(&bytes));
        let first = (before * 8).div_ceil(6);
        let last = bytes.len() * 8 / 6;
        let Some(piece) = encoded.get(first..last) else {
            continue;
        };
        if piece.len() >= BASE64 {
            let for_urls = piece.replace('+', "-").replace('/', "_");
            forms.push(Zeroizing::new(piece.to_owned()));
            forms.push(Zeroizing::new(for_urls));
        }
    }
    forms
}
