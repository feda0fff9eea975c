//! Whether hosts can reach each other, as far as that could be tested.

use std::collections::BTreeMap;

use super::{Looked, Requirements, RowDraft, external_balancer};
use crate::answers::Check;
use crate::platform::firewall::Firewall;
use crate::platform::network::{Contact, PATIENCE};
use crate::topology::{EXTERNAL_BALANCER, Link};

pub(super) fn check(sheet: &mut RowDraft<'_>, wanted: Requirements<'_>, hosts: &[Looked<'_>]) {
    let looked = sheet.looked;
    if let Some(why) = looked.lost {
        sheet.fails(
            Check::Network,
            format!("it can no longer be checked: {why}"),
            "If it is rebooting, wait: the wizard tries again",
        );
    }
    for (link, contact) in looked.links {
        sheet.looks_at(Check::Network);
        let Link { to, at, .. } = link;
        if to == EXTERNAL_BALANCER {
            external_balancer::check(sheet, at, contact, hosts);
            continue;
        }
        let (ip, port) = (&at.name, at.port);
        let there = format!("{to} port {port} ({ip})");
        let firewalls = firewalls_of(to, hosts);
        if is_blocked(contact) && will_open(firewalls, wanted) {
            continue;
        }
        let mut let_in = match looked.host.cluster_ip() {
            Some(own) => format!("On {to}, allow {own} to {port}/tcp"),
            None => format!("On {to}, allow this host to {port}/tcp"),
        };
        if let Some(firewall) = firewalls.first() {
            let name = firewall.name();
            let_in = format!("{let_in}: the check firewall of {to} has the commands for {name}");
        }
        match contact {
            Contact::Reached | Contact::Later => {}
            Contact::Refused => sheet.fails(
                Check::Network,
                format!(
                    "it cannot reach {there}: refused, although a process listens there: a \
                     firewall rejects it"
                ),
                let_in,
            ),
            Contact::Silent => sheet.fails(
                Check::Network,
                format!(
                    "it cannot reach {there}: no answer within {PATIENCE} s: is a firewall in \
                     between?"
                ),
                format!("{let_in}; or check the network path: ping {ip}"),
            ),
            Contact::NoWay(why) if !firewalls.is_empty() => sheet.fails(
                Check::Network,
                format!("it cannot reach {there}: {why}"),
                format!("{let_in}; or check the route: ip route get {ip}"),
            ),
            Contact::NoWay(why) => sheet.fails(
                Check::Network,
                format!("it cannot reach {there}: {why}"),
                format!("Check the route: ip route get {ip}"),
            ),
            Contact::Untried(why) => sheet.warns(
                Check::Network,
                format!("it is unknown whether it can reach {there}: {why}"),
                format!(
                    "Once a process listens there: timeout {PATIENCE} bash -c \
                         '</dev/tcp/{ip}/{port}'"
                ),
            ),
        }
    }
}

fn firewalls_of<'a>(host: &str, hosts: &[Looked<'a>]) -> &'a [Firewall] {
    let looked = hosts.iter().find(|looked| looked.host.name == host);
    looked.map_or(&[], |looked| &looked.facts.firewalls)
}

/// Whether a firewall can be the cause: firewalld answers that there is no route.
fn is_blocked(contact: &Contact) -> bool {
    matches!(
        contact,
        Contact::Refused | Contact::Silent | Contact::NoWay(_)
    )
}

/// Whether the run opens everything that rejects connections there.
fn will_open(firewalls: &[Firewall], wanted: Requirements<'_>) -> bool {
    let firewall = &wanted.answers.firewall;
    let mut all = firewalls.iter();
    !firewalls.is_empty() && all.all(|one| firewall.opens(one.can_be_opened()))
}

/// What the run does to firewalls, and which connections wait for it.
fn opened(wanted: Requirements<'_>, hosts: &[Looked<'_>]) -> Option<String> {
    let mut names: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for looked in hosts {
        for firewall in &looked.facts.firewalls {
            if wanted.answers.firewall.opens(firewall.can_be_opened()) {
                names
                    .entry(firewall.name())
                    .or_default()
                    .push(&looked.host.name);
            }
        }
    }
    if names.is_empty() {
        return None;
    }
    let names: Vec<_> = names
        .iter()
        .map(|(name, hosts)| format!("{name} on {}", hosts.join(", ")))
        .collect();
    let links = hosts.iter().flat_map(|looked| looked.links);
    let waiting = links.filter(|(link, contact)| {
        is_blocked(contact) && will_open(firewalls_of(&link.to, hosts), wanted)
    });
    let waiting = match waiting.count() {
        0 => String::new(),
        1 => " 1 connection is blocked until then.".into(),
        many => format!(" {many} connections are blocked until then."),
    };
    Some(format!(
        "The run adds rules for the cluster's links to {}, and tests the links afterwards.{waiting} \
         Your own clients of the API, such as kubectl, are not among them: allow them yourself",
        names.join(", and ")
    ))
}

/// What was not tested, for all hosts.
pub(super) fn notes(wanted: Requirements<'_>, hosts: &[Looked<'_>]) -> Vec<String> {
    let topology = wanted.topology;
    let mut notes: Vec<_> = opened(wanted, hosts).into_iter().collect();
    let later = hosts
        .iter()
        .flat_map(|looked| looked.links)
        .filter(|(link, contact)| *contact == Contact::Later && link.to != EXTERNAL_BALANCER)
        .count();
    if later > 0 {
        let connections = if later == 1 {
            "connection"
        } else {
            "connections"
        };
        notes.push(format!(
            "{later} {connections} between hosts could not be tested yet, because no process listens at the \
             other end. A run tests them before it changes anything, with temporary listeners"
        ));
    }
    if topology.nodes().count() > 1 {
        notes.push(
            "8472/udp between nodes (the pod network) is tested at the end of the run, once it exists"
                .into(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AGENT, BALANCER, SERVER, found, lab, port, told};
    use super::*;
    use crate::platform::network::LISTENER;

    #[test]
    fn who_does_not_reach_others_is_told_why() {
        let mut world = lab();
        for (host, number, contact) in [
            (SERVER, 0, Contact::Silent),
            (BALANCER, 1, Contact::Refused),
            (AGENT, 2, Contact::NoWay("Network is unreachable".into())),
            (AGENT, 3, Contact::Untried("no listener".into())),
            (AGENT, 4, Contact::Later),
        ] {
            world.links[host][number].1 = contact;
        }
        let grid = world.grid();
        insta::assert_snapshot!(told(&grid), @r"
        k3s-server-1 network FAIL: it cannot reach k3s-postgres port 5432 (198.51.100.11): no answer within 3 s: is a firewall in between? | On k3s-postgres, allow 198.51.100.12 to 5432/tcp; or check the network path: ping 198.51.100.11
        k3s-nginx network FAIL: it cannot reach k3s-server-2 port 6443 (198.51.100.13): refused, although a process listens there: a firewall rejects it | On k3s-server-2, allow 198.51.100.14 to 6443/tcp
        k3s-agent network FAIL: it cannot reach k3s-server-1 port 10250 (198.51.100.12): Network is unreachable | Check the route: ip route get 198.51.100.12
        k3s-agent network FAIL: it is unknown whether it can reach k3s-server-2 port 6443 (198.51.100.13): no listener | Once a process listens there: timeout 3 bash -c '</dev/tcp/198.51.100.13/6443'
        ");
        insta::assert_snapshot!(grid.notes.join("\n"), @r"
        1 connection between hosts could not be tested yet, because no process listens at the other end. A run tests them before it changes anything, with temporary listeners
        8472/udp between nodes (the pod network) is tested at the end of the run, once it exists
        ");
        // A listener of an earlier run has no program.
        let left = found(BALANCER, |facts| {
            facts.ports.push(port(6443, "systemd-socket-", LISTENER));
        });
        assert_eq!(left, "");
    }
}
