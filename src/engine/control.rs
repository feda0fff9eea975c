//! How the operator controls a run: which phases may start, what to do about a failed step, and
//! whether to abort.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::events::StepId;
use crate::events::{Abort, DecidedBy, Decision};
use crate::remote::{Cancel, WeakCancel};

/// Passes decisions from the frontend to the run. Shared by all threads of a run.
///
/// By default there is no operator: every phase may start, and a failed step is given up.
#[derive(Debug, Default)]
pub struct Control(Mutex<ControlState>);

#[derive(Debug, Default)]
struct ControlState {
    aborting: Option<(Abort, String)>,
    /// An operator can decide about failed steps.
    attended: bool,
    /// How many phases may start; `None` for all.
    phases: Option<usize>,
    decisions: Vec<(StepId, Decision)>,
    /// Interrupts the current connections.
    cancels: Vec<WeakCancel>,
}

impl Control {
    /// An operator is present: a failed step waits for a decision.
    pub fn attended() -> Self {
        let control = Self::default();
        control.inner().attended = true;
        control
    }

    /// How many phases may start from now on; `None` for all. Running steps continue.
    pub fn let_begin(&self, phases: Option<usize>) {
        self.inner().phases = phases;
    }

    /// Whether the steps of this phase, by its index in the plan, may start.
    pub(super) fn may_begin(&self, phase: usize) -> bool {
        self.inner().phases.is_none_or(|phases| phase < phases)
    }

    /// Sets the decision about a failed step.
    pub fn decide(&self, step: StepId, decision: Decision) {
        self.inner().decisions.push((step, decision));
    }

    /// The decision about a step, returned once. Without an operator, there is always one.
    pub(super) fn decision(&self, step: &StepId) -> Option<(Decision, DecidedBy)> {
        let mut inner = self.inner();
        if !inner.attended || inner.aborting.is_some() {
            return Some((Decision::GiveUp, DecidedBy::Rule));
        }
        let place = inner
            .decisions
            .iter()
            .position(|(about, _)| about == step)?;
        Some((inner.decisions.remove(place).1, DecidedBy::Operator))
    }

    /// Asks for an abort. A second one, or a hard one, kills running steps.
    pub fn abort(&self, how: Abort, why: &str) {
        let mut inner = self.inner();
        let how = match &inner.aborting {
            Some(_) => Abort::Hard,
            None => how,
        };
        inner.aborting = Some((how, why.to_owned()));
        if how == Abort::Hard {
            let cancels = inner.cancels.drain(..);
            for cancel in cancels.filter_map(|weak| weak.upgrade()) {
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
            inner.cancels.retain(|weak| weak.upgrade().is_some());
            inner.cancels.push(cancel.downgrade());
        }
    }

    /// Waits, but not longer than until an abort; whether there is one.
    pub fn wait(&self, time: Duration) -> bool {
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

    fn inner(&self) -> MutexGuard<'_, ControlState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_are_gone_leave_no_descriptor() {
        let control = Control::default();
        let kept = Cancel::new().unwrap();
        control.register(&kept);
        for _ in 0..100 {
            control.register(&Cancel::new().unwrap());
        }
        let alive = |control: &Control| {
            let inner = control.inner();
            let alive = inner.cancels.iter().filter_map(WeakCancel::upgrade);
            (alive.count(), inner.cancels.len())
        };
        let (alive, listed) = alive(&control);
        assert!(alive == 1 && listed <= 2, "{alive} of {listed}");
        control.abort(Abort::Hard, "enough");
        assert!(kept.is_cancelled());
    }
}
