//! What is not a matter of one host's shell: certificates, proofs, waiting for the cluster.

mod bundle;
mod cluster;
mod drill;
mod external;
mod external_balancer;
mod installer;
mod links;
mod overlay;
mod proofs;
mod virtual_address;

use std::sync::{Mutex, PoisonError};

use super::{Run, printed};
use crate::events::{Failure, Outcome, Stream, What};
use crate::pki;
use crate::plan::{Late, LateValues, Step, Task, Work};
use crate::remote::{Remote, RemoteError};
use crate::secrets::SecretText;

/// Why a task did not succeed.
pub(super) enum Trouble {
    Remote(RemoteError),
    Failed(Failure),
}

impl Trouble {
    pub(super) fn because(why: impl Into<String>) -> Self {
        Self::Failed(Failure {
            why: why.into(),
            status: None,
            last_lines: Vec::new(),
            hint: None,
        })
    }

    fn with_lines(self, lines: Vec<String>) -> Self {
        match self {
            Self::Failed(failure) => Self::Failed(Failure {
                last_lines: lines,
                ..failure
            }),
            remote @ Self::Remote(_) => remote,
        }
    }
}

impl From<RemoteError> for Trouble {
    fn from(error: RemoteError) -> Self {
        Self::Remote(error)
    }
}

/// Where a task is done, and for which step.
pub(super) struct Site<'s, 'a> {
    pub run: &'s Run<'a>,
    pub step: &'s Step,
    pub late: &'s Mutex<LateValues>,
    pub host: &'s str,
    pub remote: &'s mut dyn Remote,
    /// Where it is a look ahead of its turn, what there is to say of it is kept. Such a look waits for
    /// nothing.
    pub ahead: Option<&'s mut Vec<What>>,
}

impl Site<'_, '_> {
    fn record(&mut self, what: What) {
        match &mut self.ahead {
            Some(kept) => kept.push(what),
            None => self.run.recorder.record(what),
        }
    }

    /// The first proof that does not hold ends a look ahead: it is tried again when its turn comes.
    fn proved(
        &mut self,
        case: &str,
        expected: &str,
        got: String,
        holds: bool,
    ) -> Result<(), Trouble> {
        self.record(What::Proved {
            step: self.step.id.clone(),
            case: case.to_owned(),
            expected: expected.to_owned(),
            got,
            holds,
        });
        if self.ahead.is_some() && !holds {
            return Err(Trouble::because("not yet"));
        }
        Ok(())
    }

    /// A line for the log of the step.
    fn say(&mut self, stream: Stream, text: &str) {
        let said = printed(&self.step.id, stream, text);
        self.record(said);
    }

    /// What an earlier step made known.
    fn bound(&self, name: Late) -> Option<SecretText> {
        let late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.get(&name).cloned()
    }

    /// Makes a late-bound input known.
    fn bind(&self, name: Late, value: SecretText) {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        late.insert(name, value);
    }
}

/// Whether a task changes nothing, so that it can be done ahead of its turn.
pub(super) fn only_looks(task: &Task) -> bool {
    match task {
        Task::ProveDatastore(_)
        | Task::ProveExternal(_)
        | Task::ProveStored { .. }
        | Task::ProveBalancer(_)
        | Task::ProveExternalBalancer(_)
        | Task::ProveEndpoint { .. }
        | Task::ProveHolder { .. }
        | Task::ProveVirtualAddress { .. }
        | Task::LearnPodNetworks
        | Task::ProveOverlay(_)
        | Task::ProveLinks(_)
        | Task::WaitForCluster { .. } => true,
        Task::KeepCertificates
        | Task::FetchInstaller { .. }
        | Task::SendBundle(_)
        | Task::LearnClusterCa
        | Task::CreateDatabase(_)
        | Task::KeepKubeconfig { .. }
        | Task::StartProbe(_)
        | Task::StopProbe(_) => false,
    }
}

/// Whether it changes its host without a unit, which would start only under the run's lease.
pub(super) fn changes_at_once(work: &Work) -> bool {
    match work {
        Work::Shell(_) => false,
        Work::Act(_) => true,
        Work::Task(task) => matches!(
            task,
            Task::SendBundle(_) | Task::CreateDatabase(_) | Task::StartProbe(_)
        ),
    }
}

/// Whether it is a task that leaves something that was not there before.
pub(super) fn leaves_something(work: &Work) -> bool {
    let Work::Task(task) = work else { return false };
    !only_looks(task) && !matches!(task, Task::StartProbe(_) | Task::StopProbe(_))
}

/// Does a task at a host.
pub(super) fn at(task: &Task, site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    match task {
        Task::KeepCertificates => here(task, site.run),
        Task::FetchInstaller { url, sha256, proxy } => {
            installer::fetch(site, url, sha256.as_deref(), proxy.as_ref())
        }
        Task::SendBundle(needs) => bundle::send(site, needs),
        Task::ProveDatastore(proof) => proofs::datastore(site, proof),
        Task::CreateDatabase(order) => external::create(site, order),
        Task::ProveExternal(datastore) => external::prove(site, datastore),
        Task::ProveStored { datastore, token } => external::stored(site, datastore, token),
        Task::LearnClusterCa => cluster::learn_ca(site),
        Task::ProveBalancer(proof) => proofs::balancer(site, proof),
        Task::ProveExternalBalancer(proof) => external_balancer::prove(site, proof),
        Task::ProveEndpoint { at } => proofs::endpoint(site, at),
        Task::ProveHolder { ip, other } => virtual_address::holder(site, *ip, other.as_deref()),
        Task::ProveVirtualAddress { at, has_moved } => virtual_address::seen(site, at, *has_moved),
        Task::KeepKubeconfig { url, name } => cluster::keep_kubeconfig(site, url, name),
        Task::LearnPodNetworks => cluster::learn_networks(site),
        Task::ProveOverlay(proof) => overlay::prove(site, proof),
        Task::ProveLinks(links) => links::prove(site, links),
        Task::WaitForCluster { nodes } => cluster::wait(site, nodes),
        Task::StartProbe(probe) => drill::start(probe, site),
        Task::StopProbe(probe) => drill::stop(probe, site),
    }
}

/// Does a task of this machine alone.
pub(super) fn here(task: &Task, run: &Run<'_>) -> Result<Outcome, Trouble> {
    if *task != Task::KeepCertificates {
        return Err(Trouble::because("this task needs a host"));
    }
    let folder = run.memory.folder;
    let directory = match run.pki.ca_key {
        Some(_) => folder.pki_dir(),
        None => folder.external_pki_dir(),
    };
    let failed = |error: pki::PkiError| Trouble::because(error.to_string());
    if pki::load(&directory).map_err(failed)?.holds(run.pki) {
        return Ok(Outcome::Unchanged);
    }
    pki::save(&directory, run.pki).map_err(failed)?;
    Ok(Outcome::Done)
}
