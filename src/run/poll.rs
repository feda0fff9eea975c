//! Looking at what runs have left of a cluster: whom to ask, and for what. Nothing is changed on
//! any host, and no lease is taken: a run may work there.

use time::OffsetDateTime;

use super::{RunError, Tried, ways};
use crate::answers::{Answers, Role};
use crate::cluster::datastore::Datastore;
use crate::cluster::{Cluster, ExpectedNode};
use crate::engine::Administrator;
use crate::engine::look::{self, Balancer};
use crate::engine::watch::PollTarget;
use crate::pki::{self, Certificate, PkiError};
use crate::remote::{Remote, RemoteError};
use crate::state::Folder;
use crate::topology::Topology;

/// A cluster that can be looked at.
#[derive(Debug)]
pub struct Poll {
    folder: Folder,
    administrator: Administrator,
    /// How its hosts are reached.
    answers: Answers,
    /// What it is compared with.
    topology: Topology,
    nodes: Vec<ExpectedNode>,
    /// The certificate of its own authority, where a run came so far.
    authority: Option<String>,
}

impl Poll {
    /// With these answers the hosts are logged in to; with those ones their cluster is compared.
    pub fn new(
        folder: Folder,
        answers: Answers,
        expected: &Answers,
        authority: Option<String>,
    ) -> Result<Self, RunError> {
        let topology = Topology::of(expected)?;
        Ok(Self {
            administrator: Administrator::of(&folder),
            folder,
            answers,
            nodes: topology.expected_nodes(&expected.k3s.version),
            topology,
            authority,
        })
    }

    pub fn name(&self) -> &str {
        &self.answers.cluster.name
    }

    /// How its hosts are reached.
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Who can be asked for nodes, pods and the load balancer.
    pub fn servers(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        ways::places(&self.answers, &self.folder, Role::Server, tried)
    }

    /// Who can be asked for the datastore.
    pub fn postgres(&self, tried: &Tried) -> Result<Vec<PollTarget>, RunError> {
        ways::places(&self.answers, &self.folder, Role::Postgres, tried)
    }

    pub fn cluster(&self, server: &mut dyn Remote) -> Result<Cluster, RemoteError> {
        look::cluster(server, &self.administrator, &self.nodes)
    }

    pub fn balancer(&self, server: &mut dyn Remote) -> Result<Option<Balancer>, RemoteError> {
        match &self.authority {
            Some(authority) => look::balancer(server, self.topology.api.at(), authority).map(Some),
            None => Ok(None),
        }
    }

    pub fn datastore(&self, postgres: &mut dyn Remote) -> Result<Datastore, RemoteError> {
        look::datastore(postgres, &self.topology)
    }

    /// Those that are kept on this machine.
    pub fn certificates(&self, now: OffsetDateTime) -> Result<Vec<Certificate>, PkiError> {
        pki::certificates(&self.folder.pki_dir(), &self.topology, now)
    }
}
