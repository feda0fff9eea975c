//! The checks of the preflight, by the names that `override` takes in answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A check on every host before anything is changed; a column of the preflight's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The distribution, systemd, and a root file system that can be written.
    Os,
    Arch,
    /// The host has the address that the other hosts use.
    Address,
    /// Its host name and machine id are unique.
    Names,
    Clock,
    Cpu,
    Memory,
    Disk,
    /// Cgroup controllers and kernel modules.
    Kernel,
    /// The ports that its role needs are free.
    Ports,
    /// What is already installed does not conflict.
    Existing,
    /// An external Postgres is fit for K3s.
    Datastore,
    /// The package manager is not locked, and its sources can be reached.
    Packages,
    /// The install script and the release can be downloaded.
    Download,
    /// It can reach the hosts that its role needs.
    Network,
    /// Whether a firewall or `SELinux` is active; only a warning.
    Firewall,
    /// The sudo that the wizard uses does not log its input or output.
    Sudo,
}

impl Check {
    pub const ALL: [Check; 17] = [
        Check::Os,
        Check::Arch,
        Check::Address,
        Check::Names,
        Check::Clock,
        Check::Cpu,
        Check::Memory,
        Check::Disk,
        Check::Kernel,
        Check::Ports,
        Check::Existing,
        Check::Datastore,
        Check::Packages,
        Check::Download,
        Check::Network,
        Check::Firewall,
        Check::Sudo,
    ];

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Check::Os => "os",
            Check::Arch => "arch",
            Check::Address => "address",
            Check::Names => "names",
            Check::Clock => "clock",
            Check::Cpu => "cpu",
            Check::Memory => "memory",
            Check::Disk => "disk",
            Check::Kernel => "kernel",
            Check::Ports => "ports",
            Check::Existing => "existing",
            Check::Datastore => "datastore",
            Check::Packages => "packages",
            Check::Download => "download",
            Check::Network => "network",
            Check::Firewall => "firewall",
            Check::Sudo => "sudo",
        }
    }

    /// Why this check cannot be overridden; `None` if it can.
    pub fn stands(self) -> Option<&'static str> {
        match self {
            Check::Os => {
                Some("cannot be overridden: the wizard cannot install on an unknown system")
            }
            Check::Existing => Some(
                "cannot be overridden: the steps never change what they did not install. To share \
                 a Postgres that has other databases, set existing_postgres = \"share\" under \
                 [postgres]",
            ),
            Check::Datastore => Some(
                "cannot be overridden: K3s does not work with such a Postgres. Its latency alone belongs to \
                 the check network",
            ),
            _ => None,
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_serde_writes() {
        for check in Check::ALL {
            let written = serde_json::to_value(check).unwrap();
            assert_eq!(written, check.as_str());
        }
    }
}
