//! A TCP connection that the host itself makes: bytes through a channel to bash over there
//! (docs/ssh.md, "Relays").

use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use ssh2::{Channel, Session};

use super::wire::{Pumped, Until, Wire};
use super::{RelayTarget, RemoteError, Stream, shell};

/// `$0` and `$1` are the target, `$2` is printed once connected. When either side ends, the whole
/// process group of `timeout` is killed; a target that takes no more may still have last words. One line without `!`, for all login shells.
const COPY: &str = r#"exec 3<>"/dev/tcp/$0/$1" && exec 4<&0 && printf %s "$2" && { { cat <&4 >&3 && kill 0; } & cat <&3; kill 0; }"#;

/// The same without a connection: what comes in goes out again, through as many processes.
const ECHO: &str = r#"printf %s "$0" && cat | cat"#;

/// What a profile may print in front of the connection, in bytes.
const MOST_WORDS: usize = 1 << 20;

/// The extra time for the host before a relay is given up.
const GRACE: Duration = Duration::from_secs(5);

/// A channel that carries a connection.
pub struct OpenedChannel {
    channel: Channel,
    until: Until,
    /// Bytes that came together with the message that it is connected.
    first: Vec<u8>,
}

/// Requests a connection, and waits until it is made.
pub fn open(
    wire: &Wire,
    host: &str,
    to: &RelayTarget,
    limit: Duration,
) -> Result<OpenedChannel, RemoteError> {
    let mark = shell::nonce().map_err(|why| wire.lost(why.to_string()))?;
    // The host ends it by itself if the wizard does not. In whole seconds, for busybox.
    let seconds = limit.as_secs() + u64::from(limit.subsec_nanos() > 0);
    let program = match to {
        RelayTarget::To(to) => format!("'{COPY}' {} {}", to.name, to.port),
        RelayTarget::Back => format!("'{ECHO}'"),
    };
    let seconds = seconds.max(1);
    let command = format!("exec env LC_ALL=C timeout {seconds} bash -c {program} {mark}");
    let until = Until::after(limit);
    let patient = Until::after(limit + GRACE);
    let unreachable = |why: String| RemoteError::Unreachable {
        host: host.to_owned(),
        to: to.to_string(),
        why,
    };
    let channel = wire.exec(&command, &patient)?;
    let mut channel = channel.map_err(|why| {
        unreachable(format!(
            "sshd there refuses another session ({}): is its MaxSessions below 2?",
            why.message()
        ))
    })?;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    loop {
        let nothing = &mut &[][..];
        let pumped = wire.pump(&mut channel, nothing, &mut |stream, bytes| match stream {
            Stream::Out => out.extend_from_slice(bytes),
            Stream::Err => err.extend_from_slice(bytes),
        })?;
        // A profile that prints something prints it before the mark.
        if let Some(at) = find(&out, mark.as_bytes()) {
            return Ok(OpenedChannel {
                channel,
                until,
                first: out.split_off(at + mark.len()),
            });
        }
        if out.len() + err.len() > MOST_WORDS {
            return Err(unreachable("its shell prints without an end".to_owned()));
        }
        match pumped {
            Pumped::Moved => wire.check(&patient)?,
            Pumped::Idle => wire.wait(&patient)?,
            Pumped::Ended => break,
        }
    }
    let status = close(wire, &mut channel, &patient)?;
    let err = String::from_utf8_lossy(&err);
    Err(unreachable(explain(status, &err, seconds)))
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

/// Why bash did not connect. Its messages are in English: `LC_ALL=C`.
fn explain(status: i32, err: &str, seconds: u64) -> String {
    const TIMED_OUT: i32 = 124;
    const NOT_FOUND: i32 = 127;
    let last = err.lines().rfind(|line| !line.trim().is_empty());
    let last = last.unwrap_or("no output");
    if status == TIMED_OUT {
        format!("no answer within {seconds} s")
    } else if status == NOT_FOUND {
        format!("bash and timeout are needed there: {last}")
    } else if err.contains("Connection refused") {
        "connection refused".to_owned()
    } else if err.contains("timed out") {
        "no answer".to_owned()
    } else if err.contains("Name or service not known") || err.contains("name resolution") {
        "this name does not resolve there".to_owned()
    } else if err.contains("No route to host") {
        "no route to host".to_owned()
    } else if err.contains("Network is unreachable") {
        "network is unreachable".to_owned()
    } else {
        last.to_owned()
    }
}

/// Closes a channel on both sides, so that it no longer counts (sshd allows 10 at once), and
/// returns the status of its command.
fn close(wire: &Wire, channel: &mut Channel, until: &Until) -> Result<i32, RemoteError> {
    let lost = |why: ssh2::Error| wire.lost(why.to_string());
    wire.retry(until, |_: &Session| channel.close())?
        .map_err(lost)?;
    wire.retry(until, |_| channel.wait_close())?.map_err(lost)?;
    channel.exit_status().map_err(lost)
}

/// The relayed stream.
pub struct Relayed<'a> {
    wire: &'a mut Wire,
    opened: OpenedChannel,
}

impl<'a> Relayed<'a> {
    pub fn new(wire: &'a mut Wire, opened: OpenedChannel) -> Self {
        Self { wire, opened }
    }

    /// An error that ends the connection, or the relay's time.
    fn failed(&mut self, error: RemoteError) -> io::Error {
        let kind = match error {
            RemoteError::Timeout { .. } => ErrorKind::TimedOut,
            RemoteError::Cancelled { .. } => ErrorKind::ConnectionAborted,
            _ => ErrorKind::BrokenPipe,
        };
        // A timeout leaves nothing half done, unless a write was in progress.
        if kind != ErrorKind::TimedOut || self.wire.wants_to_write() {
            self.wire.end(&error.to_string());
        }
        io::Error::new(kind, error)
    }
}

impl Read for Relayed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.opened.first.is_empty() {
            let length = buffer.len().min(self.opened.first.len());
            buffer[..length].copy_from_slice(&self.opened.first[..length]);
            self.opened.first.drain(..length);
            return Ok(length);
        }
        loop {
            match self.opened.channel.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => {
                    let lost = self.wire.lost(error.to_string());
                    return Err(self.failed(lost));
                }
                // No data, but no end either: output on standard error is pending.
                Ok(0) if !self.opened.channel.eof() && !buffer.is_empty() => {
                    let mut words = [0; 1024];
                    let _ = self.opened.channel.stderr().read(&mut words);
                }
                Ok(length) => return Ok(length),
            }
            let waited = self.wire.wait(&self.opened.until);
            waited.map_err(|error| self.failed(error))?;
        }
    }
}

impl Write for Relayed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.opened.channel.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(io::Error::new(ErrorKind::BrokenPipe, error)),
                Ok(0) if !bytes.is_empty() => {}
                Ok(length) => return Ok(length),
            }
            let waited = self.wire.wait(&self.opened.until);
            waited.map_err(|error| self.failed(error))?;
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Relayed<'_> {
    fn drop(&mut self) {
        if self.wire.alive().is_err() {
            return;
        }
        let until = Until::after(GRACE);
        let OpenedChannel { channel, .. } = &mut self.opened;
        let closed = (|| {
            // Closing it ends the copying on the host.
            let _ = self.wire.retry(&until, |_| channel.send_eof())?;
            loop {
                match self.wire.pump(channel, &mut &[][..], &mut |_, _| {})? {
                    Pumped::Moved => self.wire.check(&until)?,
                    Pumped::Idle => self.wire.wait(&until)?,
                    Pumped::Ended => return close(self.wire, channel, &until),
                }
            }
        })();
        if let Err(error) = closed {
            self.wire.end(&error.to_string());
        }
    }
}
