//! The forms of texts that logins have.

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
