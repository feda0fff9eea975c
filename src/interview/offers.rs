//! Where to start: clusters of earlier runs, and a draft.

use super::{drafts, text};
use crate::answers::Answers;
use crate::events::End;
use crate::state::{self, Folder};

/// What existed when the wizard was started.
#[derive(Debug, Default)]
pub struct Found {
    pub clusters: Vec<Known>,
    /// Answers that were typed but not run.
    pub draft: Option<Answers>,
    /// The operator is connected over SSH without tmux or screen.
    pub needs_tmux: bool,
    /// What could not be read.
    pub trouble: Option<String>,
}

/// A cluster with a state folder.
#[derive(Debug, Clone)]
pub struct Known {
    pub name: String,
    pub answers: Answers,
    /// Its last run, in words.
    pub story: String,
    pub unfinished: bool,
    /// A run of it has succeeded: there is a cluster to look at.
    pub is_installed: bool,
}

/// The choices.
#[derive(Debug, Clone, PartialEq)]
pub enum Offer {
    /// By its index among the found clusters.
    Cluster(usize),
    Draft,
    New,
    Open,
}

impl Found {
    /// The likeliest first.
    pub fn offers(&self) -> Vec<Offer> {
        let clusters = self.clusters.iter().enumerate();
        let (unfinished, done): (Vec<_>, Vec<_>) =
            clusters.partition(|(_, cluster)| cluster.unfinished);
        let cluster = |(place, _): (usize, &Known)| Offer::Cluster(place);
        unfinished
            .into_iter()
            .map(cluster)
            .chain(self.draft.is_some().then_some(Offer::Draft))
            .chain([Offer::New, Offer::Open])
            .chain(done.into_iter().map(cluster))
            .collect()
    }
}

/// Finds what can be continued.
pub fn find() -> Found {
    let set = |name: &str| std::env::var_os(name).is_some();
    let mut found = Found {
        needs_tmux: set("SSH_CONNECTION") && !set("TMUX") && !set("STY"),
        ..Found::default()
    };
    let Some(root) = drafts::state_root() else {
        return found;
    };
    found.draft = drafts::load(&root);
    let names = match state::clusters(&root) {
        Ok(names) => names,
        Err(error) => {
            found.trouble = Some(error.to_string());
            return found;
        }
    };
    for name in names {
        let state =
            Folder::open_to_read(Some(root.clone()), &name).and_then(|folder| folder.state());
        match state {
            Ok(Some(state)) => found.clusters.push(known(name, &state)),
            Ok(None) => {}
            Err(error) => found.trouble = Some(text::left_out(&name, &error.to_string())),
        }
    }
    found
}

fn known(name: String, state: &state::State) -> Known {
    let (story, unfinished) = match &state.last_run {
        Some(run) => {
            let how = text::ended(run.end.as_ref());
            let story = text::story(&run.when, &how, state.made.len());
            (story, run.end != Some(End::Done))
        }
        None => (text::never_run().to_owned(), true),
    };
    Known {
        name,
        answers: state.answers.clone(),
        story,
        unfinished,
        is_installed: state.applied.is_some(),
    }
}
