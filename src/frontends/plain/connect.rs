//! Between the answers and a run: connecting to every host, then the plan, and the run.

use std::io;
use std::sync::Arc;

use super::ask::NoAnswer;
use super::console::Out;
use super::logins;
use super::run::Wish;
use super::{PlainPage, Walk, text as say};
use crate::engine::control::Control;
use crate::events::{End, Event};
use crate::interview::planned::PlannedStep;
use crate::interview::{drafts, text};
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::report::lines::Lines;
use crate::run::{
    Frontend, Opened, Planned, Proceed, Purpose, Reach, RunError, Tried, carry_out, exit,
};
use crate::topology::Link;

/// The result of connecting to the hosts, and of a run if there was one.
enum Came {
    /// Missing input was given: try again.
    Again,
    /// The reason was printed.
    Not,
    /// The plan was left, or the run is over.
    To(PlainPage),
}

/// A run in the dialogue.
struct Walked<'a> {
    walk: &'a mut Walk,
    control: &'a Control,
    /// Where the dialogue continues when the plan is left.
    left: Result<PlainPage, NoAnswer>,
    begun: Option<RunLines>,
    /// What was chosen while it ran.
    wish: Wish,
}

/// The operator's choice how to run.
struct RunLines {
    lines: Lines<Out>,
    log: String,
    /// The steps of each phase.
    phases: Vec<Vec<PlannedStep>>,
}

impl Walk {
    pub(super) fn connect(&mut self) -> Result<PlainPage, NoAnswer> {
        self.title(text::CONNECT);
        loop {
            match self.attempt()? {
                Came::To(page) => return Ok(page),
                Came::Again => {}
                Came::Not => {
                    self.console.say(say::NOTHING_CHANGED);
                    let choices = [say::TRY_AGAIN, say::TO_REVIEW, say::SAVE, say::LEAVE];
                    match choices[self.choose(&choices, None, say::help::NOT_REACHED)?] {
                        say::TRY_AGAIN => {}
                        say::SAVE => self.save(),
                        say::LEAVE => return Err(NoAnswer::Quit),
                        _ => return Ok(PlainPage::Review),
                    }
                }
            }
        }
    }

    fn attempt(&mut self) -> Result<Came, NoAnswer> {
        self.console.say(say::REACHING);
        let tried = Tried {
            asked: self.asked.clone(),
            ..Tried::default()
        };
        let answers = self.interview.answers.clone();
        let opened = match Opened::open(answers, self.root.clone(), Purpose::Run, &tried) {
            Ok(opened) => opened,
            Err(error) => {
                self.console.say(&error.to_string());
                let wanted = match &error {
                    RunError::LoginSecret(error) => logins::missing(error),
                    _ => None,
                };
                let given = self.log_in(wanted.into_iter().collect())?;
                return Ok(if given { Came::Again } else { Came::Not });
            }
        };
        let control = Arc::new(Control::attended());
        self.watch_over(&control);
        let mut walked = Walked {
            walk: self,
            control: &control,
            left: Ok(PlainPage::Review),
            begun: None,
            wish: Wish::ToTheEnd,
        };
        let ended = carry_out(opened, &Reach::All, &control, &mut walked);
        let Walked {
            left, begun, wish, ..
        } = walked;
        if begun.is_some() {
            return self.over(wish, ended).map(Came::To);
        }
        if let Some(signal) = self.signalled() {
            return Err(signal);
        }
        match ended {
            Ok(_) => return left.map(Came::To),
            Err(RunError::Unreached(errors)) => return self.unreached(&errors),
            Err(RunError::Unfit) => self.console.say(say::UNFIT),
            Err(RunError::WentWrong) => self.console.say(text::WENT_WRONG),
            Err(error) => self.console.say(&error.to_string()),
        }
        Ok(Came::Not)
    }

    fn over(
        &mut self,
        wish: Wish,
        ended: Result<Option<End>, RunError>,
    ) -> Result<PlainPage, NoAnswer> {
        self.code = Some(exit::code(&ended));
        match ended {
            Ok(Some(End::Done)) => return Ok(PlainPage::Left),
            Ok(_) => {}
            Err(RunError::WentWrong) => self.console.say(text::WENT_WRONG),
            Err(error) => self.console.say(&error.to_string()),
        }
        if let Some(signal) = self.signalled() {
            return Err(signal);
        }
        match wish {
            Wish::Edit => return Ok(PlainPage::Review),
            Wish::Stop => return Ok(PlainPage::Left),
            Wish::ToTheEnd => {}
        }
        self.console.gap();
        let choices = [say::RUN_AGAIN, say::TO_REVIEW, say::LEAVE];
        match choices[self.choose(&choices, None, say::help::OVER)?] {
            say::RUN_AGAIN => Ok(PlainPage::Connect),
            say::LEAVE => Ok(PlainPage::Left),
            _ => Ok(PlainPage::Review),
        }
    }

    /// Prints why not, and asks for what is missing.
    fn unreached(&mut self, errors: &[LeaseError]) -> Result<Came, NoAnswer> {
        let mut given = false;
        let mut remote = Vec::new();
        for error in errors {
            match error {
                LeaseError::Remote(error) => remote.push(error),
                LeaseError::Held { .. } => self.console.say(&error.to_string()),
            }
        }
        for error in &remote {
            match error.cause() {
                RemoteError::HostKeyUnknown { .. } => {}
                _ => self.console.say(&error.to_string()),
            }
        }
        // Several hosts may be behind a bastion.
        let causes: Vec<_> = remote.iter().map(|error| error.cause()).collect();
        for (place, error) in causes.iter().enumerate() {
            if !causes[..place].contains(error) {
                given |= self.unknown_key(error)?;
            }
        }
        given |= self.log_in(logins::wanted(remote))?;
        Ok(if given { Came::Again } else { Came::Not })
    }

    /// Whether there is one, and it is trusted now.
    fn unknown_key(&mut self, error: &RemoteError) -> Result<bool, NoAnswer> {
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
        if !self.yes(say::TRUST, say::TRUST_HELP)? {
            return Ok(false);
        }
        self.interview.answers.accept_key(host, fingerprint.clone());
        self.keep();
        Ok(true)
    }

    /// Nothing has been changed yet: the plan can be read, and started. Returns how many phases may
    /// start; `None` for all.
    fn decide(&mut self, planned: &Planned) -> Result<Option<usize>, Result<PlainPage, NoAnswer>> {
        self.title(text::PLAN);
        let (plan, redactor) = (planned.plan(), planned.redactor());
        let phases = plan.phases.iter();
        let phases: Vec<_> = phases
            .map(|phase| (phase.title, phase.steps.len()))
            .collect();
        self.console
            .say(&say::planned(plan.steps().count(), &phases));
        self.console.say(&planned.outlook().left.to_string());
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
            match choices[self.choose(&choices, None, say::help::PLAN).map_err(Err)?] {
                say::PRINT_PLAN => {
                    let text = format!("{plan}\n{}", planned.grid());
                    self.console.print(&redactor.text(&text));
                }
                say::PRINT_SCRIPTS => {
                    for step in plan.steps() {
                        self.script(&PlannedStep::of(step, Vec::new(), &redactor));
                    }
                }
                say::BY_PHASE => return Ok(Some(0)),
                say::RUN_ALL => return Ok(None),
                say::SAVE => self.save(),
                _ => return Err(Ok(PlainPage::Review)),
            }
        }
    }

    /// A step with what is sent to its host.
    pub(super) fn script(&mut self, step: &PlannedStep) {
        self.console.gap();
        let title = text::step_with_script(step.id.as_str(), &step.title);
        self.console.say(&title);
        for line in step.script.lines() {
            self.console.print_whole(&format!("    {line}"));
        }
    }
}

impl Frontend for Walked<'_> {
    fn reached(&mut self, host: &str, what: &str) {
        let line = format!("{host}: {what}");
        self.walk.console.say(&line);
    }

    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        self.walk.console.gap();
        self.walk.console.print(&grid.to_string());
        self.walk.console.gap();
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        let phases = match self.walk.decide(planned) {
            Ok(phases) => phases,
            Err(left) => {
                self.left = left;
                return Proceed::Leave;
            }
        };
        self.control.let_begin(phases);
        if let Some(root) = &self.walk.root {
            // The run stores the answers now. A draft that stays does no harm.
            let _ = drafts::remove(root);
        }
        let mut context = planned.context(say::AGAIN.into(), false);
        context.width = self.walk.console.columns();
        let log = context.log.display().to_string();
        let lines = Lines::new(self.walk.console.out(), context);
        let redactor = planned.redactor();
        let phases = planned.plan().phases.iter().map(|phase| {
            let steps = phase.steps.iter();
            steps
                .map(|step| PlannedStep::of(step, Vec::new(), &redactor))
                .collect()
        });
        let phases = phases.collect();
        self.begun = Some(RunLines { lines, log, phases });
        self.walk.console.gap();
        self.walk.console.say(say::CTRL_C);
        if let Some(watch) = &self.walk.watch {
            watch.running();
        }
        Proceed::Go
    }

    fn event(&mut self, event: &Event) {
        if let Some(RunLines { lines, phases, .. }) = &mut self.begun {
            let wish = self.walk.happened(event, self.control, lines, phases);
            self.wish = wish.unwrap_or(self.wish);
        }
    }

    fn log_lost(&mut self, why: &io::Error) {
        if let Some(RunLines { log, .. }) = &self.begun {
            let text = text::log_lost(log, &why.to_string());
            self.walk.console.say(&text);
        }
    }
}
