//! The command line: one file per command. It parses arguments, prints, and sets the exit code.

mod answers;
mod backup;
mod check;
mod cluster;
mod help;
mod install;
mod kubeconfig;
mod plan;
mod replay;
mod status;
mod streams;
mod wizard;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::answers::Answers;
use crate::engine::control::Control;
use crate::events::End;
use crate::frontends::printed::Printed;
use crate::frontends::{Display, Output};
use crate::run::{Frontend, Opened, Purpose, RunError, Tried, exit};
use crate::signals::SignalWatch;
use streams::{err, out};

/// From bare Linux machines to a highly available K3s with an external Postgres, over SSH only.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    /// The same as install --answers FILE
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Do not probe hosts while you enter them
    #[arg(long, alias = "no-knock")]
    no_probe: bool,
    #[command(flatten)]
    display: Display,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what an answers file asks for, without questions
    Install(install::InstallArgs),
    /// Show what install would do; changes nothing
    Plan(plan::PlanArgs),
    /// Show the state of a cluster: nodes, pods, load balancer, datastore, certificates; changes
    /// nothing
    Status(cluster::WhichCluster),
    /// Compare the hosts with what the last successful run applied; changes nothing, exits with 6
    /// if something has drifted
    Check(cluster::WhichCluster),
    /// Back up the datastore
    #[command(subcommand)]
    Backup(backup::BackupVerb),
    /// Show a recorded run on the screens of the wizard
    Replay(replay::ReplayArgs),
    /// Print a cluster's kubeconfig, or merge it into your own
    Kubeconfig(kubeconfig::KubeconfigArgs),
    /// Example, schema and validation of answers files
    #[command(subcommand)]
    Answers(answers::AnswersHelp),
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

/// Those of [`crate::run::exit`].
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a step failed, or the cluster is unhealthy
  2  wrong usage or invalid answers
  3  stopped by the operator
  4  another run is using a host or the state folder
  5  a host failed the preflight
  6  check found drift
  7  a host was not reached, or credentials are missing
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";

/// Runs the command and returns the exit code.
pub fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        let _ = writeln!(err(), "{error}");
    }
    raise_file_limit();
    let cli = parsed();
    let display = &cli.display;
    match cli.command {
        Some(Command::Install(install)) => install.run(display),
        Some(Command::Plan(plan)) => plan.run(display.output),
        Some(Command::Status(which)) => status::run(&which, display.output),
        Some(Command::Check(which)) => check::run(&which, display.output),
        Some(Command::Backup(verb)) => verb.run(display),
        Some(Command::Replay(replay)) => replay.run(display),
        Some(Command::Kubeconfig(args)) => args.run(),
        Some(Command::Answers(help)) => help.run(),
        Some(Command::Completions { shell }) => help::completions(shell, Cli::command()),
        Some(Command::Man) => help::man(Cli::command()),
        None => match &cli.answers {
            Some(answers) => install::install(answers, Purpose::Run, display),
            None => wizard::run(display, !cli.no_probe),
        },
    }
}

/// Every connection takes file descriptors; what is allowed by default is for few hosts.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum;
    // It only lasts for fewer hosts if it fails.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, ..limit });
}

/// Parses the command line; ends the process on an error.
fn parsed() -> Cli {
    let cli = Cli::parse();
    if cli.command.is_some() && (cli.answers.is_some() || cli.no_probe) {
        let text = "--answers and --no-probe cannot be used in front of a command";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, text)
            .exit();
    }
    let is_wizard = cli.command.is_none() && cli.answers.is_none();
    if is_wizard && cli.display.output == Output::Json {
        let text = "--output json is for commands and --answers: the wizard talks to an operator";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, text)
            .exit();
    }
    cli
}

/// Opens an answers file; prints why it cannot be opened.
fn open(path: &Path, purpose: Purpose) -> Result<Opened, ExitCode> {
    let answers = Answers::load(path).map_err(|problems| complain(&problems, exit::USAGE))?;
    Opened::open(answers, None, purpose, &Tried::default()).map_err(|error| ended(&Err(error)))
}

/// Runs what asks no questions, and prints it. Signals stop it; the command `again` goes on.
fn unattended(
    display: &Display,
    again: String,
    run: impl FnOnce(&Control, &mut dyn Frontend) -> Result<Option<End>, RunError>,
) -> ExitCode {
    let control = Arc::new(Control::default());
    let signals = match SignalWatch::start() {
        Ok(signals) => signals,
        Err(error) => return complain(&error, exit::FAILED),
    };
    signals.over(&control);
    let (output, verbose) = (display.output, display.verbose);
    let begins = || signals.running();
    let mut printed = Printed::new(output, verbose, again, &out, err(), &begins);
    ended(&run(&control, &mut printed))
}

fn write_json(told: &impl serde::Serialize) -> io::Result<()> {
    let mut out = out();
    serde_json::to_writer(&mut out, told)?;
    writeln!(out)
}

/// Prints why a run did not start or could not go on.
fn ended(ended: &Result<Option<End>, RunError>) -> ExitCode {
    let code = exit::code(ended);
    match ended {
        Ok(_) => ExitCode::from(code),
        Err(error) => complain(error, code),
    }
}

fn complain(what: &impl std::fmt::Display, code: u8) -> ExitCode {
    let _ = writeln!(err(), "{what}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_name_of_no_probe_is_hidden_and_still_works() {
        for flag in ["--no-probe", "--no-knock"] {
            let cli = Cli::try_parse_from(["k3s-ha-wizard", flag]).unwrap();
            assert!(cli.no_probe, "{flag}");
        }
        let help = Cli::command().render_long_help().to_string();
        assert!(
            help.contains("--no-probe") && !help.contains("knock"),
            "{help}"
        );
    }
}
