//! `replay`: a recorded run on the screens.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::wizard::say;
use crate::frontends::{Display, tui};

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The log of a run: runs/TIME.jsonl in the cluster's state folder
    file: PathBuf,
    /// Start paused at this many seconds into the run
    #[arg(long, value_name = "SECONDS")]
    at: Option<u64>,
}

impl ReplayArgs {
    pub fn run(&self, display: &Display, read_only: bool) -> ExitCode {
        say(&tui::replay(&self.file, self.at, display, read_only))
    }
}
