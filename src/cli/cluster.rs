//! Which of the known clusters a command is about.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::complain;
use crate::answers::Answers;
use crate::run::known::{self, KnownCluster, KnownError};

#[derive(Debug, Args)]
pub struct NamedCluster {
    /// The cluster's name; not needed when the state folder has only one
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
}

impl NamedCluster {
    pub fn find(&self) -> Result<KnownCluster, KnownError> {
        known::find(None, self.cluster.as_deref(), None)
    }
}

/// For commands that log in to its hosts.
#[derive(Debug, Args)]
pub struct WhichCluster {
    #[command(flatten)]
    named: NamedCluster,
    /// Read logins and passwords from this answers file, and for node replace the new machine; the
    /// wizard does not store passwords
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

impl WhichCluster {
    pub fn find(&self) -> Result<KnownCluster, KnownError> {
        known::find(None, self.named.cluster.as_deref(), self.answers.as_deref())
    }

    /// The answers of its last successful run, and those that are given; else those of the last run.
    pub fn both(&self) -> Result<(Answers, Answers), KnownError> {
        self.find()?.both()
    }

    pub fn answers_file(&self) -> Option<&Path> {
        self.answers.as_deref()
    }

    /// The answers of its last successful run; why there are none is on standard error.
    pub fn applied(&self) -> Result<Answers, ExitCode> {
        let applied = self.find().and_then(KnownCluster::applied);
        applied.map_err(|error| complain(&error, known::error_code(&error)))
    }
}
