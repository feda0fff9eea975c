//! The status of a cluster for people: its parts, and at the end, where people look first, its
//! problems.

use std::io::{self, Write};

use super::summary::{nodes, pods, with_problems};
use super::{counted, plain};
use crate::cluster::datastore::Datastore;
use crate::report::status::ClusterStatus;

pub fn write<W: Write>(out: &mut W, status: &ClusterStatus) -> io::Result<()> {
    let name = &status.cluster;
    match &status.from {
        Some(from) => writeln!(out, "Cluster {name}, seen from {from} at {}", status.when)?,
        None => writeln!(out, "Cluster {name}: no server answers at {}", status.when)?,
    }
    nodes(out, &status.nodes)?;
    pods(out, &status.pods)?;
    if let Some(balancer) = &status.load_balancer {
        writeln!(
            out,
            "\nload balancer  {}: {}",
            plain(&balancer.address),
            plain(&balancer.got)
        )?;
    }
    if let Some(held) = &status.virtual_address {
        let address = plain(&held.address);
        writeln!(out, "\nvirtual address  {address}: {}", plain(&held.told()))?;
    }
    if let Some(datastore) = &status.datastore {
        members(out, datastore)?;
        let rows: Vec<_> = datastore
            .clients
            .iter()
            .map(|client| {
                let tls = client.tls.join(", ");
                let tls = if tls.is_empty() { "-".into() } else { tls };
                let cells = [client.name.clone(), client.connections.to_string(), tls];
                (
                    cells.map(|cell| plain(&cell)).to_vec(),
                    client.problem.clone(),
                )
            })
            .collect();
        writeln!(out)?;
        with_problems(out, &["SERVER", "DATASTORE CONNECTIONS", "TLS"], &rows)?;
    }
    if !status.certificates.is_empty() {
        let rows: Vec<_> = status
            .certificates
            .iter()
            .map(|it| {
                let days = it.days.max(0);
                let left = counted(usize::try_from(days).unwrap_or(usize::MAX), "day");
                let cells = vec![plain(&it.name), it.ends.clone(), left];
                (cells, it.problem.clone())
            })
            .collect();
        writeln!(out)?;
        with_problems(out, &["CERTIFICATE", "EXPIRES", "LEFT"], &rows)?;
    }
    if !status.changes.is_empty() {
        let changes = status.changes.iter();
        let changes = changes.map(|change| format!("{}  {}", change.when, change.what));
        listed(out, "Changes", changes)?;
    }
    if !status.unseen.is_empty() {
        let hosts = counted(status.unseen.len(), "host");
        let title = format!("Not checked: {hosts}");
        listed(out, &title, status.unseen.iter().cloned())?;
    }
    if !status.problems.is_empty() {
        let title = counted(status.problems.len(), "problem");
        listed(out, &title, status.problems.iter().cloned())?;
    }
    if status.healthy {
        writeln!(out, "\nThe cluster is healthy.")?;
    }
    Ok(())
}

/// The members of a pair.
fn members(out: &mut impl Write, datastore: &Datastore) -> io::Result<()> {
    if datastore.members.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = datastore
        .members
        .iter()
        .map(|member| {
            let mut cells = vec![plain(&member.name)];
            cells.extend(member.told());
            (cells, member.problem.clone())
        })
        .collect();
    writeln!(out)?;
    with_problems(out, &["POSTGRES", "ROLE", "IN SYNC", "LAG"], &rows)
}

/// A title, and indented lines below it.
fn listed(
    out: &mut impl Write,
    title: &str,
    texts: impl Iterator<Item = String>,
) -> io::Result<()> {
    writeln!(out, "\n{title}:")?;
    for text in texts {
        for line in text.lines() {
            writeln!(out, "  {}", plain(line))?;
        }
    }
    Ok(())
}
