//! The forms of texts: of logins and of URLs.

use crate::letters::misleads;

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

/// `https://user:password@host/`
pub(super) fn has_user(url: &str) -> bool {
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
