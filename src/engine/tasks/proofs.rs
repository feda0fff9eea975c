//! Proofs, each over the network of the host that it is about.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use super::{Site, Trouble};
use crate::address::Endpoint;
use crate::engine::hosts::output;
use crate::events::Outcome;
use crate::plan::{BalancerProof, DatastoreProof};
use crate::proof::balancer::{self, BalancerAnswer, BalancerVerdict};
use crate::proof::datastore::{
    self, Case, CaseOutcome, CaseVerdict, DatastoreKind, DatastoreTarget, Identities,
};
use crate::remote::{Relay, RemoteError, Script};

/// How long what ends without an answer is tried again: it shows neither. A reset can overtake the
/// last words of the other side.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The same through the load balancer: agents that tried too early made it leave the servers alone.
const BALANCER_PATIENCE: Duration = BalancerProof::REST.saturating_add(Duration::from_secs(3));
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// How often the load balancer is asked for every server that it has, before a server that never
/// answered is asked directly.
const ROUNDS: usize = 4;

/// From a server: who has the right certificate is let in, everybody else refused.
pub(super) fn datastore(
    site: &mut Site<'_, '_>,
    wanted: &DatastoreProof,
) -> Result<Outcome, Trouble> {
    let run = site.run;
    let own = run.pki.servers.get(site.host);
    let own = own.ok_or_else(|| Trouble::because("this server has no certificate"))?;
    let unknown = || Trouble::because("the key of the authority is not known");
    let ca = run.pki.authority().ok_or_else(unknown)?;
    let identities = Identities::new(&ca, own, &wanted.user, OffsetDateTime::now_utc())
        .map_err(|error| Trouble::because(error.to_string()))?;

    let mut broken = Vec::new();
    let mut primaries = 0;
    for (name, address) in &wanted.members {
        let datastore = DatastoreTarget {
            host: name,
            database: &wanted.database,
            user: &wanted.user,
            password: &run.secrets.db_password,
            ca_pem: &run.pki.ca_cert,
            kind: DatastoreKind::Own,
        };
        for case in Case::ALL {
            let proved = tried(
                site,
                &(*address).into(),
                PATIENCE,
                |relay| datastore::prove(case, &datastore, &identities, relay),
                |verdict| matches!(verdict.got, CaseOutcome::Broken { .. }),
            )?;
            let unreached = |error| CaseVerdict::unreached(case, &error);
            let verdict = proved.unwrap_or_else(unreached);
            let (expected, got) = (case.expected().to_string(), verdict.got.to_string());
            let writable = matches!(verdict.got, CaseOutcome::Passes { standby: false, .. });
            primaries += usize::from(case == Case::Right && writable);
            if !verdict.holds() {
                broken.push(format!("{} {got}", case.as_str()));
            }
            site.proved(case.as_str(), &expected, got, verdict.holds())?;
        }
    }
    if wanted.members.len() > 1 {
        let got = format!("{primaries} of {} can be written to", wanted.members.len());
        site.proved(
            "one primary",
            "one can be written to",
            got.clone(),
            primaries == 1,
        )?;
        if primaries != 1 {
            broken.push(got);
        }
    }
    held(broken, "the proof of mutual TLS with Postgres failed")
}

/// From the load balancer's host: every server answers behind it.
pub(super) fn balancer(
    site: &mut Site<'_, '_>,
    wanted: &BalancerProof,
) -> Result<Outcome, Trouble> {
    let address = Endpoint::from(wanted.at);
    let upstreams = &wanted.servers;
    let ca = cluster_ca(site)?;

    let log_size = log_size(site)?;
    let mut broken = Vec::new();
    let mut answered = BTreeSet::new();
    for _ in 0..ROUNDS {
        for _ in 0..upstreams.len() {
            let verdict = ping(site, &address, &ca)?;
            if !verdict.holds() {
                let (expected, got) = (verdict.expected(), verdict.got.to_string());
                broken.push(format!("{address} {got}"));
                site.proved("the load balancer", expected, got, false)?;
                return held(broken, "the load balancer does not forward to the cluster");
            }
        }
        answered.extend(answered_since(site, log_size)?);
        if upstreams.iter().all(|(_, to)| answered.contains(to)) {
            break;
        }
    }
    for (name, upstream) in upstreams {
        let (got, holds) = if answered.contains(upstream) {
            ("answers through the load balancer".to_owned(), true)
        } else {
            // nginx prefers the server that has fewer connections: one that is busy may not be chosen.
            let verdict = ping(site, &(*upstream).into(), &ca)?;
            let got = if verdict.holds() {
                "answers the load balancer; it has more connections than the others, so that it \
                 was not chosen now"
                    .to_owned()
            } else {
                verdict.got.to_string()
            };
            (got, verdict.holds())
        };
        if !holds {
            broken.push(format!("{name} {got}"));
        }
        site.proved(name, "answers", got, holds)?;
    }
    held(broken, "not every server answers through the load balancer")
}

/// From an agent: what it joins answers, and is the cluster.
pub(super) fn endpoint(site: &mut Site<'_, '_>, address: &Endpoint) -> Result<Outcome, Trouble> {
    let ca = cluster_ca(site)?;
    let verdict = ping(site, address, &ca)?;
    let (got, holds) = (verdict.got.to_string(), verdict.holds());
    site.proved(
        "the load balancer from here",
        verdict.expected(),
        got.clone(),
        holds,
    )?;
    let broken = if holds { vec![] } else { vec![got] };
    held(broken, "the load balancer does not answer as this cluster")
}

/// Asks the API at an address, over the network of the host.
pub(super) fn ping(
    site: &mut Site<'_, '_>,
    to: &Endpoint,
    ca_pem: &str,
) -> Result<BalancerVerdict, RemoteError> {
    ping_as(site, to, &to.name.to_string(), ca_pem)
}

/// The same, where the certificate must be good for this name.
pub(super) fn ping_as(
    site: &mut Site<'_, '_>,
    to: &Endpoint,
    name: &str,
    ca_pem: &str,
) -> Result<BalancerVerdict, RemoteError> {
    let proved = tried(
        site,
        to,
        BALANCER_PATIENCE,
        |relay| balancer::prove(name, ca_pem, relay),
        |verdict| matches!(verdict.got, BalancerAnswer::Broken { .. }),
    )?;
    Ok(proved.unwrap_or_else(|error| BalancerVerdict::unreached(name, &error)))
}

/// Proves something through a relay; again, for so long, where the result is broken, which shows
/// neither. The inner error is why there is no relay.
pub(super) fn tried<T>(
    site: &mut Site<'_, '_>,
    to: &Endpoint,
    patience: Duration,
    prove: impl Fn(Box<dyn Relay + '_>) -> T,
    is_broken: impl Fn(&T) -> bool,
) -> Result<Result<T, RemoteError>, RemoteError> {
    let end = Instant::now() + patience;
    loop {
        let result = match site.remote.relay(to, ATTEMPT) {
            Ok(relay) => prove(relay),
            Err(error) if error.ends_connection() => return Err(error),
            Err(error) => return Ok(Err(error)),
        };
        if Instant::now() > end || !is_broken(&result) || site.run.control.wait(PAUSE) {
            return Ok(Ok(result));
        }
    }
}

/// Which servers the log of the load balancer names as having answered, after its first so many
/// bytes.
fn answered_since(
    site: &mut Site<'_, '_>,
    bytes: u64,
) -> Result<BTreeSet<SocketAddr>, RemoteError> {
    // A line is written when its connection ends, which is a moment after we saw it end.
    let script = "sleep 0.05; tail -c \"+$FROM\" /var/log/k3s-lb/access.log 2>/dev/null";
    let script = Script::new(script).input("FROM", (bytes + 1).to_string());
    let (_, lines, _) = output(site.remote, &script, ATTEMPT)?;
    let shares = balancer::seen(lines.iter().map(String::as_str));
    let answered = shares.into_iter().filter(|(_, share)| share.answered > 0);
    Ok(answered.map(|(server, _)| server).collect())
}

fn log_size(site: &mut Site<'_, '_>) -> Result<u64, RemoteError> {
    let script = "wc -c </var/log/k3s-lb/access.log 2>/dev/null || echo 0";
    let (_, lines, _) = output(site.remote, &Script::new(script), ATTEMPT)?;
    let bytes = lines.first().and_then(|line| line.trim().parse().ok());
    Ok(bytes.unwrap_or(0))
}

pub(super) fn cluster_ca(site: &Site<'_, '_>) -> Result<String, Trouble> {
    let ca = site.run.memory.state().cluster_ca.clone();
    ca.ok_or_else(|| Trouble::because("the cluster's CA is not known yet"))
}

/// A proof changes nothing: it holds or it does not.
pub(super) fn held(broken: Vec<String>, what: &str) -> Result<Outcome, Trouble> {
    match broken.first() {
        None => Ok(Outcome::Unchanged),
        Some(first) => Err(Trouble::because(format!("{what}: {first}")).with_lines(broken)),
    }
}
