//! What the answers say about drills.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrillSettings {
    /// How long the API may be unreachable while something is taken down that has a second one, in
    /// seconds.
    pub longest_gap: u16,
}

impl Default for DrillSettings {
    fn default() -> Self {
        Self { longest_gap: 30 }
    }
}

impl DrillSettings {
    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.longest_gap.into())
    }
}
