//! Hashes in the format of `sha256sum`.

use std::fmt::Write as _;

/// 64 hex digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hash = openssl::sha::sha256(bytes);
    hash.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
