//! The pod network, tried from each of its nodes.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::{Site, Trouble};
use crate::engine::hosts::output;
use crate::events::Outcome;
use crate::plan::{Late, Neighbour, OverlayProof};
use crate::platform::{Facts, facts_script, firewall};
use crate::proof::overlay::{self, Answer, PORT, VXLAN};
use crate::remote::RemoteError;
use crate::topology::{AllowedPort, KUBELET, Link};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(30);
/// A node that has just joined is not known to the others at once.
const PATIENCE: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(500);

/// Another node.
struct Peer<'a> {
    name: &'a str,
    /// Outside of the tunnel.
    at: IpAddr,
    /// In the tunnel.
    addresses: [IpAddr; 2],
}

/// From a node: the others answer through the tunnel.
pub(super) fn prove(site: &mut Site<'_, '_>, wanted: &OverlayProof) -> Result<Outcome, Trouble> {
    let run = site.run;
    if let Some(why) = &wanted.untried_because {
        return Ok(not_tried(why));
    }
    let networks = site.bound(Late::PodNetworks);
    let networks = networks.ok_or_else(|| Trouble::because("the pod networks are not known"))?;
    let networks: BTreeMap<_, _> = networks
        .expose()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let (mut peers, mut untried) = (Vec::new(), Vec::new());
    for Neighbour { name, ip } in &wanted.neighbours {
        let range = networks.get(name.as_str());
        match range.and_then(|range| overlay::addresses(range)) {
            Some(addresses) => peers.push(Peer {
                name,
                at: *ip,
                addresses,
            }),
            None => untried.push(format!("{name} has no network for pods (podCIDR)")),
        }
    }
    let Some(device) = peers.first().map(|peer| overlay::device(peer.addresses[0])) else {
        return Ok(not_tried(&untried.join("; ")));
    };

    let since = Instant::now();
    let mut answers = look(site, device, &peers, false)?;
    while let Some(some) = &answers
        && some.iter().any(Answer::is_missing)
        && site.ahead.is_none()
        && since.elapsed() < PATIENCE
        && !run.control.wait(PAUSE)
    {
        answers = look(site, device, &peers, true)?;
    }
    let Some(answers) = answers else {
        let why = format!("there is no {device} here, the device of flannel's backend vxlan");
        return Ok(not_tried(&why));
    };

    let mut broken = Vec::new();
    for (peer, answer) in peers.iter().zip(answers) {
        let (got, holds) = match answer {
            Answer::Through => (format!("answers through {device}"), true),
            Answer::Not(why) => {
                broken.push((peer, why.clone(), true));
                (why, false)
            }
            Answer::NoWay(why) => {
                broken.push((peer, why.clone(), false));
                (why, false)
            }
            Answer::Untried(why) => {
                untried.push(format!("{}: {why}", peer.name));
                continue;
            }
        };
        site.proved(peer.name, "answers", got, holds)?;
    }
    match broken.first() {
        Some(_) => Err(failed(site, wanted.own, &broken)?),
        None if untried.is_empty() => Ok(Outcome::Unchanged),
        None => Ok(not_tried(&untried.join("; "))),
    }
}

/// What cannot be tried is no proof, and no failure either.
fn not_tried(why: &str) -> Outcome {
    Outcome::Warned {
        why: format!("not tested: {why}"),
    }
}

/// All of them in one round trip; nothing where there is no such device. `both`: at either of their
/// addresses.
fn look(
    site: &mut Site<'_, '_>,
    device: &str,
    peers: &[Peer<'_>],
    both: bool,
) -> Result<Option<Vec<Answer>>, RemoteError> {
    let (mut links, mut at) = (Vec::new(), Vec::new());
    for which in 0..=usize::from(both) {
        for peer in peers {
            at.push(peer.at);
            links.push(Link {
                from: site.host.to_owned(),
                to: peer.name.to_owned(),
                at: SocketAddr::new(peer.addresses[which], KUBELET).into(),
            });
        }
    }
    let (_, said, _) = output(site.remote, &overlay::script(device, &links), LOOK)?;
    let Some(mut answers) = overlay::parse(&said, device, &links, &at) else {
        return Ok(None);
    };
    let second = answers.split_off(peers.len());
    for (answer, second) in answers.iter_mut().zip(second) {
        if second == Answer::Through {
            *answer = second;
        }
    }
    Ok(Some(answers))
}

/// Who does not reach whom, and what opens the way. Of each: whether it gets lost between the two.
fn failed(
    site: &mut Site<'_, '_>,
    own: IpAddr,
    broken: &[(&Peer<'_>, String, bool)],
) -> Result<Trouble, RemoteError> {
    let here = site.host;
    let names: Vec<_> = broken.iter().map(|(peer, ..)| peer.name).collect();
    let mut why = format!(
        "{here} does not reach {} through the pod network: {}",
        names.join(", "),
        broken.first().map_or("", |(_, why, _)| why),
    );
    let lost = broken.iter().filter(|(_, _, is_lost)| *is_lost);
    let lost: Vec<_> = lost.map(|(peer, ..)| peer.at).collect();
    if !lost.is_empty() {
        let others: Vec<_> = lost.iter().map(ToString::to_string).collect();
        let others = others.join(", ");
        why = format!("{why}. {PORT} must be open, both ways, between {own} and {others}");
        let (_, told, _) = output(site.remote, &facts_script(None, None), LOOK)?;
        for guard in &Facts::parse(&told).firewalls {
            let remedy = guard.opens(&firewall::port_for(&lost, AllowedPort::Udp(VXLAN)));
            let commands = remedy.commands.join(" && ");
            why = format!("{why}. On {here}, {}: {commands}", remedy.cause);
        }
    }
    let lines = broken
        .iter()
        .map(|(peer, why, _)| format!("{here} to {} ({}): {why}", peer.name, peer.at));
    Ok(Trouble::because(why).with_lines(lines.collect()))
}
