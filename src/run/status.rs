//! How a cluster is now: asked once, over connections that change nothing and take no lease.

use time::OffsetDateTime;

use super::known::{self, KnownError};
use super::poll::{Poll, first};
use super::{Tried, exit, rfc_3339};
use crate::cluster::Cluster;
use crate::cluster::datastore::Datastore;
use crate::engine::watch::PollTarget;
use crate::report::status::ClusterStatus;

/// How the cluster is now.
pub fn ask(poll: &Poll, tried: &Tried) -> Result<ClusterStatus, KnownError> {
    let (servers, postgres) = (poll.servers(tried)?, poll.postgres(tried)?);
    Ok(ask_at(poll, servers, postgres, OffsetDateTime::now_utc()))
}

fn ask_at(
    poll: &Poll,
    servers: Vec<PollTarget>,
    postgres: Vec<PollTarget>,
    now: OffsetDateTime,
) -> ClusterStatus {
    let mut problems = Vec::new();
    let (cluster, datastore) = std::thread::scope(|scope| {
        let datastore = scope.spawn(|| first(postgres, |remote| poll.datastore(remote)));
        let cluster = first(servers, |remote| {
            Ok((poll.cluster(remote)?, poll.balancer(remote)?))
        });
        (cluster, datastore.join().unwrap_or_default())
    });
    let unseen = cluster.unreached || datastore.unreached;
    problems.extend(cluster.failed);
    let (from, picture) = cluster.answered.unzip();
    let (cluster, load_balancer) = picture.unwrap_or_default();
    if from.is_some() {
        problems.extend(ill(&cluster));
    }
    let balancer = load_balancer.iter();
    problems.extend(balancer.filter_map(|balancer| {
        let problem = balancer.problem.as_ref()?;
        Some(format!("load balancer {}: {problem}", balancer.address))
    }));
    problems.extend(datastore.failed);
    let datastore = datastore.answered.map(|(_, datastore)| datastore);
    problems.extend(datastore.iter().flat_map(Datastore::problems));
    let certificates = poll.certificates(now).unwrap_or_else(|error| {
        problems.push(error.to_string());
        Vec::new()
    });
    problems.extend(certificates.iter().filter_map(|it| {
        let problem = it.problem.as_ref()?;
        Some(format!("certificate of {}: {problem}", it.name))
    }));
    ClusterStatus {
        cluster: poll.name().to_owned(),
        when: rfc_3339(now),
        healthy: problems.is_empty(),
        problems,
        unseen,
        from,
        nodes: cluster.nodes,
        pods: cluster.pods,
        load_balancer,
        datastore,
        certificates,
    }
}

/// The exit code of `status`.
pub fn exit_code(told: &Result<ClusterStatus, KnownError>) -> u8 {
    match told {
        Ok(status) if status.unseen => exit::UNSEEN,
        Ok(status) if status.healthy => 0,
        Ok(_) => exit::FAILED,
        Err(error) => known::error_code(error),
    }
}

/// What is wrong, and what is not there yet: whoever asks once cannot tell which of it will come.
fn ill(cluster: &Cluster) -> Vec<String> {
    let mut all: Vec<String> = cluster.problems().chain(cluster.waiting()).collect();
    if cluster.nodes.is_empty() {
        all.push("there is no node".to_owned());
    }
    all
}

#[cfg(test)]
mod tests;
