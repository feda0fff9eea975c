//! The outline of a plan: enough to show a run without knowing its steps' work.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The procedure of drills.
pub const DRILL: &str = "drill";

/// Names a step in events, logs and on hosts: `postgres/install`, `server/start@k3s-server-2`. The
/// part before `@` is the step, the part after it the host, if there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StepId(String);

impl StepId {
    pub fn new(step: &str, host: Option<&str>) -> Self {
        match host {
            Some(host) => Self(format!("{step}@{host}")),
            None => Self(step.to_owned()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The phases of a plan with their steps, in display order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Outline {
    pub cluster: String,
    /// `install`, `backup`; logs from before there were several do not have it.
    #[serde(default = "install")]
    pub procedure: String,
    pub phases: Vec<OutlinePhase>,
}

fn install() -> String {
    "install".into()
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlinePhase {
    /// `postgres`, `certificates`, `server-1` …
    pub id: String,
    /// For people: `Server 1`.
    pub title: String,
    pub steps: Vec<OutlineStep>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutlineStep {
    pub id: StepId,
    /// Its host; `None` for a step on this machine alone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<String>,
    /// What will be true, in a few words: `Postgres is installed and running`.
    pub title: String,
    /// The steps that must have succeeded before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needs: Vec<StepId>,
    /// It changes nothing: steps that need it may run without it.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub may_be_skipped: bool,
}

impl Outline {
    pub fn steps(&self) -> impl Iterator<Item = &OutlineStep> {
        self.phases.iter().flat_map(|phase| &phase.steps)
    }
}
