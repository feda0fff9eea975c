//! Hashes in the format of `sha256sum`.

use std::fmt::Write as _;

use crate::secrets::SecretText;

/// 64 hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&openssl::sha::sha256(bytes))
}

/// By what K3s names the row of a token in Postgres: the first 12 digits of its SHA-256.
pub(crate) fn token_mark(token: &SecretText) -> String {
    let mut hash = sha256(token.expose().as_bytes());
    hash.truncate(12);
    hash
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
