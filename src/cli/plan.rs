//! `plan`: what install would do.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::{complain, ended, open};
use crate::engine::control::Control;
use crate::events::Event;
use crate::plan::{self, Work};
use crate::platform::Facts;
use crate::platform::network::Contact;
use crate::platform::preflight::Grid;
use crate::report::diff::{FileChange, How};
use crate::run::{Frontend, Planned, Proceed, Purpose, Reach, carry_out, exit};
use crate::topology::Link;

#[derive(Debug, Args)]
pub struct PlanArgs {
    /// The answers file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// Write the shell scripts for every host into this folder, with secrets masked
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
}

impl PlanArgs {
    pub fn run(&self) -> ExitCode {
        let opened = match open(&self.answers, Purpose::Look) {
            Ok(opened) => opened,
            Err(code) => return code,
        };
        let mut dry = DryRun {
            scripts: self.scripts.as_deref(),
            written: Ok(()),
        };
        let planned = carry_out(opened, &Reach::All, &Control::default(), &mut dry);
        match dry.written {
            Ok(()) => ended(&planned),
            Err(error) => complain(&error, exit::FAILED),
        }
    }
}

/// Prints a plan, or writes its scripts, and leaves it.
struct DryRun<'a> {
    scripts: Option<&'a Path>,
    written: io::Result<()>,
}

impl Frontend for DryRun<'_> {
    fn reached(&mut self, host: &str, facts: &Facts) {
        let _ = writeln!(io::stdout(), "{host}: {}", facts.summary());
    }

    fn checked(&mut self, grid: &Grid, _: &[(Link, Contact)]) {
        let _ = writeln!(io::stdout(), "\n{grid}");
    }

    fn planned(&mut self, planned: &Planned) -> Proceed {
        self.written = if let Some(directory) = self.scripts {
            write_scripts(planned.plan(), directory)
        } else {
            let mut text = planned.plan().to_string();
            for difference in planned.differences() {
                let _ = write!(text, "\n{difference}");
            }
            text += &changes(planned);
            io::stdout().write_all(text.as_bytes())
        };
        Proceed::Leave
    }

    fn event(&mut self, _: &Event) {}

    fn log_lost(&mut self, _: &io::Error) {}
}

/// The existing files that will change. New files are in the plan with their whole content.
fn changes(planned: &Planned) -> String {
    let mut text = String::new();
    for (step, files) in planned.file_changes() {
        let changed = |file: &&FileChange| matches!(file.how, How::Changed { .. });
        for file in files.iter().filter(changed) {
            let _ = write!(text, "\n{step}: {file}");
        }
    }
    text
}

/// One folder per host, one file per step, numbered in the order of the plan.
fn write_scripts(plan: &plan::Plan, directory: &Path) -> io::Result<()> {
    for (number, step) in plan.steps().enumerate() {
        let (Work::Shell(shell), Some(host)) = (&step.work, &step.host) else {
            continue;
        };
        let folder = directory.join(host);
        std::fs::create_dir_all(&folder)?;
        let id = step.id.as_str();
        let name = id.split('@').next().unwrap_or(id).replace('/', "-");
        let file = folder.join(format!("{:02}-{name}.sh", number + 1));
        std::fs::write(file, shell.to_read())?;
    }
    Ok(())
}
