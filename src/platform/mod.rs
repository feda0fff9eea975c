//! What a host is: its [`Facts`], what we know of its distribution, and whether it will do.
//!
//! Facts are read in one round trip and never written. To support another family of distributions
//! is to add a file here and one in `assets/steps/platform/`.

mod debian;
mod facts;
pub mod firewall;
pub mod network;
pub mod preflight;
pub mod sources;

pub use facts::{BalancerFacts, Disk, Facts, K3sFacts, Port, PostgresFacts, facts_script};
pub use sources::{Sources, Tried};

/// What we know of a family of distributions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Platform {
    /// `debian`
    pub family: &'static str,
    /// Shell functions for packages and services; stands between the prelude and a step.
    pub functions: &'static str,
    pub postgres_packages: &'static str,
    /// Where the certificates of Postgres are kept, outside of its data (which is backed up).
    pub postgres_tls: &'static str,
    /// For hosts that have neither curl nor wget.
    pub download_packages: &'static str,
    pub nginx_packages: &'static str,
    /// The program.
    pub nginx: &'static str,
    pub nginx_user: &'static str,
    /// The stream module to load, where it is not built in.
    pub nginx_stream_module: Option<&'static str>,
}

impl Platform {
    /// What this wizard installs on, for people.
    pub const KNOWN: &str = "Debian, Ubuntu and their relatives";

    /// The platform of a host, if it is known.
    pub fn of(facts: &Facts) -> Option<Self> {
        let known = |name: &str| debian::NAMES.contains(&name);
        let is_known = known(&facts.os_id) || facts.os_like.split_whitespace().any(known);
        is_known.then_some(debian::PLATFORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_are_known_by_their_ancestors() {
        let family = |id: &str, like: &str| {
            let facts = Facts {
                os_id: id.into(),
                os_like: like.into(),
                ..Facts::default()
            };
            Platform::of(&facts).map(|platform| platform.family)
        };
        assert_eq!(family("debian", ""), Some("debian"));
        assert_eq!(family("linuxmint", "ubuntu debian"), Some("debian"));
        assert_eq!(family("sles", "suse"), None);
    }
}
