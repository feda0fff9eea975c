//! Events as lines for people: on a dumb terminal, in the log of a CI job. Lines are only appended,
//! plain text, each with time and host.
//!
//! ```text
//!    12.3s  k3s-postgres  start      postgres/install: Postgres is installed and running
//!    13.1s  k3s-postgres  | Setting up postgresql-15 ...
//!    26.5s  k3s-postgres  done       postgres/install in 14.2s
//! ```

mod drills;
mod losses;
mod status;
mod summary;
mod table;
mod wrap;

use std::io::{self, Write};
use std::path::PathBuf;

use crate::events::StepId;
use crate::events::estimate::{EarlierRuns, Estimate};
use crate::events::progress::{Progress, Proof, Status};
use crate::events::{Abort, ConnectionState, DecidedBy, Decision, Event, Outcome, Stream, What};
use crate::letters::misleads;
use wrap::Wrapping;

pub use drills::write_drills;
pub use losses::write as write_losses;
pub use status::write as write_status;
pub use summary::{timeline, with_problems as write_table};
pub use wrap::wrapped;

/// The host column of lines that concern no host.
const HERE: &str = "this machine";
/// Longer host names are cut.
const WIDEST_HOST: usize = 24;

/// What the lines need besides the events.
#[derive(Debug, Clone)]
pub struct Context {
    /// The log of this run.
    pub log: PathBuf,
    /// `None` where it is not known.
    pub kubeconfig: Option<PathBuf>,
    /// The command that continues an unfinished run.
    pub again: String,
    /// The next commands, after a successful run.
    pub next: Vec<String>,
    /// Also shows the checks and their results.
    pub verbose: bool,
    /// What an estimate comes from.
    pub earlier: EarlierRuns,
    /// Where lines are wrapped, in columns; `None` leaves them as they are.
    pub width: Option<usize>,
}

/// Writes events as lines, and a summary when the run ends.
#[derive(Debug)]
pub struct Lines<W> {
    out: Wrapping<W>,
    context: Context,
    progress: Progress,
    host_width: usize,
}

impl<W: Write> Lines<W> {
    pub fn new(out: W, context: Context) -> Self {
        Self {
            out: Wrapping::new(out, context.width),
            context,
            progress: Progress::default(),
            host_width: HERE.len(),
        }
    }

    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        let applied = self.applies(event);
        self.progress.add(event);
        let at = event.at;
        match &event.what {
            What::Started { .. } => self.header(),
            What::Warned { host, text } => self.line(at, host.as_deref(), "warning", text),
            What::Connection { host, state, text } => {
                let word = match state {
                    ConnectionState::Up => "connected",
                    ConnectionState::Lost => "LOST",
                };
                self.line(at, Some(host), word, text)
            }
            What::StepStarted { step, attempt } if *attempt > 1 => {
                self.step_line(at, step, "again", &format!("attempt {attempt}"))
            }
            What::StepStarted { step, .. } if self.context.verbose => {
                self.step_line(at, step, "check", &self.title(step))
            }
            What::StepApplies { step } => self.step_line(at, step, "start", &self.title(step)),
            What::Output { step, stream, text } if applied || self.context.verbose => {
                let mark = match stream {
                    Stream::Out => "|",
                    Stream::Err => "!",
                };
                let host = self.host(step);
                let text = plain(text);
                self.raw(at, host.as_deref(), &format!("{mark} {text}"))
            }
            What::Proved {
                step,
                case,
                expected,
                got,
                holds,
            } => {
                if *holds && !self.context.verbose {
                    // Shown when the step has ended, unless it was unchanged.
                    return Ok(());
                }
                self.proof(at, step, case, expected, got, *holds)
            }
            What::StepEnded { step, outcome } => self.step_ended(at, step, outcome),
            What::Aborting { how, why } => {
                let what = match how {
                    Abort::Soft => "waiting for the running steps, starting no new ones",
                    Abort::Hard => "stopping the running steps",
                };
                self.line(at, None, "stopping", &format!("{why}: {what}"))
            }
            What::Ended { .. } => summary::write(&mut self.out, &self.progress, &self.context),
            What::Decided {
                step,
                decision,
                by: DecidedBy::Operator,
            } => {
                let what = match decision {
                    Decision::Retry => "retry",
                    Decision::Skip => "skip",
                    Decision::GiveUp => "continue without it",
                };
                self.step_line(at, step, "operator", what)
            }
            What::Held { before } => self.line(
                at,
                None,
                "waiting",
                &format!("for the operator to start {before}"),
            ),
            What::Renewed { certificate, why } => {
                self.line(at, None, "new", &format!("{certificate}: {why}"))
            }
            What::Missed { lines } => self.line(
                at,
                None,
                "omitted",
                &format!("{lines} lines of output, because there were too many"),
            ),
            What::Unknown { kind } => {
                let text = format!("{kind}, an event of a newer wizard");
                self.line(at, None, "unknown", &text)
            }
            What::StepStarted { .. }
            | What::Output { .. }
            | What::Asked { .. }
            | What::Decided { .. }
            | What::Released
            | What::DrillStarted { .. }
            | What::DrillSample { .. }
            | What::Drilled { .. }
            | What::Cluster { .. } => Ok(()),
        }?;
        self.out.flush()
    }

    /// A failed step in full, for the end of a run.
    pub fn failure(&mut self, step: &StepId) -> io::Result<()> {
        summary::failure(&mut self.out, &self.progress, step)?;
        self.out.flush()
    }

    /// The summary of a run whose log has no end.
    pub fn unfinished(&mut self) -> io::Result<()> {
        summary::write(&mut self.out, &self.progress, &self.context)?;
        self.out.flush()
    }

    /// The state after these events.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether an event belongs to a step that is being applied.
    fn applies(&self, event: &Event) -> bool {
        let What::Output { step, .. } = &event.what else {
            return false;
        };
        let status = self.progress.step(step).map(|step| &step.status);
        matches!(status, Some(Status::Running { applying: true, .. }))
    }

    fn header(&mut self) -> io::Result<()> {
        let hosts = self.progress.hosts();
        let widest = hosts.iter().map(|host| host.chars().count()).max();
        self.host_width = widest.unwrap_or(0).clamp(HERE.len(), WIDEST_HOST);
        let (hosts, steps) = (hosts.len(), self.progress.steps.len());
        let Some(run) = &self.progress.run else {
            return Ok(());
        };
        writeln!(
            self.out,
            "k3s-ha-wizard {}: cluster {}, {}, {}",
            run.version,
            run.cluster,
            counted(hosts, "host"),
            counted(steps, "step"),
        )?;
        writeln!(
            self.out,
            "run {} by {}, started {}",
            run.run, run.operator, run.when
        )?;
        if let Some(estimate) = self.context.earlier.estimate(&self.progress, 0) {
            writeln!(self.out, "{}", estimated(&estimate))?;
        }
        writeln!(self.out, "log {}\n", self.context.log.display())
    }

    fn step_ended(&mut self, at: u64, step: &StepId, outcome: &Outcome) -> io::Result<()> {
        let found = self.progress.step(step).map(|step| &step.status);
        let Some(Status::Ended { took, .. }) = found else {
            return Ok(());
        };
        let took = duration(*took);
        if *outcome != Outcome::Unchanged && !self.context.verbose {
            let held = |proof: &&Proof| proof.step == *step && proof.holds;
            let held: Vec<Proof> = self.progress.proofs.iter().filter(held).cloned().collect();
            for Proof {
                case,
                expected,
                got,
                ..
            } in held
            {
                self.proof(at, step, &case, &expected, &got, true)?;
            }
        }
        let counts = self.progress.counts();
        let count = format!(" ({} of {})", counts.finished(), counts.total);
        let counted = |text: &str| format!("{}{count}", text.trim_end());
        match outcome {
            Outcome::Done => self.name_line(at, step, "done", &counted(&format!(" in {took}"))),
            Outcome::Unchanged => {
                self.step_line(at, step, "unchanged", &counted(&self.title(step)))
            }
            Outcome::Warned { why } => self.step_line(at, step, "warning", &counted(why)),
            Outcome::Skipped { why } => self.step_line(at, step, "skipped", &counted(why)),
            Outcome::WontRun { because } => self.step_line(at, step, "skipped", because),
            Outcome::Failed(failure) => {
                let text = format!("{}, after {took}", failure.why.trim_end_matches('.'));
                self.step_line(at, step, "FAILED", &text)
            }
        }
    }

    fn proof(
        &mut self,
        at: u64,
        step: &StepId,
        case: &str,
        expected: &str,
        got: &str,
        holds: bool,
    ) -> io::Result<()> {
        let host = self.host(step);
        if holds {
            self.line(at, host.as_deref(), "pass", &format!("{case}: {got}"))
        } else {
            let text = format!("{case}: expected {expected}, got {got}");
            self.line(at, host.as_deref(), "FAIL", &text)
        }
    }

    fn step_line(&mut self, at: u64, step: &StepId, word: &str, text: &str) -> io::Result<()> {
        self.name_line(at, step, word, &format!(": {text}"))
    }

    fn name_line(&mut self, at: u64, step: &StepId, word: &str, rest: &str) -> io::Result<()> {
        let text = format!("{}{rest}", name(step));
        self.line(at, self.host(step).as_deref(), word, &text)
    }

    fn line(&mut self, at: u64, host: Option<&str>, word: &str, text: &str) -> io::Result<()> {
        let mut word = word;
        for line in text.lines() {
            let line = plain(line);
            self.raw(at, host, &format!("{word:<9}  {line}"))?;
            word = "";
        }
        Ok(())
    }

    fn raw(&mut self, at: u64, host: Option<&str>, text: &str) -> io::Result<()> {
        let host = host.map_or_else(|| HERE.to_owned(), plain);
        let width = self.host_width;
        let line = format!("{:>8}  {host:<width$}  {text}", clock(at));
        writeln!(self.out, "{}", line.trim_end())
    }

    fn host(&self, step: &StepId) -> Option<String> {
        self.progress.step(step)?.host.clone()
    }

    fn title(&self, step: &StepId) -> String {
        let step = self.progress.step(step);
        step.map(|step| step.title.clone()).unwrap_or_default()
    }
}

/// A step without its host, which has its own column.
fn name(step: &StepId) -> &str {
    let id = step.as_str();
    id.split_once('@').map_or(id, |(name, _)| name)
}

/// Milliseconds since the run began: `  12.3s`. Always seconds, so that columns and programs can
/// follow.
fn clock(at: u64) -> String {
    format!("{}.{}s", at / 1000, at % 1000 / 100)
}

/// Milliseconds, for people: `14.2s`, `3m 12s`, `1h 02m`.
fn duration(took: u64) -> String {
    let seconds = took / 1000;
    match seconds {
        0..60 => clock(took),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long the rest of a run will probably take, and where that is known from.
pub fn estimated(estimate: &Estimate) -> String {
    let Estimate {
        left,
        runs,
        untimed,
    } = *estimate;
    let left = duration(left.max(1000) / 1000 * 1000).replace(".0s", "s");
    let new = match untimed {
        0 => String::new(),
        _ => format!(" and {}", counted(untimed, "new step")),
    };
    let runs = counted(runs, "earlier run");
    format!("about {left}{new} left (based on {runs})")
}

/// `1 step`, `2 steps`.
fn counted(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

/// A line as a terminal would finally show it, without control sequences: of text overwritten with
/// a carriage return, the last remains.
pub fn plain(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    let last = text.rsplit('\r').next().unwrap_or(text);
    let mut letters = last.chars().peekable();
    let mut plain = String::with_capacity(last.len());
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => match letters.next() {
                // Up to the final letter of the sequence.
                Some('[') => {
                    letters.find(|letter| matches!(letter, '\u{40}'..='\u{7e}'));
                }
                // Titles, links: up to BEL or ESC \.
                Some(']' | 'P' | '^' | '_' | 'X') => {
                    letters.find(|letter| matches!(letter, '\u{7}' | '\u{1b}'));
                    letters.next_if_eq(&'\\');
                }
                // Character set: one more.
                Some('(' | ')' | '#' | ' ' | '%') => {
                    letters.next();
                }
                _ => {}
            },
            '\t' => plain.push_str("    "),
            letter if letter.is_control() || misleads(letter) => {}
            letter => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests;
