//! A step of a plan, as shown before the run.

use super::text;
use crate::events::StepId;
use crate::plan::{Step, Work};
use crate::redact::Redactor;
use crate::report::diff::FileChange;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    pub id: StepId,
    pub title: String,
    /// The script for its host, secrets masked.
    pub script: String,
    /// The changes in files, as far as known before the run.
    pub files: Vec<FileChange>,
}

impl PlannedStep {
    pub fn of(step: &Step, files: Vec<FileChange>, redactor: &Redactor) -> Self {
        let script = match &step.work {
            Work::Shell(shell) => shell.to_read(),
            Work::Act(act) => act.to_read(),
            Work::Task(_) => text::NO_SCRIPT.to_owned(),
        };
        Self {
            id: step.id.clone(),
            title: redactor.text(&step.title).into_owned(),
            script: redactor.text(&script).into_owned(),
            files,
        }
    }
}
