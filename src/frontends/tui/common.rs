//! What all pages share: how the screen looks, wizard or replay, the run, and what was just said.

use super::action::Action;
use super::effect::{Effect, Saved};
use super::log::Room;
use super::mode::Mode;
use super::page::Page;
use super::run_view::RunView;
use super::theme::Theme;
use super::wizard::WizardSession;
use super::{layout, text};
use crate::answers::Answers;
use crate::events::estimate::EarlierRuns;
use crate::events::{Abort, End};

/// A short message, and for how many milliseconds it still stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub text: String,
    pub left: u64,
}

const TOAST: u64 = 8000;

/// Where something is to be saved, as the operator types it.
#[derive(Debug, Clone, PartialEq)]
pub struct SavePrompt {
    pub what: Saved,
    pub path: String,
    /// There is another file: the operator is asked whether it is replaced.
    pub exists: bool,
}

#[derive(Debug)]
pub struct Common {
    pub theme: Theme,
    pub size: (u16, u16),
    /// How far the help is scrolled, where it is open.
    pub help: Option<usize>,
    pub toast: Option<Toast>,
    pub saving: Option<SavePrompt>,
    /// Where the answers were saved last.
    pub saved: Option<String>,
    pub mode: Mode,
    pub run: RunView,
    /// Nothing may be changed.
    pub read_only: bool,
    /// The cluster that is looked at without a run, or drilled.
    pub watched: Option<String>,
    /// How long steps took in earlier runs of the cluster.
    pub earlier: EarlierRuns,
    /// A thread works with hosts: connects, waits for the operator, or runs.
    pub at_work: bool,
    /// How many phases of the run may begin by themselves; all where there is no number.
    pub let_begin: Option<usize>,
    /// The run is being ended because its answers are to be edited.
    pub edits_next: bool,
    /// How the run is being stopped.
    pub stopping: Option<Abort>,
    /// The screens go when what is at work is over.
    pub leaving: bool,
}

impl Common {
    pub fn new(theme: Theme, size: (u16, u16), mode: Mode) -> Self {
        Self {
            theme,
            size,
            help: None,
            toast: None,
            saving: None,
            saved: None,
            mode,
            run: RunView::new(),
            read_only: false,
            watched: None,
            earlier: EarlierRuns::default(),
            at_work: false,
            let_begin: None,
            edits_next: false,
            stopping: None,
            leaving: false,
        }
    }

    /// Of the cluster that the operator works with, or looks at.
    pub fn answers(&self) -> Option<&Answers> {
        let interview = &self.mode.wizard()?.interview;
        let Some(name) = &self.watched else {
            return Some(&interview.answers);
        };
        let mut clusters = interview.found.clusters.iter();
        let watched = clusters.find(|cluster| cluster.name == *name);
        let watched = watched.map(|cluster| &cluster.answers);
        // One that this process has installed.
        let own = Some(&interview.answers).filter(|answers| answers.cluster.name == *name);
        watched.or(own)
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.toast = Some(Toast {
            text: text.into(),
            left: TOAST,
        });
    }

    /// What was said is no longer so.
    pub fn unsay(&mut self, text: Option<&str>) {
        let said = self.toast.as_ref().map(|toast| toast.text.as_str());
        if said == text {
            self.toast = None;
        }
    }

    /// The answers are kept as they are now; nothing to keep in a replay.
    pub fn draft(&self) -> Vec<Effect> {
        let wizard = self.mode.wizard().into_iter();
        wizard.map(WizardSession::draft).collect()
    }

    /// Connect to the hosts of the answers as they are now.
    pub fn reach(&self) -> Vec<Effect> {
        let wizard = self.mode.wizard().into_iter();
        wizard.map(WizardSession::reach).collect()
    }

    /// The page of the answers to which Back or a digit leads from what comes after them.
    pub fn back_to_answers(&mut self, action: Action) -> Page {
        match (self.mode.wizard_mut(), action) {
            (Some(wizard), Action::Phase(number)) => wizard.jump(number),
            _ => Page::Review,
        }
    }

    /// Softly first, hard the second time; the third time, nothing is waited for.
    pub fn stop(&mut self) -> Vec<Effect> {
        if !self.at_work {
            return vec![Effect::Quit];
        }
        // A host may not let go of the wizard: the operator may leave. What runs there is found
        // again.
        if self.stopping == Some(Abort::Hard) {
            return vec![Effect::Quit];
        }
        let how = if self.stopping.is_some() || !self.run.is_active() {
            Abort::Hard
        } else {
            Abort::Soft
        };
        self.stopping = Some(how);
        vec![Effect::Abort(how)]
    }

    /// A run goes on, here or where it is followed.
    pub fn run_moves(&self) -> bool {
        let replay = self.mode.replay();
        let is_seen = replay.is_none_or(|replay| replay.follows && replay.lost.is_none());
        self.run.is_active() && is_seen
    }

    /// The run takes decisions: about phases, and about steps that failed.
    pub fn listens(&self) -> bool {
        self.mode.replay().is_none() && self.at_work && self.stopping.is_none()
    }

    pub fn can_run_again(&self) -> bool {
        let unfinished = matches!(
            self.run.progress.ended,
            Some(End::Failed | End::Aborted { .. })
        );
        let is_drill = self.run.progress.is_drill();
        self.mode.wizard().is_some() && unfinished && !self.at_work && !is_drill
    }

    /// The plan is there, and waits for the operator.
    pub fn is_planned(&self) -> bool {
        let wizard = self.mode.wizard();
        self.at_work && wizard.is_some_and(|wizard| !wizard.plan.text.is_empty())
    }

    /// How many phases may begin, and what is said of it.
    pub fn let_begin(&mut self, phases: Option<usize>, says: &str) -> Vec<Effect> {
        self.let_begin = phases;
        self.say(says);
        vec![Effect::LetBegin(phases)]
    }

    /// Into the clipboard, where there are lines to copy.
    pub fn copy(&mut self, text: String, lines: usize) -> Vec<Effect> {
        if lines == 0 {
            self.say(text::NOTHING_TO_COPY);
            return Vec::new();
        }
        self.say(text::copied(lines));
        vec![Effect::Copy(text)]
    }

    /// How much text the log has room for now.
    pub fn log_room(&self) -> Room {
        layout::log_room(self.size, self.run.zoom, self.run.prefix_width())
    }

    /// To the next line of the log with what is searched for, or the one before.
    pub fn find(&mut self, forwards: bool) {
        let room = self.log_room();
        let run = &mut self.run;
        let which = run.which();
        if run.pane.search.is_empty() {
            return;
        }
        if !run.pane.find(forwards, &run.log, which, room) {
            self.say(text::NOT_FOUND);
        }
    }
}
