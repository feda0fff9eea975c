//! Parses the command line, and decides what the process prints and how it ends.

mod headless;

use std::io::{self, BufReader, IsTerminal as _, Write};
use std::process::ExitCode;

use clap::Parser;
use k3s_ha_wizard::answers::{self, Answers};
use k3s_ha_wizard::cli::{AnswersCommand, Cli, Command};
use k3s_ha_wizard::plain;
use k3s_ha_wizard::run::exit;
use k3s_ha_wizard::tui::{self, Left};

fn main() -> ExitCode {
    if let Err(error) = color_eyre::install() {
        let _ = writeln!(io::stderr(), "{error}");
    }
    let cli = Cli::parse();
    match (cli.command, &cli.run.answers) {
        (Some(Command::Plan { answers, scripts }), _) => {
            headless::plan(&answers, scripts.as_deref())
        }
        (
            Some(Command::Status {
                cluster,
                answers,
                output,
            }),
            _,
        ) => headless::status(cluster.as_deref(), answers.as_deref(), output),
        (Some(Command::Answers { what }), _) => help_with_answers(what),
        (None, Some(path)) => headless::install(path, &cli.run),
        (Some(Command::Replay { file, at, screens }), _) => say(&tui::replay(&file, at, &screens)),
        (None, None) if cli.run.plain || is_dumb() => walk_plainly(),
        (None, None) => say(&tui::wizard(&cli.screens)),
    }
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
