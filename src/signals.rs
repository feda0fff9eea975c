//! Signals for runs without a keyboard: the first one waits for the running steps, the second one
//! kills them.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, unbounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::engine::control::Control;
use crate::events::Abort;

/// The exit code after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// Watches for SIGHUP, SIGINT and SIGTERM.
pub struct SignalWatch {
    shared: Arc<SignalState>,
    heard: Receiver<i32>,
}

#[derive(Default)]
struct SignalState {
    /// The latest signal; 0 before the first one.
    last: AtomicI32,
    running: AtomicBool,
    /// What a signal stops.
    control: Mutex<Option<Arc<Control>>>,
}

impl SignalWatch {
    pub fn start() -> io::Result<Self> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        let shared = Arc::<SignalState>::default();
        let (tell, heard) = unbounded();
        let watch = Self {
            shared: shared.clone(),
            heard,
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for signal in signals.forever() {
                    shared.take(signal);
                    // The receiver may be gone.
                    let _ = tell.send(signal);
                }
            })?;
        Ok(watch)
    }

    /// What signals stop from now on. Until [`SignalWatch::running`], no step runs, so the first
    /// signal stops at once.
    pub fn over(&self, control: &Arc<Control>) {
        self.shared.running.store(false, Ordering::Release);
        *self.shared.control() = Some(control.clone());
        // A signal that came before.
        if let Some(signal) = self.last() {
            control.abort(Abort::Hard, name(signal));
        }
    }

    pub fn running(&self) {
        self.shared.running.store(true, Ordering::Release);
    }

    /// Every signal, as it comes.
    pub fn heard(&self) -> &Receiver<i32> {
        &self.heard
    }

    fn last(&self) -> Option<i32> {
        let signal = self.shared.last.load(Ordering::Acquire);
        (signal > 0).then_some(signal)
    }

    /// The exit code after a signal, once there was one.
    pub fn code(&self) -> Option<u8> {
        code(name(self.last()?))
    }
}

impl SignalState {
    fn take(&self, signal: i32) {
        self.last.store(signal, Ordering::Release);
        let how = if self.running.load(Ordering::Acquire) {
            Abort::Soft
        } else {
            Abort::Hard
        };
        if let Some(control) = &*self.control() {
            control.abort(how, name(signal));
        }
    }

    fn control(&self) -> std::sync::MutexGuard<'_, Option<Arc<Control>>> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As in a shell, for a process that this signal ended; `None` if the name is not a signal.
pub fn code(name: &str) -> Option<u8> {
    match name {
        "SIGHUP" => Some(129),
        "SIGINT" => Some(130),
        "SIGTERM" => Some(143),
        _ => None,
    }
}

pub fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "SIGHUP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_is_soft_only_while_something_runs() {
        let shared = SignalState::default();
        let control = Arc::new(Control::default());
        *shared.control() = Some(control.clone());
        shared.running.store(true, Ordering::Release);
        shared.take(SIGINT);
        assert_eq!(control.aborting(), Some((Abort::Soft, "SIGINT".into())));
        shared.take(SIGTERM);
        assert_eq!(control.aborting(), Some((Abort::Hard, "SIGTERM".into())));

        let control = Arc::new(Control::default());
        *shared.control() = Some(control.clone());
        shared.running.store(false, Ordering::Release);
        shared.take(SIGHUP);
        assert_eq!(control.aborting(), Some((Abort::Hard, "SIGHUP".into())));
    }
}
