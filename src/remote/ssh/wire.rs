//! The connection itself, and all waits for a host.

use std::cell::{Cell, RefCell};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use ssh2::{BlockDirections, Channel, ErrorCode, Session};

use super::line::Line;
use super::{Cancel, RemoteError, Stream};
use crate::remote::sys;

/// How often a keep-alive is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long its answer may take.
const SILENCE: Duration = Duration::from_secs(15);
/// The maximum granularity of the kernel's clock of a connection.
const TICK: Duration = Duration::from_millis(50);
/// The maximum size of an SSH packet.
const BUFFER: usize = 32 * 1024;
/// libssh2's code for: it would block.
pub const EAGAIN: ErrorCode = ErrorCode::Session(-37);

/// The deadline of a call.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    begun: Instant,
    pub limit: Duration,
}

impl Until {
    pub fn after(limit: Duration) -> Self {
        let begun = Instant::now();
        Self { begun, limit }
    }

    /// The remaining time.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.begun.elapsed())
    }
}

/// The result of a [`Wire::pump`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pumped {
    Moved,
    /// There is nothing to read or write now.
    Idle,
    /// The other side has closed the channel, and all its output was read.
    Ended,
}

/// A session that never blocks inside libssh2: all waiting is in [`Wire::wait`], which checks the
/// limit, the [`Cancel`] and the peer's keep-alives. So every handle of the session stays in one
/// thread, and dropping one never waits.
pub struct Wire {
    host: String,
    session: Session,
    /// What carries the session.
    line: Line,
    cancel: Cancel,
    /// Keep-alives are sent from here on.
    up: bool,
    asked: Cell<Instant>,
    /// When the oldest unanswered keep-alive was sent.
    unanswered: Cell<Option<Instant>>,
    /// Why the connection ended, once it has.
    ended: Option<String>,
    /// The buffer for reads.
    buffer: RefCell<Box<[u8]>>,
}

impl Wire {
    pub fn new(host: &str, line: Line, cancel: &Cancel) -> Result<Self, RemoteError> {
        let lost = |why: String| RemoteError::Lost {
            host: host.to_owned(),
            why,
        };
        let mut session = Session::new().map_err(|why| lost(why.to_string()))?;
        line.carry(&mut session)
            .map_err(|why| lost(why.to_string()))?;
        session.set_blocking(false);
        Ok(Self {
            host: host.to_owned(),
            session,
            line,
            cancel: cancel.clone(),
            up: false,
            asked: Cell::new(Instant::now()),
            unanswered: Cell::new(None),
            ended: None,
            buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()),
        })
    }

    pub fn session(&self) -> &Session {
        &self.session
    }

    pub fn line(&self) -> &Line {
        &self.line
    }

    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// The key exchange. Repeats libssh2's call until it is done, as all its calls require.
    pub fn handshake(&mut self, until: &Until) -> Result<Result<(), ssh2::Error>, RemoteError> {
        loop {
            match self.session.handshake() {
                Err(error) if error.code() == EAGAIN => self.wait(until)?,
                other => return Ok(other),
            }
        }
    }

    /// Repeats a call of libssh2 until it no longer would block.
    pub fn retry<T>(
        &self,
        until: &Until,
        mut call: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<Result<T, ssh2::Error>, RemoteError> {
        loop {
            match call(&self.session) {
                Err(error) if error.code() == EAGAIN => self.wait(until)?,
                other => return Ok(other),
            }
        }
    }

    /// Starts a command on a separate channel, if the host allows it.
    pub fn exec(
        &self,
        command: &str,
        until: &Until,
    ) -> Result<Result<Channel, ssh2::Error>, RemoteError> {
        let mut channel = match self.retry(until, Session::channel_session)? {
            Ok(channel) => channel,
            Err(refused) => return Ok(Err(refused)),
        };
        let started = self.retry(until, |_| channel.exec(command))?;
        Ok(started.map(|()| channel))
    }

    /// From now on keep-alives are sent.
    pub fn authenticated(&mut self) {
        self.session
            .set_keepalive(true, u32::try_from(KEEP_ALIVE.as_secs()).unwrap_or(5));
        self.up = true;
    }

    /// Writes what can be written and reads what can be read, on both outputs, so that a command
    /// that fills one while it waits for input does not block.
    pub fn pump(
        &self,
        channel: &mut Channel,
        input: &mut &[u8],
        bytes: &mut dyn FnMut(Stream, &[u8]),
    ) -> Result<Pumped, RemoteError> {
        let mut moved = false;
        if !input.is_empty() {
            match channel.write(input) {
                Ok(written) => {
                    *input = &input[written..];
                    moved |= written > 0;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // Closed by the host. Its earlier output must still be read.
                Err(_) => *input = &[],
            }
        }
        let mut buffer = self.buffer.borrow_mut();
        for stream in [Stream::Out, Stream::Err] {
            let read = match stream {
                Stream::Out => channel.read(&mut buffer),
                Stream::Err => channel.stderr().read(&mut buffer),
            };
            match read {
                Ok(0) => {}
                Ok(length) => {
                    moved = true;
                    bytes(stream, &buffer[..length]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(self.lost(error.to_string())),
            }
        }
        Ok(if moved {
            self.unanswered.set(None);
            Pumped::Moved
        } else if channel.eof() {
            Pumped::Ended
        } else {
            Pumped::Idle
        })
    }

    /// An error if cancelled or out of time.
    pub fn check(&self, until: &Until) -> Result<(), RemoteError> {
        let host = || self.host.clone();
        if self.cancel.is_cancelled() {
            return Err(RemoteError::Cancelled { host: host() });
        }
        if until.left().is_zero() {
            let limit = until.limit;
            let host = host();
            return Err(RemoteError::Timeout { host, limit });
        }
        Ok(())
    }

    /// Waits until the session can continue.
    pub fn wait(&self, until: &Until) -> Result<(), RemoteError> {
        self.check(until)?;
        self.sign_of_life()?;
        let write = self.wants_to_write();
        let at_most = until.left().min(Duration::from_secs(1));
        sys::wait(self.line.as_fd(), write, self.cancel.wake(), at_most);
        Ok(())
    }

    /// Waits for a time, or until cancelled.
    pub fn pause(cancel: &Cancel, time: Duration) {
        sys::wait(cancel.wake(), false, cancel.wake(), time);
    }

    /// Asks for a sign of life when it is time, and gives the host up that gave none. That the
    /// kernel over there acknowledges is not enough: a stopped sshd does not answer (docs/ssh.md,
    /// "Waits").
    pub fn sign_of_life(&self) -> Result<(), RemoteError> {
        if !self.up {
            return Ok(());
        }
        let now = Instant::now();
        if let Some(asked) = self.unanswered.get() {
            let silence = self.line.silence().unwrap_or_default();
            if asked + silence <= now + TICK {
                self.unanswered.set(None);
            } else if now - asked > SILENCE {
                let seconds = silence.as_secs();
                return Err(self.lost(format!("no answer to keep-alives for {seconds} s")));
            }
        }
        // Only if it can be sent at once: libssh2 cannot finish a partial one later.
        if now - self.asked.get() >= KEEP_ALIVE
            && !self.wants_to_write()
            && sys::writable(self.line.as_fd())
        {
            self.session
                .keepalive_send()
                .map_err(|why| self.lost(why.to_string()))?;
            self.asked.set(now);
            if self.unanswered.get().is_none() {
                self.unanswered.set(Some(now));
            }
        }
        Ok(())
    }

    /// Whether libssh2 has a partially sent packet.
    pub fn wants_to_write(&self) -> bool {
        matches!(
            self.session.block_directions(),
            BlockDirections::Outbound | BlockDirections::Both
        )
    }

    pub fn stopped(&self, why: String) -> RemoteError {
        let host = self.host.clone();
        RemoteError::Stopped { host, why }
    }

    pub fn lost(&self, why: String) -> RemoteError {
        RemoteError::Lost {
            host: self.host.clone(),
            why: self.line.explain(why),
        }
    }

    /// An error when the connection has ended.
    pub fn alive(&self) -> Result<(), RemoteError> {
        match &self.ended {
            None => Ok(()),
            Some(why) => Err(self.lost(format!("it ended earlier: {why}"))),
        }
    }

    /// Ends the connection at once. libssh2 must not be asked again after it was left in the
    /// middle of something, nor may it wait for a peer that does not answer (docs/ssh.md, "One thread
    /// owns a session").
    pub fn end(&mut self, why: &str) {
        if self.ended.is_none() {
            self.ended = Some(why.to_owned());
            sys::shutdown(self.line.as_fd());
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.end("dropped");
    }
}
