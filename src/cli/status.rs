//! `status`: the state of a cluster, once or again and again.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use time::OffsetDateTime;

use super::cluster::WhichCluster;
use super::logins::Logins;
use super::streams::{out, redraw, shows_redraws};
use super::{complain, write_json};
use crate::engine::control::Control;
use crate::frontends::Output;
use crate::report::lines::write_status;
use crate::report::status::ClusterStatus;
use crate::run::known::{self, KnownCluster, KnownError};
use crate::run::poll::Poll;
use crate::run::status::{ClusterLook, Looks, exit_code};
use crate::run::{Tried, exit};
use crate::signals::{self, SignalWatch};

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    which: WhichCluster,
    /// Poll until Ctrl-C, and show what changed
    #[arg(long)]
    watch: bool,
    /// Seconds between two polls of --watch
    #[arg(long, value_name = "SECONDS", default_value_t = 5, requires = "watch",
        value_parser = clap::value_parser!(u64).range(1..=86400))]
    every: u64,
}

impl StatusArgs {
    pub fn run(&self, output: Output, tried: &Tried) -> ExitCode {
        let signals = match SignalWatch::start() {
            Ok(signals) => signals,
            Err(error) => return complain(&error, exit::FAILED),
        };
        let poll = match self.which.find().and_then(KnownCluster::poll) {
            Ok(poll) => poll,
            Err(error) => return complain(&error, known::error_code(&error)),
        };
        let control = Arc::<Control>::default();
        signals.over(&control);
        let (looks, look) = match first(&poll, tried, &control, &signals) {
            Ok(looked) => looked,
            Err(error) => return complain(&error, known::error_code(&error)),
        };
        if let Some(code) = signals.code() {
            return ExitCode::from(code);
        }
        let mut shown = LookPrinter::new(output, self.watch.then_some(self.every));
        let last = if self.watch {
            watch(looks, look, &control, &mut shown)
        } else {
            // The reader may be gone.
            let _ = shown.show(&look.status);
            look.status
        };
        // Ctrl-C is how to stop watching.
        let stopped = signals.code().filter(|code| *code != signals::INTERRUPTED);
        ExitCode::from(stopped.unwrap_or_else(|| exit_code(&last)))
    }
}

/// The first look, with the secrets that the operator gives for it.
fn first<'a>(
    poll: &'a Poll,
    tried: &Tried,
    control: &'a Control,
    signals: &SignalWatch,
) -> Result<(Looks<'a>, ClusterLook), KnownError> {
    let mut logins = Logins::of(poll.answers(), tried, signals);
    loop {
        let looked = Looks::of(poll, &logins.tried, control).map(|mut looks| {
            let look = looks.look(OffsetDateTime::now_utc());
            (looks, look)
        });
        let again = match &looked {
            Ok((_, look)) => logins.ask(&look.unseen.iter().collect::<Vec<_>>()),
            Err(KnownError::Run(error)) => logins.ask_for(error),
            Err(_) => false,
        };
        if !again || control.aborting().is_some() {
            return looked;
        }
    }
}

/// Looks until a signal, or until the reader is gone; the last look that was not cut off.
fn watch(
    mut looks: Looks<'_>,
    look: ClusterLook,
    control: &Control,
    shown: &mut LookPrinter,
) -> ClusterStatus {
    let mut last = look.status;
    while shown.show(&last).is_ok() && !control.wait(shown.pause()) {
        let mut next = looks.look(OffsetDateTime::now_utc()).status;
        if control.aborting().is_some() {
            break;
        }
        next.follow(&last);
        last = next;
    }
    last
}

/// What is shown of looks: on a terminal each in place of the one before, elsewhere those that see
/// something new; as JSON each on a line.
struct LookPrinter {
    output: Output,
    /// Seconds between two looks.
    every: Option<u64>,
    redraws: bool,
    shown: Option<ClusterStatus>,
}

impl LookPrinter {
    fn new(output: Output, every: Option<u64>) -> Self {
        Self {
            output,
            every,
            redraws: every.is_some() && shows_redraws(),
            shown: None,
        }
    }

    fn pause(&self) -> Duration {
        Duration::from_secs(self.every.unwrap_or_default())
    }

    fn show(&mut self, status: &ClusterStatus) -> io::Result<()> {
        let before = self.shown.replace(status.clone());
        if self.output == Output::Json {
            return write_json(status);
        }
        let is_new = before.is_none_or(|before| before.changes != status.changes);
        if !is_new && !self.redraws {
            return Ok(());
        }
        let mut text = Vec::new();
        write_status(&mut text, status)?;
        if let Some(every) = self.every {
            writeln!(text, "Polls every {every} s; Ctrl-C stops.")?;
        }
        if self.redraws {
            return redraw(&String::from_utf8_lossy(&text));
        }
        out().write_all(&text)
    }
}
