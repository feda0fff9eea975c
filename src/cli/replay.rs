//! `replay`: a recorded run, or one that goes on in another terminal; on the screens, as lines or as
//! JSON.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use clap::Args;

use super::complain;
use super::streams::{are_a_dumb_terminal, out};
use super::wizard::say;
use crate::events::Event;
use crate::events::log::{LogError, earlier_than};
use crate::events::tail::{PAUSE, Tail};
use crate::frontends::{Display, Output, tui};
use crate::report::json::Json;
use crate::report::lines::{Context, Lines};
use crate::run::exit;
use crate::state;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The log of a run: runs/TIME.jsonl in the cluster's state folder
    file: PathBuf,
    /// Start paused at this many seconds into the run; with --plain or --output json, stop there
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
    /// Follow a run that is active in another terminal, until it ends
    #[arg(long, conflicts_with = "at")]
    follow: bool,
}

impl ReplayArgs {
    pub fn run(&self, display: &Display, read_only: bool) -> ExitCode {
        let printed = match display.output {
            Output::Json => self.print_json(out()),
            Output::Lines if display.plain || are_a_dumb_terminal() => {
                self.print_lines(out(), display.verbose)
            }
            Output::Lines if self.follow => {
                return say(&tui::follow(&self.file, display, read_only));
            }
            Output::Lines => return say(&tui::replay(&self.file, self.at, display, read_only)),
        };
        match printed {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => complain(&error, exit::USAGE),
        }
    }

    fn print_json(&self, out: impl Write) -> Result<(), LogError> {
        let mut json = Json::new(out);
        self.events(|event| json.event(event)).map(drop)
    }

    fn print_lines(&self, out: impl Write, verbose: bool) -> Result<(), LogError> {
        let context = Context {
            log: self.file.clone(),
            kubeconfig: kubeconfig(&self.file),
            again: "k3s-ha-wizard".into(),
            next: Vec::new(),
            verbose,
            earlier: earlier_than(&self.file),
            width: tui::columns(),
        };
        let mut lines = Lines::new(out, context);
        let all = self.events(|event| lines.event(event))?;
        if all && lines.progress().run.is_some() && lines.progress().ended.is_none() {
            // The reader may be gone.
            let _ = lines.unfinished();
        }
        Ok(())
    }

    /// The run whose log this is does not hold its state folder any more.
    fn is_left(&self) -> bool {
        let folder = self.file.parent().and_then(Path::parent);
        folder.and_then(state::is_held) == Some(false)
    }

    /// Every event in turn, while their reader is there. Whether it got all of them.
    fn events(&self, mut show: impl FnMut(&Event) -> io::Result<()>) -> Result<bool, LogError> {
        let mut tail = Tail::open(&self.file)?;
        let until = self.at.map_or(u64::MAX, |at| at.saturating_mul(1000));
        let mut is_over = !self.follow;
        loop {
            for event in tail.read()? {
                if event.at > until || show(&event).is_err() {
                    return Ok(false);
                }
            }
            if is_over || tail.ended() {
                return Ok(true);
            }
            // A run that was killed has no end; what it wrote before is still to be read.
            is_over = self.is_left();
            thread::sleep(PAUSE);
        }
    }
}

/// That of the cluster in whose state folder a log is.
fn kubeconfig(log: &Path) -> Option<PathBuf> {
    let path = log.parent()?.parent()?.join("kubeconfig");
    path.is_file().then_some(path)
}
