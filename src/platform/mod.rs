//! What a host is: its [`Facts`], what the wizard knows of its distribution, and whether it is
//! suitable.
//!
//! Facts are read in one round trip and never written. A family of distributions is a folder here,
//! and to support another one is to add its folder, and a line to `FAMILIES`. In it are:
//!
//! * `mod.rs`: which hosts are of the family, and the [`Platform`] of each
//! * `functions.sh`: the functions that steps call; `contract` lists and tests them
//! * `hints.rs`: the meaning of its programs' messages
//! * `remedies.rs`: what to do about findings of the preflight

#[cfg(test)]
mod contract;
mod debian;
mod facts;
pub mod firewall;
pub mod hints;
pub mod network;
pub mod preflight;
mod remedies;
mod selinux;
pub mod sources;

use hints::Hints;
use remedies::Remedies;

pub use facts::{
    BalancerFacts, Disk, Facts, K3sFacts, ModuleState, Port, PostgresCluster, PostgresFacts,
    Process, UnitState, facts_script,
};
pub use selinux::Selinux;
pub use sources::{SourceTrial, Sources};

/// All that the wizard installs on. The first family that knows a host has it.
static FAMILIES: [&Family; 1] = [&debian::FAMILY];

/// A family of distributions: what is the same on all of its hosts.
#[derive(Debug)]
pub struct Family {
    /// `debian`
    pub name: &'static str,
    /// Its distributions, for people.
    members: &'static str,
    /// Shell functions for packages and services, inserted between the prelude and a step.
    /// `contract` lists them.
    pub functions: &'static str,
    /// What its programs mean by what they print.
    hints: Hints,
    /// What to do about findings of the preflight.
    remedies: Remedies,
    /// The platform of a host, if it is one of this family: by its distribution and its version.
    of: fn(&Facts) -> Option<Platform>,
}

impl PartialEq for Family {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Family {}

/// What we know of a distribution in its version: packages, programs, paths and users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    pub family: &'static Family,
    pub postgres_packages: &'static str,
    /// Where its data is.
    pub postgres_data: &'static str,
    /// What is in the path of the certificate that the package gives a new Postgres; not empty.
    pub postgres_package_certificate: &'static str,
    /// Where the certificates of Postgres are kept, outside of its data (which is backed up).
    pub postgres_tls: &'static str,
    /// Where drop-ins of its unit are, for all of its clusters.
    pub postgres_drop_ins: &'static str,
    /// For hosts that have neither curl nor wget.
    pub download_packages: &'static str,
    pub nginx_packages: &'static str,
    /// The program.
    pub nginx: &'static str,
    pub nginx_user: &'static str,
    /// Who may read logs, besides root.
    pub log_group: &'static str,
    /// The stream module to load, where it is not built in.
    pub nginx_stream_module: Option<&'static str>,
}

impl Platform {
    /// The platform of a host, if it is known.
    pub fn of(facts: &Facts) -> Option<Self> {
        FAMILIES.iter().find_map(|family| (family.of)(facts))
    }

    /// The hints for a host: of its family, or of all where that is not known.
    pub fn hints(platform: Option<Self>) -> Vec<&'static Hints> {
        let is_it = |family: &&Family| platform.is_none_or(|of| of.family == *family);
        let families = FAMILIES.into_iter().filter(is_it);
        families.map(|family| &family.hints).collect()
    }

    /// The remedies for a host.
    pub fn remedies(facts: &Facts) -> &'static Remedies {
        Self::of(facts).map_or(&remedies::OF_NO_FAMILY, |platform| {
            &platform.family.remedies
        })
    }

    /// What this wizard installs on, for people.
    pub fn known() -> String {
        FAMILIES.map(|family| family.members).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(id: &str, like: &str) -> Option<Platform> {
        Platform::of(&Facts {
            os_id: id.into(),
            os_like: like.into(),
            ..Facts::default()
        })
    }

    #[test]
    fn relatives_are_known_by_their_ancestors() {
        let family = |id, like| platform(id, like).map(|platform| platform.family.name);
        assert_eq!(family("debian", ""), Some("debian"));
        assert_eq!(family("linuxmint", "ubuntu debian"), Some("debian"));
        assert_eq!(family("sles", "suse"), None);
    }

    /// An empty text is in every path: then every certificate would be the package's.
    #[test]
    fn the_packages_certificate_is_told_from_others() {
        for family in FAMILIES {
            let platform = platform(family.name, "").unwrap();
            assert_eq!(platform.family, family);
            assert_ne!(platform.postgres_package_certificate, "");
        }
    }
}
