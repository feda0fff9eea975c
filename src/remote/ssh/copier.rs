//! The thread of a bastion: opens channels to hosts and copies between them and local sockets.
//!
//! libssh2 reads for all channels at once: what one call took from the socket may belong to another
//! channel. So before each wait every channel is asked whether something is queued for it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ssh2::{Channel, ErrorCode};

use super::RemoteError;
use super::wire::{EAGAIN, Until, Wire};
use crate::remote::bastion::{ChannelReply, ChannelRequest, Desk, Heard};
use crate::remote::sys::{self, Awaited};

/// How long the bastion may take to reach a host before other hosts take another connection.
const STUCK: Duration = Duration::from_secs(2);
/// How long it may take in all.
const CONNECT: Duration = Duration::from_secs(10);
/// The wait while a channel is being opened: its confirmation may have been read already.
const OPENING: Duration = Duration::from_millis(10);
/// The longest wait: keep-alives are due.
const IDLE: Duration = Duration::from_secs(1);
/// sshd opens no channel.
const REFUSED: ErrorCode = ErrorCode::Session(-21);
/// Bytes in flight in one direction.
const BUFFER: usize = 32 * 1024;

pub struct Copier {
    // Before the wire, so that it is dropped last.
    channels: Vec<Carried>,
    opening: Option<PendingChannel>,
    wire: Wire,
    desk: Arc<Desk>,
    /// Readable when the thread is wanted.
    bell: UnixStream,
}

/// A channel that sshd has not confirmed yet. libssh2 can open one at a time.
struct PendingChannel {
    request: ChannelRequest,
    since: Instant,
    /// Its host was told that it took too long.
    told: bool,
}

/// A channel and the socket that it is copied to.
struct Carried {
    channel: Channel,
    /// `None` once the host's side is gone: the channel is then closed.
    socket: Option<UnixStream>,
    heard: Heard,
    /// Read from the socket, not yet written to the channel.
    out: Buffer,
    /// The other direction.
    back: Buffer,
    /// It is closed on both sides.
    is_over: bool,
}

#[derive(Default)]
struct Buffer {
    bytes: Vec<u8>,
    done: usize,
}

impl Buffer {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.done..]
    }

    fn fill(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn take(&mut self, length: usize) {
        self.done += length;
        if self.done >= self.bytes.len() {
            self.bytes.clear();
            self.done = 0;
        }
    }
}

impl Copier {
    pub fn new(wire: Wire, desk: Arc<Desk>, bell: UnixStream) -> Self {
        Self {
            channels: Vec::new(),
            opening: None,
            wire,
            desk,
            bell,
        }
    }

    /// Until the connection ends, or the last host has left; returns why.
    pub fn serve(&mut self) -> RemoteError {
        let mut buffer = vec![0; BUFFER];
        loop {
            if let Err(error) = self.turn(&mut buffer) {
                return error;
            }
        }
    }

    fn turn(&mut self, buffer: &mut [u8]) -> Result<(), RemoteError> {
        self.wire.check(&Until::after(IDLE))?;
        self.wire.sign_of_life()?;
        let mut moved = self.open()?;
        for carried in &mut self.channels {
            moved |= carried.copy(buffer, &self.wire)?;
        }
        self.channels.retain(|carried| !carried.is_over);
        // A packet that was sent in part may be what a channel with queued data waits for.
        let has_more = || self.channels.iter().any(Carried::has_more);
        if !moved && (self.wire.wants_to_write() || !has_more()) {
            self.wait();
        }
        Ok(())
    }

    /// Goes on with a channel that is being opened, or begins with the next one.
    fn open(&mut self) -> Result<bool, RemoteError> {
        if self.opening.is_none() {
            self.opening = self.desk.next_request().map(|request| PendingChannel {
                request,
                since: Instant::now(),
                told: false,
            });
        }
        let Some(opening) = &mut self.opening else {
            return Ok(false);
        };
        let ChannelRequest { address, port, .. } = &opening.request;
        let session = self.wire.session();
        match session.channel_direct_tcpip(address, *port, None) {
            Err(why) if why.code() == EAGAIN => {
                opening.waits(&self.desk);
                return Ok(false);
            }
            Err(why) if why.code() != REFUSED => return Err(self.wire.lost(why.to_string())),
            Err(why) => opening.reply(ChannelReply::Failed(explain(&why, *port))),
            Ok(channel) => self.channels.push(opening.opened(channel)),
        }
        self.opening = None;
        Ok(true)
    }

    fn wait(&mut self) {
        let mut fds = vec![
            Awaited {
                fd: self.wire.line().as_fd(),
                // Without a channel nothing would read it.
                read: self.opening.is_some() || !self.channels.is_empty(),
                write: self.wire.wants_to_write() || self.channels.iter().any(Carried::may_write),
            },
            Awaited::read(self.wire.cancel().wake()),
            Awaited::read(self.bell.as_fd()),
        ];
        for carried in &self.channels {
            if let Some(socket) = &carried.socket {
                fds.push(Awaited {
                    fd: socket.as_fd(),
                    read: carried.out.is_empty(),
                    write: !carried.back.is_empty(),
                });
            }
        }
        let at_most = if self.opening.is_some() {
            OPENING
        } else {
            IDLE
        };
        sys::wait_for_any(&fds, at_most);
        let mut rings = [0; 64];
        while matches!((&self.bell).read(&mut rings), Ok(length) if length > 0) {}
    }
}

impl PendingChannel {
    fn reply(&self, reply: ChannelReply) {
        if !self.told {
            // The host may have been cancelled meanwhile.
            let _ = self.request.reply.try_send(reply);
        }
    }

    fn waits(&mut self, desk: &Desk) {
        let since = self.since.elapsed();
        if since > STUCK {
            desk.refuse_more();
        }
        if since > CONNECT && !self.told {
            let seconds = CONNECT.as_secs();
            let why = format!("it gets no answer there within {seconds} s: is the host up?");
            self.reply(ChannelReply::Failed(why));
            self.told = true;
        }
    }

    fn opened(&self, channel: Channel) -> Carried {
        let pair = UnixStream::pair().and_then(|(near, far)| {
            near.set_nonblocking(true)?;
            far.set_nonblocking(true)?;
            Ok((near, far))
        });
        let heard = Heard::now();
        let socket = match pair {
            Ok((near, far)) => {
                self.reply(ChannelReply::Opened(far, heard.clone()));
                // If the reply was not taken, the far end is closed now, and so is the channel.
                Some(near)
            }
            Err(why) => {
                self.reply(ChannelReply::Failed(format!(
                    "no socket on this machine: {why}"
                )));
                None
            }
        };
        Carried {
            channel,
            socket,
            heard,
            out: Buffer::default(),
            back: Buffer::default(),
            is_over: false,
        }
    }
}

fn explain(why: &ssh2::Error, port: u16) -> String {
    let message = why.message();
    if message.contains("prohibited") {
        "it refuses to connect there: see AllowTcpForwarding and PermitOpen in its sshd_config"
            .to_owned()
    } else if message.contains("connect failed") {
        format!(
            "it cannot connect there: does sshd run on port {port}, and does a firewall let the \
             bastion in?"
        )
    } else {
        message.to_owned()
    }
}

impl Carried {
    /// Copies what can be copied now; whether anything was.
    fn copy(&mut self, buffer: &mut [u8], wire: &Wire) -> Result<bool, RemoteError> {
        let sent = self.send(buffer);
        let received = self.receive(buffer, wire)?;
        // A packet that was sent in part must be finished first.
        if self.socket.is_none() && !self.may_write() {
            // Where it would block it is tried again in the next round.
            let closed = self.channel.close();
            self.is_over = !matches!(closed, Err(why) if why.code() == EAGAIN);
        }
        Ok(sent || received)
    }

    /// From the socket to the channel.
    fn send(&mut self, buffer: &mut [u8]) -> bool {
        let mut moved = false;
        if let Some(socket) = &mut self.socket
            && self.out.is_empty()
        {
            match socket.read(buffer) {
                Ok(0) => self.socket = None,
                Ok(length) => {
                    self.out.fill(&buffer[..length]);
                    moved = true;
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                Err(why) if why.kind() == ErrorKind::Interrupted => moved = true,
                Err(_) => self.socket = None,
            }
        }
        if !self.out.is_empty() {
            match self.channel.write(self.out.rest()) {
                Ok(length) => {
                    self.out.take(length);
                    moved |= length > 0;
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                // Closed by the host; its last words are still read.
                Err(_) => self.out = Buffer::default(),
            }
        }
        moved
    }

    /// From the channel to the socket.
    fn receive(&mut self, buffer: &mut [u8], wire: &Wire) -> Result<bool, RemoteError> {
        let mut moved = false;
        if self.back.is_empty() {
            match self.channel.read(buffer) {
                Ok(0) => {
                    if self.channel.eof() {
                        self.socket = None;
                    }
                }
                Ok(length) => {
                    self.heard.again();
                    self.back.fill(&buffer[..length]);
                    moved = true;
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                Err(why) => return Err(wire.lost(why.to_string())),
            }
        }
        let Some(socket) = &mut self.socket else {
            self.back = Buffer::default();
            return Ok(moved);
        };
        if !self.back.is_empty() {
            match socket.write(self.back.rest()) {
                Ok(length) => {
                    self.back.take(length);
                    moved = true;
                }
                Err(why) if why.kind() == ErrorKind::WouldBlock => {}
                Err(why) if why.kind() == ErrorKind::Interrupted => moved = true,
                Err(_) => self.socket = None,
            }
        }
        Ok(moved)
    }

    /// Something is queued for it, and there is room.
    fn has_more(&self) -> bool {
        let queued = || self.channel.read_window().available > 0 || self.channel.eof();
        self.socket.is_some() && self.back.is_empty() && queued()
    }

    /// It waits for the bastion's socket only.
    fn may_write(&self) -> bool {
        !self.out.is_empty() && self.channel.write_window().remaining > 0
    }
}
