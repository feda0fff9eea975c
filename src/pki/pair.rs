//! The certificates of a pair of Postgres hosts, besides those of its members.

use std::collections::BTreeMap;

use crate::topology::DatastoreEndpoint;

/// What a pair of Postgres hosts needs a certificate for, besides those of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PairUse {
    /// The monitor's, for those that connect to it.
    Monitor,
    /// A member's, for the monitor.
    Keeper,
    /// A member's, for the other member.
    Replication,
}

impl PairUse {
    pub const ALL: [Self; 3] = [Self::Monitor, Self::Keeper, Self::Replication];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Monitor => "monitor",
            Self::Keeper => "keeper",
            Self::Replication => "replication",
        }
    }

    /// What a datastore needs, with the names of each server's certificate.
    pub fn wanted(datastore: &DatastoreEndpoint) -> BTreeMap<(Self, String), Vec<String>> {
        let mut wanted = BTreeMap::new();
        if datastore.is_pair() {
            for monitor in &datastore.monitors {
                let key = (Self::Monitor, monitor.name.clone());
                wanted.insert(key, vec![monitor.ip.to_string()]);
            }
            for member in &datastore.members {
                for usage in [Self::Keeper, Self::Replication] {
                    wanted.insert((usage, member.name.clone()), Vec::new());
                }
            }
        }
        wanted
    }

    /// The role in Postgres that a client certificate is for: names of `pg_auto_failover`.
    pub fn role(self) -> Option<&'static str> {
        match self {
            Self::Monitor => None,
            Self::Keeper => Some("autoctl_node"),
            Self::Replication => Some("pgautofailover_replicator"),
        }
    }
}
