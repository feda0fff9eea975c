//! Decides what may run now: every step whose needs are met, one at a time per host.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};

use super::Run;
use super::hosts::ReachedHost;
use super::worker::{Job, Report, Worker};
use crate::events::StepId;
use crate::events::{Decision, End, Outcome, What};
use crate::plan::{Asked, LateValues, Step};

/// How quickly an abort is noticed.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Scheduler<'a> {
    run: &'a Run<'a>,
    late: &'a Mutex<LateValues>,
    /// In the order of the plan, which is also their precedence.
    steps: Vec<&'a Step>,
    /// The indices of a step's needs.
    needs: Vec<Vec<usize>>,
    /// The phase of a step.
    phases: Vec<usize>,
}

/// The state of every step and host.
struct Standing {
    steps: Vec<StepState>,
    /// The hosts' answers before anything was changed.
    asked: HashMap<usize, Asked>,
    /// How often a step was started.
    attempts: Vec<u32>,
    /// The phase that waits for the operator.
    held: Option<usize>,
    /// Something was changed by this step, or by one that it needs.
    touched: Vec<bool>,
    hosts: BTreeMap<Option<String>, HostState>,
    aborting: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum StepState {
    Waiting,
    Running,
    /// It failed and waits for a decision.
    Asked,
    Ended {
        good: bool,
    },
}

struct HostState {
    jobs: Sender<Job>,
    busy: bool,
    /// Something was changed there.
    touched: bool,
}

impl Standing {
    /// A host, or this machine, has no more work.
    fn free(&mut self, host: Option<&String>) {
        if let Some(host) = self.hosts.get_mut(&host.cloned()) {
            host.busy = false;
        }
    }
}

impl<'a> Scheduler<'a> {
    pub(super) fn new(run: &'a Run<'a>, late: &'a Mutex<LateValues>) -> Self {
        let steps: Vec<&Step> = run.plan.steps().collect();
        let places: HashMap<&StepId, usize> = steps
            .iter()
            .enumerate()
            .map(|(place, step)| (&step.id, place))
            .collect();
        let needs = steps
            .iter()
            .map(|step| {
                let needs = step.needs.iter();
                needs.filter_map(|id| places.get(id).copied()).collect()
            })
            .collect();
        let phases = run.plan.phases.iter().enumerate();
        let phases = phases
            .flat_map(|(place, phase)| phase.steps.iter().map(move |_| place))
            .collect();
        Self {
            run,
            late,
            steps,
            needs,
            phases,
        }
    }

    pub(super) fn run(&self, hosts: Vec<ReachedHost>) -> End {
        std::thread::scope(|scope| {
            let (reports, inbox) = unbounded();
            let mut states = BTreeMap::new();
            let everywhere = hosts.into_iter().map(Some).chain([None]);
            for reached in everywhere {
                let name = reached.as_ref().map(|reached| reached.name.clone());
                let (jobs, work) = unbounded();
                let worker = Worker::new(self.run, &self.steps, self.late, reached);
                let reports = reports.clone();
                scope.spawn(move || worker.work(&work, &reports));
                let state = HostState {
                    jobs,
                    busy: false,
                    touched: false,
                };
                states.insert(name, state);
            }
            drop(reports);

            let mut standing = Standing {
                steps: vec![StepState::Waiting; self.steps.len()],
                asked: HashMap::new(),
                attempts: vec![0; self.steps.len()],
                held: None,
                touched: vec![false; self.steps.len()],
                hosts: states,
                aborting: false,
            };
            self.ask_all(&mut standing);
            loop {
                self.look_for_abort(&mut standing);
                self.look_for_decisions(&mut standing);
                self.start_what_may(&mut standing);
                let idle = standing.hosts.values().all(|host| !host.busy);
                if idle && !self.waits_for_a_word(&mut standing) {
                    break;
                }
                match inbox.recv_timeout(LOOK) {
                    Ok(report) => self.take(&mut standing, report),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            self.give_up_the_rest(&mut standing);
            // Without further jobs the workers end.
            let end = self.end(&standing);
            drop(standing);
            end
        })
    }

    /// Every host checks its steps, before anything is changed.
    fn ask_all(&self, standing: &mut Standing) {
        for (name, host) in &mut standing.hosts {
            if name.is_none() {
                continue;
            }
            let places = (0..self.steps.len())
                .filter(|place| self.steps[*place].host == *name)
                .collect();
            host.busy = host.jobs.send(Job::Ask(places)).is_ok();
        }
    }

    fn look_for_abort(&self, standing: &mut Standing) {
        if standing.aborting {
            return;
        }
        if let Some((how, why)) = self.run.control.aborting() {
            standing.aborting = true;
            self.run.recorder.record(What::Aborting { how, why });
        }
    }

    fn look_for_decisions(&self, standing: &mut Standing) {
        for place in 0..self.steps.len() {
            if standing.steps[place] != StepState::Asked {
                continue;
            }
            let step = self.steps[place];
            let Some((decision, by)) = self.run.control.decision(&step.id) else {
                continue;
            };
            let decision = match decision {
                Decision::Skip if !step.may_be_skipped => continue,
                decision => decision,
            };
            self.run.recorder.record(What::Decided {
                step: step.id.clone(),
                decision,
                by,
            });
            match decision {
                Decision::Retry => standing.steps[place] = StepState::Waiting,
                Decision::Skip => {
                    let why = "skipped by the operator after it failed".to_owned();
                    self.ended_without_work(standing, place, Outcome::Skipped { why });
                }
                Decision::GiveUp => {
                    standing.steps[place] = StepState::Ended { good: false };
                    self.give_up(standing, place, &format!("{} failed", step.id));
                }
            }
        }
    }

    /// Whether a decision is needed, while nothing is running.
    fn waits_for_a_word(&self, standing: &mut Standing) -> bool {
        if standing.aborting {
            return false;
        }
        if standing.steps.contains(&StepState::Asked) {
            return true;
        }
        let is_held = |place: &usize| {
            self.is_ready(standing, *place) && !self.run.control.may_begin(self.phases[*place])
        };
        let Some(place) = (0..self.steps.len()).find(is_held) else {
            return false;
        };
        let phase = self.phases[place];
        if standing.held != Some(phase) {
            standing.held = Some(phase);
            let before = self.run.plan.phases[phase].id.to_owned();
            self.run.recorder.record(What::Held { before });
        }
        true
    }

    /// Whether the needs of a step are met.
    fn is_ready(&self, standing: &Standing, place: usize) -> bool {
        standing.steps[place] == StepState::Waiting
            && self.needs[place]
                .iter()
                .all(|need| standing.steps[*need] == StepState::Ended { good: true })
    }

    fn start_what_may(&self, standing: &mut Standing) {
        if standing.aborting {
            return;
        }
        let control = self.run.control;
        if standing
            .held
            .take_if(|phase| control.may_begin(*phase))
            .is_some()
        {
            self.run.recorder.record(What::Released);
        }
        for place in 0..self.steps.len() {
            if !self.is_ready(standing, place) || !control.may_begin(self.phases[place]) {
                continue;
            }
            let untouched = !self.needs[place].iter().any(|need| standing.touched[*need]);
            let Some(host) = standing.hosts.get_mut(&self.steps[place].host) else {
                continue;
            };
            if host.busy {
                continue;
            }
            let known = standing.asked.remove(&place);
            let untouched = untouched && !host.touched;
            let known = known.filter(|_| untouched);
            standing.attempts[place] += 1;
            let job = Job::Do {
                place,
                attempt: standing.attempts[place],
                known,
                untouched,
            };
            if host.jobs.send(job).is_ok() {
                host.busy = true;
                standing.steps[place] = StepState::Running;
            }
        }
    }

    fn take(&self, standing: &mut Standing, report: Report) {
        match report {
            Report::Asked(host, answers) => {
                standing.free(Some(&host));
                standing.asked.extend(answers);
            }
            Report::Ended(place, outcome) => {
                let host = &self.steps[place].host;
                standing.free(host.as_ref());
                let good = is_good(&outcome);
                standing.steps[place] = if good {
                    StepState::Ended { good }
                } else {
                    let step = self.steps[place].id.clone();
                    self.run.recorder.record(What::Asked { step });
                    StepState::Asked
                };
                let changed = outcome == Outcome::Done;
                // A failed attempt may have changed something that the next one finds in place.
                let needs = self.needs[place].iter();
                let below = needs.fold(false, |any, need| any | standing.touched[*need]);
                standing.touched[place] |= changed || !good || below;
                if let Some(host) = standing.hosts.get_mut(host) {
                    // A failed step may have changed something too.
                    host.touched |= changed || !good;
                }
            }
        }
    }

    /// Skips the steps that need a step that did not succeed.
    fn give_up(&self, standing: &mut Standing, failed: usize, because: &str) {
        for place in 0..self.steps.len() {
            if standing.steps[place] == StepState::Waiting && self.needs[place].contains(&failed) {
                self.wont_run(standing, place, because);
                self.give_up(standing, place, because);
            }
        }
    }

    fn give_up_the_rest(&self, standing: &mut Standing) {
        let because = match self.run.control.aborting() {
            Some((_, why)) => format!("the run was aborted ({why})"),
            None => "a step that it needs was not done".to_owned(),
        };
        for place in 0..self.steps.len() {
            if standing.steps[place] == StepState::Waiting {
                self.wont_run(standing, place, &because);
            }
        }
    }

    fn wont_run(&self, standing: &mut Standing, place: usize, because: &str) {
        let because = because.to_owned();
        self.ended_without_work(standing, place, Outcome::WontRun { because });
    }

    fn ended_without_work(&self, standing: &mut Standing, place: usize, outcome: Outcome) {
        let good = is_good(&outcome);
        standing.steps[place] = StepState::Ended { good };
        let step = self.steps[place].id.clone();
        self.run.recorder.record(What::StepEnded { step, outcome });
    }

    fn end(&self, standing: &Standing) -> End {
        let all_good = standing
            .steps
            .iter()
            .all(|step| *step == StepState::Ended { good: true });
        match self.run.control.aborting() {
            _ if all_good => End::Done,
            Some((_, why)) => End::Aborted { why },
            None => End::Failed,
        }
    }
}

fn is_good(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done | Outcome::Unchanged | Outcome::Warned { .. } | Outcome::Skipped { .. } => {
            true
        }
        Outcome::Failed(_) | Outcome::WontRun { .. } => false,
    }
}
