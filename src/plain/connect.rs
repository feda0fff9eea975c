//! Between the answers and a run: every host is reached, or it is said why not; then the plan.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::unbounded;

use super::ask::Stop;
use super::logins;
use super::{Page, Walk, text as say};
use crate::engine::control::Control;
use crate::engine::hosts::{Reached, release};
use crate::interview::text;
use crate::plan::{Plan, Step};
use crate::platform::preflight::Grid;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::session::{Purpose, Session, SessionError, Tried};
use crate::tui::driver;

/// Everything that a run needs; the hosts are connected, and ours.
pub struct Ready {
    pub session: Session,
    pub reached: Vec<Reached>,
    pub plan: Plan,
    pub grid: Grid,
    pub control: Arc<Control>,
}

impl Ready {
    /// There will be no run.
    pub fn release(&mut self) {
        release(&mut self.reached);
    }
}

/// What came of reaching the hosts.
enum Came {
    Ready(Box<Ready>),
    /// Something that was missing was given: it is worth another try.
    Again,
    /// It was said why not.
    Not,
}

impl Walk {
    pub(super) fn connect(&mut self) -> Result<Page, Stop> {
        self.title(text::CONNECT);
        loop {
            match self.reach()? {
                Came::Ready(ready) => return self.planned(*ready),
                Came::Again => {}
                Came::Not => {
                    self.console.say(say::NOTHING_CHANGED);
                    let choices = [say::TRY_AGAIN, say::TO_REVIEW, say::SAVE, say::LEAVE];
                    match choices[self.choose(&choices, None)?] {
                        say::TRY_AGAIN => {}
                        say::SAVE => self.save(),
                        say::LEAVE => return Err(Stop::Quit),
                        _ => return Ok(Page::Review),
                    }
                }
            }
        }
    }

    fn reach(&mut self) -> Result<Came, Stop> {
        self.console.say(say::REACHING);
        let tried = Tried {
            asked: self.asked.clone(),
            ..Tried::default()
        };
        let answers = self.wizard.answers.clone();
        let session = match Session::open_with(answers, self.root.clone(), Purpose::Run, tried) {
            Ok(session) => session,
            Err(error) => {
                self.console.say(&error.to_string());
                let wanted = match &error {
                    SessionError::LoginSecret(error) => logins::missing(error),
                    _ => None,
                };
                let given = self.log_in(wanted.into_iter().collect())?;
                return Ok(if given { Came::Again } else { Came::Not });
            }
        };
        let control = Arc::new(Control::attended());
        self.watch_over(&control);
        let (tell, told) = unbounded();
        let reached = thread::scope(|scope| {
            let reaching = scope.spawn(|| {
                let tell = tell;
                session.reach(&control, &move |host| {
                    drop(tell.send(driver::introduced(host)));
                })
            });
            for host in &told {
                self.console.say(&host);
            }
            reaching.join()
        });
        if let Some(signal) = self.signalled() {
            if let Ok(Ok(mut reached)) = reached {
                release(&mut reached);
            }
            return Err(signal);
        }
        let mut reached = match reached {
            Ok(Ok(reached)) => reached,
            Ok(Err(errors)) => return self.unreached(&errors),
            Err(_) => {
                self.console.say(text::WENT_WRONG);
                return Ok(Came::Not);
            }
        };
        self.console.gap();
        let grid = session.preflight(&reached);
        self.console.print(&grid.to_string());
        self.console.gap();
        if !grid.passes() {
            release(&mut reached);
            self.console.say(say::UNFIT);
            return Ok(Came::Not);
        }
        match session.plan(&reached) {
            Ok(plan) => Ok(Came::Ready(Box::new(Ready {
                session,
                reached,
                plan,
                grid,
                control,
            }))),
            Err(error) => {
                release(&mut reached);
                self.console.say(&error.to_string());
                Ok(Came::Not)
            }
        }
    }

    /// Says why not, and asks for what is missing.
    fn unreached(&mut self, errors: &[LeaseError]) -> Result<Came, Stop> {
        let mut given = false;
        let mut remote = Vec::new();
        for error in errors {
            match error {
                LeaseError::Remote(error) => remote.push(error),
                LeaseError::Held { .. } => self.console.say(&error.to_string()),
            }
        }
        for error in &remote {
            match error {
                RemoteError::HostKeyUnknown { .. } => {}
                error => self.console.say(&error.to_string()),
            }
        }
        for error in &remote {
            given |= self.unknown_key(error)?;
        }
        given |= self.log_in(logins::wanted(remote))?;
        Ok(if given { Came::Again } else { Came::Not })
    }

    /// Whether there is one, and it is believed now.
    fn unknown_key(&mut self, error: &RemoteError) -> Result<bool, Stop> {
        let RemoteError::HostKeyUnknown {
            host,
            address,
            fingerprint,
            kind,
        } = error
        else {
            return Ok(false);
        };
        let what = say::unknown_key(host, address, fingerprint, kind);
        self.console.say(&what);
        if !self.yes(say::BELIEVE, say::BELIEVE_HELP)? {
            return Ok(false);
        }
        let mut hosts = self.wizard.answers.hosts.iter_mut();
        if let Some(host) = hosts.find(|other| other.name == *host) {
            host.host_key = Some(fingerprint.clone());
        }
        self.keep();
        Ok(true)
    }

    /// Nothing was changed so far: the plan can be read, and begun.
    fn planned(&mut self, mut ready: Ready) -> Result<Page, Stop> {
        self.title(text::PLAN);
        let phases = ready.plan.phases.iter();
        let phases: Vec<_> = phases
            .map(|phase| (phase.title, phase.steps.len()))
            .collect();
        self.console
            .say(&say::planned(ready.plan.steps().count(), &phases));
        let choices = [
            say::PRINT_PLAN,
            say::PRINT_SCRIPTS,
            say::BY_PHASE,
            say::RUN_ALL,
            say::SAVE,
            say::TO_ANSWERS,
        ];
        loop {
            self.console.gap();
            self.console.say(say::NEXT);
            let chosen = match self.choose(&choices, None) {
                Ok(chosen) => choices[chosen],
                Err(stop) => {
                    ready.release();
                    return Err(stop);
                }
            };
            match chosen {
                say::PRINT_PLAN => {
                    let text = format!("{}\n{}", ready.plan, ready.grid);
                    self.console.print(&text);
                }
                say::PRINT_SCRIPTS => {
                    let plan = &ready.plan;
                    for step in plan.steps() {
                        self.script(step);
                    }
                }
                say::BY_PHASE => return self.run(ready, Some(0)),
                say::RUN_ALL => return self.run(ready, None),
                say::SAVE => self.save(),
                _ => {
                    ready.release();
                    return Ok(Page::Review);
                }
            }
        }
    }

    /// A step with what is sent to its host.
    pub(super) fn script(&mut self, step: &Step) {
        let step = driver::to_read(step, Vec::new());
        self.console.gap();
        let title = text::step_with_script(step.id.as_str(), &step.title);
        self.console.say(&title);
        for line in step.script.lines() {
            self.console.print(&format!("    {line}"));
        }
    }
}
