//! The hosts of a run, connected and leased, and whether they will do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use super::opened::Opened;
use super::{Planned, RunError};
use crate::answers::Role;
use crate::engine::control::Control;
use crate::engine::hosts::{self, Look, ReachedHost};
use crate::engine::surroundings::look_around;
use crate::plan::{Given, Plan};
use crate::platform::network::{Contact, Link};
use crate::platform::preflight::{self, Grid, Looked};
use crate::remote::lease::LeaseError;

/// Which hosts a run cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    All,
    /// These alone, by their names: no other host is connected to.
    Needed(BTreeSet<String>),
}

impl Reach {
    fn includes(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Needed(names) => names.contains(host),
        }
    }
}

/// The hosts are connected, and ours where something may be changed.
pub(super) struct Reached {
    opened: Opened,
    hosts: Vec<ReachedHost>,
}

/// It is known whether the hosts will do.
pub(super) struct Checked {
    opened: Opened,
    pub(super) hosts: Vec<ReachedHost>,
    grid: Grid,
}

impl Opened {
    /// Connects to all hosts at once; but a password that several share is first proven on one.
    /// `told` hears of each when it is connected.
    pub(super) fn reach(
        mut self,
        which: &Reach,
        control: &Control,
        told: &(dyn Fn(&ReachedHost) + Sync),
    ) -> Result<Reached, RunError> {
        let connectors = std::mem::take(&mut self.connectors);
        let answers = &self.answers;
        // A run that only looks takes no lease: another run may work there, even one from this
        // folder.
        let lease = self.lease();
        // Kept from an earlier run, the install script is not fetched again.
        let kept = matches!(self.folder.install_script(), Ok(Some(_)));
        let server_1 = answers.with_role(Role::Server).next();
        let look = Look {
            answers,
            fetches: server_1.filter(|_| !kept).map(|host| host.name.as_str()),
            asks_postgres: true,
        };
        let results: Vec<_> = std::thread::scope(|scope| {
            let needed = answers.hosts.iter().zip(connectors);
            let reaching: Vec<_> = needed
                .filter(|(host, _)| which.includes(&host.name))
                .map(|(host, connector)| {
                    let lease = lease.as_ref();
                    scope.spawn(move || {
                        let reached = hosts::reach(host, look, connector, lease, control)?;
                        told(&reached);
                        Ok(reached)
                    })
                })
                .collect();
            reaching
                .into_iter()
                .map(std::thread::ScopedJoinHandle::join)
                .collect()
        });
        let (mut hosts, mut errors) = (Vec::new(), Vec::new());
        for result in results {
            match result.map_err(|_| RunError::WentWrong)? {
                Ok(host) => hosts.push(host),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            ask_for_nodes(&self, &mut hosts);
            if let Err(lost) = look_around(&mut hosts, look, lease.is_some()) {
                errors.extend(lost.into_iter().map(LeaseError::Remote));
            }
        }
        if errors.is_empty() {
            let opened = self;
            Ok(Reached { opened, hosts })
        } else {
            Err(RunError::Unreached(errors))
        }
    }
}

/// A host that has never joined may have been a node before: then its cluster is asked.
fn ask_for_nodes(opened: &Opened, hosts: &mut [ReachedHost]) {
    let is_new = |host: &ReachedHost| {
        let role = opened.answers.host(&host.name).map(|host| host.role);
        let is_node = matches!(role, Some(Role::Server | Role::Agent));
        is_node && !host.facts.k3s.node_password
    };
    if !hosts.iter().any(is_new) {
        return;
    }
    let running = |host: &&mut ReachedHost| {
        let k3s = host.facts.units.get("k3s.service");
        host.facts.k3s.ours && k3s.is_some_and(|state| state == "active")
    };
    if let Some(server) = hosts.iter_mut().find(running) {
        server.facts.k3s.known_nodes = hosts::known_nodes(server);
    }
}

impl Reached {
    pub(super) fn check(self) -> Checked {
        let Self { opened, hosts } = self;
        let looked = hosts.iter().filter_map(|reached| {
            Some(Looked {
                host: opened.answers.host(&reached.name)?,
                facts: &reached.facts,
                sources: &reached.sources,
                links: &reached.links,
                at_work: !reached.units.is_empty(),
            })
        });
        let looked: Vec<_> = looked.collect();
        let (token, agent_token) = opened.token_marks();
        let wanted = preflight::Wanted {
            answers: &opened.answers,
            token: &token,
            agent_token: &agent_token,
        };
        let grid = preflight::grid(wanted, &looked);
        Checked {
            opened,
            hosts,
            grid,
        }
    }
}

impl Checked {
    pub(super) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Whom the hosts reach.
    pub(super) fn links(&self) -> Vec<(Link, Contact)> {
        let links = self.hosts.iter().flat_map(|host| host.links.iter());
        links.cloned().collect()
    }

    /// What will be done. There is nothing to plan on hosts that will not do.
    pub(super) fn plan(self) -> Result<Planned, RunError> {
        if !self.grid.passes() {
            return Err(RunError::Unfit);
        }
        let platforms: BTreeMap<_, _> = self
            .hosts
            .iter()
            .filter_map(|host| Some((host.name.clone(), host.platform?)))
            .collect();
        let plan = Plan::make(Given {
            answers: &self.opened.answers,
            platforms: &platforms,
            pki: &self.opened.pki,
            secrets: &self.opened.secrets,
        })?;
        Ok(Planned {
            opened: self.opened,
            hosts: Mutex::new(self.hosts),
            grid: self.grid,
            plan,
        })
    }
}
