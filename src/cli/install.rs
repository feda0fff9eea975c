//! `install`: what an answers file asks for, without questions.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{open, unattended};
use crate::frontends::Display;
use crate::run::{Purpose, Reach, Tried, carry_out};

#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The answers file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Accept changes that install refuses to make and that were made by hand
    #[arg(long)]
    changed_by_hand: bool,
}

impl InstallArgs {
    pub fn run(&self, display: &Display) -> ExitCode {
        let purpose = if self.changed_by_hand {
            Purpose::TakeOver
        } else {
            Purpose::Run
        };
        install(&self.answers, purpose, display)
    }
}

/// Installs what the answers ask for.
pub fn install(path: &Path, purpose: Purpose, display: &Display) -> ExitCode {
    let opened = match open(path, purpose, &Tried::default()) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    // Until such a run succeeds, a plain install refuses the same changes.
    let flag = match purpose {
        Purpose::TakeOver => "--changed-by-hand ",
        _ => "",
    };
    let again = format!("k3s-ha-wizard install {flag}--answers {}", path.display());
    unattended(display, again, |control, printed| {
        carry_out(opened, &Reach::All, control, printed)
    })
}
