//! Compares the hosts with what the last successful run applied.

use std::fmt;

use serde::Serialize;

use super::planned::locked;
use super::{Opened, Reach, RunError, exit};
use crate::engine::control::Control;
use crate::engine::hosts::ReachedHost;
use crate::engine::{Administrator, compare};
use crate::plan::{CheckStatus, Work};
use crate::platform::Facts;
use crate::report::diff::{FileChange, How};

/// How the hosts of a cluster differ from the applied state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    pub cluster: String,
    /// The number of compared steps.
    pub steps: usize,
    pub drifted: Vec<Drift>,
    /// The steps that could not be compared, each with the reason if known.
    pub unseen: Vec<Drift>,
}

/// A step that differs from the applied state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// `k3s/config@k3s-server-2`
    pub step: String,
    pub title: String,
    pub reason: String,
    /// The differences in files, as a diff, secrets masked.
    pub files: Vec<String>,
}

impl Comparison {
    /// What was seen to differ counts more than what could not be seen.
    pub fn exit_code(&self) -> u8 {
        if !self.drifted.is_empty() {
            exit::DRIFTED
        } else if !self.unseen.is_empty() {
            exit::UNSEEN
        } else {
            0
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cluster,
            steps,
            drifted,
            unseen,
        } = self;
        let all = drifted.iter().map(|drift| ("drifted", drift));
        let all = all.chain(unseen.iter().map(|drift| ("unknown", drift)));
        for (what, drift) in all {
            writeln!(f, "{what}  {}: {}", drift.step, drift.title)?;
            writeln!(f, "  {}", drift.reason)?;
            for file in &drift.files {
                write!(f, "  {}", file.trim_end().replace('\n', "\n  "))?;
                writeln!(f)?;
            }
        }
        let (drifted, unseen) = (drifted.len(), unseen.len());
        match (drifted, unseen) {
            (0, 0) => writeln!(f, "{cluster}: no drift, all {steps} steps are as applied."),
            (_, 0) => writeln!(f, "{cluster}: {drifted} of {steps} steps have drifted."),
            _ => writeln!(
                f,
                "{cluster}: {drifted} of {steps} steps have drifted, {unseen} could not be compared."
            ),
        }
    }
}

impl Opened {
    /// Checks every step of the plan on its host. Changes nothing and takes no lease. Runs no
    /// proofs: a run and `status` do that.
    pub fn check(
        self,
        control: &Control,
        told: &(dyn Fn(&str, &Facts) + Sync),
    ) -> Result<Comparison, RunError> {
        let told = |host: &ReachedHost| told(&host.name, &host.facts);
        let checked = self.reach(&Reach::All, control, &told)?.check();
        let planned = checked.plan_whatever_is_fit()?;
        let opened = &planned.opened;
        let late = opened.late_values();
        let administrator = Administrator::of(&opened.folder);
        let mut hosts = locked(&planned.hosts);
        let mut compared = compare(&planned.plan, &mut hosts, &administrator, &late);
        let redactor = opened.redactor();
        let mut comparison = Comparison {
            cluster: planned.plan.cluster.clone(),
            steps: 0,
            drifted: Vec::new(),
            unseen: Vec::new(),
        };
        for step in planned.plan.steps() {
            if !matches!(step.work, Work::Shell(_)) {
                continue;
            }
            comparison.steps += 1;
            let drift = |reason: String, files| Drift {
                step: step.id.to_string(),
                title: step.title.clone(),
                reason,
                files,
            };
            let Some(compared) = compared.remove(&step.id) else {
                let is_bound = matches!(&step.work, Work::Shell(shell) if shell.is_bound(&late));
                let why = if is_bound {
                    "the host did not answer"
                } else {
                    "what it is compared with is known only during a run"
                };
                comparison.unseen.push(drift(why.to_owned(), Vec::new()));
                continue;
            };
            let reason = redactor.text(&compared.asked.reason).into_owned();
            match compared.asked.status {
                CheckStatus::Satisfied => {}
                CheckStatus::CannotTell => comparison.unseen.push(drift(reason, Vec::new())),
                CheckStatus::Not | CheckStatus::MustNot => {
                    let files = compared.files.iter();
                    let files = files.map(|file| FileChange::of(file, &redactor));
                    let changed = files.filter(|file| file.how != How::Unchanged);
                    let files = changed.map(|file| file.to_string()).collect();
                    comparison.drifted.push(drift(reason, files));
                }
            }
        }
        Ok(comparison)
    }
}

#[cfg(test)]
mod tests;
