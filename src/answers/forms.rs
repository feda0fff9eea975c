//! The forms of texts: logins, names, addresses, URLs.

use crate::address::NetworkName;
pub(super) use crate::address::{is_dns_name, is_label};
use crate::letters::misleads;

pub(super) const PORT: &str = "must be a port, a number between 1 and 65535";

/// A user name, for SSH.
pub(super) fn is_login(user: &str) -> bool {
    !user.is_empty()
        && !user.starts_with('-')
        && user.chars().all(|letter| {
            let plain = !letter.is_whitespace() && !letter.is_control() && !misleads(letter);
            plain && !":/\\\"'".contains(letter)
        })
}

/// As OpenSSH prints it: base64 of 32 bytes without padding.
pub(super) fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("SHA256:").is_some_and(|hash| {
        hash.len() == 43
            && hash
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/')
    })
}

/// Whether a URL has a user or a password: `https://user:password@host/`.
pub fn has_user(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.contains('@')
}

pub(super) fn is_url(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"\"'\\`<>".contains(&byte))
    })
}

/// A SHA-256, as sha256sum prints it.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// What is wrong with a name or an address of the API; `None` if it is valid.
pub(super) fn name_or_address_problem(name: &str) -> Option<&'static str> {
    let is_valid = NetworkName::parse(name).is_some();
    (!is_valid).then_some("must be a DNS name or an IP address, without a port")
}
