//! What may run now: everything whose needs are met, one step at a time on a host.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, Sender, unbounded};

use super::Run;
use super::event::{End, Outcome, What};
use super::hosts::Reached;
use super::worker::{Job, Report, Worker};
use crate::plan::{Asked, LateValues, Step, StepId};

/// How quickly an abort is noticed.
const LOOK: Duration = Duration::from_millis(100);

pub(super) struct Scheduler<'a> {
    run: &'a Run<'a>,
    late: &'a Mutex<LateValues>,
    /// In the order of the plan, which is also their precedence.
    steps: Vec<&'a Step>,
    /// The places of what a step needs.
    needs: Vec<Vec<usize>>,
}

/// How it stands with every step and host.
struct Standing {
    steps: Vec<StepState>,
    /// What hosts said before anything was changed.
    asked: HashMap<usize, Asked>,
    /// Something was changed by this step, or by one that it needs.
    touched: Vec<bool>,
    hosts: BTreeMap<Option<String>, HostState>,
    aborting: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum StepState {
    Waiting,
    Running,
    Ended { good: bool },
}

struct HostState {
    jobs: Sender<Job>,
    busy: bool,
    /// Something was changed there.
    touched: bool,
}

impl Standing {
    /// A host, or the jump host, has nothing to do any more.
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
        Self {
            run,
            late,
            steps,
            needs,
        }
    }

    pub(super) fn run(&self, hosts: Vec<Reached>) -> End {
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
                touched: vec![false; self.steps.len()],
                hosts: states,
                aborting: false,
            };
            self.ask_all(&mut standing);
            loop {
                self.look_for_abort(&mut standing);
                self.start_what_may(&mut standing);
                if standing.hosts.values().all(|host| !host.busy) {
                    break;
                }
                match inbox.recv_timeout(LOOK) {
                    Ok(report) => self.take(&mut standing, report),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            }
            self.give_up_the_rest(&mut standing);
            // Without jobs to come the workers end.
            let end = self.end(&standing);
            drop(standing);
            end
        })
    }

    /// Every host says how its steps are, before anything is changed.
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

    fn start_what_may(&self, standing: &mut Standing) {
        if standing.aborting {
            return;
        }
        for place in 0..self.steps.len() {
            let ready = standing.steps[place] == StepState::Waiting
                && self.needs[place]
                    .iter()
                    .all(|need| standing.steps[*need] == StepState::Ended { good: true });
            if !ready {
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
            let known = known.filter(|_| untouched && !host.touched);
            if host.jobs.send(Job::Do(place, known)).is_ok() {
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
                standing.steps[place] = StepState::Ended { good };
                let changed = outcome == Outcome::Done;
                standing.touched[place] =
                    changed || self.needs[place].iter().any(|need| standing.touched[*need]);
                if let Some(host) = standing.hosts.get_mut(host) {
                    // A step that failed may have changed something all the same.
                    host.touched |= changed || !good;
                }
                if !good {
                    let because = format!("{} failed", self.steps[place].id);
                    self.give_up(standing, place, &because);
                }
            }
        }
    }

    /// Whatever needs a step that did not succeed will not run.
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
            None => "what it needs was not done".to_owned(),
        };
        for place in 0..self.steps.len() {
            if standing.steps[place] == StepState::Waiting {
                self.wont_run(standing, place, &because);
            }
        }
    }

    fn wont_run(&self, standing: &mut Standing, place: usize, because: &str) {
        standing.steps[place] = StepState::Ended { good: false };
        self.run.recorder.record(What::StepEnded {
            step: self.steps[place].id.clone(),
            outcome: Outcome::WontRun {
                because: because.to_owned(),
            },
        });
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
