//! What a worker does without changing anything: it asks how steps are, and looks ahead.

use super::{ASKING, Worker, tell, unless_it_panics};
use crate::engine::ahead::Ahead;
use crate::engine::hosts::output;
use crate::engine::tasks::{self, Site};
use crate::engine::{asking, new_mark};
use crate::events::{Outcome, What};
use crate::plan::{Asked, CheckStatus, Shell, Work, ask_script, read_answers};

impl Worker<'_> {
    /// Asks for all steps that can be asked for now, in one round trip. What cannot be learnt is
    /// left out: each step looks for itself again.
    pub(super) fn ask(&mut self, places: &[usize]) -> Vec<(usize, Asked)> {
        let late = self.late();
        let bound: Vec<(usize, &Shell)> = places
            .iter()
            .filter_map(|place| match &self.steps[*place].work {
                Work::Shell(shell) if shell.is_bound(&late) => Some((*place, shell)),
                _ => None,
            })
            .collect();
        let shells: Vec<_> = bound.iter().map(|(_, shell)| *shell).collect();
        let Some(host) = self.host.as_mut().filter(|host| host.held.is_none()) else {
            return Vec::new();
        };
        let Ok(mark) = new_mark() else {
            return Vec::new();
        };
        let Ok(script) = ask_script(&mark, &shells, &late) else {
            return Vec::new();
        };
        let answers = host.connection.with(
            &host.name,
            self.run.control,
            &mut |told| tell(self.run, &host.name, told),
            |remote| {
                let (_, lines, _) = output(remote, &script, ASKING)?;
                let mut asked = read_answers(&mark, &lines);
                let administrator = &self.run.memory.administrator;
                let waits = CheckStatus::Not;
                asking::confirm(remote, administrator, &shells, &mut asked, waits)?;
                Ok(asked)
            },
        );
        match answers {
            Ok(asked) => {
                let satisfied = asked
                    .iter()
                    .all(|asked| asked.status == CheckStatus::Satisfied);
                if satisfied && asked.len() == bound.len() {
                    let looks = places
                        .iter()
                        .copied()
                        .filter(|place| self.only_looks(*place));
                    self.ahead = Ahead::at(looks);
                }
                let places = bound.iter().map(|(place, _)| *place);
                places.zip(asked).collect()
            }
            Err(error) => {
                self.run.recorder.record(What::Warned {
                    host: Some(host.name.clone()),
                    text: error.to_string(),
                });
                Vec::new()
            }
        }
    }

    fn only_looks(&self, place: usize) -> bool {
        matches!(&self.steps[place].work, Work::Task(task) if tasks::only_looks(task))
    }

    /// Looks at one thing more; false where there is nothing to look at.
    pub(super) fn look_ahead(&mut self) -> bool {
        let (Some(place), Some(host)) = (self.ahead.next(), &mut self.host) else {
            return false;
        };
        let step = self.steps[place];
        let Work::Task(task) = &step.work else {
            return true;
        };
        let mut events = Vec::new();
        let (run, late, name) = (self.run, self.late, &host.name);
        let looked = host.connection.now(name, |remote| {
            let mut site = Site {
                run,
                step,
                late,
                host: name,
                remote,
                ahead: Some(&mut events),
            };
            Ok(unless_it_panics(|| tasks::at(task, &mut site)))
        });
        if matches!(looked, Ok(Some(Ok(Outcome::Unchanged)))) {
            self.ahead.saw(place, events);
        }
        true
    }
}
