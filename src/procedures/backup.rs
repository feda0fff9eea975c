//! A backup of the datastore, taken from the primary while the cluster works with it.

use crate::plan::{Phase, Plan};
use crate::platform::Platform;
use crate::secrets::Secrets;
use crate::steps::{StepHost, postgres};
use crate::topology::Topology;

/// The platform is that of the datastore's first member.
pub fn plan(topology: &Topology, platform: Platform, secrets: &Secrets) -> Plan {
    let datastore = &topology.datastore;
    let host = StepHost::of(&datastore.members[0], platform);
    Plan {
        procedure: "backup",
        cluster: topology.cluster.clone(),
        phases: vec![Phase {
            id: "backup",
            title: "Backup",
            steps: vec![postgres::dump(datastore, &host, secrets)],
        }],
    }
}
