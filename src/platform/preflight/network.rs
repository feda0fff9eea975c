//! Whether hosts reach each other, as far as that could be tried.

use super::{Looked, RowDraft};
use crate::answers::Check;
use crate::platform::network::{Contact, PATIENCE};
use crate::topology::{Link, Topology};

pub(super) fn check(sheet: &mut RowDraft<'_>) {
    let looked = sheet.looked;
    for (link, contact) in looked.links {
        sheet.looks_at(Check::Network);
        let Link { to, at, .. } = link;
        let (ip, port) = (at.ip(), at.port());
        let there = format!("{to} port {port} ({ip})");
        let let_in = match looked.host.cluster_ip() {
            Some(own) => format!("On {to}, let {own} in to {port}/tcp"),
            None => format!("On {to}, let this host in to {port}/tcp"),
        };
        match contact {
            Contact::Reached | Contact::Later => {}
            Contact::Refused => sheet.fails(
                Check::Network,
                format!(
                    "it does not reach {there}: refused, although somebody listens there: a \
                     firewall rejects it"
                ),
                let_in,
            ),
            Contact::Silent => sheet.fails(
                Check::Network,
                format!(
                    "it does not reach {there}: no answer within {PATIENCE} s: is a firewall in \
                     between?"
                ),
                format!("{let_in}; or look for the way: ping {ip}"),
            ),
            Contact::NoWay(why) => sheet.fails(
                Check::Network,
                format!("it does not reach {there}: {why}"),
                format!("ip route get {ip} shows where it would go"),
            ),
            Contact::Untried(why) => sheet.warns(
                Check::Network,
                format!("whether it reaches {there} is not known: {why}"),
                format!("timeout {PATIENCE} bash -c '</dev/tcp/{ip}/{port}' tells it, once somebody listens"),
            ),
        }
    }
}

/// What is not tried, of all hosts.
pub(super) fn notes(topology: &Topology, hosts: &[Looked<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let later = hosts
        .iter()
        .flat_map(|looked| looked.links)
        .filter(|(_, contact)| *contact == Contact::Later)
        .count();
    if later > 0 {
        notes.push(format!(
            "Not known is whether {later} of the ways between hosts are open: nobody listens at their \
             ends yet. A run opens what is not installed yet for a moment, and tries them before it \
             changes anything"
        ));
    }
    if topology.nodes().count() > 1 {
        notes.push(
            "8472/udp between nodes, the way of the pods' network, is tried once it is there, at the end \
             of the run"
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
        k3s-server-1 network FAIL: it does not reach k3s-postgres port 5432 (198.51.100.11): no answer within 3 s: is a firewall in between? | On k3s-postgres, let 198.51.100.12 in to 5432/tcp; or look for the way: ping 198.51.100.11
        k3s-nginx network FAIL: it does not reach k3s-server-2 port 6443 (198.51.100.13): refused, although somebody listens there: a firewall rejects it | On k3s-server-2, let 198.51.100.14 in to 6443/tcp
        k3s-agent network FAIL: it does not reach k3s-server-1 port 10250 (198.51.100.12): Network is unreachable | ip route get 198.51.100.12 shows where it would go
        k3s-agent network FAIL: whether it reaches k3s-server-2 port 6443 (198.51.100.13) is not known: no listener | timeout 3 bash -c '</dev/tcp/198.51.100.13/6443' tells it, once somebody listens
        ");
        insta::assert_snapshot!(grid.notes.join("\n"), @r"
        Not known is whether 1 of the ways between hosts are open: nobody listens at their ends yet. A run opens what is not installed yet for a moment, and tries them before it changes anything
        8472/udp between nodes, the way of the pods' network, is tried once it is there, at the end of the run
        ");
        // A listener of an earlier run of ours is nobody's program.
        let left = found(BALANCER, |facts| {
            facts.ports.push(port(6443, "systemd-socket-", LISTENER));
        });
        assert_eq!(left, "");
    }
}
