//! The preflight, before anything is changed: one row per host, one column per check. A pure
//! function of the answers and the facts.
//!
//! What cannot be known does not fail, so that a container can be a host.
//!
//! * `host`: one host; `existing`: what is already installed; `across`: hosts compared
//! * `pair`: a pair of Postgres hosts with a part on a new machine
//! * `external`: an external Postgres, as servers see it
//! * `network`: whether they can reach each other; `virtual_address`: of two load balancers;
//!   `external_balancer`: whether they reach an external one
//! * `print`: the grid as text

mod across;
mod existing;
mod external;
mod external_balancer;
mod host;
mod network;
mod pair;
mod print;
mod virtual_address;

use std::collections::{BTreeMap, BTreeSet};

use super::external::ExternalSight;
use super::network::Contact;
use super::{Facts, Sources};
use crate::answers::{Answers, Check, Host, Role};
use crate::topology::{Link, Replacement, Topology};

/// A host to check.
#[derive(Debug, Clone, Copy)]
pub struct Looked<'a> {
    pub host: &'a Host,
    pub facts: &'a Facts,
    pub sources: &'a Sources,
    /// The results of reaching other hosts from there.
    pub links: &'a [(Link, Contact)],
    /// What a server sees of an external Postgres.
    pub external: Option<&'a ExternalSight>,
    /// Units of an earlier run are still running there.
    pub busy: bool,
    /// Why it could not be looked at again.
    pub lost: Option<&'a str>,
}

/// What the hosts are compared with.
#[derive(Debug, Clone, Copy)]
pub struct Requirements<'a> {
    pub answers: &'a Answers,
    pub topology: &'a Topology,
    /// The first 12 digits of the SHA-256 of the cluster's token and of the agents'.
    pub token: &'a str,
    pub agent_token: &'a str,
    /// The file with the SQL for the DBA of an external Postgres, if it was written.
    pub dba_sql: Option<&'a str>,
    /// The part of a pair of Postgres hosts that is replaced.
    pub replaced: Option<&'a Replacement>,
}

/// A problem and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub cause: String,
    /// Usually a command. Several are a line each, below a line of text.
    pub remedy: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Fine,
    /// Only reported.
    Warns,
    /// Fit for a trial, not for production: only reported.
    Trial,
    /// Would stop the run, but the answers override it.
    Overridden,
    /// Stops the run.
    Fails,
}

/// The result of a check on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub level: Level,
    /// The findings of all levels up to that one; empty if all is fine.
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub host: String,
    /// Missing checks do not concern the host.
    pub cells: BTreeMap<Check, Cell>,
}

/// All findings.
#[derive(Default, Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    pub rows: Vec<Row>,
    /// What is not known yet.
    pub notes: Vec<String>,
    /// The cluster has one server, and stops with it.
    pub one_server: bool,
}

/// What the hosts are fit for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fitness {
    /// Something fails.
    Unfit,
    /// They run, but not as a cluster in production should; or a failing check was overridden.
    Trial,
    Production,
}

/// The grid of some hosts, in their order.
pub fn grid(wanted: Requirements<'_>, hosts: &[Looked<'_>]) -> Grid {
    let mut sheets: Vec<_> = hosts.iter().map(|looked| RowDraft::new(*looked)).collect();
    for sheet in &mut sheets {
        host::check(sheet, wanted);
        existing::check(sheet, wanted);
        network::check(sheet, wanted, hosts);
        external::check(sheet, wanted, hosts);
    }
    across::check(&mut sheets, wanted);
    pair::check(&mut sheets, wanted);
    virtual_address::check(&mut sheets, wanted);
    Grid {
        one_server: wanted.topology.servers.len() == 1,
        rows: sheets
            .into_iter()
            .map(|sheet| sheet.row(wanted.answers))
            .collect(),
        notes: [
            host::notes(hosts),
            network::notes(wanted, hosts),
            external::notes(wanted, hosts),
            external_balancer::notes(wanted, hosts),
        ]
        .concat(),
    }
}

impl Grid {
    /// Whether the run may start.
    pub fn passes(&self) -> bool {
        self.of(Level::Fails).next().is_none()
    }

    /// Whether there is nothing to say of any host: what was overridden is decided.
    pub fn is_well(&self) -> bool {
        self.unwell().is_empty()
    }

    /// The hosts with problems: those on which a check fails; if none does, those with warnings.
    pub fn unwell(&self) -> BTreeSet<String> {
        let hosts = |level| self.of(level).map(|(host, _, _)| host.to_owned());
        let fails: BTreeSet<_> = hosts(Level::Fails).collect();
        if fails.is_empty() {
            return hosts(Level::Warns).chain(hosts(Level::Trial)).collect();
        }
        fails
    }

    pub fn fitness(&self) -> Fitness {
        let has = |level| self.of(level).next().is_some();
        if has(Level::Fails) {
            Fitness::Unfit
        } else if self.one_server || has(Level::Trial) || has(Level::Overridden) {
            Fitness::Trial
        } else {
            Fitness::Production
        }
    }

    /// The cells of a level, with host and check.
    pub fn of(&self, level: Level) -> impl Iterator<Item = (&str, Check, &Cell)> {
        self.rows.iter().flat_map(move |row| {
            row.cells
                .iter()
                .filter(move |(_, cell)| cell.level == level)
                .map(|(check, cell)| (&*row.host, *check, cell))
        })
    }

    /// The warnings for a run that goes on: host and text.
    pub fn warnings(&self) -> Vec<(String, String)> {
        let overridden = self
            .of(Level::Overridden)
            .map(|cell| (cell, " (overridden)"));
        let trial = self
            .of(Level::Trial)
            .map(|cell| (cell, " (fit for a trial only)"));
        let warned = self.of(Level::Warns).map(|cell| (cell, ""));
        overridden
            .chain(trial)
            .chain(warned)
            .flat_map(|((host, check, cell), how)| {
                cell.findings.iter().map(move |finding| {
                    let remedy = finding.remedy.replace(":\n", ": ").replace('\n', "; ");
                    let text = format!("{check}{how}: {}. {remedy}", finding.cause);
                    (host.to_owned(), text)
                })
            })
            .collect()
    }
}

/// What speaks against a major version of Postgres: its level and why (docs/facts.md, "Postgres
/// settings").
fn old_postgres(version: u32) -> Option<(Level, &'static str)> {
    match version {
        ..12 => Some((
            Level::Fails,
            "before version 12, clientcert=verify-full silently means that no client certificate is \
             needed",
        )),
        12..15 => Some((Level::Warns, "K3s is tested with 15 and later")),
        _ => None,
    }
}

/// A row under construction.
struct RowDraft<'a> {
    looked: Looked<'a>,
    findings: BTreeMap<Check, Vec<(Level, Finding)>>,
}

impl<'a> RowDraft<'a> {
    fn new(looked: Looked<'a>) -> Self {
        Self {
            looked,
            findings: BTreeMap::new(),
        }
    }

    fn role(&self) -> Role {
        self.looked.host.role()
    }

    /// Whether it is one of two Postgres hosts, or their monitor.
    fn is_of_a_pair(&self, wanted: Requirements<'_>) -> bool {
        let datastore = &wanted.topology.datastore;
        let mut hosts = datastore.members.iter().chain(&datastore.monitors);
        datastore.is_pair() && hosts.any(|member| member.name == self.looked.host.name)
    }

    /// Whether K3s will run there.
    fn is_node(&self) -> bool {
        matches!(self.role(), Role::Server | Role::Agent)
    }

    /// The check concerns this host.
    fn looks_at(&mut self, check: Check) {
        self.findings.entry(check).or_default();
    }

    fn add(
        &mut self,
        level: Level,
        check: Check,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = Finding {
            cause: cause.into(),
            remedy: remedy.into(),
        };
        self.findings
            .entry(check)
            .or_default()
            .push((level, finding));
    }

    fn fails(&mut self, check: Check, cause: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Fails, check, cause, remedy);
    }

    fn warns(&mut self, check: Check, cause: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Warns, check, cause, remedy);
    }

    fn trial(&mut self, check: Check, cause: impl Into<String>, remedy: impl Into<String>) {
        self.add(Level::Trial, check, cause, remedy);
    }

    fn row(self, answers: &Answers) -> Row {
        let host = self.looked.host;
        let cell = |(check, mut findings): (Check, Vec<(Level, Finding)>)| {
            // The worst first.
            findings.sort_by(|(one, _), (other, _)| other.cmp(one));
            let mut level = findings.first().map_or(Level::Fine, |(level, _)| *level);
            let unseen = check == Check::Network && self.looked.lost.is_some();
            if level == Level::Fails && !unseen && answers.overrides(host, check) {
                level = Level::Overridden;
            }
            let findings = findings.into_iter().map(|(_, finding)| finding).collect();
            (check, Cell { level, findings })
        };
        Row {
            host: host.name.clone(),
            cells: self.findings.into_iter().map(cell).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
