//! Parses the command line, and decides what the process prints and how it ends.

mod headless;

use std::io::{self, BufReader, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};
use k3s_ha_wizard::answers::{self, Answers};
use k3s_ha_wizard::cli::{AnswersCommand, Cli, Command};
use k3s_ha_wizard::plain;
use k3s_ha_wizard::run::{Purpose, exit};
use k3s_ha_wizard::tui::{self, Left};

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        let _ = writeln!(io::stderr(), "{error}");
    }
    let cli = parsed();
    let display = &cli.display;
    match cli.command {
        Some(Command::Install {
            answers,
            changed_by_hand,
        }) => {
            let purpose = if changed_by_hand {
                Purpose::TakeOver
            } else {
                Purpose::Run
            };
            headless::install(&answers, purpose, display)
        }
        Some(Command::Plan { answers, scripts }) => headless::plan(&answers, scripts.as_deref()),
        Some(Command::Status { cluster, answers }) => {
            headless::status(cluster.as_deref(), answers.as_deref(), display.output)
        }
        Some(Command::Check { cluster, answers }) => {
            headless::check(cluster.as_deref(), answers.as_deref(), display.output)
        }
        Some(Command::Answers { what }) => help_with_answers(what),
        Some(Command::Replay { file, at }) => say(&tui::replay(&file, at, display)),
        None => match &cli.answers {
            Some(answers) => headless::install(answers, Purpose::Run, display),
            None if display.plain || is_dumb() => walk_plainly(),
            None => say(&tui::wizard(display, !cli.no_knock)),
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

/// A terminal that can do no more than print.
fn is_dumb() -> bool {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

fn walk_plainly() -> ExitCode {
    let input = BufReader::new(io::stdin());
    let echo = Box::new(plain::echo::Terminal::default());
    match plain::wizard(input, io::stdout(), echo) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::from(exit::FAILED)
        }
    }
}

/// What is to be said once the screens are gone. Nobody may be reading any more.
fn say(left: &Left) -> ExitCode {
    let _ = io::stderr().write_all(left.complaints.as_bytes());
    let _ = io::stdout().write_all(left.summary.as_bytes());
    ExitCode::from(left.code)
}

fn help_with_answers(what: AnswersCommand) -> ExitCode {
    let text = match what {
        AnswersCommand::Example => answers::example(),
        AnswersCommand::Schema => answers::schema(),
        AnswersCommand::Validate { file } => match Answers::load(&file) {
            Ok(answers) => {
                for warning in answers.warnings() {
                    let _ = writeln!(io::stdout(), "{warning}");
                }
                "The answers are valid.\n"
            }
            Err(problems) => {
                let _ = writeln!(io::stderr(), "{problems}");
                return ExitCode::from(exit::USAGE);
            }
        },
    };
    // Nobody may be reading any more: `| head` is no failure.
    let _ = io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
