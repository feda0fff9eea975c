//! The checks of the preflight, by the names with which answers overrule them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is looked at on every host before anything is changed; a column of the preflight's grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Check {
    /// The distribution, systemd, and a root file system that can be written.
    Os,
    Arch,
    /// The host has the address by which the others are to reach it.
    Address,
    /// Its host name and machine id are its own.
    Names,
    Clock,
    Cpu,
    Memory,
    Disk,
    /// Cgroup controllers and kernel modules.
    Kernel,
    /// Nobody else holds the ports that its role needs.
    Ports,
    /// What is installed already can stay.
    Existing,
    /// The package manager is free, and its source is reached.
    Packages,
    /// The install script and the release are reached.
    Download,
    /// It reaches the hosts that its role must reach.
    Network,
    /// Whether a firewall or `SELinux` is in force; it only warns.
    Firewall,
    /// The sudo through which the wizard works does not record it.
    Sudo,
}

impl Check {
    pub const ALL: [Check; 16] = [
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
            Check::Packages => "packages",
            Check::Download => "download",
            Check::Network => "network",
            Check::Firewall => "firewall",
            Check::Sudo => "sudo",
        }
    }

    /// Why no word of the operator's helps against this check; nothing where one does.
    pub fn stands(self) -> Option<&'static str> {
        match self {
            Check::Os => Some(
                "cannot be overruled: without knowing the system there is no way to install on it",
            ),
            Check::Existing => Some(
                "cannot be overruled: the steps themselves leave alone what others have installed. \
                 A Postgres that serves others is shared with existing_postgres = \"share\" under \
                 [postgres]",
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
