//! The one record of what happens. Everything that shows, logs or resumes a run reads events.
//!
//! The first event carries the whole plan, so that a log explains itself; every event has a number
//! and the time since the run began, so that a reader needs no clock.

//!
//! * [`recorder`]: creates them, without secrets; [`log`]: stores them; [`tail`]: reads a log that grows; [`feed`]: passes them to a
//!   reader that may be slow
//! * [`external`]: which parts of the cluster are external, by the steps
//! * [`progress`]: folds them into the state of every phase and step
//! * [`critical_path`]: where the time of a run went; [`estimate`]: how long the rest will take

pub mod critical_path;
pub mod estimate;
pub mod external;
pub mod feed;
#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
pub mod log;
mod outline;
pub mod progress;
pub mod recorder;
mod redacted;
pub mod tail;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use outline::{DRILL, Outline, OutlinePhase, OutlineStep, StepId};

/// As events count time.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The version of the events' format. It grows when an event changes in a way that an older wizard
/// would misread; a new kind of event does not count, because unknown ones are ignored.
pub const FORMAT: u32 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 0, without gaps.
    pub seq: u64,
    /// Milliseconds since the run began.
    pub at: u64,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// Always the first one.
    Started {
        /// The [`FORMAT`] of the wizard that ran; 0 for the oldest versions.
        #[serde(default)]
        format: u32,
        /// The id of the run, on hosts and in its log's name: `20261124T215440Z-3f2a`.
        run: String,
        /// When the run began, RFC 3339, UTC.
        when: String,
        /// The operator and this machine: `root@jump`.
        operator: String,
        version: String,
        plan: Outline,
    },
    /// Something the operator should know, which does not stop the run.
    Warned {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        host: Option<String>,
        text: String,
    },
    /// A certificate was created or renewed before the run began; its step brings it to the hosts.
    Renewed { certificate: String, why: String },
    /// A connection was made, lost or made again.
    Connection {
        host: String,
        state: ConnectionState,
        text: String,
    },
    StepStarted {
        step: StepId,
        /// Counts from 1.
        attempt: u32,
    },
    /// A step was not satisfied: it is being applied now.
    StepApplies { step: StepId },
    /// A line that a step printed on its host, without its line end.
    Output {
        step: StepId,
        stream: Stream,
        text: String,
    },
    /// One case of a proof: the test, the expected and the actual result.
    Proved {
        step: StepId,
        case: String,
        expected: String,
        got: String,
        holds: bool,
    },
    StepEnded {
        step: StepId,
        #[serde(flatten)]
        outcome: Outcome,
    },
    /// A failed step waits for a decision.
    Asked { step: StepId },
    /// The decision about a failed step.
    Decided {
        step: StepId,
        decision: Decision,
        by: DecidedBy,
    },
    /// Nothing is running: this phase, by its id, waits for the operator to start it.
    Held { before: String },
    /// The held phase may start.
    Released,
    /// No further steps are started.
    Aborting { how: Abort, why: String },
    /// Clients of the API measure a drill from now on.
    DrillStarted { step: StepId, drill: DrillStart },
    /// What they see of it, four times a second. A reader that is too slow gets fewer of these.
    DrillSample { step: StepId, sample: DrillSample },
    /// What clients of the API saw of a drill.
    Drilled { step: StepId, figures: DrillFigures },
    /// The state of the cluster at the end.
    Cluster { cluster: crate::cluster::Cluster },
    /// Always the last one.
    Ended { end: End },
    /// Lines of output that were left out: for a reader, because it was too slow; in the log, because
    /// the step printed too much. Number and time are those of the first one.
    Missed { lines: u64 },
    /// An event that this wizard does not know, from the log of a newer one.
    Unknown { kind: String },
}

/// A drill that is measured from now on. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillStart {
    /// `reset@k3s-server-1`
    pub drill: String,
    /// How long the API may be unreachable; `None` if what is taken down has no second one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub limit: Option<u64>,
    /// How long it is away; `None` if it comes back as soon as it can.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub away: Option<u64>,
}

/// What clients of the API see now. Times are milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DrillSample {
    /// How many writes were acknowledged so far.
    pub acknowledged: usize,
    /// The time since the last answer.
    pub without_write: u64,
    pub without_read: u64,
    /// The longest time without an answer so far.
    pub longest_without_write: u64,
    pub longest_without_read: u64,
}

impl DrillSample {
    pub fn longest_gap(&self) -> u64 {
        self.longest_without_write.max(self.longest_without_read)
    }
}

/// What clients of the API saw while something was taken down. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillFigures {
    /// `reset@k3s-server-1`
    pub drill: String,
    /// How many writes were acknowledged.
    pub acknowledged: usize,
    /// How many of them are not there.
    pub lost: usize,
    /// Reads that did not find what was acknowledged before.
    pub stale_reads: usize,
    /// The longest time without an answer to a client that makes a new connection each time.
    pub longest_without_write: u64,
    pub longest_without_read: u64,
    /// The same for a client that keeps its connection.
    pub longest_without_kept: u64,
    /// How often that connection broke.
    pub broken_connections: usize,
    /// From the loss until the cluster was healthy and had its redundancy again.
    pub redundant_after: u64,
}

impl DrillFigures {
    /// The longest time without an answer to a client that makes new connections.
    pub fn longest_gap(&self) -> u64 {
        self.longest_without_write.max(self.longest_without_read)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    Out,
    Err,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConnectionState {
    Up,
    Lost,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It was changed and is now satisfied.
    Done,
    /// It was already satisfied.
    Unchanged,
    /// Satisfied, with a warning for the operator.
    Warned {
        why: String,
    },
    /// Skipped by the operator.
    Skipped {
        why: String,
    },
    Failed(Failure),
    /// Not started, because another step failed or the run was aborted.
    WontRun {
        because: String,
    },
}

/// What is known about a step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened and why, in a sentence.
    pub why: String,
    /// The exit status on the host, if a program ran there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<i32>,
    /// The last lines that were printed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub last_lines: Vec<String>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Abort {
    /// The running steps are finished first.
    Soft,
    /// The running steps are killed.
    Hard,
}

/// The decision about a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Try it again.
    Retry,
    /// Skip it; steps that need it still run. Only for a step that changes nothing.
    Skip,
    /// It stays failed; steps that need it are skipped.
    GiveUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    Operator,
    /// No operator is asked, or the run is being aborted.
    Rule,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum End {
    /// Every step is satisfied.
    Done,
    /// At least one step failed.
    Failed,
    /// Aborted; the signal's name, if a signal caused it: `SIGINT`.
    Aborted { why: String },
}
