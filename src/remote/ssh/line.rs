//! What carries a session: a TCP connection, or a channel of a bastion.

use std::io;
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use ssh2::Session;

use crate::remote::bastion::{BastionHandle, Heard};
use crate::remote::sys;

/// How long the kernel retransmits.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

pub enum Line {
    Tcp(TcpStream),
    Bastion(BastionLine),
}

/// One end of a socket pair. The bastion's thread copies between the other end and a channel.
pub struct BastionLine {
    pub socket: UnixStream,
    pub heard: Heard,
    /// Keeps the connection to it open.
    pub bastion: Arc<BastionHandle>,
}

impl Line {
    /// Lets a session use it.
    pub fn carry(&self, session: &mut Session) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => {
                // Without it every command waits 40 ms for a delayed acknowledgement (docs/ssh.md,
                // "Waits").
                socket.set_nodelay(true)?;
                sys::set_user_timeout(socket.as_fd(), USER_TIMEOUT)?;
                session.set_tcp_stream(socket.try_clone()?);
            }
            Self::Bastion(line) => session.set_tcp_stream(line.socket.try_clone()?),
        }
        Ok(())
    }

    /// How long ago anything was received.
    pub fn silence(&self) -> io::Result<Duration> {
        match self {
            Self::Tcp(socket) => sys::silence(socket.as_fd()),
            Self::Bastion(line) => Ok(line.heard.silence()),
        }
    }

    /// Why it ended, where that is the bastion's doing.
    pub fn explain(&self, why: String) -> String {
        let ended = match self {
            Self::Tcp(_) => None,
            Self::Bastion(line) => line.bastion.ended(),
        };
        ended.map_or(why, |error| format!("its {error}"))
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(socket) => socket.as_fd(),
            Self::Bastion(line) => line.socket.as_fd(),
        }
    }
}
