//! Which of the clusters that are known here a command is about.

use std::path::PathBuf;

use clap::Args;

use crate::run::known::{self, KnownCluster, KnownError};

#[derive(Debug, Args)]
pub struct WhichCluster {
    /// Which cluster; may be left out where only one is known here
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Log in as this file says: passwords that stand in answers are kept nowhere
    #[arg(long, value_name = "FILE")]
    answers: Option<PathBuf>,
}

impl WhichCluster {
    pub fn find(&self) -> Result<KnownCluster, KnownError> {
        known::find(None, self.cluster.as_deref(), self.answers.as_deref())
    }
}
