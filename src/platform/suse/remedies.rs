//! What to do about findings of the preflight.

use crate::platform::Remedies;
use crate::platform::remedies::start_unit;

pub(super) const REMEDIES: Remedies = Remedies {
    module_missing: "zypper install kernel-default, and reboot into it",
    ss_missing: "zypper install iproute2",
    download_unknown: "zypper install curl, to check it now",
    packages_interrupted: "zypper verify finishes it now",
    postgres_old: "Enable the Server Applications module of a newer service pack (SUSEConnect \
                   --list-extensions shows its name), or use another host",
    packages_unreached: "Run zypper refresh; check zypper lr -u, SUSEConnect --status, and the proxy \
                         in /etc/sysconfig/proxy",
    packages_untrusted: "Compare the key with the one that its owner publishes, then: rpm --import FILE. \
                         SUSE's own are in /usr/lib/rpm/gnupg/keys",
    postgres_stopped: start_unit,
};
