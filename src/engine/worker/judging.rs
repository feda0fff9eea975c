//! What the end of a step's unit means.

use super::Worker;
use crate::engine::tasks::Trouble;
use crate::events::{Failure, Outcome, Stream};
use crate::plan::ended;
use crate::remote::Finished;

impl Worker<'_> {
    /// Why the host did not start a step.
    fn lease_lost(&mut self) -> String {
        let host = self.host.as_mut();
        let held = host.and_then(|host| {
            host.take_lease();
            host.held.clone()
        });
        held.unwrap_or_else(|| {
            "another run used this host meanwhile, and has ended: check it, then retry".to_owned()
        })
    }

    /// What the end of a step's unit means.
    pub(super) fn judge(&mut self, finished: Finished) -> Result<Outcome, Trouble> {
        let status = match finished {
            Finished::Exit(0) => return Ok(Outcome::Done),
            Finished::Exit(ended::UNCHANGED) => return Ok(Outcome::Unchanged),
            Finished::Exit(status) => status,
            Finished::Held => return Err(Trouble::because(self.lease_lost())),
            Finished::Died { why } => return Err(self.because(why, None)),
            Finished::TimedOut { limit } => {
                let why = format!("not done after {} s, and stopped", limit.as_secs());
                return Err(self.because(why, None));
            }
        };
        // The two outputs are not ordered: the reason of a failure is the last line of standard
        // error.
        let last = self.take_complaint();
        Err(match status {
            ended::STILL_NOT | ended::CANNOT_TELL | ended::MUST_NOT => self.because(last, None),
            ended::APPLY_FAILED => {
                let own = last
                    .strip_prefix("This ended with status ")
                    .and_then(|rest| rest.strip_suffix('.')?.parse().ok());
                let why = match own {
                    Some(_) => self.complaint().unwrap_or("it gave no reason").to_owned(),
                    None => last,
                };
                self.because(why, own.or(Some(status)))
            }
            status => self.because(
                format!("its shell ended with status {status}"),
                Some(status),
            ),
        })
    }

    pub(super) fn last_lines(&self) -> Vec<String> {
        self.last_lines
            .iter()
            .map(|(_, text)| text.clone())
            .collect()
    }

    /// The last line of standard error.
    fn complaint(&self) -> Option<&str> {
        let mut lines = self.last_lines.iter().rev();
        lines.find_map(|(stream, text)| (*stream == Stream::Err).then_some(text.as_str()))
    }

    /// The same, removed from the lines.
    fn take_complaint(&mut self) -> String {
        let mut lines = self.last_lines.iter();
        let place = lines.rposition(|(stream, _)| *stream == Stream::Err);
        let line = place.and_then(|place| self.last_lines.remove(place));
        line.map(|(_, text)| text).unwrap_or_default()
    }

    fn because(&self, why: String, status: Option<i32>) -> Trouble {
        Trouble::Failed(Failure {
            why,
            status,
            last_lines: self.last_lines(),
            hint: None,
        })
    }
}
