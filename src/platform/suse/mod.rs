//! SUSE Linux Enterprise Server, openSUSE Leap and other derivatives.

mod hints;
mod remedies;

use super::{Facts, Family, Platform, Support, version};

pub(super) static FAMILY: Family = Family {
    name: "suse",
    members: "SLES and Leap from 15 SP4",
    functions: concat!(
        include_str!("../rpm.sh"),
        include_str!("../rpm_bundle.sh"),
        include_str!("functions.sh"),
        include_str!("bundle.sh")
    ),
    one_major: false,
    hints: hints::HINTS,
    remedies: remedies::REMEDIES,
    of,
};

/// Packages and paths are the same in 15 and 16.
fn of(facts: &Facts) -> Option<Platform> {
    let is_known = ["sles", "sles_sap", "opensuse-leap"].contains(&&*facts.os_id);
    let support = match version(&facts.os_version) {
        Some(version) if is_known && version < (15, 4) => Support::Refused {
            cause: "SLES and Leap before 15 SP4 get no more fixes, and their Postgres was 10: before \
                    version 12, clientcert=verify-full silently means that no client certificate \
                    is needed",
            remedy: "Upgrade it to SP4 or later (zypper migration), or use another host",
        },
        Some((15 | 16, _)) if is_known => Support::PackageManager,
        _ => Support::NotTried,
    };
    facts
        .descends_from(&["sles", "suse", "opensuse"])
        .then_some(Platform {
            support,
            ..PLATFORM
        })
}

const PLATFORM: Platform = Platform {
    family: &FAMILY,
    support: Support::NotTried,
    postgres_data: "/var/lib/pgsql",
    postgres_package_certificate: None,
    postgres_tls: "/etc/postgresql-k3s",
    auto_failover: None,
    download_packages: "curl ca-certificates ca-certificates-mozilla",
    nginx_package: "nginx",
    nginx_stream_package: "",
    nginx: "/usr/sbin/nginx",
    nginx_user: "nginx",
    log_group: "root",
    nginx_stream_module: "/usr/lib64/nginx/modules/ngx_stream_module.so",
    keepalived_package: "keepalived",
    keepalived: "/usr/sbin/keepalived",
};

#[cfg(test)]
mod tests;
