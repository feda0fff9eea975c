//! Without screens: a run of everything in the answers; and what only looks.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use k3s_ha_wizard::answers::Answers;
use k3s_ha_wizard::cli::{Display, Output};
use k3s_ha_wizard::engine::control::Control;
use k3s_ha_wizard::events::{End, Event};
use k3s_ha_wizard::frontends::printed::Printed;
use k3s_ha_wizard::plan::{Plan, Work};
use k3s_ha_wizard::platform::Facts;
use k3s_ha_wizard::platform::network::Contact;
use k3s_ha_wizard::platform::preflight::Grid;
use k3s_ha_wizard::report::diff::{FileChange, How};
use k3s_ha_wizard::report::lines::write_status;
use k3s_ha_wizard::run::{
    Frontend, Opened, Planned, Proceed, Purpose, Reach, RunError, Tried, carry_out, exit,
};
use k3s_ha_wizard::signals::Watch;
use k3s_ha_wizard::status::{self, Status};
use k3s_ha_wizard::topology::Link;

/// Installs what the answers ask for.
pub fn install(path: &Path, purpose: Purpose, how: &Display) -> ExitCode {
    let opened = match open(path, purpose) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let control = Arc::new(Control::default());
    let signals = match Watch::start() {
        Ok(signals) => signals,
        Err(error) => return complain(&error, exit::FAILED),
    };
    signals.over(&control);
    // Until it has ended well, what it takes over would be refused again.
    let flag = match purpose {
        Purpose::TakeOver => "--changed-by-hand ",
        _ => "",
    };
    let again = format!("k3s-ha-wizard install {flag}--answers {}", path.display());
    let (output, verbose) = (how.output, how.verbose);
    let err = io::stderr();
    let begins = || signals.running();
    let mut printed = Printed::new(output, verbose, again, &io::stdout, err, &begins);
    ended(&carry_out(opened, &Reach::All, &control, &mut printed))
}

/// Shows what would be done, and changes nothing.
pub fn plan(path: &Path, scripts: Option<&Path>) -> ExitCode {
    let opened = match open(path, Purpose::Look) {
        Ok(opened) => opened,
        Err(code) => return code,
    };
    let mut dry = DryRun {
        scripts,
        written: Ok(()),
    };
    let planned = carry_out(opened, &Reach::All, &Control::default(), &mut dry);
    match dry.written {
        Ok(()) => ended(&planned),
        Err(error) => complain(&error, exit::FAILED),
    }
}

/// The answers of a file; why they cannot be opened is said.
fn open(path: &Path, purpose: Purpose) -> Result<Opened, ExitCode> {
    let answers = Answers::load(path).map_err(|problems| complain(&problems, exit::USAGE))?;
    Opened::open(answers, None, purpose, &Tried::default()).map_err(|error| ended(&Err(error)))
}

/// Tells how a cluster is now.
pub fn status(cluster: Option<&str>, answers: Option<&Path>, output: Output) -> ExitCode {
    let known = status::find(None, cluster, answers);
    let told = known.and_then(status::Known::poll);
    let told = told.and_then(|poll| Status::ask(&poll));
    let code = status::exit_code(&told);
    let status = match &told {
        Ok(status) => status,
        Err(error) => return complain(error, code),
    };
    // The reader may be gone.
    let _ = match output {
        Output::Lines => write_status(&mut io::stdout(), status),
        Output::Json => write_json(status),
    };
    ExitCode::from(code)
}

/// Tells how the hosts of a cluster differ from what was applied.
pub fn check(cluster: Option<&str>, answers: Option<&Path>, output: Output) -> ExitCode {
    let known = status::find(None, cluster, answers);
    let applied = match known.and_then(status::Known::applied) {
        Ok(applied) => applied,
        Err(error) => return complain(&error, status::error_code(&error)),
    };
    let opened = Opened::open(applied, None, Purpose::Compare, &Tried::default());
    let told = |host: &str, facts: &Facts| {
        if output == Output::Lines {
            let _ = writeln!(io::stdout(), "{host}: {}", facts.summary());
        }
    };
    let compared = opened.and_then(|opened| opened.check(&Control::default(), &told));
    let comparison = match compared {
        Ok(comparison) => comparison,
        Err(error) => return complain(&error, exit::of_error(&error)),
    };
    // The reader may be gone.
    let _ = match output {
        Output::Lines => write!(io::stdout(), "\n{comparison}"),
        Output::Json => write_json(&comparison),
    };
    ExitCode::from(comparison.exit_code())
}

fn write_json(told: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout();
    serde_json::to_writer(&mut out, told)?;
    writeln!(out)
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

/// The files that are there and will be others. New ones are in the plan as they will be.
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

/// One folder a host, one file a step, numbered in the order of the plan.
fn write_scripts(plan: &Plan, directory: &Path) -> io::Result<()> {
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

/// Says why a run did not begin or could not go on; what happened in one was said already.
fn ended(ended: &Result<Option<End>, RunError>) -> ExitCode {
    let code = exit::code(ended);
    match ended {
        Ok(_) => ExitCode::from(code),
        Err(error) => complain(error, code),
    }
}

fn complain(what: &impl std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(io::stderr(), "{what}");
    ExitCode::from(code)
}
