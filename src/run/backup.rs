//! A backup of the datastore: its members alone are reached, the primary is dumped, and the cluster
//! goes on.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::error::is_held;
use super::reached::Contacted;
use super::{Frontend, Opened, Planned, Reach, RunError, aborted};
use crate::cluster::datastore::MemberLook;
use crate::engine::Measuring;
use crate::engine::control::Control;
use crate::engine::hosts::{ReachedHost, ReachedHosts};
use crate::engine::look;
use crate::events::End;
use crate::platform::preflight::Grid;
use crate::procedures::backup;
use crate::remote::RemoteError;
use crate::remote::lease::LeaseError;
use crate::steps::StepError;
use crate::topology::{ExternalPostgres, Topology};

impl Opened {
    /// `None` when the plan was left.
    pub fn back_up(
        mut self,
        control: &Control,
        frontend: &mut dyn Frontend,
    ) -> Result<Option<End>, RunError> {
        if let Some(external) = &self.topology.datastore.external {
            return Err(self.external_backup(external));
        }
        let host = self.primary(control)?;
        frontend.reached(&host.name, &host.summary());
        let unknown = || StepError::NoFacts(host.name.clone());
        let member = self.topology.datastore.member(&host.name);
        let (member, platform) = member.zip(host.platform).ok_or_else(unknown)?;
        let plan = backup::plan(&self.topology, member, platform, &self.secrets);
        let planned = Planned {
            encrypts: self.state.encrypts(),
            hosts: Mutex::new(ReachedHosts::one(host)),
            opened: self,
            grid: Grid::default(),
            plan,
            measuring: Measuring::default(),
        };
        planned.decided(control, frontend)
    }

    /// There is no host on which the wizard could dump it.
    fn external_backup(&self, external: &ExternalPostgres) -> RunError {
        let datastore = &self.topology.datastore;
        let answers = &self.answers.postgres;
        let files = answers.external_files();
        let (hosts, ports) = external.hosts_and_ports();
        let client = files.client.map_or(String::new(), |(cert, key)| {
            format!(" sslcert={} sslkey={}", cert.display(), key.display())
        });
        RunError::ExternalBackup {
            command: format!(
                "pg_dump -Fc -f {}.dump \"host={hosts} port={ports} dbname={} user={} sslmode={} \
                 sslrootcert={}{client} target_session_attrs=read-write\"",
                datastore.database,
                datastore.database,
                datastore.user,
                answers.sslmode.as_str(),
                files.ca.display(),
            ),
            secrets: self.folder.path().join("secrets.json"),
        }
    }

    /// The member of the datastore that is the primary now. Another one need not be reached; the
    /// leases of the others are given back.
    fn primary(&mut self, control: &Control) -> Result<ReachedHost, RunError> {
        let members = self.topology.datastore.members.iter();
        let names: BTreeSet<_> = members.map(|member| member.name.clone()).collect();
        let is_pair = self.topology.datastore.is_pair();
        let Contacted { mut hosts, errors } =
            self.contact(&Reach::Needed(names), control, &|_| {})?;
        aborted(control)?;
        if hosts.is_empty() || errors.iter().any(is_held) {
            return Err(RunError::Unreached(errors));
        }
        if !is_pair {
            return Ok(hosts.swap_remove(0));
        }
        let looks: Vec<_> = hosts
            .iter_mut()
            .map(|host| look(host, &self.topology))
            .collect();
        match only_primary(&looks) {
            Some(place) => Ok(hosts.swap_remove(place)),
            None => Err(RunError::NoPrimary(told(&hosts, &looks, &errors))),
        }
    }
}

type LookedMember = Result<MemberLook, RemoteError>;

fn look(host: &mut ReachedHost, topology: &Topology) -> LookedMember {
    let name = host.name.clone();
    host.connection
        .now(&name, |remote| look::member(remote, topology))
}

/// The place of the one that can acknowledge writes; `None` if not exactly one can.
fn only_primary(looks: &[LookedMember]) -> Option<usize> {
    let acknowledges = |look: &LookedMember| look.as_ref().is_ok_and(MemberLook::acknowledges);
    let mut places = looks.iter().enumerate();
    let mut places = std::iter::from_fn(move || places.find(|(_, look)| acknowledges(look)));
    let (first, _) = places.next()?;
    places.next().is_none().then_some(first)
}

/// What each member says, a line each.
fn told(hosts: &[ReachedHost], looks: &[LookedMember], errors: &[LeaseError]) -> Vec<String> {
    let looked = hosts.iter().zip(looks).map(|(host, look)| match look {
        Ok(look) => format!("{}: {}", host.name, look.told()),
        Err(error) => error.to_string(),
    });
    looked
        .chain(errors.iter().map(ToString::to_string))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_primary_is_the_only_one_that_can_acknowledge() {
        let look = |text: &str| Ok(MemberLook::parse(text.lines()).expect("a look"));
        let lost = || {
            Err(RemoteError::Lost {
                host: "pg-2".into(),
                why: "it is off".into(),
            })
        };
        let in_sync = "primary|t\nfollower|10.0.0.6|t|0|0";
        assert_eq!(only_primary(&[look(in_sync), look("standby|t")]), Some(0));
        assert_eq!(only_primary(&[look("standby|t"), look(in_sync)]), Some(1));
        // The former primary was cut off: it waits for a standby that has become the primary.
        let cut_off = || look("primary|t");
        assert_eq!(only_primary(&[cut_off(), look("primary|f")]), Some(1));
        assert_eq!(only_primary(&[cut_off(), lost()]), None);
        assert_eq!(only_primary(&[look("standby|t"), lost()]), None);
        assert_eq!(only_primary(&[look("primary|f"), look("primary|f")]), None);
    }
}
