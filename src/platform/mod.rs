//! What a host is: its [`Facts`], and what we know of its distribution.
//!
//! Facts are read in one round trip and never written. To support another family of distributions
//! is to add a file here and one in `assets/steps/platform/`.

mod debian;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::answers::Role;

/// Prints [`Facts`], a line each.
pub const FACTS: &str = include_str!("../../assets/steps/facts.sh");

/// What a host said of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// `ID` of os-release: `debian`.
    pub os_id: String,
    /// `ID_LIKE` of os-release: what it descends from.
    pub os_like: String,
    pub os_version: String,
    /// For people: `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: String,
    /// As `uname -m` says it.
    pub arch: String,
    pub hostname: String,
    pub machine_id: String,
    /// Another one after every boot.
    pub boot_id: String,
    pub systemd: bool,
    /// Seconds since 1970, when the host was asked.
    pub clock: f64,
    pub memory_kib: u64,
    /// Where Postgres and K3s keep their data.
    pub disk_free_kib: u64,
    pub addresses: Vec<IpAddr>,
}

impl Facts {
    /// Reads what [`FACTS`] printed; what it does not know stays empty.
    pub fn parse(lines: &[String]) -> Self {
        let values: BTreeMap<_, _> = lines
            .iter()
            .filter_map(|line| line.split_once('='))
            .collect();
        let text = |key: &str| (*values.get(key).unwrap_or(&"")).to_owned();
        Self {
            os_id: text("os.id"),
            os_like: text("os.like"),
            os_version: text("os.version"),
            os_name: text("os.name"),
            arch: text("arch"),
            hostname: text("hostname"),
            machine_id: text("machine-id"),
            boot_id: text("boot-id"),
            systemd: text("systemd") == "yes",
            clock: text("clock").parse().unwrap_or_default(),
            memory_kib: text("memory-kib").parse().unwrap_or_default(),
            disk_free_kib: text("disk-free-kib").parse().unwrap_or_default(),
            addresses: text("addresses")
                .split_whitespace()
                .filter_map(|address| address.parse().ok())
                .collect(),
        }
    }
}

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

/// Why a host cannot have its role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsupported {
    #[error(
        "{host} runs {os}, which this wizard does not know: it installs on Debian, Ubuntu and \
         their relatives. Take a host with one of them"
    )]
    Distribution { host: String, os: String },
    #[error(
        "{host} does not run systemd, which everything here is a service of. Take a host that \
         boots with systemd"
    )]
    NoSystemd { host: String },
    #[error(
        "K3s is not released for {arch}, the architecture of {host}{}: it is for x86_64, aarch64 \
         and armv7l",
        if arch == "s390x" { " (the last release for it was v1.28.4+k3s1)" } else { "" }
    )]
    Architecture { host: String, arch: String },
    #[error(
        "{host} does not have the address {address}, by which the other hosts are to reach it. \
         It has {have}. Say its address in the cluster's network as node_ip"
    )]
    NotItsAddress {
        host: String,
        address: IpAddr,
        have: String,
    },
}

impl Platform {
    /// The platform of a host, if what it is allows the role.
    pub fn of(
        host: &str,
        role: Role,
        address: Option<IpAddr>,
        facts: &Facts,
    ) -> Result<Self, Unsupported> {
        let host = host.to_owned();
        let known = |name: &str| debian::NAMES.contains(&name);
        if !(known(&facts.os_id) || facts.os_like.split_whitespace().any(known)) {
            let os = if facts.os_name.is_empty() {
                "an unknown system".to_owned()
            } else {
                facts.os_name.clone()
            };
            return Err(Unsupported::Distribution { host, os });
        }
        if !facts.systemd {
            return Err(Unsupported::NoSystemd { host });
        }
        // What K3s is released for (facts 5.4).
        let released = ["x86_64", "amd64", "aarch64", "arm64", "armv7l", "armv8l"];
        if matches!(role, Role::Server | Role::Agent) && !released.contains(&facts.arch.as_str()) {
            let arch = facts.arch.clone();
            return Err(Unsupported::Architecture { host, arch });
        }
        if let Some(address) = address
            && !facts.addresses.is_empty()
            && !facts.addresses.contains(&address)
        {
            let have: Vec<_> = facts
                .addresses
                .iter()
                .filter(|address| !address.is_loopback())
                .map(ToString::to_string)
                .collect();
            return Err(Unsupported::NotItsAddress {
                host,
                address,
                have: have.join(", "),
            });
        }
        Ok(debian::PLATFORM)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian() -> Facts {
        let lines = [
            "os.id=debian",
            "os.name=Debian GNU/Linux 12 (bookworm)",
            "arch=x86_64",
            "systemd=yes",
            "clock=1764021280.5",
            "memory-kib=8000000",
            "addresses=127.0.0.1 198.51.100.11 fe80::1 ",
        ];
        Facts::parse(&lines.map(str::to_owned))
    }

    fn refused(role: Role, change: impl FnOnce(&mut Facts)) -> String {
        let mut facts = debian();
        change(&mut facts);
        let address = "198.51.100.11".parse().ok();
        Platform::of("h", role, address, &facts)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn facts_are_read() {
        let facts = debian();
        assert!(facts.systemd);
        assert_eq!(facts.addresses.len(), 3);
        assert_eq!(facts.memory_kib, 8_000_000);
        let platform = Platform::of("h", Role::Server, "198.51.100.11".parse().ok(), &facts);
        assert_eq!(platform.map(|platform| platform.family), Ok("debian"));
    }

    #[test]
    fn relatives_are_known_by_their_ancestors() {
        let mut facts = debian();
        facts.os_id = "linuxmint".into();
        facts.os_like = "ubuntu debian".into();
        assert!(Platform::of("h", Role::Agent, None, &facts).is_ok());
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let suse = |facts: &mut Facts| {
            facts.os_id = "sles".into();
            facts.os_name = "SUSE Linux Enterprise Server 15 SP2".into();
        };
        assert!(refused(Role::Postgres, suse).contains("SP2, which this wizard does not know"));
        assert!(refused(Role::Postgres, |facts| facts.systemd = false).contains("systemd"));
        let z = |facts: &mut Facts| facts.arch = "s390x".into();
        assert!(refused(Role::Server, z).contains("v1.28.4+k3s1"));
        let elsewhere = |facts: &mut Facts| facts.addresses = vec!["10.0.0.1".parse().unwrap()];
        assert!(refused(Role::Agent, elsewhere).contains("It has 10.0.0.1"));
    }

    #[test]
    fn an_architecture_matters_where_k3s_runs() {
        let mut facts = debian();
        facts.arch = "s390x".into();
        assert!(Platform::of("h", Role::Postgres, None, &facts).is_ok());
        assert!(Platform::of("h", Role::LoadBalancer, None, &facts).is_ok());
    }
}
