//! What the answers say about firewalls.

use serde::{Deserialize, Serialize};

/// What becomes of the hosts' firewalls.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FirewallSettings {
    pub manage: ManageFirewall,
}

impl FirewallSettings {
    /// Whether the run adds rules to a firewall, if that can be opened by one that did not write
    /// its rules.
    pub fn opens(&self, can_be_opened: bool) -> bool {
        self.manage == ManageFirewall::Open && can_be_opened
    }
}

/// What to do where a firewall is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManageFirewall {
    /// Say what must be allowed.
    #[default]
    Report,
    /// Allow the links of the cluster in firewalld and ufw.
    Open,
}

impl ManageFirewall {
    pub const ALL: [ManageFirewall; 2] = [ManageFirewall::Report, ManageFirewall::Open];

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            ManageFirewall::Report => "report",
            ManageFirewall::Open => "open",
        }
    }
}
