//! The system calls that the standard library lacks. The only unsafe code: each block passes the
//! kernel pointers to live local variables of the given size.
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// A file descriptor that becomes readable by [`wake`].
pub fn eventfd() -> io::Result<OwnedFd> {
    // SAFETY: no pointers. The descriptor is new and has no other owner.
    unsafe {
        let fd = libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Makes an [`eventfd`] readable for good. Its only failure does not matter: a full counter is
/// readable already.
pub fn wake(fd: BorrowedFd<'_>) {
    let one = 1u64.to_ne_bytes();
    // SAFETY: reads the 8 bytes of `one`, which outlives the call.
    unsafe { libc::write(fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
}

/// Waits until `socket` can be read (or written, if wanted), `wake` can be read, or the time is
/// over. Returns early on a signal: callers loop.
pub fn wait(socket: BorrowedFd<'_>, write: bool, wake: BorrowedFd<'_>, at_most: Duration) {
    let events = if write {
        libc::POLLIN | libc::POLLOUT
    } else {
        libc::POLLIN
    };
    let mut fds = [
        libc::pollfd {
            fd: socket.as_raw_fd(),
            events,
            revents: 0,
        },
        libc::pollfd {
            fd: wake.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        },
    ];
    // Rounded up: 0.4 ms left must not become a busy loop.
    let millis = i32::try_from(at_most.as_millis() + 1).unwrap_or(i32::MAX);
    // SAFETY: `fds` is an array of two and outlives the call.
    unsafe { libc::poll(fds.as_mut_ptr(), 2, millis) };
}

/// What a descriptor is waited for; for neither, it is left out.
pub struct Awaited<'a> {
    pub fd: BorrowedFd<'a>,
    pub read: bool,
    pub write: bool,
}

impl<'a> Awaited<'a> {
    pub fn read(fd: BorrowedFd<'a>) -> Self {
        let (read, write) = (true, false);
        Self { fd, read, write }
    }
}

/// Waits until one of these is ready, or the time is over. Returns early on a signal.
pub fn wait_for_any(awaited: &[Awaited<'_>], at_most: Duration) {
    let mut fds: Vec<_> = awaited
        .iter()
        .filter(|one| one.read || one.write)
        .map(|one| libc::pollfd {
            fd: one.fd.as_raw_fd(),
            events: [(one.read, libc::POLLIN), (one.write, libc::POLLOUT)]
                .iter()
                .fold(
                    0,
                    |all, (wanted, event)| {
                        if *wanted { all | event } else { all }
                    },
                ),
            revents: 0,
        })
        .collect();
    let millis = i32::try_from(at_most.as_millis() + 1).unwrap_or(i32::MAX);
    let count = libc::nfds_t::try_from(fds.len()).unwrap_or(0);
    // SAFETY: `fds` has `count` elements and outlives the call.
    unsafe { libc::poll(fds.as_mut_ptr(), count, millis) };
}

/// Whether `socket` accepts writes now: on Linux if a third of its buffer is free.
pub fn writable(socket: BorrowedFd<'_>) -> bool {
    let mut fds = [libc::pollfd {
        fd: socket.as_raw_fd(),
        events: libc::POLLOUT,
        revents: 0,
    }];
    // SAFETY: `fds` is an array of one and outlives the call.
    unsafe { libc::poll(fds.as_mut_ptr(), 1, 0) == 1 }
}

/// Closes a connection if sent data stays unacknowledged for this long.
pub fn set_user_timeout(socket: BorrowedFd<'_>, after: Duration) -> io::Result<()> {
    let millis = libc::c_uint::try_from(after.as_millis()).unwrap_or(libc::c_uint::MAX);
    // SAFETY: reads one c_uint of the given size, which outlives the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_USER_TIMEOUT,
            (&raw const millis).cast(),
            size_of_socklen::<libc::c_uint>(),
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// How long ago the kernel received anything on this TCP connection.
pub fn silence(socket: BorrowedFd<'_>) -> io::Result<Duration> {
    // SAFETY: tcp_info is plain numbers, for which zero is a value; the kernel writes at most
    // `size` bytes into it.
    unsafe {
        let mut info: libc::tcp_info = mem::zeroed();
        let mut size = size_of_socklen::<libc::tcp_info>();
        let result = libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast(),
            &raw mut size,
        );
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Duration::from_millis(u64::from(info.tcpi_last_data_recv)))
    }
}

/// Shuts down a connection in both directions, so that nothing waits for its peer any more.
pub fn shutdown(socket: BorrowedFd<'_>) {
    // SAFETY: no pointers. It fails only when the connection is gone already.
    unsafe { libc::shutdown(socket.as_raw_fd(), libc::SHUT_RDWR) };
}

fn size_of_socklen<T>() -> libc::socklen_t {
    libc::socklen_t::try_from(mem::size_of::<T>()).unwrap_or(libc::socklen_t::MAX)
}
