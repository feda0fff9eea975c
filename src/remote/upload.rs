//! Files to a host, through its root shell: no SFTP needed, atomic, with owner and mode.

use std::time::{Duration, Instant};

use super::program::call;
use super::{Remote, RemoteError, Script};
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
    let begin = Script::new(BEGIN).input("FILE", path);
    let temporary = call(remote, &what, &begin, left())?;
    for chunk in bytes.chunks(CHUNK) {
        let chunk = openssl::base64::encode_block(chunk);
        let append = Script::new(APPEND)
            .input("TEMPORARY", temporary.as_str())
            .input("CHUNK", chunk);
        call(remote, &what, &append, left())?;
    }
    let end = Script::new(END)
        .input("TEMPORARY", temporary)
        .input("FILE", path)
        .input("SHA256", sha256(bytes))
        .input("OWNER", owner)
        .input("MODE", format!("{mode:o}"));
    call(remote, &what, &end, left()).map(drop)
}
