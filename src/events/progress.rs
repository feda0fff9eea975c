//! The fold of the events: the state of every phase and step.
//!
//! It can be saved, loaded and continued. Inconsistent events (an unknown step, an end without a
//! start) are ignored or used as far as possible: a log must not break the display.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{
    Abort, ConnectionState, DRILL, DrillFigures, DrillSample, DrillStart, End, Event, FORMAT,
    Outcome, Stream, What,
};
use crate::cluster::Cluster;
use crate::events::external::ExternalParts;
use crate::events::{Outline, StepId};

/// The default number of kept output lines per step.
pub const KEPT_LINES: usize = 20;

/// The number of kept samples of a drill: those of an hour.
const KEPT_SAMPLES: usize = 4 * 60 * 60;

/// The state of a run. All times are milliseconds since the run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// `None` before the first event.
    pub run: Option<RunInfo>,
    pub phases: Vec<PhaseProgress>,
    /// The steps of all phases, in the order of the plan.
    pub steps: Vec<StepProgress>,
    pub proofs: Vec<Proof>,
    pub drills: Vec<DrillFigures>,
    /// The drill that was started last.
    pub measured: Option<MeasuredDrill>,
    pub warnings: Vec<Warning>,
    /// By host.
    pub connections: BTreeMap<String, ConnectionProgress>,
    pub cluster: Option<Cluster>,
    /// The steps that failed and wait for a decision.
    pub asked: Vec<StepId>,
    /// The id of the phase that waits for the operator.
    pub held: Option<String>,
    pub aborting: Option<Aborting>,
    pub ended: Option<End>,
    /// The time of the latest event.
    pub at: u64,
    index: BTreeMap<StepId, usize>,
    keep: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    pub run: String,
    pub when: String,
    pub operator: String,
    pub version: String,
    pub cluster: String,
    /// As in [`Outline`].
    pub procedure: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseProgress {
    pub id: String,
    pub title: String,
    /// Its steps in [`Progress::steps`].
    pub steps: Range<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepProgress {
    pub id: StepId,
    pub host: Option<String>,
    pub title: String,
    pub needs: Vec<StepId>,
    /// It changes nothing: steps that need it may run without it.
    pub may_be_skipped: bool,
    pub status: Status,
    /// When it first started; `None` if it never did.
    pub started: Option<u64>,
    /// The number of its latest attempt; 0 if it never started.
    pub attempt: u32,
    /// Its index among the started steps, which breaks ties of `started`.
    pub order: Option<usize>,
    /// When its latest attempt ended; `None` while it runs.
    pub ended: Option<u64>,
    /// The last lines that it printed.
    pub lines: VecDeque<OutputLine>,
    /// How many lines it printed, kept or not.
    pub printed: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Status {
    NotStarted,
    Running {
        /// When this attempt began.
        since: u64,
        attempt: u32,
        /// It was not satisfied and is being applied.
        applying: bool,
    },
    Ended {
        outcome: Outcome,
        /// How long the last attempt took; 0 for a step that never started.
        took: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputLine {
    pub at: u64,
    pub stream: Stream,
    pub text: String,
}

/// One case of a proof, of the latest attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    pub step: StepId,
    pub host: Option<String>,
    pub case: String,
    pub expected: String,
    pub got: String,
    pub holds: bool,
}

/// A drill, and what its clients saw of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredDrill {
    pub drill: DrillStart,
    pub samples: VecDeque<DrillSample>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    pub at: u64,
    pub host: Option<String>,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionProgress {
    pub state: ConnectionState,
    pub since: u64,
    pub text: String,
    /// The number of losses so far.
    pub lost: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aborting {
    pub at: u64,
    pub how: Abort,
    pub why: String,
}

/// The state of a phase, from those of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhaseStatus {
    NotStarted,
    /// Some of its steps have started, and not all have ended.
    Running,
    /// A step failed, regardless of the others.
    Failed,
    /// No step failed, but some were skipped.
    WontRun,
    /// Done, with a warning for the operator.
    Warned,
    Done,
    Unchanged,
    /// Every step was skipped.
    Skipped,
}

/// How many steps are in which state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub total: usize,
    pub not_started: usize,
    pub running: usize,
    pub done: usize,
    pub unchanged: usize,
    pub warned: usize,
    pub skipped: usize,
    pub failed: usize,
    pub wont_run: usize,
}

impl Default for Progress {
    fn default() -> Self {
        Self::keeping(KEPT_LINES)
    }
}

impl Progress {
    /// With another number of kept output lines per step.
    pub fn keeping(lines: usize) -> Self {
        Self {
            run: None,
            phases: Vec::new(),
            steps: Vec::new(),
            proofs: Vec::new(),
            drills: Vec::new(),
            measured: None,
            warnings: Vec::new(),
            connections: BTreeMap::new(),
            cluster: None,
            asked: Vec::new(),
            held: None,
            aborting: None,
            ended: None,
            at: 0,
            index: BTreeMap::new(),
            keep: lines,
        }
    }

    pub fn add(&mut self, event: &Event) {
        let at = event.at;
        self.at = self.at.max(at);
        match &event.what {
            What::Started {
                format,
                run,
                when,
                operator,
                version,
                plan,
            } => {
                let run = RunInfo {
                    run: run.clone(),
                    when: when.clone(),
                    operator: operator.clone(),
                    version: version.clone(),
                    cluster: plan.cluster.clone(),
                    procedure: plan.procedure.clone(),
                };
                self.begin(at, run, *format, plan);
            }
            What::Warned { host, text } => self.warnings.push(Warning {
                at,
                host: host.clone(),
                text: text.clone(),
            }),
            What::Connection { host, state, text } => self.connection(at, host, *state, text),
            What::StepStarted { step, attempt } => self.step_started(at, step, *attempt),
            What::StepApplies { step } => {
                if let Some(Status::Running { applying, .. }) =
                    self.step_mut(step).map(|step| &mut step.status)
                {
                    *applying = true;
                }
            }
            What::Output { step, stream, text } => {
                let (stream, text) = (*stream, text.clone());
                self.printed(step, OutputLine { at, stream, text });
            }
            What::Proved {
                step,
                case,
                expected,
                got,
                holds,
            } => {
                if let Some(host) = self.step(step).map(|step| step.host.clone()) {
                    self.proofs.push(Proof {
                        step: step.clone(),
                        host,
                        case: case.clone(),
                        expected: expected.clone(),
                        got: got.clone(),
                        holds: *holds,
                    });
                }
            }
            What::StepEnded { step, outcome } => {
                if let Some(step) = self.step_mut(step) {
                    let took = match step.status {
                        Status::Running { since, .. } => at.saturating_sub(since),
                        // Skipped by the operator, after it had failed.
                        Status::Ended { took, .. } => took,
                        Status::NotStarted => 0,
                    };
                    step.ended = step.started.map(|started| at.max(started));
                    step.status = Status::Ended {
                        outcome: outcome.clone(),
                        took,
                    };
                }
            }
            What::Asked { step } => {
                if !self.asked.contains(step) {
                    self.asked.push(step.clone());
                }
            }
            What::Decided { step, .. } => self.asked.retain(|asked| asked != step),
            What::Held { before } => self.held = Some(before.clone()),
            What::Released => self.held = None,
            What::Aborting { how, why } => {
                self.aborting = Some(Aborting {
                    at,
                    how: *how,
                    why: why.clone(),
                });
            }
            What::Cluster { cluster } => self.cluster = Some(cluster.clone()),
            What::Ended { end } => {
                self.asked.clear();
                self.held = None;
                self.ended = Some(end.clone());
            }
            What::DrillStarted { drill, .. } => self.drill_started(drill),
            What::DrillSample { sample, .. } => self.sampled(*sample),
            What::Drilled { figures, .. } => self.drills.push(figures.clone()),
            What::Renewed { .. } | What::Missed { .. } | What::Unknown { .. } => {}
        }
    }

    fn begin(&mut self, at: u64, run: RunInfo, format: u32, plan: &Outline) {
        *self = Self::keeping(self.keep);
        self.at = at;
        if format > FORMAT {
            let version = &run.version;
            self.warnings.push(Warning {
                at,
                host: None,
                text: format!(
                    "the run was recorded by a newer wizard, {version}: the display may be \
                     incomplete"
                ),
            });
        }
        self.run = Some(run);
        self.lay_out(plan);
    }

    fn lay_out(&mut self, plan: &Outline) {
        for phase in &plan.phases {
            let first = self.steps.len();
            for step in &phase.steps {
                self.index
                    .entry(step.id.clone())
                    .or_insert(self.steps.len());
                self.steps.push(StepProgress {
                    id: step.id.clone(),
                    host: step.host.clone(),
                    title: step.title.clone(),
                    needs: step.needs.clone(),
                    may_be_skipped: step.may_be_skipped,
                    status: Status::NotStarted,
                    started: None,
                    attempt: 0,
                    order: None,
                    ended: None,
                    lines: VecDeque::new(),
                    printed: 0,
                });
            }
            self.phases.push(PhaseProgress {
                id: phase.id.clone(),
                title: phase.title.clone(),
                steps: first..self.steps.len(),
            });
        }
    }

    fn drill_started(&mut self, drill: &DrillStart) {
        self.measured = Some(MeasuredDrill {
            drill: drill.clone(),
            samples: VecDeque::new(),
        });
    }

    fn sampled(&mut self, sample: DrillSample) {
        if let Some(measured) = &mut self.measured {
            measured.samples.push_back(sample);
            if measured.samples.len() > KEPT_SAMPLES {
                measured.samples.pop_front();
            }
        }
    }

    fn printed(&mut self, step: &StepId, line: OutputLine) {
        let keep = self.keep;
        if let Some(step) = self.step_mut(step) {
            step.printed = step.printed.saturating_add(1);
            step.lines.push_back(line);
            while step.lines.len() > keep {
                step.lines.pop_front();
            }
        }
    }

    fn connection(&mut self, at: u64, host: &str, state: ConnectionState, text: &str) {
        let before = self.connections.get(host);
        let lost = before.map_or(0, |before| before.lost);
        // It is lost once, however often it is tried again.
        let same = before.filter(|before| before.state == state);
        let loses = state == ConnectionState::Lost && same.is_none();
        let connection = ConnectionProgress {
            state,
            since: same.map_or(at, |before| before.since),
            text: text.to_owned(),
            lost: lost.saturating_add(u32::from(loses)),
        };
        self.connections.insert(host.to_owned(), connection);
    }

    fn step_started(&mut self, at: u64, id: &StepId, attempt: u32) {
        let order = self
            .steps
            .iter()
            .filter(|step| step.order.is_some())
            .count();
        let Some(step) = self.step_mut(id) else {
            return;
        };
        step.started.get_or_insert(at);
        step.attempt = attempt;
        step.order.get_or_insert(order);
        step.ended = None;
        step.status = Status::Running {
            since: at,
            attempt,
            applying: false,
        };
        // The results of the attempt before no longer count.
        self.proofs.retain(|proof| proof.step != *id);
    }

    /// Since when the connection to the host of a running step has been lost.
    pub fn lost_since(&self, step: &StepProgress) -> Option<u64> {
        let connection = self.connections.get(step.host.as_ref()?)?;
        let running = matches!(step.status, Status::Running { .. });
        (running && connection.state == ConnectionState::Lost).then_some(connection.since)
    }

    /// The place of the phase of a step.
    pub fn phase_of(&self, id: &StepId) -> Option<usize> {
        let place = self.index.get(id)?;
        self.phases
            .iter()
            .position(|phase| phase.steps.contains(place))
    }

    /// When something happened, by the clock of the wizard's machine, UTC.
    pub fn moment(&self, at: u64) -> Option<OffsetDateTime> {
        let when = &self.run.as_ref()?.when;
        let began = OffsetDateTime::parse(when, &Rfc3339).ok()?;
        began.checked_add(Duration::milliseconds(i64::try_from(at).ok()?))
    }

    pub fn step(&self, id: &StepId) -> Option<&StepProgress> {
        self.steps.get(*self.index.get(id)?)
    }

    fn step_mut(&mut self, id: &StepId) -> Option<&mut StepProgress> {
        self.steps.get_mut(*self.index.get(id)?)
    }

    /// The steps that need this one, directly or indirectly, in the order of the plan.
    pub fn dependents(&self, step: &StepProgress) -> Vec<&StepProgress> {
        let mut lost = vec![&step.id];
        let mut found: Vec<&StepProgress> = Vec::new();
        // A step may come before one that it needs.
        while let Some(need) = lost.pop() {
            for step in &self.steps {
                if step.needs.contains(need) && !found.iter().any(|other| other.id == step.id) {
                    found.push(step);
                    lost.push(&step.id);
                }
            }
        }
        found.sort_by_key(|step| self.index.get(&step.id));
        found
    }

    pub fn steps_of(&self, phase: &PhaseProgress) -> &[StepProgress] {
        self.steps.get(phase.steps.clone()).unwrap_or_default()
    }

    pub fn external_parts(&self) -> ExternalParts {
        ExternalParts::of_run(self.steps.iter().map(|step| &step.id))
    }

    pub fn phase_status(&self, phase: &PhaseProgress) -> PhaseStatus {
        let counts = Counts::of(self.steps_of(phase));
        let ended = counts.total - counts.not_started - counts.running;
        if counts.failed > 0 {
            PhaseStatus::Failed
        } else if counts.not_started == counts.total {
            PhaseStatus::NotStarted
        } else if ended < counts.total {
            PhaseStatus::Running
        } else if counts.wont_run > 0 {
            PhaseStatus::WontRun
        } else if counts.warned > 0 {
            PhaseStatus::Warned
        } else if counts.done > 0 {
            PhaseStatus::Done
        } else if counts.unchanged > 0 {
            PhaseStatus::Unchanged
        } else {
            PhaseStatus::Skipped
        }
    }

    pub fn counts(&self) -> Counts {
        Counts::of(&self.steps)
    }

    /// It takes down what may be lost, and measures that.
    pub fn is_drill(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.procedure == DRILL)
    }

    /// The hosts that the plan is about, in its order.
    pub fn hosts(&self) -> Vec<&str> {
        let mut hosts = Vec::new();
        for host in self.steps.iter().filter_map(|step| step.host.as_deref()) {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        hosts
    }
}

impl StepProgress {
    /// The outcome, once it has ended.
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.status {
            Status::Ended { outcome, .. } => Some(outcome),
            Status::NotStarted | Status::Running { .. } => None,
        }
    }
}

impl Counts {
    /// The steps that need nothing more: done, unchanged, or skipped by the operator. A failed step
    /// and one that did not run are not finished.
    pub fn finished(&self) -> usize {
        self.done + self.unchanged + self.warned + self.skipped
    }

    pub fn of(steps: &[StepProgress]) -> Self {
        let mut counts = Self {
            total: steps.len(),
            ..Self::default()
        };
        for step in steps {
            *match &step.status {
                Status::NotStarted => &mut counts.not_started,
                Status::Running { .. } => &mut counts.running,
                Status::Ended { outcome, .. } => match outcome {
                    Outcome::Done => &mut counts.done,
                    Outcome::Unchanged => &mut counts.unchanged,
                    Outcome::Warned { .. } => &mut counts.warned,
                    Outcome::Skipped { .. } => &mut counts.skipped,
                    Outcome::Failed(_) => &mut counts.failed,
                    Outcome::WontRun { .. } => &mut counts.wont_run,
                },
            } += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests;
