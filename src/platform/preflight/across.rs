//! Hosts compared with each other.

use super::{Requirements, RowDraft};
use crate::answers::{Check, Role};

/// Seconds between clocks that K3s takes for the same moment (docs/facts.md, "Clocks").
const APART: f64 = 3.0;
/// Worth a warning.
const DRIFTS: f64 = 1.0;
/// How far this machine may be ahead of all hosts: certificates are valid from an hour before their
/// creation.
const TO_COME: f64 = 3300.0;
/// From here on, the times that this machine writes down are misleading.
const MISLEADING: f64 = 60.0;

const SET_CLOCK: &str = "Set this machine's clock, or those of all hosts: timedatectl set-ntp true";

pub(super) fn check(sheets: &mut [RowDraft<'_>], wanted: Requirements<'_>) {
    clocks(sheets);
    names(sheets);
    node_passwords(sheets);
    data(sheets, wanted);
}

/// Compared with the median, so that one wrong clock does not affect the others.
fn clocks(sheets: &mut [RowDraft<'_>]) {
    let clocks = sheets
        .iter()
        .filter_map(|sheet| sheet.looked.facts.clock_ahead);
    let mut clocks: Vec<_> = clocks.collect();
    clocks.sort_by(f64::total_cmp);
    let Some(median) = clocks.get(clocks.len().saturating_sub(1) / 2).copied() else {
        return;
    };
    for sheet in sheets {
        let Some(ahead) = sheet.looked.facts.clock_ahead else {
            continue;
        };
        sheet.looks_at(Check::Clock);
        if -median > TO_COME {
            sheet.fails(
                Check::Clock,
                format!(
                    "this machine's clock is {:.0} s ahead of all hosts: they would refuse \
                     certificates created here",
                    -median
                ),
                SET_CLOCK,
            );
        } else if median.abs() > MISLEADING {
            let direction = if median > 0.0 { "behind" } else { "ahead of" };
            let off = median.abs();
            sheet.warns(
                Check::Clock,
                format!(
                    "this machine's clock is {off:.0} s {direction} all hosts: the times in its \
                     logs and reports are wrong"
                ),
                SET_CLOCK,
            );
        }
        let off = ahead - median;
        if off.abs() <= DRIFTS {
            continue;
        }
        let direction = if off > 0.0 { "ahead of" } else { "behind" };
        let cause = format!(
            "its clock is {:.1} s {direction} the other hosts",
            off.abs()
        );
        let remedy = "timedatectl set-ntp true, and wait for \"System clock synchronized: yes\"";
        if off.abs() > APART && sheet.role() != Role::LoadBalancer {
            let cause = format!("{cause}; K3s and its certificates allow {APART} s");
            sheet.fails(Check::Clock, cause, remedy);
        } else {
            sheet.trial(Check::Clock, cause, remedy);
        }
    }
}

fn names(sheets: &mut [RowDraft<'_>]) {
    let facts: Vec<_> = sheets
        .iter()
        .map(|sheet| (sheet.looked.host.name.clone(), sheet.looked.facts))
        .collect();
    for (number, sheet) in sheets.iter_mut().enumerate() {
        sheet.looks_at(Check::Names);
        let own = sheet.looked.facts;
        let twins = |same: &dyn Fn(&crate::platform::Facts) -> bool| {
            let others = facts.iter().enumerate();
            let names: Vec<_> = others
                .filter(|(other, (_, facts))| *other != number && same(facts))
                .map(|(_, (name, _))| name.as_str())
                .collect();
            (!names.is_empty()).then(|| names.join(", "))
        };
        let machine =
            twins(&|other| !own.machine_id.is_empty() && other.machine_id == own.machine_id);
        let boot = twins(&|other| {
            // Containers of one machine have its boot id.
            let both = !own.boot_id.is_empty() && other.boot_id == own.boot_id;
            both && !own.machine_id.is_empty() && other.machine_id == own.machine_id
        });
        let name = twins(&|other| !own.hostname.is_empty() && other.hostname == own.hostname);
        if let Some(others) = boot {
            sheet.fails(
                Check::Names,
                format!("it is the same machine as {others}"),
                "Use a separate machine for every host in the answers",
            );
            continue;
        }
        if let Some(others) = machine {
            sheet.fails(
                Check::Names,
                format!("its machine id is the same as that of {others}: it is a clone"),
                "rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; reboot",
            );
        }
        if let Some(others) = name {
            let own_name = &sheet.looked.host.name;
            sheet.fails(
                Check::Names,
                format!(
                    "its host name, {}, is the same as that of {others}",
                    own.hostname
                ),
                format!("hostnamectl set-hostname {own_name}"),
            );
        }
    }
}

/// A cluster knows its nodes by a password on their disks: a reinstalled host has lost
/// it, and would be refused for ever (docs/facts.md, "What stays on a host").
fn node_passwords(sheets: &mut [RowDraft<'_>]) {
    let known: Vec<_> = sheets
        .iter()
        .flat_map(|sheet| sheet.looked.facts.k3s.known_nodes.clone())
        .collect();
    for sheet in sheets {
        let name = &sheet.looked.host.name;
        let lost = sheet.is_node() && !sheet.looked.facts.k3s.node_password && known.contains(name);
        if lost {
            sheet.fails(
                Check::Existing,
                format!(
                    "the cluster has a node {name}, but this host was reinstalled and lost its \
                     node password: the cluster would refuse it"
                ),
                format!(
                    "On a server: k3s kubectl delete node {name}; k3s kubectl -n kube-system \
                     delete secret {name}.node-password.k3s"
                ),
            );
        }
    }
}

/// A server on a database without its cluster's row begins another cluster there (docs/facts.md,
/// "First server").
fn data(sheets: &mut [RowDraft<'_>], wanted: Requirements<'_>) {
    let runs =
        |sheet: &&RowDraft<'_>| sheet.role() == Role::Server && sheet.looked.facts.runs_our_k3s();
    let Some(server) = sheets.iter().find(runs) else {
        return;
    };
    let server = server.looked.host.name.clone();
    let database = &wanted.topology.datastore.database;
    let is_ours = |token: &String| token == wanted.token;
    let has_data = |sheet: &RowDraft<'_>| {
        let tokens = &sheet.looked.facts.postgres.tokens;
        sheet.role() == Role::Postgres && tokens.iter().any(is_ours)
    };
    // A member that is down, or new, follows the one that has the data.
    if wanted.topology.datastore.is_pair() && sheets.iter().any(has_data) {
        return;
    }
    for sheet in sheets {
        if sheet.role() != Role::Postgres {
            continue;
        }
        let postgres = &sheet.looked.facts.postgres;
        let is_bare = !postgres.asked && postgres.clusters.is_empty();
        if is_bare || (postgres.asked && !postgres.tokens.iter().any(is_ours)) {
            sheet.fails(
                Check::Existing,
                format!(
                    "{server} runs this cluster, but the database {database} here has no data of \
                     it: the servers would create another cluster"
                ),
                "Set the database that the cluster uses, or restore its data there. `grep \
                 datastore-endpoint /etc/rancher/k3s/config.yaml` on the server shows it",
            );
        }
    }
}
