//! The hosts of a run, connected and leased, and whether they are suitable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Instant;

use super::opened::{Opened, Purpose};
use super::{Planned, RunError};
use crate::engine::Measuring;
use crate::engine::control::Control;
use crate::engine::external::{ExternalAccess, look_from};
use crate::engine::hosts::{self, LEASE, ReachedHost, ReachedHosts, take_leases};
use crate::engine::surroundings::{look_again, look_around};
use crate::platform::Selinux;
use crate::platform::bundled::Needs;
use crate::platform::external::ExternalSight;
use crate::platform::network::Contact;
use crate::platform::preflight::{self, Grid, Looked};
use crate::platform::sources::{self, Downloads};
use crate::procedures::install;
use crate::proof::external::RoleOrder;
use crate::remote::lease::LeaseError;
use crate::steps::{BundleInputs, PlanInputs};
use crate::topology::{Link, Topology};

/// The hosts that a run needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    All,
    /// Only these, by name: no other host is contacted.
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

/// The hosts that were reached, and why others were not.
#[derive(Default)]
pub(super) struct Contacted {
    pub hosts: ReachedHosts,
    pub errors: Vec<LeaseError>,
}

/// The hosts are connected, and leased if something may be changed.
pub(super) struct Reached {
    // Dropped first: the leases are released while the state is still locked.
    hosts: ReachedHosts,
    opened: Opened,
    /// When the leases were taken last.
    leased: Instant,
}

/// The hosts are checked.
pub(super) struct Checked {
    pub(super) hosts: ReachedHosts,
    opened: Opened,
    grid: Grid,
    leased: Instant,
}

impl Opened {
    /// Connects to all hosts at once; but a shared password is first tested on one. `told` is
    /// called for each connected host.
    pub(super) fn reach(
        mut self,
        which: &Reach,
        control: &Control,
        told: &(dyn Fn(&ReachedHost) + Sync),
    ) -> Result<Reached, RunError> {
        let mut hosts = self.connect(which, control, told)?;
        ask_for_nodes(&self.topology, &mut hosts);
        let downloads = Downloads::of(&self.answers.k3s);
        let wanted = self.sources(&downloads);
        let lost = look_around(&mut hosts, wanted, self.lease().is_some());
        lost.map_err(|lost| {
            RunError::Unreached(lost.into_iter().map(LeaseError::Remote).collect())
        })?;
        self.look_at_external(&mut hosts, &|_| true);
        self.write_for_the_dba(&hosts)?;
        Ok(Reached {
            hosts,
            opened: self,
            leased: Instant::now(),
        })
    }

    /// The servers among these hosts look at an external Postgres; not for a comparison.
    fn look_at_external(&self, hosts: &mut [ReachedHost], which: &(dyn Fn(&str) -> bool + Sync)) {
        let (datastore, password) = (&self.topology.datastore, &self.secrets.db_password);
        let access = ExternalAccess::of(datastore, &self.pki, password);
        let Some(access) = access.filter(|_| self.purpose != Purpose::Compare) else {
            return;
        };
        let servers = &self.topology.servers;
        let is_server = |host: &str| servers.iter().any(|server| server.name == host);
        let wanted = |host: &str| which(host) && is_server(host);
        look_from(hosts, &wanted, access, self.admin.as_ref());
    }

    /// Where the role is let in nowhere, and no administrator is given.
    fn write_for_the_dba(&self, hosts: &[ReachedHost]) -> Result<(), RunError> {
        let refused = |host: &ReachedHost| {
            let sight = host.external.as_ref();
            sight.is_some_and(ExternalSight::is_refused)
        };
        if self.purpose.installs() && self.admin.is_none() && hosts.iter().any(refused) {
            let datastore = &self.topology.datastore;
            let role = RoleOrder {
                user: datastore.user.clone(),
                database: datastore.database.clone(),
                verifier: self.secrets.db_verifier.clone(),
            };
            let sql = role.for_the_dba(&self.topology.cluster);
            self.folder.save_dba_sql(&sql)?;
        }
        Ok(())
    }

    /// What the hosts must be able to download.
    fn sources<'a>(&'a self, downloads: &'a Downloads) -> sources::SourceRequirements<'a> {
        // An install script of an earlier run is not downloaded again.
        let kept = matches!(self.folder.install_script(), Ok(Some(_)));
        sources::SourceRequirements {
            topology: &self.topology,
            downloads,
            fetches: (!kept).then_some(&self.topology.server_1().name),
            proxies: &self.proxies,
            bundle: self.bundle.as_ref().map(|bundle| &bundle.contents),
        }
    }

    /// Connects to the hosts, all of which are needed.
    pub(super) fn connect(
        &mut self,
        which: &Reach,
        control: &Control,
        told: &(dyn Fn(&ReachedHost) + Sync),
    ) -> Result<ReachedHosts, RunError> {
        let Contacted { hosts, errors } = self.contact(which, control, told)?;
        if errors.is_empty() {
            Ok(hosts)
        } else {
            Err(RunError::Unreached(errors))
        }
    }

    /// Connects to the hosts at once; but a password that several share is first proven on one.
    /// `told` hears of each when it is connected.
    pub(super) fn contact(
        &mut self,
        which: &Reach,
        control: &Control,
        told: &(dyn Fn(&ReachedHost) + Sync),
    ) -> Result<Contacted, RunError> {
        let connectors = std::mem::take(&mut self.connectors);
        let answers = &self.answers;
        // A read-only run takes no lease: another run may use the host, even one from this folder.
        let lease = self.lease();
        let topology = Some(&self.topology);
        let results: Vec<_> = std::thread::scope(|scope| {
            let needed = answers.hosts.iter().zip(connectors);
            let reaching: Vec<_> = needed
                .filter(|(host, _)| which.includes(&host.name))
                .map(|(host, connector)| {
                    let lease = lease.as_ref();
                    scope.spawn(move || {
                        let reached =
                            hosts::reach(&host.name, topology, connector, lease, control)?;
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
        let mut contacted = Contacted::default();
        for result in results {
            match result.map_err(|_| RunError::WentWrong)? {
                Ok(host) => contacted.hosts.push(host),
                Err(error) => contacted.errors.push(error),
            }
        }
        Ok(contacted)
    }
}

/// A host that has not joined may have been a node before: so its cluster is asked.
fn ask_for_nodes(topology: &Topology, hosts: &mut [ReachedHost]) {
    let is_new = |host: &ReachedHost| {
        let is_node = topology.nodes().any(|node| node.name == host.name);
        is_node && !host.facts.k3s.node_password
    };
    if !hosts.iter().any(is_new) {
        return;
    }
    let is_server = |name: &str| topology.servers.iter().any(|server| server.name == name);
    let running = |host: &&mut ReachedHost| is_server(&host.name) && host.facts.runs_our_k3s();
    if let Some(server) = hosts.iter_mut().find(running) {
        server.facts.k3s.known_nodes = hosts::known_nodes(server);
    }
}

impl Reached {
    pub(super) fn check(self) -> Checked {
        let grid = self.grid();
        let Self {
            opened,
            hosts,
            leased,
        } = self;
        Checked {
            hosts,
            opened,
            grid,
            leased,
        }
    }

    fn grid(&self) -> Grid {
        let Self { opened, hosts, .. } = self;
        let looked = hosts.iter().filter_map(|reached| {
            Some(Looked {
                host: opened.answers.host(&reached.name)?,
                facts: &reached.facts,
                sources: &reached.sources,
                links: &reached.links,
                external: reached.external.as_ref(),
                busy: !reached.units.is_empty(),
                lost: reached.lost.as_deref(),
            })
        });
        let looked: Vec<_> = looked.collect();
        let (token, agent_token) = opened.token_marks();
        let sql = opened.folder.dba_sql();
        let sql = sql.is_file().then(|| sql.display().to_string());
        let wanted = preflight::Requirements {
            dba_sql: sql.as_deref(),
            replaced: opened.replaced.as_ref(),
            answers: &opened.answers,
            topology: &opened.topology,
            token: &token,
            agent_token: &agent_token,
        };
        preflight::grid(wanted, &looked)
    }

    /// Looks at some of the hosts once more.
    fn look_again(&mut self, which: &BTreeSet<String>, control: &Control) {
        let opened = &self.opened;
        let opens = opened.lease().is_some();
        let downloads = Downloads::of(&opened.answers.k3s);
        let wanted = opened.sources(&downloads);
        look_again(&mut self.hosts, which, wanted, opens, control);
        opened.look_at_external(&mut self.hosts, &|host| which.contains(host));
        ask_for_nodes(&opened.topology, &mut self.hosts);
    }
}

impl Checked {
    pub(super) fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Which hosts can reach each other.
    pub(super) fn links(&self) -> Vec<(Link, Contact)> {
        let links = self.hosts.iter().flat_map(|host| host.links.iter());
        links.cloned().collect()
    }

    /// Checks the hosts once more: those with problems first, and all others once these have become
    /// fit.
    pub(super) fn again(self, control: &Control) -> Self {
        let (unwell, passed) = (self.grid.unwell(), self.grid.passes());
        let Self {
            hosts,
            opened,
            mut leased,
            ..
        } = self;
        let mut reached = Reached {
            hosts,
            opened,
            leased,
        };
        if leased.elapsed() > LEASE {
            take_leases(&mut reached.hosts);
            leased = Instant::now();
            reached.leased = leased;
        }
        reached.look_again(&unwell, control);
        if !passed && reached.grid().passes() {
            let names = reached.hosts.iter().map(|host| host.name.clone());
            let others = names.filter(|name| !unwell.contains(name)).collect();
            reached.look_again(&others, control);
        }
        reached.check()
    }

    /// Builds the plan. An error if a host failed the preflight.
    pub(super) fn plan(self) -> Result<Planned, RunError> {
        if self.grid.passes() {
            self.plan_whatever_is_fit()
        } else {
            Err(RunError::Unfit)
        }
    }

    /// The same also if the preflight failed, for a comparison.
    pub(super) fn plan_whatever_is_fit(self) -> Result<Planned, RunError> {
        let platforms: BTreeMap<_, _> = self
            .hosts
            .iter()
            .filter_map(|host| Some((host.name.clone(), host.platform?)))
            .collect();
        let running = self.hosts.iter().filter(|host| host.facts.runs_our_k3s());
        let running = running.map(|host| host.name.clone()).collect();
        let created = self.hosts.iter().filter(|host| host.facts.postgres.of_pair);
        let created = created.map(|host| host.name.clone()).collect();
        // A cluster keeps what it was begun with.
        let is_server = |host: &&ReachedHost| {
            let mut servers = self.opened.topology.servers.iter();
            servers.any(|server| server.name == host.name)
        };
        let mut servers = self.hosts.iter().filter(is_server);
        let encrypts = servers.find_map(|server| server.facts.k3s.encrypts);
        let encrypts = encrypts.unwrap_or_else(|| self.opened.state.encrypts());
        let enforces = |host: &&ReachedHost| host.facts.selinux == Selinux::Enforcing;
        let enforcing = self.hosts.iter().filter(enforces);
        let enforcing = enforcing.map(|host| host.name.clone()).collect();
        let topology = &self.opened.topology;
        let needs = self.hosts.iter().filter_map(|host| {
            let needs = Needs::of(topology, &host.name, &host.facts, host.platform?);
            Some((host.name.clone(), needs))
        });
        let needs = needs.collect();
        let contents = self.opened.bundle.as_ref().map(|bundle| &bundle.contents);
        let is_bundled = self.opened.answers.sources.bundle.is_some();
        let bundle = is_bundled.then_some(BundleInputs {
            contents,
            needs: &needs,
        });
        let plan = install::plan(PlanInputs {
            bundle,
            running: &running,
            created: &created,
            replaced: self.opened.replaced.as_ref(),
            enforcing: &enforcing,
            encrypts,
            answers: &self.opened.answers,
            topology: &self.opened.topology,
            platforms: &platforms,
            pki: &self.opened.pki,
            secrets: &self.opened.secrets,
            admin: self.opened.admin.as_ref(),
            proxies: &self.opened.proxies,
            registries: &self.opened.registries,
        })?;
        Ok(Planned {
            opened: self.opened,
            hosts: Mutex::new(self.hosts),
            grid: self.grid,
            plan,
            encrypts,
            measuring: Measuring::default(),
        })
    }
}
