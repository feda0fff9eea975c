//! The command line: a file a verb. It parses what was typed, prints, and decides how the process
//! ends.

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
mod wizard;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

use crate::answers::Answers;
use crate::events::End;
use crate::frontends::Display;
use crate::run::{Opened, Purpose, RunError, Tried, exit};

/// From bare Linux machines to a highly available K3s with an external Postgres, over SSH alone.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    /// The same as install --answers FILE
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Do not probe hosts while you enter them
    #[arg(long)]
    no_knock: bool,
    #[command(flatten)]
    display: Display,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Do everything that a file asks for, to the end, without asking
    Install(install::InstallArgs),
    /// Show what would be done; reads facts, changes nothing
    Plan(plan::PlanArgs),
    /// Tell how a cluster is now: nodes, pods, load balancer, datastore, certificates; changes
    /// nothing
    Status(cluster::WhichCluster),
    /// Compare the hosts with what the last successful run applied; changes nothing, ends with 6
    /// where something has drifted
    Check(cluster::WhichCluster),
    /// Back up the datastore
    #[command(subcommand)]
    Backup(backup::BackupVerb),
    /// Show a recorded run again, on the screens of the wizard
    Replay(replay::ReplayArgs),
    /// Print a cluster's kubeconfig, or merge it into your own
    Kubeconfig(kubeconfig::KubeconfigArgs),
    /// Help with answers files
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
  1  a step failed, or something in the cluster is ill
  2  usage, or invalid answers
  3  stopped by the operator
  4  another run works on a host or with the state folder
  5  a host is not fit for its role
  6  check found that something has drifted
  7  a host was not reached, or credentials are missing
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";

/// Does what the command line says.
pub fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        let _ = writeln!(io::stderr(), "{error}");
    }
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
            None => wizard::run(display, !cli.no_knock),
        },
    }
}

/// The command line; one that makes no sense ends the process.
fn parsed() -> Cli {
    let cli = Cli::parse();
    if cli.command.is_some() && (cli.answers.is_some() || cli.no_knock) {
        let text =
            "--answers in front of a command is not for it, and --no-knock is for the wizard";
        Cli::command()
            .error(ErrorKind::ArgumentConflict, text)
            .exit();
    }
    cli
}

/// The answers of a file; why they cannot be opened is said.
fn open(path: &Path, purpose: Purpose) -> Result<Opened, ExitCode> {
    let answers = Answers::load(path).map_err(|problems| complain(&problems, exit::USAGE))?;
    Opened::open(answers, None, purpose, &Tried::default()).map_err(|error| ended(&Err(error)))
}

fn write_json(told: &impl serde::Serialize) -> io::Result<()> {
    let mut out = io::stdout();
    serde_json::to_writer(&mut out, told)?;
    writeln!(out)
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
