//! How a host is reached: SSH, one connection per host, one root shell per connection.
//!
//! * [`Remote`]: the interface to a host
//! * [`Ssh`]: a real one; `Scripted`: one for tests, in memory
//! * [`detached`]: work that outlives the connection
//! * [`lease`]: which run uses a host
//! * [`Script`]: what a host runs
//! * `known_hosts`: verifies host keys
//! * [`Trials`]: passwords that several hosts share
//!
//! One thread owns a connection. Its [`Cancel`] may be used in any thread.

mod accepted;
mod bastion;
mod cancel;
pub mod detached;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod known_hosts;
pub mod lease;
mod lines;
pub(crate) mod program;
pub mod script;
#[cfg(test)]
pub mod scripted;
mod ssh;
mod sys;
mod target;
mod trials;

use std::fmt;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use crate::address::Endpoint;
use crate::events::Stream;

pub use accepted::AcceptedKeys;
pub use bastion::Bastions;
pub use cancel::{Cancel, WeakCancel};
pub use detached::{Detached, Finished};
pub use error::RemoteError;
pub use lines::LineSplitter;
pub use script::Script;
#[cfg(test)]
pub use scripted::Scripted;
pub use ssh::Ssh;
pub use target::{Credentials, Target, Way};
pub use trials::Trials;

/// What a script may print in sum where it is collected in memory, in bytes.
pub const MOST_OUTPUT: usize = 16 << 20;

/// A host that is connected, with a root shell.
///
/// Scripts are POSIX sh. Each runs in a separate subshell: standard input empty, in `/`, `umask
/// 077`, with a fixed `PATH`, `LC_ALL=C` and root's `HOME`, and nothing else in its environment. It
/// may `exit`.
///
/// After [`RemoteError::Lost`], [`RemoteError::Timeout`] or [`RemoteError::Cancelled`] the
/// connection is unusable, and every further call returns `Lost`. The script may still be running
/// on the host: what must not be interrupted is run with [`Remote::apply`].
pub trait Remote: Send {
    /// The host's name in the answers.
    fn host(&self) -> &str;

    /// Runs a script and returns its exit status; 128 and the signal's number when a signal ended
    /// it. `bytes` gets both outputs as they come; a reason to stop ends the connection with
    /// [`RemoteError::Stopped`].
    fn stream(
        &mut self,
        script: &Script,
        limit: Duration,
        bytes: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<String>,
    ) -> Result<i32, RemoteError>;

    /// As [`Remote::stream`], up to [`MOST_OUTPUT`], but `line` gets lines: without their line ends, as [`LineSplitter`] cuts
    /// them.
    fn run(
        &mut self,
        script: &Script,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError> {
        let mut lines = LineSplitter::default();
        let mut left = MOST_OUTPUT;
        let status = self.stream(script, limit, &mut |stream, bytes| {
            let Some(rest) = left.checked_sub(bytes.len()) else {
                return ControlFlow::Break(format!("it printed more than {MOST_OUTPUT} bytes"));
            };
            left = rest;
            lines.feed(stream, bytes, line);
            ControlFlow::Continue(())
        });
        lines.finish(line);
        status
    }

    /// As [`Remote::run`], but the script reads this input on its standard input.
    fn feed(
        &mut self,
        script: &Script,
        input: ScriptInput<'_>,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError>;

    /// Runs a script in a separate unit, which outlives the connection. Called again with the same
    /// [`Detached`] on a new connection, it does not start the script again, but continues
    /// following it.
    ///
    /// `limit` counts from the first call. When it is over the unit is stopped, and the connection
    /// stays good.
    fn apply(
        &mut self,
        detached: &mut Detached,
        script: &Script,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Finished, RemoteError> {
        detached.apply(self, script, limit, line)
    }

    /// A TCP connection from the host itself, which resolves names.
    fn relay(
        &mut self,
        to: &Endpoint,
        limit: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError> {
        self.relay_to(&RelayTarget::To(to.clone()), limit)
    }

    /// A stream that begins at the host itself. Reading and writing block, until `limit` after this
    /// call.
    fn relay_to(
        &mut self,
        to: &RelayTarget,
        limit: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError>;

    /// The bastions in front of it, in the order of the way there.
    fn through(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Keeps an idle connection open, and notices its loss. Call it every few seconds.
    fn keep_alive(&mut self) -> Result<(), RemoteError>;
}

/// What a script reads on its standard input: so many bytes of it.
pub struct ScriptInput<'a> {
    pub bytes: &'a mut dyn Read,
    pub size: u64,
}

/// Where a relay leads from its host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayTarget {
    To(Endpoint),
    /// Nowhere: what is written comes back. It shows what the way to the host itself costs.
    Back,
}

impl fmt::Display for RelayTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::To(to) => to.fmt(f),
            Self::Back => f.write_str("itself"),
        }
    }
}

/// A stream through a relay. Dropping it closes it.
pub trait Relay: Read + Write {}

impl<T: Read + Write> Relay for T {}
