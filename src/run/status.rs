//! How a cluster is now: asked over connections that change nothing and take no lease.

use time::OffsetDateTime;

use super::known::KnownError;
use super::poll::{Place, Poll, each, explained, first};
use super::{Tried, exit, rfc_3339};
use crate::cluster::Cluster;
use crate::cluster::datastore::Datastore;
use crate::engine::control::Control;
use crate::engine::watch::PollTarget;
use crate::pki::Certificate;
use crate::remote::RemoteError;
use crate::report::status::ClusterStatus;

/// Looks at a cluster, as often as wanted: the connections are kept from one look to the next.
pub struct Looks<'a> {
    poll: &'a Poll,
    servers: Vec<Place<'a>>,
    clients: Vec<Place<'a>>,
    postgres: Vec<Place<'a>>,
    balancers: Vec<Place<'a>>,
}

/// What one look saw.
#[derive(Debug)]
pub struct ClusterLook {
    pub status: ClusterStatus,
    /// Why hosts were not looked at.
    pub unseen: Vec<RemoteError>,
}

impl<'a> Looks<'a> {
    /// An abort of `control` ends the connections, and so a look.
    pub fn of(poll: &'a Poll, tried: &Tried, control: &'a Control) -> Result<Self, KnownError> {
        let (servers, postgres) = (poll.servers(tried)?, poll.postgres(tried)?);
        let (balancers, clients) = (poll.balancers(tried)?, poll.clients(tried)?);
        let others = [clients, postgres, balancers];
        Ok(Self::at(poll, servers, others, control))
    }

    fn at(
        poll: &'a Poll,
        servers: Vec<PollTarget>,
        [clients, postgres, balancers]: [Vec<PollTarget>; 3],
        control: &'a Control,
    ) -> Self {
        let places = |targets: Vec<PollTarget>| {
            let targets = targets.into_iter();
            targets.map(|target| Place::of(target, control)).collect()
        };
        Self {
            poll,
            servers: places(servers),
            clients: places(clients),
            postgres: places(postgres),
            balancers: places(balancers),
        }
    }

    /// How the cluster is now.
    pub fn look(&mut self, now: OffsetDateTime) -> ClusterLook {
        let poll = self.poll;
        let (servers, postgres) = (&mut self.servers, &mut self.postgres);
        let (clients, balancers) = (&mut self.clients, &mut self.balancers);
        let (cluster, seen_by_client, datastore, held) = std::thread::scope(|scope| {
            let has_clients = !clients.is_empty();
            let seen = scope.spawn(|| first(clients, |remote| poll.balancer(remote)));
            let datastore = scope.spawn(|| each(postgres, |remote| poll.member(remote)));
            let held = scope.spawn(|| each(balancers, |remote| poll.holds(remote)));
            let cluster = first(servers, |remote| {
                let cluster = poll.cluster(remote)?;
                let balancer = (!has_clients).then(|| poll.balancer(remote)).transpose()?;
                Ok((cluster, balancer.flatten()))
            });
            let seen = seen.join().unwrap_or_default();
            let held = held.join().unwrap_or_default();
            (cluster, seen, datastore.join().unwrap_or_default(), held)
        });
        let mut problems = cluster.failed;
        problems.extend(seen_by_client.failed);
        let mut unseen = cluster.unseen;
        unseen.extend(seen_by_client.unseen);
        let others = datastore.unseen.into_iter().chain(held.unseen);
        let is_new = |error: &RemoteError| !unseen.contains(error);
        let others: Vec<_> = others.filter(is_new).collect();
        unseen.extend(others);
        let (from, picture) = cluster.answered.unzip();
        let (cluster, load_balancer) = picture.unwrap_or_default();
        let seen_by_client = seen_by_client.answered.and_then(|(_, balancer)| balancer);
        let load_balancer = load_balancer.or(seen_by_client);
        if from.is_some() {
            problems.extend(ill(&cluster));
        }
        let balancer = load_balancer.iter();
        problems.extend(balancer.filter_map(|balancer| {
            let problem = balancer.problem.as_ref()?;
            Some(format!("load balancer {}: {problem}", balancer.address))
        }));
        problems.extend(held.failed);
        let held = held.answered;
        let virtual_address = (!held.is_empty()).then(|| poll.virtual_address(&held));
        problems.extend(virtual_address.iter().filter_map(|it| {
            let problem = it.problem.as_ref()?;
            Some(format!("virtual address {}: {problem}", it.address))
        }));
        problems.extend(datastore.failed);
        let looks = datastore.answered;
        let datastore = (!looks.is_empty()).then(|| poll.datastore(&looks));
        problems.extend(datastore.iter().flat_map(Datastore::problems));
        let certificates = self.certificates(now, &mut problems);
        let status = ClusterStatus {
            cluster: poll.name().to_owned(),
            when: rfc_3339(now),
            healthy: problems.is_empty() && unseen.is_empty(),
            problems,
            unseen: unseen.iter().map(explained).collect(),
            from,
            nodes: cluster.nodes,
            pods: cluster.pods,
            load_balancer,
            virtual_address,
            datastore,
            certificates,
            changes: Vec::new(),
        };
        ClusterLook { status, unseen }
    }

    fn certificates(&self, now: OffsetDateTime, problems: &mut Vec<String>) -> Vec<Certificate> {
        let certificates = self.poll.certificates(now).unwrap_or_else(|error| {
            problems.push(error.to_string());
            Vec::new()
        });
        problems.extend(certificates.iter().filter_map(|it| {
            let problem = it.problem.as_ref()?;
            Some(format!("certificate of {}: {problem}", it.name))
        }));
        certificates
    }
}

/// The exit code of `status`. What was seen to be wrong counts more than what could not be seen.
pub fn exit_code(status: &ClusterStatus) -> u8 {
    if !status.problems.is_empty() {
        exit::FAILED
    } else if !status.unseen.is_empty() {
        exit::UNSEEN
    } else {
        0
    }
}

/// What is wrong, and what is not there yet: one look cannot tell which of it will come.
fn ill(cluster: &Cluster) -> Vec<String> {
    let mut all: Vec<String> = cluster.problems().chain(cluster.waiting()).collect();
    if cluster.nodes.is_empty() {
        all.push("there is no node".to_owned());
    }
    all
}

#[cfg(test)]
mod tests;
