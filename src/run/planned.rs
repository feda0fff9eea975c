//! A plan that waits for the operator's decision, and the state after its run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded, unbounded};
use serde::Serialize;
use time::OffsetDateTime;

use super::opened::{Opened, hostname, rfc_3339, user};
use super::{Frontend, Proceed, RunError, aborted};
use crate::engine::control::Control;
use crate::engine::hosts::{LEASE, ReachedHosts, take_leases};
use crate::engine::{Administrator, Measuring, Memory, Run, compare};
use crate::events::estimate::EarlierRuns;
use crate::events::feed::{self, RunNews};
use crate::events::log::{self, RunLog};
use crate::events::recorder::Recorder;
use crate::events::{End, FORMAT, StepId, What};
use crate::pki::{self, Change};
use crate::plan::{CheckStatus, Plan, Work};
use crate::platform::preflight::Grid;
use crate::procedures::differences::Difference;
use crate::redact::Redactor;
use crate::report::diff::FileChange;
use crate::report::lines::Context;
use crate::state::{Applied, LastRun, Marks};
use crate::topology::Topology;

/// The plan is known. Nothing is changed yet.
pub struct Planned {
    /// Kept connected while the operator reads. Dropped first: the leases are released while the
    /// state is still locked.
    pub(super) hosts: Mutex<ReachedHosts>,
    pub(super) opened: Opened,
    pub(super) grid: Grid,
    pub(super) plan: Plan,
    /// Secrets are encrypted in the datastore.
    pub(super) encrypts: bool,
    /// For drills.
    pub(super) measuring: Measuring,
}

impl Planned {
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    pub fn topology(&self) -> &Topology {
        &self.opened.topology
    }

    /// Differences between the answers and the applied state.
    pub fn differences(&self) -> &[Difference] {
        &self.opened.differences
    }

    /// Masks the secrets of this cluster and of its logins in what is shown of the plan, wherever
    /// they stand.
    pub fn redactor(&self) -> Redactor {
        self.opened.redactor()
    }

    /// Asks every host about its steps, and changes nothing.
    pub fn outlook(&self) -> Outlook {
        let late = self.opened.late_values();
        let administrator = Administrator::of(&self.opened.folder);
        let compared = compare(&self.plan, &mut locked(&self.hosts), &administrator, &late);
        let mut left = Remaining::default();
        for step in self.plan.steps() {
            let status = compared.get(&step.id).map(|step| step.asked.status);
            *match (&step.work, status) {
                (Work::Act(_), _) | (_, Some(CheckStatus::Not | CheckStatus::MustNot)) => {
                    &mut left.to_do
                }
                (_, Some(CheckStatus::Satisfied)) => &mut left.done,
                (_, Some(CheckStatus::CannotTell) | None) => &mut left.unknown,
            } += 1;
        }
        let redactor = self.redactor();
        let files = compared.into_iter().map(|(step, compared)| {
            let files = compared.files.iter();
            let changes = files.map(|file| FileChange::of(file, &redactor));
            (step, changes.collect())
        });
        Outlook {
            files: files.collect(),
            left,
        }
    }

    /// The paths of the run, and the command that starts it again.
    pub fn context(&self, again: String, verbose: bool) -> Context {
        let folder = &self.opened.folder;
        let kubeconfig = folder.kubeconfig();
        Context {
            log: folder.run_log(&self.opened.run),
            next: for_kubectl(&kubeconfig),
            kubeconfig: Some(kubeconfig),
            again,
            verbose,
            earlier: self.earlier_runs(),
            width: None,
        }
    }

    /// How long steps took in the last runs of this cluster.
    fn earlier_runs(&self) -> EarlierRuns {
        let logs = self.opened.folder.run_logs();
        log::earlier_runs(&logs.unwrap_or_default())
    }

    /// Shows the plan, and carries it out where the frontend says so. `None` when it was left.
    pub(super) fn decided(
        self,
        control: &Control,
        frontend: &mut dyn Frontend,
    ) -> Result<Option<End>, RunError> {
        let proceed = self.keep_leases(|| frontend.planned(&self));
        aborted(control)?;
        match proceed {
            Proceed::Go => self.carry_out(control, frontend).map(Some),
            Proceed::Leave => Ok(None),
        }
    }

    /// While the operator decides, the leases are refreshed, so that no other run takes these
    /// hosts.
    fn keep_leases<T>(&self, decide: impl FnOnce() -> T) -> T {
        std::thread::scope(|scope| {
            let (decided, waiting) = bounded::<()>(0);
            let hosts = &self.hosts;
            scope.spawn(move || {
                while waiting.recv_timeout(LEASE) == Err(RecvTimeoutError::Timeout) {
                    take_leases(&mut locked(hosts));
                }
            });
            let decision = decide();
            drop(decided);
            decision
        })
    }

    /// Carries the plan out on the hosts, and stores how it ended.
    pub(super) fn carry_out(
        self,
        control: &Control,
        frontend: &mut dyn Frontend,
    ) -> Result<End, RunError> {
        let (tell, told) = unbounded();
        std::thread::scope(|scope| {
            let running = scope.spawn(move || self.work(control, tell));
            for news in told {
                match news {
                    RunNews::Event(event) => frontend.event(&event),
                    RunNews::LogLost(why) => frontend.log_lost(&why),
                }
            }
            running.join().unwrap_or(Err(RunError::WentWrong))
        })
    }

    /// Every event goes to the run's log, then to the reader.
    fn work(self, control: &Control, reader: Sender<RunNews>) -> Result<End, RunError> {
        let Self {
            opened,
            hosts,
            grid,
            plan,
            encrypts,
            measuring,
        } = self;
        let hosts = hosts.into_inner().unwrap_or_else(PoisonError::into_inner);
        let path = opened.folder.run_log(&opened.run);
        let log = RunLog::create(&path).map_err(|error| RunError::Log { path, error })?;
        let lost = reader.clone();
        let log = log.sink(move |error| drop(lost.send(RunNews::LogLost(error))));
        let recorder = Recorder::new(opened.redactor(), vec![log, feed::sink(reader)]);
        let memory = Memory::new(&opened.folder, opened.state.clone());
        let (token, agent_token) = opened.token_marks();
        let marks = Marks {
            token,
            agent_token,
            serials: pki::serials(&opened.pki)?,
            encrypts,
        };
        let (run, answers) = (&opened.run, &opened.answers);
        let when = rfc_3339(OffsetDateTime::now_utc());
        let last_run = |end| {
            let (run, when) = (run.clone(), when.clone());
            Some(LastRun { run, when, end })
        };
        let installs = opened.purpose.installs();
        if installs {
            memory.change(|state| {
                state.answers = answers.without_secrets();
                state.last_run = last_run(None);
            })?;
        }
        recorder.record(What::Started {
            format: FORMAT,
            run: run.clone(),
            when: when.clone(),
            operator: format!("{}@{}", user(), hostname()),
            version: env!("CARGO_PKG_VERSION").into(),
            plan: plan.outline(),
        });
        for text in answers.warnings() {
            recorder.record(What::Warned { host: None, text });
        }
        for (host, text) in grid.warnings() {
            let host = Some(host);
            recorder.record(What::Warned { host, text });
        }
        for Change { certificate, why } in &opened.renewed {
            let (certificate, why) = (certificate.clone(), why.clone());
            recorder.record(What::Renewed { certificate, why });
        }
        let end = Run {
            id: run,
            plan: &plan,
            pki: &opened.pki,
            secrets: &opened.secrets,
            bundle: opened.bundle.as_ref(),
            memory: &memory,
            recorder: &recorder,
            control,
            measuring: &measuring,
        }
        .carry_out(hosts.apart());
        if !installs {
            return Ok(end);
        }
        memory.change(|state| {
            state.last_run = last_run(Some(end.clone()));
            if end == End::Done {
                state.applied = Some(Applied {
                    run: run.clone(),
                    when: when.clone(),
                    answers: answers.without_secrets(),
                    marks: Some(marks),
                });
            }
        })?;
        Ok(end)
    }
}

/// What an operator types to use a cluster.
pub(super) fn for_kubectl(kubeconfig: &Path) -> Vec<String> {
    vec![
        format!("export KUBECONFIG={}", for_a_shell(kubeconfig)),
        "kubectl get nodes".to_owned(),
    ]
}

/// What the hosts say about the steps of a plan, before it is carried out.
pub struct Outlook {
    /// The changes in files, for people: secrets are masked.
    pub files: BTreeMap<StepId, Vec<FileChange>>,
    pub left: Remaining,
}

/// How many steps of a plan are already done, by what the hosts say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Remaining {
    pub done: usize,
    pub to_do: usize,
    /// Not known before the run: the wizard's own steps, and those that depend on earlier ones.
    pub unknown: usize,
}

impl fmt::Display for Remaining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            done,
            to_do,
            unknown,
        } = self;
        let all = done + to_do + unknown;
        write!(
            f,
            "{done} of {all} steps are already done, {to_do} are left"
        )?;
        match unknown {
            0 => write!(f, "."),
            _ => write!(f, "; {unknown} can be checked only during the run."),
        }
    }
}

/// A path as a shell takes it.
fn for_a_shell(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    if text.chars().all(is_plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

pub(super) fn locked(hosts: &Mutex<ReachedHosts>) -> MutexGuard<'_, ReachedHosts> {
    hosts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
