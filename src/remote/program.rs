//! The wizard's own programs on a host.

use std::time::Duration;

use super::{Remote, RemoteError, Script};
use crate::events::Stream;
use crate::secrets::SecretText;

/// The function `has_ended`, for the programs that ask systemd for a unit.
pub(super) const HAS_ENDED: &str = include_str!("../../assets/remote/unit.sh");

/// How many lines of a failed program are reported.
const TOLD: usize = 5;

/// The text of a script for a host's shell.
pub(super) fn text_of(script: &Script, host: &str) -> Result<SecretText, RemoteError> {
    script.text().map_err(|error| RemoteError::Unsendable {
        host: host.to_owned(),
        why: error.to_string(),
    })
}

/// Runs a program, and returns its standard output, without the last line end. A status other than
/// 0 is an error with the last lines it printed.
pub fn call<R: Remote + ?Sized>(
    remote: &mut R,
    what: &str,
    script: &Script,
    limit: Duration,
) -> Result<String, RemoteError> {
    let (mut out, mut all) = (Vec::new(), Vec::new());
    let status = remote.run(script, limit, &mut |stream, line| {
        if stream == Stream::Out {
            out.push(line.to_owned());
        }
        all.push(line.to_owned());
    })?;
    if status != 0 {
        return Err(RemoteError::Failed {
            host: remote.host().to_owned(),
            what: what.to_owned(),
            status,
            why: all[all.len().saturating_sub(TOLD)..].join("; "),
        });
    }
    Ok(out.join("\n"))
}
