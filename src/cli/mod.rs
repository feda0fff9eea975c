//! The command line: one file per command. It parses arguments, prints, and sets the exit code.

mod answers;
mod backup;
mod bundle;
mod check;
mod cluster;
mod confirm;
mod drill;
mod help;
mod install;
mod kubeconfig;
mod load_balancer;
mod logins;
mod node;
mod plan;
mod replay;
mod schema;
mod status;
mod streams;
mod wizard;

use std::io::{self, Write as _};
use std::panic::set_hook;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

use crate::answers::Answers;
use crate::engine::control::Control;
use crate::events::End;
use crate::frontends::printed::Printed;
use crate::frontends::{Display, Output, tui};
use crate::panics::told;
use crate::redact::Redactor;
use crate::run::{Frontend, Opened, Purpose, RunError, Tried, exit};
use crate::signals::SignalWatch;
use streams::{err, out};

/// Installs a highly available K3s, with Postgres as its datastore, on bare Linux machines, over SSH only.
///
/// Without a command and without --answers it starts the wizard, which asks for everything on screens.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    /// Without a command: install from this file without questions, as install --answers FILE does
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
    /// Do not probe hosts while you enter them
    #[arg(long, alias = "no-knock")]
    no_probe: bool,
    /// Refuse everything that would change a host, the state folder or your kubeconfig
    #[arg(long, global = true)]
    read_only: bool,
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
    Status(status::StatusArgs),
    /// Compare the hosts with what the last successful run applied; changes nothing, exits with 6
    /// if something has drifted
    Check(cluster::WhichCluster),
    /// Back up the cluster's database
    #[command(subcommand)]
    Backup(backup::BackupVerb),
    /// Take down machines and services one after the other, measure the effect, and bring them
    /// back; all of them, unless you name some
    Drill(drill::DrillArgs),
    /// Replace a lost host
    #[command(subcommand)]
    Node(node::NodeVerb),
    /// Print the configuration for an external load balancer, or measure whether it keeps an idle
    /// connection open
    #[command(subcommand)]
    LoadBalancer(load_balancer::LoadBalancerVerb),
    /// Create one file with everything that hosts without internet install
    #[command(subcommand)]
    Bundle(bundle::BundleVerb),
    /// Replay a recorded run on the screens of the wizard, or follow a run in another terminal
    Replay(replay::ReplayArgs),
    /// Print a cluster's kubeconfig, or merge it into your own
    Kubeconfig(kubeconfig::KubeconfigArgs),
    /// Example, schema and validation of answers files
    #[command(subcommand)]
    Answers(answers::AnswersHelp),
    /// Print a JSON schema: of answers files, or of what a command prints with --output json
    Schema {
        #[arg(value_name = "NAME")]
        name: schema::SchemaName,
    },
    /// Print completions for a shell
    Completions { shell: Shell },
    /// Print the manual page
    Man,
}

/// The exit codes are those of [`crate::run::exit`], the variable is that of [`crate::state`].
const AFTER_HELP: &str = "\
Environment:
  K3S_HA_WIZARD_STATE  the folder with the state of all clusters, in place of
                       ~/.local/state/k3s-ha-wizard

Exit codes:
  0  done
  1  a step failed, the cluster is unhealthy, a backup is damaged, or load-balancer idle
     lost its connection
  2  wrong usage, invalid answers, or a change that the wizard refuses
  3  stopped by the operator
  4  another run is using a host or the state folder
  5  a host, or an external Postgres, failed the preflight
  6  check found drift (even if it could not compare everything)
  7  could not check: a host did not answer, or credentials are missing
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";

/// Runs the command and returns the exit code.
pub fn main() -> ExitCode {
    keep_memory_private();
    set_hook(Box::new(|panic| {
        let _ = writeln!(err(), "The wizard has a bug: it {}", told(panic));
    }));
    raise_file_limit();
    let cli = parsed();
    let (display, read_only) = (&cli.display, cli.read_only);
    if let Some(verb) = cli.changes().filter(|_| read_only) {
        return complain(&read_only_refuses(verb), exit::USAGE);
    }
    let tried = Tried {
        read_only,
        ..Tried::default()
    };
    match cli.command {
        Some(Command::Install(install)) => install.run(display),
        Some(Command::Plan(plan)) => plan.run(display.output, &tried),
        Some(Command::Status(status)) => status.run(display.output, &tried),
        Some(Command::Check(which)) => check::run(&which, display.output, &tried),
        Some(Command::Backup(verb)) => verb.run(display),
        Some(Command::Drill(drill)) => drill.run(display),
        Some(Command::Node(verb)) => verb.run(display, &tried),
        Some(Command::LoadBalancer(verb)) => verb.run(),
        Some(Command::Bundle(verb)) => verb.run(),
        Some(Command::Replay(replay)) => replay.run(display, read_only),
        Some(Command::Kubeconfig(args)) => args.run(),
        Some(Command::Answers(help)) => help.run(),
        Some(Command::Schema { name }) => name.print(),
        Some(Command::Completions { shell }) => help::completions(shell, Cli::command()),
        Some(Command::Man) => help::man(Cli::command()),
        None => match &cli.answers {
            Some(answers) => install::install(answers, Purpose::Run, display),
            None => wizard::run(display, !cli.no_probe, read_only),
        },
    }
}

impl Cli {
    /// The verb of the command line, if it changes something.
    fn changes(&self) -> Option<&'static str> {
        match &self.command {
            Some(command) => command.changes(),
            None => self.answers.is_some().then_some("install"),
        }
    }
}

impl Command {
    /// Its name, if it changes something on hosts, in the state folder or in the operator's
    /// kubeconfig.
    fn changes(&self) -> Option<&'static str> {
        match self {
            Self::Install(_) => Some("install"),
            Self::Backup(verb) => verb.changes(),
            Self::Drill(drill) => drill.changes(),
            Self::Node(verb) => verb.changes(),
            Self::Bundle(verb) => Some(verb.name()),
            Self::Kubeconfig(args) => args.changes(),
            Self::Plan(_)
            | Self::Status(_)
            | Self::Check(_)
            | Self::LoadBalancer(_)
            | Self::Replay(_)
            | Self::Answers(_)
            | Self::Schema { .. }
            | Self::Completions { .. }
            | Self::Man => None,
        }
    }
}

/// Why a verb is refused, and what to do instead.
fn read_only_refuses(verb: &str) -> String {
    format!(
        "--read-only refuses {verb}, because it changes something. These change nothing: \
         `k3s-ha-wizard status` shows the cluster, `k3s-ha-wizard check` compares the hosts with \
         what was applied, and `k3s-ha-wizard plan --answers FILE` shows what install would do."
    )
}

/// No core dump, and no other process of the operator reads this one's memory or environment.
fn keep_memory_private() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // Each is a second defence: the wizard works without them.
    let _ = setrlimit(Resource::Core, none);
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
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
    let cli = Cli::try_parse().unwrap_or_else(|error| end_with(&error));
    let conflict = |text| end_with(&Cli::command().error(ErrorKind::ArgumentConflict, text));
    if cli.command.is_some() && (cli.answers.is_some() || cli.no_probe) {
        conflict("--answers and --no-probe cannot be used in front of a command");
    }
    let is_wizard = cli.command.is_none() && cli.answers.is_none();
    if is_wizard && cli.display.output == Output::Json {
        conflict("--output json is for commands and --answers: the wizard talks to an operator");
    }
    cli
}

/// Ends the process with help or an error, which quotes the arguments that it refuses.
fn end_with(error: &clap::Error) -> ! {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.render().to_string();
    let _ = write!(err(), "{}", Redactor::default().text(&text));
    std::process::exit(exit::USAGE.into())
}

/// Opens an answers file; prints why it cannot be opened.
fn open(path: &Path, purpose: Purpose, tried: &Tried) -> Result<Opened, ExitCode> {
    let answers = Answers::load(path).map_err(|problems| complain(&problems, exit::USAGE))?;
    Opened::open(answers, None, purpose, tried).map_err(|error| ended(&Err(error)))
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
    let mut printed = Printed::new(output, verbose, again, tui::columns(), &out, err(), &begins);
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
