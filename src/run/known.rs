//! The clusters that are known on this machine, and how each is asked.

use std::path::{Path, PathBuf};

use super::poll::Poll;
use super::{RunError, exit};
use crate::answers::{Answers, Problems};
use crate::state::{self, Folder, StateError};

/// Why nobody could be asked.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    #[error("no cluster is known here yet: the first run of `k3s-ha-wizard` makes one known")]
    NoCluster,
    #[error("no cluster {name} is known here, but {known}")]
    Unknown { name: String, known: String },
    #[error("several clusters are known here, say which one with --cluster: {0}")]
    Several(String),
    #[error("the answers are those of the cluster {theirs}, not of {name}")]
    OtherAnswers { name: String, theirs: String },
    #[error(transparent)]
    Answers(#[from] Problems),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("no run of this cluster has ended well yet, so there is nothing to compare it with")]
    NotApplied,
    #[error("{0}. Other answers than those that are kept are given with --answers FILE")]
    Run(#[from] RunError),
}

/// A cluster that is known here.
pub struct KnownCluster {
    folder: Folder,
    /// How its hosts are reached.
    answers: Answers,
    /// What the last successful run applied.
    applied: Option<Answers>,
    authority: Option<String>,
}

impl KnownCluster {
    /// It is compared with what was applied; before a run has ended well, with what was wanted.
    pub fn poll(self) -> Result<Poll, KnownError> {
        let expected = self.applied.unwrap_or_else(|| self.answers.clone());
        Ok(Poll::new(
            self.folder,
            self.answers,
            &expected,
            self.authority,
        )?)
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The answers as they were applied, with which its hosts are logged in to as it is known now.
    pub fn applied(self) -> Result<Answers, KnownError> {
        let applied = self.applied.ok_or(KnownError::NotApplied)?;
        Ok(applied.with_logins_of(&self.answers))
    }
}

/// Finds a cluster in the state folder: by its name, by that in the answers, or because there is no
/// other.
pub fn find(
    root: Option<PathBuf>,
    name: Option<&str>,
    answers: Option<&Path>,
) -> Result<KnownCluster, KnownError> {
    let root = state::root(root)?;
    let known = state::clusters(&root)?;
    let given = answers.map(Answers::load).transpose()?;
    let theirs = given.as_ref().map(|answers| answers.cluster.name.clone());
    let name = match (name.map(str::to_owned), theirs) {
        (Some(name), Some(theirs)) if name != theirs => {
            return Err(KnownError::OtherAnswers { name, theirs });
        }
        (Some(name), _) | (None, Some(name)) => name,
        (None, None) => match &known[..] {
            [] => return Err(KnownError::NoCluster),
            [only] => only.clone(),
            several => return Err(KnownError::Several(several.join(", "))),
        },
    };
    if known.is_empty() {
        return Err(KnownError::NoCluster);
    }
    // Nothing is made for a name that was mistyped.
    if !known.contains(&name) {
        let known = known.join(", ");
        return Err(KnownError::Unknown { name, known });
    }
    let folder = Folder::open(Some(root), &name)?;
    let Some(state) = folder.state()? else {
        return Err(KnownError::NoCluster);
    };
    Ok(KnownCluster {
        folder,
        answers: given.unwrap_or(state.answers),
        applied: state.applied.map(|applied| applied.answers),
        authority: state.cluster_ca,
    })
}

/// The exit code of a command for a cluster that is not found, or cannot be asked.
pub fn error_code(error: &KnownError) -> u8 {
    match error {
        KnownError::State(_) => exit::FAILED,
        KnownError::Run(error) => exit::of_error(error),
        KnownError::NoCluster
        | KnownError::Unknown { .. }
        | KnownError::Several(_)
        | KnownError::NotApplied
        | KnownError::OtherAnswers { .. }
        | KnownError::Answers(_) => exit::USAGE,
    }
}
