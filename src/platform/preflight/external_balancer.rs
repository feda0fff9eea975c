//! Whether nodes reach an external load balancer. Before the first server runs nothing answers behind
//! it, and many load balancers then refuse connections, or drop them.

use super::{Looked, Requirements, RowDraft};
use crate::address::Endpoint;
use crate::answers::{Check, Role};
use crate::platform::network::{Contact, PATIENCE, is_unresolved};
use crate::topology::{API, EXTERNAL_BALANCER, Link};

pub(super) fn check(
    sheet: &mut RowDraft<'_>,
    at: &Endpoint,
    contact: &Contact,
    hosts: &[Looked<'_>],
) {
    let name = &at.name;
    let there = format!("the external load balancer at {at}");
    let (cause, remedy) = match contact {
        Contact::NoWay(why) if is_unresolved(why) => (
            format!("it cannot resolve {name}, the name of the external load balancer: {why}"),
            format!(
                "Add {name} to the DNS that this host asks, or set load_balancer.endpoint to an address. \
                 Then: getent hosts {name}"
            ),
        ),
        Contact::NoWay(why) => (
            format!("it cannot reach {there}: {why}"),
            format!("Check the route: ip route get {name}"),
        ),
        Contact::Refused | Contact::Later if serves(hosts) => (
            format!("it cannot reach {there}: refused, although a server runs"),
            CONFIGURE.to_owned(),
        ),
        // It has nothing to forward to.
        Contact::Reached | Contact::Refused | Contact::Later => return,
        Contact::Silent if serves(hosts) => (
            format!(
                "it cannot reach {there}: no answer within {PATIENCE} s, although a server runs"
            ),
            CONFIGURE.to_owned(),
        ),
        Contact::Silent => {
            sheet.warns(
                Check::Network,
                format!("{there} does not answer within {PATIENCE} s"),
                "Some load balancers are silent before a server runs. If this one is not: check the \
                 network path and the firewalls in between",
            );
            return;
        }
        Contact::Untried(why) => {
            sheet.warns(
                Check::Network,
                format!("it is unknown whether it can reach {there}: {why}"),
                format!("timeout {PATIENCE} bash -c '</dev/tcp/{name}/{}'", at.port),
            );
            return;
        }
    };
    sheet.fails(Check::Network, cause, remedy);
}

const CONFIGURE: &str = "`k3s-ha-wizard load-balancer recipe` prints how to configure it";

/// Whether K3s of this cluster runs on a server.
fn serves(hosts: &[Looked<'_>]) -> bool {
    let mut servers = hosts
        .iter()
        .filter(|looked| looked.host.roles.contains(&Role::Server));
    servers.any(|looked| looked.facts.runs_our_k3s())
}

/// What is not known of it.
pub(super) fn notes(wanted: Requirements<'_>, hosts: &[Looked<'_>]) -> Vec<String> {
    let api = &wanted.topology.api;
    if !api.is_external() {
        return Vec::new();
    }
    let at = &api.at;
    let mut notes = Vec::new();
    let links = hosts.iter().flat_map(|looked| looked.links);
    let refused = |(link, contact): &&(Link, Contact)| {
        link.to == EXTERNAL_BALANCER && matches!(contact, Contact::Later | Contact::Refused)
    };
    if !serves(hosts) && links.filter(refused).count() > 0 {
        notes.push(format!(
            "The external load balancer at {at} refuses connections: it has no server yet. The run \
             tests it once the servers run, before agents join"
        ));
    }
    let is_closed = |looked: &&Looked<'_>| {
        looked.host.roles.contains(&Role::Server) && !looked.facts.firewalls.is_empty()
    };
    let closed = hosts.iter().filter(is_closed);
    let closed: Vec<_> = closed.map(|looked| looked.host.name.as_str()).collect();
    if !closed.is_empty() {
        notes.push(format!(
            "The external load balancer connects to {API}/tcp of every server from addresses that its \
             operator knows: allow them yourself in the firewalls of {}",
            closed.join(", ")
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::tests::{AGENT, BALANCER, PreflightWorld, SERVER, lab, told};
    use super::*;
    use crate::platform::UnitState;
    use crate::topology::Topology;

    /// The lab without its nginx; what came of reaching the load balancer from the agent.
    fn with(contact: Contact) -> PreflightWorld {
        let mut world = lab();
        world.answers.hosts.remove(BALANCER);
        world.facts.remove(BALANCER);
        world.sources.remove(BALANCER);
        world.links.remove(BALANCER);
        world.answers.load_balancer.endpoint = Some("lb.example".into());
        let topology = Topology::of(&world.answers).unwrap();
        for (host, links) in world.answers.hosts.iter().zip(&mut world.links) {
            let own = topology.links().into_iter();
            let own = own.filter(|link| link.from == host.name);
            *links = own.map(|link| (link, Contact::Reached)).collect();
        }
        let links = &mut world.links[AGENT - 1];
        let link = links
            .iter_mut()
            .find(|(link, _)| link.to == EXTERNAL_BALANCER);
        link.expect("a link").1 = contact;
        world
    }

    #[test]
    fn what_can_be_seen_of_it_before_and_after_a_server_runs() {
        let unresolved = Contact::NoWay("Name or service not known".into());
        let no_route = Contact::NoWay("No route to host".into());
        let untried = Contact::Untried("bash is not installed".into());
        let all = [
            unresolved,
            no_route,
            Contact::Later,
            Contact::Silent,
            untried,
        ];
        let mut text = String::new();
        for contact in all {
            for runs in [false, true] {
                let mut world = with(contact.clone());
                if runs {
                    let facts = &mut world.facts[SERVER];
                    facts.k3s.ours = true;
                    facts.units.insert("k3s.service".into(), UnitState::Active);
                }
                let grid = world.grid();
                let said = told(&grid);
                let said = said.lines().find(|line| line.contains(" network "));
                let said = said.unwrap_or("fine");
                let notes = grid.notes.iter().filter(|note| note.contains("external"));
                let notes: Vec<_> = notes.map(String::as_str).collect();
                let notes = notes.join("\n");
                let _ = writeln!(text, "{contact:?}, a server runs: {runs}\n{said}\n{notes}");
            }
        }
        insta::assert_snapshot!(text);
        assert_eq!(told(&with(Contact::Reached).grid()), "");
    }
}
