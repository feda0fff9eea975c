//! Carries out a plan.
//!
//! * [`hosts`]: reaching hosts, before there is a plan, and again after a lost connection
//! * [`surroundings`]: what they can reach; `previews`: what will be written there
//! * `api`: asks K3s's API; `asking`: confirms with it what hosts say of nodes
//! * [`external`]: an external Postgres, asked from a server
//! * `scheduler`: what may run now; `worker`: one thread per host, which runs it; `ahead`: what a host
//!   looks at before its turn
//! * `tasks`: what one host's shell cannot do
//! * `measuring`: what clients of the API see during a drill
//! * [`collecting`]: fills a bundle from reference hosts
//! * `hints`: what to do about a failure, from its output
//! * [`control`]: decisions and aborts
//! * [`from_here`]: what this machine sees of the API endpoint
//! * [`look`]: reads the state of a cluster, without changing anything; [`watch`]: repeatedly

mod acts;
mod ahead;
mod api;
mod asking;
pub mod collecting;
mod comparison;
pub mod control;
pub mod external;
pub mod from_here;
mod hints;
pub mod hosts;
pub mod look;
mod measuring;
mod scheduler;
pub mod surroundings;
mod tasks;
pub mod watch;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bundle::Bundle;
use crate::cluster::kubeconfig::Access;
use crate::events::recorder::Recorder;
use crate::events::{End, StepId, Stream, What};
use crate::hash::sha256;
use crate::pki::Pki;
use crate::plan::{Late, LateValues, Plan, Step};
use crate::secrets::SecretText;
use crate::secrets::Secrets;
use crate::state::{Folder, State, StateError};
use control::Control;
use hosts::ReachedHost;

pub use api::Administrator;
pub use comparison::{Compared, compare};
pub use measuring::Measuring;

/// Everything that a run needs.
pub struct Run<'a> {
    /// The id of the run, on hosts and in its log's name.
    pub id: &'a str,
    pub plan: &'a Plan,
    pub pki: &'a Pki,
    pub secrets: &'a Secrets,
    /// What is installed from; else the internet, or mirrors.
    pub bundle: Option<&'a Bundle>,
    pub memory: &'a Memory<'a>,
    pub recorder: &'a Recorder,
    pub control: &'a Control,
    /// For drills.
    pub measuring: &'a Measuring,
}

impl Run<'_> {
    /// Carries out the plan on these hosts. Everything that happens is an event; the first one,
    /// [`What::Started`], has been recorded by the caller, the last one is recorded here.
    pub fn carry_out(&self, hosts: Vec<ReachedHost>) -> End {
        let late = Mutex::new(self.memory.late_values(self.secrets));
        let end = scheduler::Scheduler::new(self, &late).run(hosts);
        self.measuring.stop();
        self.recorder.record(What::Ended { end: end.clone() });
        end
    }
}

/// The state folder during a run.
pub struct Memory<'a> {
    pub folder: &'a Folder,
    administrator: Administrator,
    state: Mutex<State>,
}

impl<'a> Memory<'a> {
    pub fn new(folder: &'a Folder, state: State) -> Self {
        Self {
            folder,
            administrator: Administrator::of(folder),
            state: Mutex::new(state),
        }
    }

    /// What the administrator asks with, where a server has given it.
    fn administrator(&self) -> Option<Arc<Access>> {
        self.administrator.kept()
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state, and writes it if it differs.
    pub fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), StateError> {
        let mut state = self.state();
        let before = state.clone();
        change(&mut state);
        if *state == before {
            return Ok(());
        }
        self.folder.save(&state)
    }

    /// Results of earlier runs.
    pub fn late_values(&self, secrets: &Secrets) -> LateValues {
        let state = self.state();
        let mut values = BTreeMap::new();
        if let Some(sum) = &state.install_sha256
            && let Ok(Some(script)) = self.folder.install_script()
            && let Ok(script) = String::from_utf8(script)
        {
            values.insert(Late::InstallerSha256, sum.clone().into());
            values.insert(Late::Installer, script.into());
        }
        if let Some(ca) = &state.cluster_ca {
            values.insert(Late::JoinToken, join_token(ca, &secrets.agent_token));
        }
        values
    }
}

/// The secure form of the agents' token: it names the cluster's CA, so that an agent joins no
/// other cluster.
fn join_token(ca_pem: &str, agent_token: &SecretText) -> SecretText {
    let hash = sha256(ca_pem.as_bytes());
    format!("K10{hash}::node:{}", agent_token.expose()).into()
}

/// The number of last lines in a failure.
const LAST_LINES: usize = 20;

/// Keeps this line, and forgets the oldest where there are more than a failure shows.
fn keep_last<T>(lines: &mut VecDeque<T>, line: T) {
    if lines.len() == LAST_LINES {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn printed(step: &StepId, stream: Stream, text: &str) -> What {
    What::Output {
        step: step.clone(),
        stream,
        text: text.to_owned(),
    }
}

/// A value that no host can guess.
fn new_mark() -> Result<String, openssl::error::ErrorStack> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The name of a step's unit on its host.
fn unit_name(run: &str, step: &Step) -> String {
    let step = step.id.as_str();
    let step = step.split('@').next().unwrap_or(step).replace('/', ".");
    format!("k3s-ha-wizard.{run}.{step}")
}

#[cfg(test)]
pub(crate) mod tests;
