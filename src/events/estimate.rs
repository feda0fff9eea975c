//! How long the rest of a run will probably take, from the times of earlier runs.
//!
//! A step that was satisfied at the end of the last run is expected to need no change, until a step
//! on its host had to be changed again. Steps of one host run one after the other, and a step waits
//! for those that it needs.

use std::collections::BTreeMap;

use super::progress::{Progress, Status, StepProgress};
use super::{Outcome, StepId};

/// How long the steps of earlier runs took. The default knows no run, and estimates nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EarlierRuns {
    runs: usize,
    steps: BTreeMap<StepId, StepTimes>,
}

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct StepTimes {
    changed: Option<u64>,
    unchanged: Option<u64>,
    /// Whether it was satisfied when it was last looked at.
    satisfied: bool,
}

/// What is left of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    /// Milliseconds.
    pub left: u64,
    /// How many earlier runs the times come from.
    pub runs: usize,
    /// How many of the remaining steps no earlier run has a time for; `left` does not count them.
    pub untimed: usize,
}

impl EarlierRuns {
    /// Adds a run, later than those before. One in which no step ended is left out.
    pub fn add(&mut self, run: &Progress) {
        let mut any = false;
        for step in &run.steps {
            let Status::Ended { outcome, took } = &step.status else {
                continue;
            };
            let (changed, unchanged, satisfied) = match outcome {
                Outcome::Done | Outcome::Warned { .. } => (Some(*took), None, true),
                Outcome::Unchanged => (None, Some(*took), true),
                Outcome::Failed(_) => (None, None, false),
                Outcome::Skipped { .. } | Outcome::WontRun { .. } => continue,
            };
            any |= satisfied;
            let times = self.steps.entry(step.id.clone()).or_default();
            times.changed = changed.or(times.changed);
            times.unchanged = unchanged.or(times.unchanged);
            times.satisfied = satisfied;
        }
        self.runs += usize::from(any);
    }

    /// What is left at a moment of a run: milliseconds since it began. `None` if no earlier run
    /// knows any of the remaining steps, while a failed step waits for a decision, and at the end.
    pub fn estimate(&self, run: &Progress, now: u64) -> Option<Estimate> {
        if self.runs == 0 || run.run.is_none() || run.ended.is_some() || !run.asked.is_empty() {
            return None;
        }
        let mut schedule = Schedule::default();
        let mut waiting: Vec<&StepProgress> = Vec::new();
        let (mut timed, mut untimed) = (0, 0);
        for step in &run.steps {
            if step.outcome().is_some() {
                schedule.ends.insert(&step.id, 0);
            } else {
                waiting.push(step);
            }
        }
        while !waiting.is_empty() {
            let known = |id: &StepId| schedule.ends.contains_key(id) || run.step(id).is_none();
            let next = waiting.iter().position(|step| step.needs.iter().all(known));
            let step = waiting.remove(next.unwrap_or(0));
            let time = self.time(run, step);
            timed += usize::from(time.is_some());
            untimed += usize::from(time.is_none());
            schedule.place(step, time.unwrap_or(0), now);
        }
        (timed > 0).then_some(Estimate {
            left: schedule.ends.values().max().copied().unwrap_or(0),
            runs: self.runs,
            untimed,
        })
    }

    /// How long a step is expected to take.
    fn time(&self, run: &Progress, step: &StepProgress) -> Option<u64> {
        let times = self.times(&step.id)?;
        let applying = matches!(step.status, Status::Running { applying: true, .. });
        if times.satisfied && !applying && !self.changes(run, step.host.as_deref()) {
            times.unchanged.or(times.changed)
        } else {
            times.changed
        }
    }

    /// A step of this host had to be changed in this run, though it was satisfied before.
    fn changes(&self, run: &Progress, host: Option<&str>) -> bool {
        let again = |step: &StepProgress| {
            let before = self.steps.get(&step.id);
            step.host.as_deref() == host
                && step.outcome() == Some(&Outcome::Done)
                && before.is_some_and(|times| times.satisfied && times.unchanged.is_some())
        };
        run.steps.iter().any(again)
    }

    /// Of the step on its host; else on another one.
    fn times(&self, id: &StepId) -> Option<&StepTimes> {
        fn name(id: &StepId) -> &str {
            id.as_str().split('@').next().unwrap_or_default()
        }
        let other = || {
            let mut steps = self.steps.iter();
            steps.find(|(step, _)| name(step) == name(id))
        };
        let own = self.steps.get(id);
        own.or_else(|| other().map(|(_, times)| times))
    }
}

/// When steps end, and when hosts are free: milliseconds from now.
#[derive(Default)]
struct Schedule<'a> {
    ends: BTreeMap<&'a StepId, u64>,
    free: BTreeMap<Option<&'a str>, u64>,
}

impl<'a> Schedule<'a> {
    fn place(&mut self, step: &'a StepProgress, time: u64, now: u64) {
        let needs = step.needs.iter().filter_map(|need| self.ends.get(need));
        let free = self.free.entry(step.host.as_deref()).or_default();
        let end = match &step.status {
            Status::Running { since, .. } => time.saturating_sub(now.saturating_sub(*since)),
            _ => needs.max().copied().unwrap_or(0).max(*free) + time,
        };
        *free = end.max(*free);
        self.ends.insert(&step.id, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::fixtures::{Tape, outline, step};
    use crate::events::{End, Failure, What};

    /// Two hosts at the same time, then one step that needs both.
    fn tape() -> Tape {
        Tape::new(outline(&[(
            "one",
            &[
                step("install@h1", &[]),
                step("start@h1", &["install@h1"]),
                step("install@h2", &[]),
                step("join@h2", &["start@h1", "install@h2"]),
            ],
        )]))
    }

    fn whole() -> Tape {
        let mut tape = tape();
        tape.whole("install@h1", 0, 1000);
        tape.whole("install@h2", 0, 7000);
        tape.whole("start@h1", 1000, 5000);
        tape.whole("join@h2", 7000, 9000);
        tape.event(What::Ended { end: End::Done });
        tape
    }

    fn earlier(tapes: &[&Tape]) -> EarlierRuns {
        let mut earlier = EarlierRuns::default();
        for tape in tapes {
            earlier.add(&tape.progress());
        }
        earlier
    }

    fn left(earlier: &EarlierRuns, tape: &Tape, now: u64) -> Option<u64> {
        let estimate = earlier.estimate(&tape.progress(), now);
        estimate.map(|estimate| estimate.left)
    }

    fn failed() -> Outcome {
        Outcome::Failed(Failure {
            why: "no".into(),
            status: None,
            last_lines: Vec::new(),
            hint: None,
        })
    }

    #[test]
    fn without_an_earlier_run_there_is_no_estimate() {
        assert_eq!(left(&EarlierRuns::default(), &tape(), 0), None);
        // Nothing ended in this one.
        let mut begun = tape();
        begun.started("install@h1");
        assert_eq!(left(&earlier(&[&begun]), &tape(), 0), None);
    }

    #[test]
    fn hosts_work_at_the_same_time_and_steps_wait_for_what_they_need() {
        let earlier = earlier(&[&whole()]);
        assert_eq!(left(&earlier, &tape(), 0), Some(9000));
        let mut run = tape();
        run.at(0).started("install@h1").started("install@h2");
        assert_eq!(left(&earlier, &run, 3000), Some(6000));
        // One that takes longer than before is about to end.
        assert_eq!(left(&earlier, &run, 60_000), Some(6000));
        run.at(7000).ended("install@h2", Outcome::Done);
        run.at(7000).ended("install@h1", Outcome::Done);
        assert_eq!(left(&earlier, &run, 7000), Some(6000));
        assert_eq!(left(&earlier, &whole(), 9000), None);
    }

    #[test]
    fn what_was_satisfied_is_expected_unchanged_until_its_host_changes_again() {
        let mut unchanged = tape();
        for (number, step) in ["install@h1", "start@h1", "install@h2", "join@h2"]
            .into_iter()
            .enumerate()
        {
            let at = number as u64 * 10;
            unchanged.at(at).started(step);
            unchanged.at(at + 10).ended(step, Outcome::Unchanged);
        }
        let earlier = earlier(&[&whole(), &unchanged]);
        let estimate = earlier.estimate(&tape().progress(), 0).unwrap();
        assert_eq!((estimate.left, estimate.runs, estimate.untimed), (30, 2, 0));
        let mut run = tape();
        run.at(0).started("install@h2").applies("install@h2");
        assert_eq!(left(&earlier, &run, 0), Some(7010));
        run.at(7000).ended("install@h2", Outcome::Done);
        assert_eq!(left(&earlier, &run, 7000), Some(2020));
    }

    #[test]
    fn what_failed_is_expected_to_change_and_what_has_no_time_is_counted() {
        let mut broken = tape();
        broken.whole("install@h1", 0, 1000);
        broken.at(1000).started("start@h1");
        broken.at(3000).ended("start@h1", failed());
        let earlier = earlier(&[&broken]);
        let estimate = earlier.estimate(&tape().progress(), 0).unwrap();
        // The time of a step on another host counts for one that has none.
        assert_eq!((estimate.left, estimate.untimed), (1000, 2));
        let mut asked = tape();
        asked.whole("install@h1", 0, 900);
        let step = crate::events::fixtures::id("start@h1");
        asked.event(What::Asked { step });
        assert_eq!(left(&earlier, &asked, 900), None);
    }

    #[test]
    fn a_circle_of_needs_ends() {
        let plan = outline(&[("one", &[step("a@h", &["b@h"]), step("b@h", &["a@h"])])]);
        let mut run = Tape::new(plan.clone());
        run.whole("a@h", 0, 10).whole("b@h", 10, 30);
        assert_eq!(left(&earlier(&[&run]), &Tape::new(plan), 0), Some(30));
    }
}
