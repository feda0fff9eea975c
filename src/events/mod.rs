//! The one record of what happens. Whatever shows, logs or resumes a run reads events.
//!
//! The first event carries the whole plan, so that a log explains itself; every event has a number
//! and the time since the run began, so that nobody who shows them needs a clock.

//!
//! * [`recorder`]: makes them, without secrets; [`log`]: keeps them; [`feed`]: hands them on to a
//!   reader that may be slow
//! * [`progress`]: folds them, into the state of every phase and step
//! * [`critical_path`]: what a run's time went into

pub mod critical_path;
pub mod feed;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod log;
mod outline;
pub mod progress;
pub mod recorder;
mod redacted;

use serde::{Deserialize, Serialize};

pub use outline::{Outline, OutlinePhase, OutlineStep, StepId};

/// The version of the events' format. It grows when an event changes in a way that an older wizard
/// would misread; a new kind of event does not count, because an unknown one is passed over.
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
        /// [`FORMAT`] of the wizard that ran; 0 before there was one.
        #[serde(default)]
        format: u32,
        /// Names the run on the hosts and its log: `20261124T215440Z-3f2a`.
        run: String,
        /// When the run began, RFC 3339, UTC.
        when: String,
        /// Who runs it, from where: `root@jump`.
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
    /// A step was not as it should be: it is being brought there now.
    StepApplies { step: StepId },
    /// A line that a step printed on its host, without its line end.
    Output {
        step: StepId,
        stream: Stream,
        text: String,
    },
    /// One case of a proof: what was tried, what had to come of it, what did.
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
    /// A step failed: what shall become of it?
    Asked { step: StepId },
    /// What becomes of a step that failed.
    Decided {
        step: StepId,
        decision: Decision,
        by: DecidedBy,
    },
    /// Nothing is at work: this phase, by its id, begins when somebody says so.
    Held { before: String },
    /// The phase that was held may begin.
    Released,
    /// Nothing new is begun from here on.
    Aborting { how: Abort, why: String },
    /// What the cluster looks like at the end.
    Cluster { cluster: crate::cluster::Cluster },
    /// Always the last one.
    Ended { end: End },
    /// So many lines of output were left out here, because the reader was too slow for them. Only a
    /// reader gets it; the log has them all. Its number and time are those of the first one.
    Missed { lines: u64 },
    /// An event that this wizard does not know, from the log of a newer one.
    Unknown { kind: String },
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
    /// It was changed, and is now as it should be.
    Done,
    /// It was as it should be.
    Unchanged,
    /// As it should be, but the operator should know something.
    Warned {
        why: String,
    },
    /// Left out on the operator's word.
    Skipped {
        why: String,
    },
    Failed(Failure),
    /// Not begun, because another step failed or the run was aborted.
    WontRun {
        because: String,
    },
}

/// What is known about a step that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What happened and why, in a sentence.
    pub why: String,
    /// The exit status of what ran on the host, where something did.
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
    /// The steps at work are finished first.
    Soft,
    /// The steps at work are ended.
    Hard,
}

/// What becomes of a step that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It is tried once more.
    Retry,
    /// It is left out, and what needs it runs all the same. Only for a step that changes nothing.
    Skip,
    /// It stays failed, and what needs it will not run.
    GiveUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DecidedBy {
    Operator,
    /// Nobody is asked, or the run is being aborted.
    Rule,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum End {
    /// Every step is as it should be.
    Done,
    /// At least one step failed.
    Failed,
    /// Aborted; the signal's name where one asked for it: `SIGINT`.
    Aborted { why: String },
}
