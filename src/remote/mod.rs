//! How a host is reached: SSH, one connection a host, one root shell a connection.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

pub use crate::engine::event::Stream;

/// A host that is connected, with a root shell. One thread owns it; a [`Cancel`] of it may be
/// anywhere.
pub trait Remote: Send {
    /// The host's name in the answers.
    fn host(&self) -> &str;

    /// Runs a script in a subshell of the root shell, standard input empty, and returns its exit
    /// status. `line` gets every line of both outputs as it comes, without its line end.
    fn run(
        &mut self,
        script: &str,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError>;

    /// A TCP connection from the host itself to somewhere else.
    fn relay(
        &mut self,
        to: SocketAddr,
        limit: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError>;
}

/// Bytes to and from where a relay leads. Reading and writing block, up to the relay's limit.
pub trait Relay: Read + Write {}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    #[error("the connection to {host} was lost: {why}")]
    Lost { host: String, why: String },
}
