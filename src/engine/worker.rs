//! One thread per host. It owns the connection, and runs one step after another.
//!
//! * `looking`: what it does without changing anything
//! * `judging`: what the end of a step means

mod judging;
mod looking;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ahead::Ahead;
use super::hints::hint;
use super::hosts::{Connection, ConnectionNews, LEASE, ReachedHost};
use super::tasks::{self, Site, Trouble};
use super::{Run, acts, keep_last, printed, unit_name};
use crate::events::external::ExternalParts;
use crate::events::{Abort, ConnectionState, Failure, Outcome, StepId, Stream, What};
use crate::plan;
use crate::plan::{Asked, CheckStatus, LateValues, Shell, Step, Work};
use crate::platform::Platform;
use crate::remote::{Detached, RemoteError, detached};
use crate::state::{Made, State};

/// The jobs of a worker.
pub(super) enum Job {
    /// Check these steps, by their index in the plan.
    Ask(Vec<usize>),
    /// Carry out a step.
    Do {
        place: usize,
        /// Counts from 1.
        attempt: u32,
        /// The host's earlier answer, if it is still valid.
        known: Option<Asked>,
        /// Nothing was changed yet of what the step needs, nor on its host.
        untouched: bool,
    },
}

/// The reports of a worker.
pub(super) enum Report {
    /// Answers of a host.
    Asked(String, Vec<(usize, Asked)>),
    Ended(usize, Outcome),
}

/// How long what an earlier run has left running may take to end.
const LEFTOVERS: Duration = Duration::from_secs(30 * 60);

const WENT_WRONG: &str = "internal error of the wizard: please report it, with the log";

/// A panic on one host must not leave the others waiting forever.
fn unless_it_panics<T>(what: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(what)).ok()
}

/// How long a host may take to say how all its steps are.
pub(super) const ASKING: Duration = Duration::from_secs(180);
/// How often an idle connection is kept alive.
const IDLE: Duration = Duration::from_secs(3);

pub(super) struct Worker<'a> {
    run: &'a Run<'a>,
    steps: &'a [&'a Step],
    late: &'a Mutex<LateValues>,
    /// `None` on this machine.
    host: Option<WorkerHost>,
    ahead: Ahead,
    /// Of the running step, from both outputs.
    last_lines: VecDeque<(Stream, String)>,
    /// What must come before the first step went wrong: nothing is done on the host.
    unprepared: bool,
}

struct WorkerHost {
    name: String,
    platform: Option<Platform>,
    connection: Connection,
    /// Units of an earlier run that may still be running.
    units: Vec<String>,
    /// When the lease was last refreshed.
    leased: Instant,
    /// Why nothing may be done here: another run uses the host.
    held: Option<String>,
}

impl WorkerHost {
    fn take_lease(&mut self) {
        let taken = self.connection.take_lease();
        self.held = taken.err().map(|held| held.to_string());
        self.leased = Instant::now();
    }

    /// Waits for a unit that an earlier run or attempt has started, and removes what it leaves.
    /// `false` if an abort ended the wait: then the unit still runs.
    fn finish(
        &mut self,
        run: &Run<'_>,
        left: &mut Detached,
        unit: &str,
        limit: Duration,
        step: Option<&StepId>,
    ) -> Result<bool, RemoteError> {
        let (name, control) = (&self.name, run.control);
        let go_on = || control.aborting().is_none();
        let mut line = |stream, text: &str| {
            if let Some(step) = step {
                run.recorder.record(printed(step, stream, text));
            }
        };
        self.connection.with(
            name,
            control,
            &mut |told| tell(run, name, told),
            |remote| match left.finish(remote, limit, &go_on, &mut line)? {
                Some(_) => detached::clean(remote, unit).map(|()| true),
                None => Ok(false),
            },
        )
    }
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        run: &'a Run<'a>,
        steps: &'a [&'a Step],
        late: &'a Mutex<LateValues>,
        reached: Option<ReachedHost>,
    ) -> Self {
        Self {
            run,
            steps,
            late,
            host: reached.map(|reached| WorkerHost {
                name: reached.name,
                platform: reached.platform,
                connection: reached.connection,
                units: reached.units,
                leased: Instant::now(),
                held: None,
            }),
            ahead: Ahead::default(),
            last_lines: VecDeque::new(),
            unprepared: false,
        }
    }

    /// Works until there are no more jobs; then the lease is released with the connection.
    pub(super) fn work(mut self, jobs: &Receiver<Job>, reports: &Sender<Report>) {
        self.unprepared = unless_it_panics(|| self.prepare()).is_none();
        loop {
            let job = match jobs.try_recv() {
                Ok(job) => Ok(job),
                Err(TryRecvError::Empty) if !self.is_aborting() && self.look_ahead() => continue,
                Err(_) => jobs.recv_timeout(IDLE),
            };
            let report = match job {
                Ok(Job::Ask(steps)) => {
                    let host = self.host.as_ref().map(|host| host.name.clone());
                    let asked = unless_it_panics(|| self.ask(&steps));
                    Report::Asked(host.unwrap_or_default(), asked.unwrap_or_default())
                }
                Ok(Job::Do {
                    place,
                    attempt,
                    known,
                    untouched,
                }) => {
                    let seen = self.ahead.turn(place).filter(|_| untouched);
                    let done = unless_it_panics(|| self.do_step(place, attempt, known, seen));
                    Report::Ended(place, done.unwrap_or_else(|| self.panicked(place)))
                }
                Err(RecvTimeoutError::Timeout) => {
                    let _ = unless_it_panics(|| self.look_after());
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if reports.send(report).is_err() {
                break;
            }
        }
    }

    fn is_aborting(&self) -> bool {
        self.run.control.aborting().is_some()
    }

    fn prepare(&mut self) {
        if let Some(host) = &mut self.host {
            // The plan may have waited for the operator for hours.
            host.take_lease();
        }
        self.wait_for_leftovers();
    }

    /// Why nothing may be done on the host. Asks again if another run held it, or if the lease is
    /// due for a refresh. This machine may have slept, which its clock does not count: so also before
    /// what a host would not refuse by itself.
    fn held(&mut self, work: &Work) -> Option<String> {
        let host = self.host.as_mut()?;
        if self.unprepared {
            return Some(WENT_WRONG.to_owned());
        }
        let is_due = host.held.is_some() || host.leased.elapsed() > LEASE;
        if is_due || tasks::changes_at_once(work) {
            host.take_lease();
        }
        host.held.clone()
    }

    fn look_after(&mut self) {
        let Some(host) = &mut self.host else { return };
        if host.connection.is_up() && !host.connection.keep_alive() {
            tell(
                self.run,
                &host.name,
                &ConnectionNews::Lost("it went silent".into()),
            );
        }
        if host.leased.elapsed() > LEASE {
            host.take_lease();
        }
    }

    /// What an earlier run left running is finished first: nothing runs twice at the same time.
    fn wait_for_leftovers(&mut self) {
        let Some(host) = &mut self.host else { return };
        if host.held.is_some() {
            return;
        }
        for unit in std::mem::take(&mut host.units) {
            let recorder = self.run.recorder;
            let step = step_of_unit(self.steps, &host.name, &unit);
            recorder.record(What::Warned {
                host: Some(host.name.clone()),
                text: format!(
                    "{unit}, started by an earlier run, is still running: waiting for it"
                ),
            });
            let Ok(mut left) = Detached::new(&unit) else {
                continue;
            };
            let ended = host.finish(self.run, &mut left, &unit, LEFTOVERS, step.as_ref());
            if let Err(error) = ended {
                recorder.record(What::Warned {
                    host: Some(host.name.clone()),
                    text: format!("cannot wait for {unit}: {error}"),
                });
            }
        }
    }

    fn late(&self) -> LateValues {
        self.late
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn do_step(
        &mut self,
        place: usize,
        attempt: u32,
        known: Option<Asked>,
        seen: Option<Vec<What>>,
    ) -> Outcome {
        let step = self.steps[place];
        self.run.recorder.record(What::StepStarted {
            step: step.id.clone(),
            attempt,
        });
        self.last_lines.clear();
        let outcome = match (self.held(&step.work), &step.work) {
            (Some(held), _) => Err(Trouble::because(held)),
            (None, Work::Shell(shell)) => self.shell(step, shell, known, attempt),
            (None, Work::Act(act)) => self.at_site(step, &mut |site| acts::perform(act, site)),
            (None, Work::Task(task)) if self.host.is_none() => tasks::here(task, self.run),
            (None, Work::Task(task)) => match seen {
                Some(events) => {
                    for what in events {
                        self.run.recorder.record(what);
                    }
                    Ok(Outcome::Unchanged)
                }
                None => self.at_site(step, &mut |site| tasks::at(task, site)),
            },
        };
        let outcome =
            outcome.unwrap_or_else(|trouble| Outcome::Failed(self.failure(step, trouble)));
        if outcome == Outcome::Done && tasks::leaves_something(&step.work) {
            self.remember(step);
        }
        self.run.recorder.record(What::StepEnded {
            step: step.id.clone(),
            outcome: outcome.clone(),
        });
        outcome
    }

    /// Records what is created where, once; whether it is new.
    fn remember(&self, step: &Step) -> bool {
        let mut is_new = false;
        self.keep(|state| {
            if state.made.iter().any(|made| made.step == step.id.as_str()) {
                return;
            }
            is_new = true;
            state.made.push(Made {
                host: step.host.clone(),
                step: step.id.to_string(),
                what: step.title.clone(),
                when: OffsetDateTime::now_utc()
                    .format(&Rfc3339)
                    .unwrap_or_default(),
            });
        });
        is_new
    }

    /// It has changed nothing.
    fn forget(&self, step: &Step) {
        self.keep(|state| state.made.retain(|made| made.step != step.id.as_str()));
    }

    fn keep(&self, change: impl FnOnce(&mut State)) {
        if let Err(error) = self.run.memory.change(change) {
            self.run.recorder.record(What::Warned {
                host: None,
                text: error.to_string(),
            });
        }
    }

    fn panicked(&self, place: usize) -> Outcome {
        let outcome = Outcome::Failed(Failure {
            why: WENT_WRONG.into(),
            status: None,
            last_lines: Vec::new(),
            hint: None,
        });
        self.run.recorder.record(What::StepEnded {
            step: self.steps[place].id.clone(),
            outcome: outcome.clone(),
        });
        outcome
    }

    /// The failure as shown: with what to do, if known.
    fn failure(&self, step: &Step, trouble: Trouble) -> Failure {
        let failure = match trouble {
            Trouble::Failed(failure) => failure,
            Trouble::Remote(error) => Failure {
                why: error.to_string(),
                status: None,
                last_lines: self.last_lines(),
                hint: None,
            },
        };
        let platform = self.host.as_ref().and_then(|host| host.platform);
        let parts = ExternalParts::of_run(self.run.plan.steps().map(|step| &step.id));
        Failure {
            hint: hint(parts, platform, &step.id, &failure).map(str::to_owned),
            ..failure
        }
    }

    fn shell(
        &mut self,
        step: &Step,
        shell: &Shell,
        known: Option<Asked>,
        attempt: u32,
    ) -> Result<Outcome, Trouble> {
        match known {
            Some(Asked {
                status: CheckStatus::Satisfied,
                ..
            }) => return Ok(Outcome::Unchanged),
            Some(Asked {
                status: CheckStatus::CannotTell | CheckStatus::MustNot,
                reason,
            }) => return Err(Trouble::because(reason)),
            _ => {}
        }
        let script = plan::apply_script(shell, &self.late())
            .map_err(|error| Trouble::because(error.to_string()))?;
        self.run.recorder.record(What::StepApplies {
            step: step.id.clone(),
        });
        // Before it changes anything: so what a step leaves that fails is known, too.
        let is_new = self.remember(step);
        let unit = unit_name(self.run.id, step);
        let work = Detached::new(&unit).map_err(|error| Trouble::because(error.to_string()))?;

        let Some(host) = &mut self.host else {
            return Err(Trouble::because("a shell step needs a host"));
        };
        let mut work = work.under_lease(host.connection.lease_run());
        // The earlier attempt may still run, or its end was not seen: it is not this attempt's.
        let is_over = match attempt {
            1 => Ok(true),
            _ => host.finish(
                self.run,
                &mut work.clone(),
                &unit,
                step.limit,
                Some(&step.id),
            ),
        };
        let (recorder, last_lines) = (self.run.recorder, &mut self.last_lines);
        let finished = match is_over {
            Ok(true) => host.connection.with(
                &host.name,
                self.run.control,
                &mut |told| tell(self.run, &host.name, told),
                |remote| {
                    remote.apply(&mut work, &script, step.limit, &mut |stream, text| {
                        recorder.record(printed(&step.id, stream, text));
                        keep_last(last_lines, (stream, text.to_owned()));
                    })
                },
            ),
            Ok(false) if matches!(self.run.control.aborting(), Some((Abort::Hard, _))) => {
                Err(RemoteError::Cancelled {
                    host: host.name.clone(),
                })
            }
            Ok(false) => {
                return Err(Trouble::because(
                    "its earlier attempt still runs on the host",
                ));
            }
            Err(error) => Err(error),
        };
        match finished {
            Ok(finished) => {
                // Nothing depends on it: the next run finds what is left behind.
                let _ = host.connection.with(
                    &host.name,
                    self.run.control,
                    &mut |told| tell(self.run, &host.name, told),
                    |remote| detached::clean(remote, &unit),
                );
                let outcome = self.judge(finished);
                if is_new && matches!(outcome, Ok(Outcome::Unchanged)) {
                    self.forget(step);
                }
                outcome
            }
            Err(error @ RemoteError::Cancelled { .. }) => {
                let stopped = host.connection.at_last(&host.name, |remote| {
                    detached::stop(remote, &unit)?;
                    detached::clean(remote, &unit)
                });
                let why = match stopped {
                    Ok(()) => "interrupted, because the run was aborted".to_owned(),
                    Err(again) => format!("{error}; it may still be running ({again})"),
                };
                Err(Trouble::because(why))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does something over the connection; again when it was lost meanwhile.
    fn at_site(
        &mut self,
        step: &Step,
        what: &mut dyn FnMut(&mut Site<'_, 'a>) -> Result<Outcome, Trouble>,
    ) -> Result<Outcome, Trouble> {
        let Some(host) = &mut self.host else {
            return Err(Trouble::because("this step needs a host"));
        };
        let (run, late) = (self.run, self.late);
        let mut trouble = None;
        let outcome = host.connection.with(
            &host.name,
            run.control,
            &mut |told| tell(run, &host.name, told),
            |remote| {
                let mut site = Site {
                    run,
                    step,
                    late,
                    host: &host.name,
                    remote,
                    ahead: None,
                };
                match what(&mut site) {
                    Ok(outcome) => Ok(Some(outcome)),
                    Err(Trouble::Remote(error)) => Err(error),
                    Err(failed) => {
                        trouble = Some(failed);
                        Ok(None)
                    }
                }
            },
        )?;
        match (outcome, trouble) {
            (Some(outcome), _) => Ok(outcome),
            (None, Some(trouble)) => Err(trouble),
            (None, None) => Err(Trouble::because("the step did not finish")),
        }
    }
}

fn tell(run: &Run<'_>, host: &str, told: &ConnectionNews) {
    let (state, text) = match told {
        ConnectionNews::Lost(why) => (ConnectionState::Lost, why.clone()),
        ConnectionNews::Trying(why) => (ConnectionState::Lost, format!("retrying: {why}")),
        ConnectionNews::Up(after) => (
            ConnectionState::Up,
            format!("reconnected after {} s", after.as_secs()),
        ),
    };
    run.recorder.record(What::Connection {
        host: host.to_owned(),
        state,
        text,
    });
}

/// The step of a unit of an earlier run.
fn step_of_unit(steps: &[&Step], host: &str, unit: &str) -> Option<StepId> {
    steps
        .iter()
        .filter(|step| step.host.as_deref() == Some(host))
        .find(|step| {
            let name = unit_name("", step);
            let suffix = name.rsplit_once("..").map_or("", |(_, suffix)| suffix);
            !suffix.is_empty() && unit.ends_with(&format!(".{suffix}"))
        })
        .map(|step| step.id.clone())
}
