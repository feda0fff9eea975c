//! Files to a host, through its root shell: no SFTP needed, atomic, with owner and mode.

use std::time::{Duration, Instant};

use super::program::call;
use super::{Remote, RemoteError};
use crate::hash::sha256;

const BEGIN: &str = include_str!("../../assets/remote/upload-begin.sh");
const END: &str = include_str!("../../assets/remote/upload-end.sh");
const APPEND: &str = r#"printf %s "$CHUNK" | base64 -d >>"$TEMPORARY" || {
    rm -f "$TEMPORARY"
    exit 1
}"#;

/// Bytes in one script.
const CHUNK: usize = 768 * 1024;

/// Writes a file: beside its place first, then, once its SHA-256 was checked there and it has
/// owner and mode, in its place. `path` is absolute, `owner` is `user:group`. The folder must be
/// there. `limit` is for all of it.
pub fn upload<R: Remote + ?Sized>(
    remote: &mut R,
    path: &str,
    mode: u32,
    owner: &str,
    bytes: &[u8],
    limit: Duration,
) -> Result<(), RemoteError> {
    let deadline = Instant::now() + limit;
    let left = || deadline.saturating_duration_since(Instant::now());
    let what = format!("uploading {path}");
    let temporary = call(remote, &what, BEGIN, &[("FILE", path)], left())?;
    for chunk in bytes.chunks(CHUNK) {
        let chunk = openssl::base64::encode_block(chunk);
        let inputs = [("TEMPORARY", temporary.as_str()), ("CHUNK", &chunk)];
        call(remote, &what, APPEND, &inputs, left())?;
    }
    let sum = sha256(bytes);
    let inputs = [
        ("TEMPORARY", temporary.as_str()),
        ("FILE", path),
        ("SHA256", &sum),
        ("OWNER", owner),
        ("MODE", &format!("{mode:o}")),
    ];
    call(remote, &what, END, &inputs, left()).map(drop)
}
