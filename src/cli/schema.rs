//! `schema`: the JSON schemas of the answers, and of what commands print for programs.

use std::io::Write as _;
use std::process::ExitCode;

use clap::ValueEnum;

use super::streams::out;
use crate::answers;
use crate::report::schema;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    /// An answers file
    Answers,
    /// An event of a run: install, backup create, drill, and the logs
    Event,
    /// The output of plan
    Plan,
    /// The output of check
    Check,
    /// The output of status; with --watch each line
    Status,
    /// The output of backup list
    Backups,
}

impl SchemaName {
    pub fn print(self) -> ExitCode {
        let text = match self {
            Self::Answers => answers::schema(),
            Self::Event => schema::EVENT,
            Self::Plan => schema::PLAN,
            Self::Check => schema::CHECK,
            Self::Status => schema::STATUS,
            Self::Backups => schema::BACKUPS,
        };
        // The reader may be gone.
        let _ = out().write_all(text.as_bytes());
        ExitCode::SUCCESS
    }
}
