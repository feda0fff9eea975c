//! What a host is: its [`Facts`], what the wizard knows of its distribution, and whether it is
//! suitable.
//!
//! Facts are read in one round trip and never written. A family of distributions is a folder here,
//! and to support another one is to add its folder, and a line to `FAMILIES`. In it are:
//!
//! * `mod.rs`: which hosts are of the family, and the [`Platform`] of each
//! * `functions.sh`: the functions that steps call; `contract` lists and tests them. `bundle.sh`: those of
//!   bundles. SUSE and Red Hat share `rpm.sh` and `rpm_bundle.sh`
//! * `hints.rs`: the meaning of its programs' messages
//! * `remedies.rs`: what to do about findings of the preflight

pub mod bundled;
#[cfg(test)]
mod contract;
mod debian;
pub mod external;
mod facts;
pub mod firewall;
pub mod hints;
mod interface;
pub mod network;
pub mod preflight;
mod redhat;
mod remedies;
#[cfg(test)]
mod rpm_tests;
mod selinux;
pub mod sources;
mod suse;

use hints::Hints;
use remedies::Remedies;

pub use facts::{
    BalancerFacts, Disk, Facts, K3sFacts, ModuleState, Port, PostgresCluster, PostgresFacts,
    Process, UnitState, facts_script,
};
pub use interface::InterfaceAddress;
pub use selinux::{SELINUX_TOOLS, Selinux};
pub use sources::{SourceTrial, Sources};

/// The shell functions in front of those of a family, and of every step; they drive it.
pub(crate) const PRELUDE: &str = include_str!("../../assets/steps/prelude.sh");

/// All that the wizard installs on. The first family that knows a host has it.
static FAMILIES: [&Family; 3] = [&debian::FAMILY, &suse::FAMILY, &redhat::FAMILY];

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
    /// Packages of one minor version are good for the others of its major version.
    one_major: bool,
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
    pub(crate) support: Support,
    /// Where the data of Postgres is.
    pub postgres_data: &'static str,
    /// What is in the path of the certificate that the package gives a new Postgres, if it does.
    pub postgres_package_certificate: Option<&'static str>,
    /// Where the certificates of Postgres are kept, outside of its data (which is backed up).
    pub postgres_tls: &'static str,
    /// The version of Postgres for which the distribution itself has `pg_auto_failover`, if it does.
    pub auto_failover: Option<&'static str>,
    /// For hosts that have neither curl nor wget.
    pub download_packages: &'static str,
    pub nginx_package: &'static str,
    /// The package of its stream module; empty if nginx has it.
    pub nginx_stream_package: &'static str,
    /// The program.
    pub nginx: &'static str,
    pub nginx_user: &'static str,
    /// Who may read logs, besides root.
    pub log_group: &'static str,
    /// The stream module to load, where it is not built in.
    pub nginx_stream_module: &'static str,
    pub keepalived_package: &'static str,
    /// The program.
    pub keepalived: &'static str,
}

/// What is known of the wizard on a distribution in its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// Runs were watched on it.
    Tried,
    /// Runs were watched on hosts with its package manager, packages and paths, not on the system
    /// itself.
    PackageManager,
    NotTried,
    /// No run can succeed.
    Refused {
        cause: &'static str,
        remedy: &'static str,
    },
}

/// The numbers of a version: `15.6` is (15, 6), `12` is (12, 0); `None` if it is another text.
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

impl Platform {
    /// The platform of a host, if it is known.
    pub fn of(facts: &Facts) -> Option<Self> {
        FAMILIES.iter().find_map(|family| (family.of)(facts))
    }

    /// The packages of `pg_auto_failover`, where the distribution has them.
    pub fn pair_packages(&self) -> Option<String> {
        let version = self.auto_failover?;
        Some(format!(
            "postgresql-{version}-auto-failover pg-auto-failover-cli"
        ))
    }

    /// The release of a host, for whose hosts all its packages are made.
    pub fn release(&self, facts: &Facts) -> String {
        let version = &facts.os_version;
        if self.family.one_major {
            let major = version.split('.').next();
            return major.unwrap_or_default().to_owned();
        }
        version.clone()
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

    fn platform(id: &str, like: &str, version: &str) -> Option<Platform> {
        Platform::of(&Facts {
            os_id: id.into(),
            os_like: like.into(),
            os_version: version.into(),
            ..Facts::default()
        })
    }

    #[test]
    fn relatives_are_known_by_their_ancestors() {
        let family = |id, like| platform(id, like, "").map(|platform| platform.family.name);
        assert_eq!(family("debian", ""), Some("debian"));
        assert_eq!(family("linuxmint", "ubuntu debian"), Some("debian"));
        assert_eq!(family("sles", "suse"), Some("suse"));
        assert_eq!(family("rocky", "rhel centos fedora"), Some("redhat"));
        assert_eq!(family("arch", ""), None);
    }

    #[test]
    fn versions_are_told_apart() {
        let support = |id, like, version| platform(id, like, version).unwrap().support;
        for (id, like, versions, wanted) in [
            ("debian", "", "12 13", Support::Tried),
            ("debian", "", "11 14 ?", Support::NotTried),
            ("ubuntu", "debian", "22.04 24.04 26.04", Support::NotTried),
            ("linuxmint", "ubuntu debian", "12", Support::NotTried),
            ("sles", "suse", "15.4 15.7", Support::PackageManager),
            ("sles", "suse opensuse", "16.0", Support::PackageManager),
            (
                "opensuse-leap",
                "suse opensuse",
                "15.6 16.0",
                Support::PackageManager,
            ),
            ("opensuse-leap", "suse opensuse", "17.0", Support::NotTried),
            (
                "opensuse-tumbleweed",
                "opensuse suse",
                "20261130",
                Support::NotTried,
            ),
            ("rhel", "fedora", "9.6 10.0", Support::PackageManager),
            (
                "rocky",
                "rhel centos fedora",
                "9.6 10.1",
                Support::PackageManager,
            ),
            (
                "almalinux",
                "rhel centos fedora",
                "9.6 10.1",
                Support::PackageManager,
            ),
            (
                "almalinux",
                "rhel centos fedora",
                "8.10 11.0",
                Support::NotTried,
            ),
            ("centos", "rhel fedora", "9", Support::NotTried),
            ("fedora", "", "43", Support::NotTried),
        ] {
            for version in versions.split(' ') {
                assert_eq!(support(id, like, version), wanted, "{id} {version}");
            }
        }
        for (id, like, versions) in [
            ("sles", "suse", "12.5 15 15.2 15.3"),
            ("opensuse-leap", "suse opensuse", "15.3"),
            ("rhel", "fedora", "7.9"),
        ] {
            for version in versions.split(' ') {
                let found = support(id, like, version);
                assert!(matches!(found, Support::Refused { .. }), "{id} {version}");
            }
        }
    }

    /// An empty text is in every path: then every certificate would be the package's.
    #[test]
    fn the_packages_certificate_is_told_from_others() {
        for id in ["debian", "sles", "rhel"] {
            let platform = platform(id, "", "").unwrap();
            assert_ne!(platform.postgres_package_certificate, Some(""));
        }
    }
}
