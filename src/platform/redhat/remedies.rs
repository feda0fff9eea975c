//! What to do about findings of the preflight.

use crate::platform::Remedies;
use crate::platform::remedies::start_unit;

pub(super) const REMEDIES: Remedies = Remedies {
    module_missing: "dnf install kernel-modules-extra-$(uname -r)",
    ss_missing: "dnf install iproute",
    download_unknown: "dnf install curl, to check it now",
    packages_interrupted: "dnf check shows what is missing",
    postgres_old: "dnf module reset postgresql: the wizard then takes the newest stream; or use \
                   another host",
    packages_unreached: "Run dnf makecache; check dnf repolist, subscription-manager status on RHEL, \
                         and the proxy in /etc/dnf/dnf.conf",
    packages_untrusted: "Compare the key with the one that its owner publishes, then: rpm --import FILE. \
                         Those of the distribution are in /etc/pki/rpm-gpg",
    postgres_stopped: start_unit,
};
