//! A host over SSH. The shell programs are in `assets/remote/`; how libssh2, sshd and sudo behave is in
//! docs/ssh.md.
//!
//! * `dial`: the TCP connection, the key exchange, the host's key
//! * `auth`: logging in; `key_file`: with keys
//! * `wire`: the session and all waits; `line`: what carries it
//! * `through`: the way over bastions; `copier`: the thread of a connection to one
//! * `shell`: the root shell; `frame`: its messages in the output of scripts
//! * `relay`: connections from the host itself

mod auth;
mod copier;
mod dial;
pub(super) mod frame;
mod key_file;
mod line;
mod relay;
mod shell;
mod through;
mod wire;

use std::ops::ControlFlow;
use std::time::Duration;

use ssh2::Channel;

use super::program::text_of;
use super::{
    Cancel, Credentials, LineSplitter, Relay, RelayTarget, Remote, RemoteError, Script,
    ScriptInput, Target,
};
use crate::events::Stream;
use wire::{Pumped, Wire};

/// A connection to a host and its root shell.
pub struct Ssh {
    target: Target,
    root: Channel,
    /// After the channel, so that it is dropped last.
    wire: Wire,
}

impl Ssh {
    /// Connects, verifies the host key, logs in, and becomes root. At most 16 at once; others wait.
    pub fn connect(
        target: &Target,
        credentials: &Credentials,
        cancel: &Cancel,
    ) -> Result<Self, RemoteError> {
        let permit = dial::Permit::get(&target.name, cancel)?;
        let mut wire = dial::dial(target, cancel, through::line)?;
        auth::log_in(&wire, target, credentials)?;
        drop(permit);
        wire.authenticated();
        let root = shell::open(&wire, target, credentials)?;
        Ok(Self {
            target: target.clone(),
            root,
            wire,
        })
    }

    /// Passes a result on; after an error that leaves the session in an undefined state, the
    /// connection is closed.
    fn settle<T>(&mut self, result: Result<T, RemoteError>) -> Result<T, RemoteError> {
        if let Err(error) = &result
            && error.ends_connection()
        {
            self.wire.end(&error.to_string());
        }
        result
    }

    /// Reads unrequested data: keep-alive replies, output of leftovers of a script.
    fn idle(&mut self) -> Result<(), RemoteError> {
        self.wire.alive()?;
        loop {
            let nothing = &mut &[][..];
            let result = self.wire.pump(&mut self.root, nothing, &mut |_, _| {});
            match self.settle(result)? {
                Pumped::Moved => {}
                Pumped::Idle if !shell::is_dead(&self.root) => return Ok(()),
                Pumped::Idle | Pumped::Ended => {
                    let ended = Err(self.wire.lost(shell::ENDED.to_owned()));
                    return self.settle(ended);
                }
            }
        }
    }
}

impl Remote for Ssh {
    fn host(&self) -> &str {
        &self.target.name
    }

    fn stream(
        &mut self,
        script: &Script,
        limit: Duration,
        bytes: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<String>,
    ) -> Result<i32, RemoteError> {
        self.wire.alive()?;
        let script = text_of(script, &self.target.name)?;
        let script = script.expose();
        let result = shell::run(&self.wire, &mut self.root, script, None, limit, bytes);
        self.settle(result)
    }

    fn feed(
        &mut self,
        script: &Script,
        input: ScriptInput<'_>,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError> {
        self.wire.alive()?;
        let script = text_of(script, &self.target.name)?;
        let script = script.expose();
        let mut lines = LineSplitter::default();
        let mut bytes = |stream, bytes: &[u8]| {
            lines.feed(stream, bytes, line);
            ControlFlow::Continue(())
        };
        let (wire, root) = (&self.wire, &mut self.root);
        let result = shell::run(wire, root, script, Some(input), limit, &mut bytes);
        lines.finish(line);
        self.settle(result)
    }

    /// Made by bash as the login user; so bash must be installed, and the host's own rules for that
    /// user apply.
    fn relay_to(
        &mut self,
        to: &RelayTarget,
        limit: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError> {
        self.idle()?;
        let opened = relay::open(&self.wire, &self.target.name, to, limit);
        let opened = self.settle(opened)?;
        Ok(Box::new(relay::Relayed::new(&mut self.wire, opened)))
    }

    fn through(&self) -> Vec<&str> {
        let via = self.target.via.iter();
        via.map(|way| way.target.name.as_str()).collect()
    }

    fn keep_alive(&mut self) -> Result<(), RemoteError> {
        self.idle()?;
        let sign = self.wire.sign_of_life();
        self.settle(sign)
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // First, or libssh2 would contact the host again to close the channel.
        self.wire.end("dropped");
    }
}
