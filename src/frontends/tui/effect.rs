//! What pages ask for: another page, and what has to be done outside of the screens.

use std::path::PathBuf;

use super::page::Page;
use crate::answers::{Answers, CredentialKind, Host};
use crate::cluster::details::ObjectName;
use crate::events::{Abort, Decision, StepId};
use crate::secrets::SecretText;

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Show another page. The model does that itself: it never leaves it.
    Go(Page),
    Quit,
    Suspend,
    /// Take the terminal again: another process had it.
    TakeTerminal,
    Redraw,
    Copy(String),
    /// Look at the cluster of this name, without a run.
    Watch(String),
    /// Find out what can be drilled in the cluster of this name.
    ListDrills(String),
    Drill(DrillOrder),
    /// Ask for more of an object of the cluster.
    LookAt(ObjectName),
    /// Connect to the hosts of these answers, and plan.
    Reach(Box<Answers>),
    /// The same with secrets that were given meanwhile: others that were wrong are not sent again.
    ReachOn(Box<Answers>),
    /// Try a host in the background.
    Probe(Box<ProbeOrder>),
    StopProbe(u64),
    /// Wrong passwords may be sent once more.
    Forgive,
    /// Log in with this from now on.
    Give(Box<EnteredSecret>),
    /// Check the hosts once more, while they wait.
    CheckAgain,
    /// Plan for the hosts as they were checked.
    Plan,
    /// Carry out what was planned, or not.
    Begin(bool),
    /// How many phases may begin; all where there is no number.
    LetBegin(Option<usize>),
    /// Gives the terminal to a shell on this host until that ends.
    Shell(Box<Answers>, String),
    /// What becomes of a step that failed.
    Decide(StepId, Decision),
    Abort(Abort),
    /// Those that were typed: other answers take the place of theirs.
    ForgetSecrets,
    Save {
        what: Saved,
        path: String,
        /// Also in the place of another file.
        replaces: bool,
    },
    KeepDraft(Box<Answers>),
    Load(PathBuf),
    /// Make a secret for the field with this key.
    Generate(&'static str),
}

/// Which drills of which cluster, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DrillOrder {
    pub cluster: String,
    pub names: Vec<String>,
}

/// What is saved to a file of the operator's.
#[derive(Debug, Clone, PartialEq)]
pub enum Saved {
    Answers(Box<Answers>),
    /// The lines of the log that are shown.
    Log(String),
}

/// What the operator wants of the hosts that wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    CheckAgain,
    Plan,
    Begin(bool),
}

/// Which host to try, and with what the answers say of all.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbeOrder {
    pub id: u64,
    pub host: Host,
    pub answers: Answers,
}

/// A secret that the operator typed.
#[derive(Debug, Clone, PartialEq)]
pub struct EnteredSecret {
    pub host: Host,
    pub what: CredentialKind,
    /// `None`: the password of the SSH login to this host.
    pub secret: Option<SecretText>,
    pub for_all: bool,
}
