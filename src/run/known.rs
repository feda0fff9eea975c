//! The clusters known on this machine, and how to reach each.

use std::path::{Path, PathBuf};

use super::planned::for_kubectl;
use super::poll::Poll;
use super::{RunError, exit};
use crate::answers::{Answers, Problems};
use crate::state::{self, Folder, StateError};

/// Why no cluster could be reached.
#[derive(Debug, thiserror::Error)]
pub enum KnownError {
    #[error(
        "there is no cluster in the state folder of this machine: run `k3s-ha-wizard` first, or set K3S_HA_WIZARD_STATE to the folder that has it"
    )]
    NoCluster,
    #[error("there is no cluster {name} in the state folder. Known: {known}")]
    Unknown { name: String, known: String },
    #[error("there are several clusters in the state folder. Choose one with --cluster: {0}")]
    Several(String),
    #[error("the answers are for the cluster {theirs}, not for {name}")]
    OtherAnswers { name: String, theirs: String },
    #[error(transparent)]
    Answers(#[from] Problems),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("no run of this cluster has succeeded yet, so there is nothing to compare with")]
    NotApplied,
    #[error("{0}. To use other answers than the stored ones, add --answers FILE")]
    Run(#[from] RunError),
}

/// A known cluster.
pub struct KnownCluster {
    folder: Folder,
    /// How to reach its hosts.
    answers: Answers,
    /// What the last successful run applied.
    applied: Option<Answers>,
    authority: Option<String>,
}

impl KnownCluster {
    /// The status compares it with what was applied, or with the answers if no run has succeeded
    /// yet.
    pub fn poll(self) -> Result<Poll, KnownError> {
        let expected = self.applied.unwrap_or_else(|| self.answers.clone());
        Ok(Poll::new(
            self.folder,
            self.answers,
            &expected,
            self.authority,
        )?)
    }

    /// What an operator types to use it.
    pub fn for_kubectl(&self) -> Vec<String> {
        for_kubectl(&self.folder.kubeconfig())
    }

    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// What was applied, and the current answers.
    pub fn both(self) -> Result<(Answers, Answers), KnownError> {
        let applied = self.applied.ok_or(KnownError::NotApplied)?;
        Ok((applied, self.answers))
    }

    /// The applied answers, with the current logins.
    pub fn applied(self) -> Result<Answers, KnownError> {
        let applied = self.applied.ok_or(KnownError::NotApplied)?;
        Ok(applied.with_logins_of(&self.answers))
    }
}

/// Finds a cluster in the state folder: by its name, by the name in the answers, or because it is
/// the only one.
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
    // A mistyped name must not create a folder.
    if !known.contains(&name) {
        let known = known.join(", ");
        return Err(KnownError::Unknown { name, known });
    }
    let folder = Folder::open_to_read(Some(root), &name)?;
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

/// The exit code for a cluster that is not found, or cannot be reached.
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
