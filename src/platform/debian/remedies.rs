//! What to do about findings of the preflight.

use crate::platform::{PostgresCluster, Remedies};

pub(super) const REMEDIES: Remedies = Remedies {
    module_missing: "apt-get install linux-modules-extra-$(uname -r), or the kernel of the \
        distribution",
    ss_missing: "apt-get install iproute2",
    download_unknown: "apt-get install curl to know it now",
    packages_interrupted: "dpkg --configure -a does it now",
    packages_unreached: "apt-get update shows it; look at /etc/apt/sources.list and the proxy in \
        /etc/apt/apt.conf.d",
    postgres_stopped,
};

fn postgres_stopped(cluster: &PostgresCluster) -> String {
    let of = cluster.name.replace('/', " ");
    format!(
        "Start it, so that it can be looked at: pg_ctlcluster {of} start; or, when nobody needs \
         it: pg_dropcluster {of}"
    )
}
