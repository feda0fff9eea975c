//! A backup of the datastore, taken from the primary while the cluster works with it.

use crate::plan::{Phase, Plan};
use crate::platform::Platform;
use crate::secrets::Secrets;
use crate::steps::{StepHost, postgres};
use crate::topology::{Member, Topology};

/// The dump is taken from this member of the datastore, the primary.
pub fn plan(topology: &Topology, primary: &Member, platform: Platform, secrets: &Secrets) -> Plan {
    let datastore = &topology.datastore;
    let host = StepHost::of(primary, platform);
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
