//! Where the time of a run went, from its events alone.
//!
//! The critical path is the longest chain of steps of which each had to wait for the one before:
//! because it needs it, or because both are on the same host, which runs one step at a time. No
//! schedule is faster with the same steps, so the wall time is compared with it.

use std::ops::Range;

use serde::Serialize;

use super::progress::{PhaseProgress, Progress, StepProgress};
use crate::events::StepId;

/// All times are milliseconds; those of steps count from the beginning of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CriticalPath {
    /// From the first to the last.
    pub steps: Vec<Timed>,
    /// Their total time: the shortest possible run.
    pub length: u64,
    /// From the start of the first step to the end of the last one.
    pub wall: u64,
}

/// A step that started and ended. A retried step counts from its first start to its last end,
/// including the wait for a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Timed {
    pub id: StepId,
    pub started: u64,
    pub ended: u64,
}

impl Timed {
    pub fn took(&self) -> u64 {
        self.ended - self.started
    }
}

impl CriticalPath {
    /// How much longer than the critical path the run took: 0.05 is five per cent. `None` if the
    /// path has no length.
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a run are far below 2^52"
    )]
    pub fn over(&self) -> Option<f64> {
        (self.length > 0).then(|| self.wall as f64 / self.length as f64 - 1.0)
    }
}

/// The longest chain that ends with a step.
struct Chain {
    length: u64,
    previous: Option<usize>,
}

impl Progress {
    /// `None` while no step has ended.
    pub fn critical_path(&self) -> Option<CriticalPath> {
        let (steps, times) = self.timed();
        let wall = times.iter().map(|time| time.ended).max()?
            - times.iter().map(|time| time.started).min()?;

        let mut chains: Vec<Chain> = Vec::with_capacity(steps.len());
        for (number, step) in steps.iter().enumerate() {
            let needs = self.needs_with_time(step);
            let waited_for = |earlier: &usize| {
                let before = steps[*earlier];
                let same_host = step.host.is_some() && step.host == before.host;
                times[*earlier].ended <= times[number].started
                    && (same_host || needs.contains(&&before.id))
            };
            let previous = (0..number)
                .filter(waited_for)
                .max_by_key(|earlier| chains[*earlier].length);
            let before = previous.map_or(0, |previous| chains[previous].length);
            chains.push(Chain {
                length: before + times[number].took(),
                previous,
            });
        }

        let mut next = (0..chains.len()).max_by_key(|number| chains[*number].length);
        let length = chains[next?].length;
        let mut path = Vec::new();
        while let Some(number) = next {
            path.push(times[number].clone());
            next = chains[number].previous;
        }
        path.reverse();
        Some(CriticalPath {
            steps: path,
            length,
            wall,
        })
    }

    /// The start of a phase's first step and the end of its last one: phases may overlap. `None`
    /// while none has ended.
    pub fn phase_span(&self, phase: &PhaseProgress) -> Option<Range<u64>> {
        let times = || self.steps_of(phase).iter().filter_map(time);
        let started = times().map(|time| time.started).min()?;
        let ended = times().map(|time| time.ended).max()?;
        Some(started..ended)
    }

    /// The steps that started and ended, in the order of their start.
    fn timed(&self) -> (Vec<&StepProgress>, Vec<Timed>) {
        let mut both: Vec<_> = self
            .steps
            .iter()
            .filter_map(|step| Some((step, time(step)?)))
            .collect();
        both.sort_by_key(|(step, time)| (time.started, step.order));
        both.into_iter().unzip()
    }

    /// The needs of a step; a need that was skipped is replaced by its own needs.
    fn needs_with_time<'a>(&'a self, step: &'a StepProgress) -> Vec<&'a StepId> {
        let mut found: Vec<&StepId> = Vec::new();
        let mut todo: Vec<&StepId> = step.needs.iter().collect();
        let mut seen: Vec<&StepId> = Vec::new();
        while let Some(id) = todo.pop() {
            if seen.contains(&id) {
                continue;
            }
            seen.push(id);
            match self.step(id) {
                Some(need) if time(need).is_none() => todo.extend(&need.needs),
                Some(_) => found.push(id),
                None => {}
            }
        }
        found
    }
}

fn time(step: &StepProgress) -> Option<Timed> {
    Some(Timed {
        id: step.id.clone(),
        started: step.started?,
        ended: step.ended?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Outcome;
    use super::super::fixtures::{self, Tape, outline, step};
    use super::*;

    fn path(tape: &Tape) -> (Vec<String>, u64, u64) {
        let path = tape.progress().critical_path().unwrap();
        let steps = path.steps.iter().map(|step| step.id.to_string()).collect();
        (steps, path.length, path.wall)
    }

    fn strings(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn the_longest_chain_of_needs() {
        let mut tape = Tape::new(outline(&[(
            "all",
            &[
                step("a@h1", &[]),
                step("b@h2", &["a@h1"]),
                step("c@h3", &["a@h1"]),
                step("d@h4", &["b@h2", "c@h3"]),
            ],
        )]));
        tape.whole("a@h1", 100, 110);
        tape.whole("b@h2", 110, 140);
        tape.whole("c@h3", 111, 121);
        tape.whole("d@h4", 145, 150);
        assert_eq!(path(&tape), (strings(&["a@h1", "b@h2", "d@h4"]), 45, 50));
        let over = tape.progress().critical_path().unwrap().over().unwrap();
        assert!((over - 5.0 / 45.0).abs() < 1e-9);
    }

    #[test]
    fn a_host_does_one_step_at_a_time() {
        // Nothing needs anything: only the order on h1 makes a chain.
        let steps = [step("b@h1", &[]), step("a@h1", &[]), step("c@h2", &[])];
        let mut tape = Tape::new(outline(&[("all", &steps)]));
        tape.whole("a@h1", 0, 30);
        tape.whole("c@h2", 0, 50);
        tape.whole("b@h1", 31, 61);
        assert_eq!(path(&tape), (strings(&["a@h1", "b@h1"]), 60, 61));
    }

    #[test]
    fn needs_and_host_order_alternate() {
        let steps = [
            step("a@h1", &[]),
            step("b@h1", &[]),
            step("c@h2", &["b@h1"]),
            step("d@h2", &[]),
        ];
        let mut tape = Tape::new(outline(&[("all", &steps)]));
        tape.whole("a@h1", 0, 20);
        tape.whole("b@h1", 20, 30);
        tape.whole("c@h2", 30, 40);
        tape.whole("d@h2", 40, 80);
        let all = strings(&["a@h1", "b@h1", "c@h2", "d@h2"]);
        assert_eq!(path(&tape), (all, 80, 80));
    }

    #[test]
    fn steps_without_a_host_run_side_by_side() {
        let steps = [step("a", &[]), step("b", &[])];
        let mut tape = Tape::new(outline(&[("all", &steps)]));
        tape.whole("a", 0, 20);
        tape.whole("b", 20, 50);
        assert_eq!(path(&tape), (strings(&["b"]), 30, 50));
    }

    #[test]
    fn a_step_left_out_passes_its_needs_on() {
        let steps = [
            step("a@h1", &[]),
            step("b@h2", &["a@h1"]),
            step("c@h3", &["b@h2"]),
        ];
        let mut tape = Tape::new(outline(&[("all", &steps)]));
        tape.whole("a@h1", 0, 20);
        let skipped = Outcome::Skipped { why: "told".into() };
        tape.ended("b@h2", skipped);
        tape.whole("c@h3", 20, 50);
        assert_eq!(path(&tape), (strings(&["a@h1", "c@h3"]), 50, 50));
    }

    #[test]
    fn a_step_tried_again_counts_from_its_first_start() {
        let mut tape = Tape::new(outline(&[("all", &[step("a@h1", &[])])]));
        tape.whole("a@h1", 10, 20);
        tape.at(60).started_again("a@h1", 2);
        assert_eq!(tape.progress().critical_path(), None);
        tape.at(70).ended("a@h1", Outcome::Done);
        assert_eq!(path(&tape), (strings(&["a@h1"]), 60, 60));
    }

    #[test]
    fn a_phase_takes_from_its_first_start_to_its_last_end() {
        let one = [step("a@h1", &[]), step("b@h2", &[])];
        let other = [step("c@h1", &[])];
        let mut tape = Tape::new(outline(&[("One", &one), ("Two", &other)]));
        tape.whole("a@h1", 5, 9).whole("b@h2", 7, 30);
        let progress = tape.progress();
        assert_eq!(progress.phase_span(&progress.phases[0]), Some(5..30));
        assert_eq!(progress.phase_span(&progress.phases[1]), None);
    }

    proptest! {
            #[test]
            fn no_path_is_longer_than_the_run(events in fixtures::any_events()) {
                let mut progress = Progress::default();
                for event in &events {
     progress.add(event);
    }
                if let Some(path) = progress.critical_path() {
                    prop_assert!(path.length <= path.wall);
                    prop_assert!(!path.steps.is_empty());
                    prop_assert_eq!(path.length, path.steps.iter().map(Timed::took).sum::<u64>());
                    let in_order = |pair: &[Timed]| pair[0].ended <= pair[1].started;
                    prop_assert!(path.steps.windows(2).all(in_order));
                }
            }
        }
}
