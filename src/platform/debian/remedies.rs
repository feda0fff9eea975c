//! What to do about findings of the preflight.

use crate::platform::remedies::OF_NO_FAMILY;
use crate::platform::{PostgresCluster, Remedies};

pub(super) const REMEDIES: Remedies = Remedies {
    module_missing: "apt-get install linux-modules-extra-$(uname -r), or the kernel of the \
        distribution",
    ss_missing: "apt-get install iproute2",
    download_unknown: "apt-get install curl, to check it now",
    packages_interrupted: "dpkg --configure -a finishes it now",
    postgres_old: "Use a host with a newer release, or add the package source of postgresql.org: \
                   https://wiki.postgresql.org/wiki/Apt",
    packages_unreached: "Run apt-get update; check /etc/apt/sources.list and the proxy in \
                         /etc/apt/apt.conf.d",
    // Packages of Debian carry no signature (docs/facts.md, "Bundles").
    packages_untrusted: OF_NO_FAMILY.packages_untrusted,
    postgres_stopped,
};

fn postgres_stopped(cluster: &PostgresCluster) -> String {
    let of = cluster.name.replace('/', " ");
    format!(
        "Start it, so that the wizard can check it: pg_ctlcluster {of} start; or, if it is not \
         needed: pg_dropcluster {of}"
    )
}
