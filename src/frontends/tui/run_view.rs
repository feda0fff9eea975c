//! A run as its pages show it: the fold of its events, the log, and where the operator looks.

use std::collections::HashMap;

use crate::events::StepId;
use crate::events::progress::{PhaseProgress, Progress, Status, StepProgress};
use crate::events::{ConnectionState, DecidedBy, Event, Outcome, Stream, What};

use super::log::{LineKind, Log, Pane, Room, Which};
use super::message::RunFiles;
use super::text;

#[derive(Debug, Default)]
pub struct RunView {
    pub progress: Progress,
    pub log: Log,
    pub pane: Pane,
    /// Milliseconds since the run began; runs on between events.
    pub clock: u64,
    /// The phase whose steps are listed.
    pub phase: usize,
    /// The operator has not chosen another phase: what is at work is listed.
    pub phase_follows: bool,
    /// Its place in the list of steps: 0 is everything, then the steps of the phase.
    pub chosen: usize,
    pub focus: Focus,
    pub zoom: bool,
    /// What is typed after `/`.
    pub searching: Option<String>,
    /// What the run leaves behind; `None` in a replay.
    pub files: Option<RunFiles>,
    hosts: Vec<String>,
    index: HashMap<StepId, usize>,
}

/// `   12.3s `, in front of a line of the log.
const TIME: usize = 10;
/// ` | `
const MARK: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Focus {
    Steps,
    #[default]
    Log,
}

impl RunView {
    pub fn new() -> Self {
        Self {
            phase_follows: true,
            ..Self::default()
        }
    }

    pub fn add(&mut self, event: &Event) {
        self.progress.add(event);
        self.clock = self.clock.max(event.at);
        match &event.what {
            What::Started { plan, .. } => {
                self.index = plan
                    .steps()
                    .enumerate()
                    .map(|(place, step)| (step.id.clone(), place))
                    .collect();
                self.hosts = self
                    .progress
                    .hosts()
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
            }
            What::Output { step, stream, text } => {
                let kind = match stream {
                    Stream::Out => LineKind::Out,
                    Stream::Err => LineKind::Err,
                };
                self.line(event.at, kind, Some(step), text);
            }
            What::StepStarted { step, .. } => self.look_at_phase_of(step),
            What::StepApplies { step } => {
                let note = self.step(step).map(text::step_begins);
                self.note(event.at, Some(step), note);
            }
            What::StepEnded { step, outcome } => {
                let note = self.step(step).map(text::step_ended);
                if !matches!(outcome, Outcome::WontRun { .. }) {
                    self.note(event.at, Some(step), note);
                }
                self.look_at_what_is_at_work();
            }
            What::Connection { host, state, text } => {
                let lost = *state == ConnectionState::Lost;
                let host_place = self.host_place(host);
                let note = text::connection(lost, text);
                self.log
                    .add(event.at, LineKind::Note, None, host_place, &note);
            }
            What::Warned { host, text } => {
                let host_place = host.as_ref().and_then(|host| self.host_place(host));
                let note = text::warned(text);
                self.log
                    .add(event.at, LineKind::Note, None, host_place, &note);
            }
            What::Aborting { how, why } => {
                let note = text::stopping(*how, why);
                self.log.add(event.at, LineKind::Note, None, None, &note);
            }
            What::Held { before } => {
                let phases = &self.progress.phases;
                let place = phases.iter().position(|phase| phase.id == *before);
                self.phase = place.unwrap_or(self.phase);
                self.phase_follows = true;
            }
            What::Decided { step, decision, by } => {
                if *by == DecidedBy::Operator {
                    self.line(
                        event.at,
                        LineKind::Note,
                        Some(step),
                        text::decided(*decision),
                    );
                }
            }
            What::Renewed { certificate, why } => {
                let note = text::renewed(certificate, why);
                self.log.add(event.at, LineKind::Note, None, None, &note);
            }
            What::Missed { lines } => {
                let note = text::missed_lines(*lines);
                self.log.add(event.at, LineKind::Note, None, None, &note);
            }
            What::Unknown { kind } => {
                let note = text::unknown_event(kind);
                self.log.add(event.at, LineKind::Note, None, None, &note);
            }
            What::Proved { .. }
            | What::DrillStarted { .. }
            | What::DrillSample { .. }
            | What::Drilled { .. }
            | What::Asked { .. }
            | What::Released
            | What::Cluster { .. }
            | What::Ended { .. } => {}
        }
    }

    fn note(&mut self, at: u64, step: Option<&StepId>, note: Option<String>) {
        if let Some(note) = note {
            self.line(at, LineKind::Note, step, &note);
        }
    }

    fn line(&mut self, at: u64, kind: LineKind, step: Option<&StepId>, text: &str) {
        let place = step.and_then(|step| self.index.get(step).copied());
        let host = place
            .and_then(|place| self.progress.steps.get(place)?.host.clone())
            .and_then(|host| self.host_place(&host));
        self.log.add(at, kind, place, host, text);
    }

    fn host_place(&self, host: &str) -> Option<usize> {
        self.hosts.iter().position(|other| other == host)
    }

    pub fn host_name(&self, place: Option<usize>) -> &str {
        place
            .and_then(|place| self.hosts.get(place))
            .map_or(text::HERE, String::as_str)
    }

    /// How wide the column of the hosts' names is.
    pub fn host_width(&self) -> usize {
        let names = self.hosts.iter().map(String::as_str).chain([text::HERE]);
        names
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0)
            .min(16)
    }

    /// How much stands in front of the text of every line of the log.
    pub fn prefix_width(&self) -> usize {
        self.host_width() + MARK + if self.pane.times { TIME } else { 0 }
    }

    fn step(&self, id: &StepId) -> Option<&StepProgress> {
        self.progress.step(id)
    }

    fn look_at_phase_of(&mut self, step: &StepId) {
        if let Some(phase) = self.progress.phase_of(step)
            && self.phase_follows
            && (phase < self.phase || !self.at_work(self.phase))
        {
            self.phase = phase;
            self.chosen = 0;
        }
    }

    /// A phase that has nothing at work any more makes room for one that has.
    fn look_at_what_is_at_work(&mut self) {
        if !self.phase_follows || self.at_work(self.phase) {
            return;
        }
        if let Some(phase) = (0..self.progress.phases.len()).find(|phase| self.at_work(*phase)) {
            self.phase = phase;
            self.chosen = 0;
        }
    }

    fn at_work(&self, phase: usize) -> bool {
        let Some(phase) = self.progress.phases.get(phase) else {
            return false;
        };
        let mut steps = self.progress.steps_of(phase).iter();
        steps.any(|step| matches!(step.status, Status::Running { .. }))
    }

    pub fn shown_phase(&self) -> Option<&PhaseProgress> {
        self.progress.phases.get(self.phase)
    }

    pub fn shown_steps(&self) -> &[StepProgress] {
        self.shown_phase()
            .map_or(&[], |phase| self.progress.steps_of(phase))
    }

    /// Which lines the log shows.
    pub fn which(&self) -> Which {
        let phase = self.shown_phase();
        match (self.chosen.checked_sub(1), phase) {
            (Some(place), Some(phase)) => Which::Step(phase.steps.start + place),
            _ => Which::All,
        }
    }

    pub fn choose_phase(&mut self, phase: usize) {
        if phase < self.progress.phases.len() {
            self.phase = phase;
            self.phase_follows = false;
            self.chosen = 0;
        }
    }

    pub fn choose_step(&mut self, by: isize) {
        let last = self.shown_steps().len();
        self.chosen = self.chosen.saturating_add_signed(by).min(last);
        self.phase_follows = false;
        self.pane.follow = true;
        self.pane.hit = None;
    }

    /// Shows the log of one step.
    pub fn look_at(&mut self, place: usize) {
        let phases = &self.progress.phases;
        let Some(phase) = phases.iter().position(|phase| phase.steps.contains(&place)) else {
            return;
        };
        self.phase = phase;
        self.phase_follows = false;
        self.chosen = place - phases[phase].steps.start + 1;
        self.pane.follow = true;
        self.focus = Focus::Log;
    }

    /// The places of the steps that failed.
    pub fn failures(&self) -> Vec<usize> {
        let steps = self.progress.steps.iter().enumerate();
        steps
            .filter(|(_, step)| matches!(step.outcome(), Some(Outcome::Failed(_))))
            .map(|(place, _)| place)
            .collect()
    }

    /// One of the failures, the last one where there are not so many, and its number.
    pub fn failure(&self, number: usize) -> Option<(&StepProgress, usize)> {
        let failures = self.failures();
        let number = number.min(failures.len().checked_sub(1)?);
        let step = self.progress.steps.get(failures[number])?;
        Some((step, number))
    }

    /// Whether a run has begun and has not ended.
    pub fn is_active(&self) -> bool {
        self.progress.run.is_some() && self.progress.ended.is_none()
    }

    /// The log as text, for the clipboard or a file: the latest lines that fit.
    pub fn as_text(&self, limit: usize) -> (String, usize) {
        let lines = self.log.lines(self.which());
        let mut size = 0;
        let written: Vec<String> = lines
            .iter()
            .rev()
            .map(|line| {
                let host = self.host_name(line.host);
                let mark = if line.kind == LineKind::Err { "!" } else { "|" };
                format!("{:>9} {host} {mark} {}\n", text::clock(line.at), line.text)
            })
            .take_while(|line| {
                size += line.len();
                size <= limit
            })
            .collect();
        (
            written.iter().rev().map(String::as_str).collect(),
            written.len(),
        )
    }

    pub fn scroll_log(&mut self, by: isize, room: Room) {
        let which = self.which();
        self.pane.scroll(by, &self.log, which, room);
    }
}
