//! `answers`: help with answers files.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use super::streams::{err, out};
use crate::answers::{self, Answers};
use crate::run::exit;

#[derive(Debug, Subcommand)]
pub enum AnswersHelp {
    /// Print a commented example
    Example,
    /// Report every problem in a file
    Validate {
        /// The answers file; `-` is standard input
        file: PathBuf,
    },
    /// Print the JSON schema
    Schema,
}

impl AnswersHelp {
    pub fn run(self) -> ExitCode {
        let text = match self {
            Self::Example => answers::example(),
            Self::Schema => answers::schema(),
            Self::Validate { file } => match Answers::load(&file) {
                Ok(answers) => {
                    for warning in answers.warnings() {
                        let _ = writeln!(out(), "{warning}");
                    }
                    "The answers are valid.\n"
                }
                Err(problems) => {
                    let _ = writeln!(err(), "{problems}");
                    return ExitCode::from(exit::USAGE);
                }
            },
        };
        // The reader may be gone: `| head` is no failure.
        let _ = out().write_all(text.as_bytes());
        ExitCode::SUCCESS
    }
}
