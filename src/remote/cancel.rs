//! Interrupts a wait for a host.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::sys;

/// Ends every wait of its connection, now and later. It works from any thread, also before there is
/// a connection, and is final: the next connection gets a new one.
#[derive(Clone)]
pub struct Cancel(Arc<CancelState>);

/// The same, but it keeps no file descriptor open: it works for as long as the connection is there.
#[derive(Debug)]
pub struct WeakCancel(Weak<CancelState>);

impl WeakCancel {
    /// `None` when the connection is gone.
    pub fn upgrade(&self) -> Option<Cancel> {
        self.0.upgrade().map(Cancel)
    }
}

#[derive(Debug)]
struct CancelState {
    cancelled: AtomicBool,
    /// Readable once cancelled, so that a `poll` returns.
    wake: OwnedFd,
}

impl Cancel {
    /// Fails only if the process has no file descriptors left.
    pub fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(CancelState {
            cancelled: AtomicBool::new(false),
            wake: sys::eventfd()?,
        })))
    }

    pub fn downgrade(&self) -> WeakCancel {
        WeakCancel(Arc::downgrade(&self.0))
    }

    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        sys::wake(self.0.wake.as_fd());
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn wake(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancel({})", self.is_cancelled())
    }
}
