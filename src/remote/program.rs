//! The wizard's own programs on a host: constant shell files, with inputs set in front of them.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Remote, RemoteError, Stream, quote};

/// How many lines of a program that failed are told.
const TOLD: usize = 5;

/// A program behind its inputs.
pub fn with_inputs(
    host: &str,
    program: &str,
    inputs: &[(&str, &str)],
) -> Result<String, RemoteError> {
    let mut script = String::new();
    for (name, text) in inputs {
        let quoted = quote(text).map_err(|nul| RemoteError::Unsendable {
            host: host.to_owned(),
            what: (*name).to_owned(),
            why: nul.to_string(),
        })?;
        let _ = writeln!(script, "{name}={quoted}");
    }
    Ok(script + program)
}

/// Runs a program, and returns what it said on standard output, without the last line end. A
/// status other than 0 is an error with the last lines it printed.
pub fn call<R: Remote + ?Sized>(
    remote: &mut R,
    what: &str,
    program: &str,
    inputs: &[(&str, &str)],
    limit: Duration,
) -> Result<String, RemoteError> {
    let script = with_inputs(remote.host(), program, inputs)?;
    let (mut out, mut all) = (Vec::new(), Vec::new());
    let status = remote.run(&script, limit, &mut |stream, line| {
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
