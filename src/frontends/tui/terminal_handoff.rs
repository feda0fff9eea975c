//! The terminal in the hands of another process: a shell on a host, for which the wizard steps aside.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the reader of the terminal looks whether to leave it to another process.
pub const LOOK_UP: Duration = Duration::from_millis(200);

/// While another process has the terminal, the wizard does not read from it.
#[derive(Debug, Default)]
pub struct TerminalHandoff {
    state: Mutex<HandoffState>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct HandoffState {
    wanted: bool,
    /// The reader has heard of it, and waits.
    waits: bool,
}

impl TerminalHandoff {
    fn state(&self) -> MutexGuard<'_, HandoffState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is(&self) -> bool {
        self.state().wanted
    }

    /// Returns when the wizard reads no more.
    pub fn begin(&self) {
        let mut state = self.state();
        state.wanted = true;
        // A reader that is gone says nothing.
        let _ = self
            .changed
            .wait_timeout_while(state, 5 * LOOK_UP, |state| !state.waits);
    }

    pub fn end(&self) {
        self.state().wanted = false;
        self.changed.notify_all();
    }

    /// The reader waits here while another process has the terminal.
    pub fn wait(&self) {
        let mut state = self.state();
        while state.wanted {
            state.waits = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.waits = false;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn the_wizard_does_not_read_while_another_process_has_the_terminal() {
        let (handoff, reads) = (
            Arc::new(TerminalHandoff::default()),
            Arc::new(AtomicUsize::new(0)),
        );
        let (theirs, counted) = (handoff.clone(), reads.clone());
        thread::spawn(move || {
            loop {
                theirs.wait();
                counted.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
            }
        });
        for _ in 0..3 {
            handoff.begin();
            let before = reads.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(20));
            assert_eq!(reads.load(Ordering::SeqCst), before);
            handoff.end();
            while reads.load(Ordering::SeqCst) == before {
                thread::yield_now();
            }
        }
    }
}
