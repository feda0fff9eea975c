//! An external load balancer, seen by a client of the API: it has no shell, so only what comes through
//! it is known.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Site, Trouble, proofs};
use crate::address::Endpoint;
use crate::cluster::kubeconfig::Access;
use crate::engine::api::ask;
use crate::engine::from_here;
use crate::events::Outcome;
use crate::plan::ExternalBalancerProof;
use crate::remote::RemoteError;

/// How long its own checks may take to find servers that have just started.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(20);
/// The connections of a round, for each server.
const ROUND: usize = 4;

/// It answers as the cluster by every name, every server is behind it, and nothing else is.
pub(super) fn prove(
    site: &mut Site<'_, '_>,
    wanted: &ExternalBalancerProof,
) -> Result<Outcome, Trouble> {
    let ca = proofs::cluster_ca(site)?;
    let at = &wanted.at;
    let deadline = Instant::now() + patience(site);
    for name in &wanted.names {
        let verdict = loop {
            let verdict = proofs::ping_as(site, at, name, &ca)?;
            if verdict.holds() || Instant::now() >= deadline || site.run.control.wait(PAUSE) {
                break verdict;
            }
        };
        let (got, holds) = (verdict.got.to_string(), verdict.holds());
        site.proved(name, verdict.expected(), got.clone(), holds)?;
        if !holds {
            return Err(Trouble::because(format!(
                "the load balancer at {at} does not answer as the cluster: {name}: {got}"
            )));
        }
    }
    servers(site, wanted)?;
    if site.ahead.is_some() {
        return Ok(Outcome::Unchanged);
    }
    let verdict = from_here::ping(at, &ca);
    let got = verdict.got.to_string();
    if !verdict.holds() {
        return Ok(Outcome::Warned {
            why: format!(
                "this machine does not reach the cluster at {at}: {got}. kubectl works here once it \
                 does; the nodes reach it"
            ),
        });
    }
    site.proved("from this machine", verdict.expected(), got, true)?;
    Ok(Outcome::Unchanged)
}

/// A look ahead waits for nothing.
fn patience(site: &Site<'_, '_>) -> Duration {
    if site.ahead.is_some() {
        Duration::ZERO
    } else {
        PATIENCE
    }
}

/// Connections until each server has answered one, and none of a round has failed.
fn servers(site: &mut Site<'_, '_>, wanted: &ExternalBalancerProof) -> Result<(), Trouble> {
    let access = site.run.memory.administrator();
    let access = access.ok_or_else(|| {
        Trouble::because(
            "the administrator's certificate, /etc/rancher/k3s/k3s.yaml on server 1, is not known",
        )
    })?;
    let known = known(site, wanted, &access)?;
    let name = wanted.at.name.to_string();
    let deadline = Instant::now() + patience(site);
    let (mut seen, mut count) = (BTreeSet::new(), 0);
    let failed = loop {
        let mut failed = None;
        for _ in 0..ROUND * wanted.servers.len() {
            count += 1;
            match who_answers(site, &wanted.at, &name, &access)? {
                Ok(who) if known.contains_key(&who) => {
                    seen.insert(who);
                }
                Ok(who) => {
                    failed = Some(format!("{who} answers, which is no server of the answers"));
                }
                Err(why) => failed = Some(why),
            }
        }
        let is_done = failed.is_none() && seen.len() == known.len();
        if is_done || Instant::now() > deadline || site.run.control.wait(PAUSE) {
            break failed;
        }
    };
    let mut broken = Vec::new();
    for (who, (server, at)) in &known {
        let holds = seen.contains(who);
        let got = if holds {
            "answers through the load balancer".to_owned()
        } else {
            let direct = who_answers(site, at, &at.name.to_string(), &access)?;
            let direct = match direct {
                Ok(_) => "answers this host directly".to_owned(),
                Err(why) => format!("does not answer this host directly either: {why}"),
            };
            format!("not seen in {count} connections through the load balancer; it {direct}")
        };
        if !holds {
            broken.push(format!("{server} {got}"));
        }
        site.proved(server, "answers", got, holds)?;
    }
    if let Some(why) = failed {
        let got = format!("a connection through the load balancer failed: {why}");
        site.proved("connections", "all succeed", got.clone(), false)?;
        broken.push(got);
    } else {
        let got = format!("all of {} succeed", ROUND * wanted.servers.len());
        site.proved("connections", "all succeed", got, true)?;
    }
    match broken.first() {
        None => Ok(()),
        Some(first) => Err(Trouble::because(format!(
            "not every server answers through the external load balancer: {first}"
        ))
        .with_lines(broken)),
    }
}

/// Each server by what it says of itself when it is asked directly. One that does not answer is known by
/// the address that it would advertise.
fn known(
    site: &mut Site<'_, '_>,
    wanted: &ExternalBalancerProof,
    access: &Access,
) -> Result<BTreeMap<String, (String, Endpoint)>, Trouble> {
    let mut known = BTreeMap::new();
    for (server, at) in &wanted.servers {
        let at = Endpoint::from(*at);
        let who = who_answers(site, &at, &at.name.to_string(), access)?;
        let who = who.unwrap_or_else(|_| at.to_string());
        if let Some((other, _)) = known.insert(who, (server.clone(), at)) {
            return Err(Trouble::because(format!(
                "{other} and {server} advertise the same address: they cannot be told apart"
            )));
        }
    }
    Ok(known)
}

/// The server behind a new connection; the inner error is why none answers.
fn who_answers(
    site: &mut Site<'_, '_>,
    at: &Endpoint,
    name: &str,
    access: &Access,
) -> Result<Result<String, String>, RemoteError> {
    match ask(site.remote, at, name, access, ATTEMPT, |api| {
        api.advertised()
    }) {
        Ok(said) => Ok(said.map_err(|error| error.to_string())),
        Err(error) if error.ends_connection() => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}
