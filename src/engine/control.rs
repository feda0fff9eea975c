//! Ending a run before its end: softly, so that what is at work is finished, or hard.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::event::Abort;
use crate::remote::Cancel;

/// Where an abort is asked for, and seen. Shared by everybody who takes part in a run.
#[derive(Debug, Default)]
pub struct Control(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    aborting: Option<(Abort, String)>,
    /// What interrupts the connections that are there now.
    cancels: Vec<Cancel>,
}

impl Control {
    /// Asks for an abort. A second one, or a hard one, ends what is at work.
    pub fn abort(&self, how: Abort, why: &str) {
        let mut inner = self.inner();
        let how = match &inner.aborting {
            Some(_) => Abort::Hard,
            None => how,
        };
        inner.aborting = Some((how, why.to_owned()));
        if how == Abort::Hard {
            for cancel in inner.cancels.drain(..) {
                cancel.cancel();
            }
        }
    }

    /// How the run is being aborted, and why.
    pub fn aborting(&self) -> Option<(Abort, String)> {
        self.inner().aborting.clone()
    }

    /// A connection that a hard abort is to interrupt.
    pub(super) fn register(&self, cancel: &Cancel) {
        let mut inner = self.inner();
        if matches!(inner.aborting, Some((Abort::Hard, _))) {
            cancel.cancel();
        } else {
            inner.cancels.retain(|cancel| !cancel.is_cancelled());
            inner.cancels.push(cancel.clone());
        }
    }

    /// Waits, but not longer than until an abort; whether there is one.
    pub(super) fn wait(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.aborting().is_some() {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
