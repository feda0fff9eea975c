//! Red Hat Enterprise Linux, Rocky, Alma and other derivatives.

mod hints;
mod remedies;

use super::{Facts, Family, Platform, Support, version};

pub(super) static FAMILY: Family = Family {
    name: "redhat",
    members: "RHEL, Rocky and Alma from 8",
    functions: concat!(
        include_str!("../rpm.sh"),
        include_str!("../rpm_bundle.sh"),
        include_str!("functions.sh"),
        include_str!("bundle.sh")
    ),
    one_major: true,
    hints: hints::HINTS,
    remedies: remedies::REMEDIES,
    of,
};

/// Packages and paths are the same in 8, 9 and 10, but for the modules, which the functions ask for.
fn of(facts: &Facts) -> Option<Platform> {
    let is_known = ["rhel", "rocky", "almalinux"].contains(&&*facts.os_id);
    let support = match version(&facts.os_version) {
        Some(version) if is_known && version < (8, 0) => Support::Refused {
            cause: "RHEL before 8 gets no more fixes, and its Postgres is 9: before version 12, \
                    clientcert=verify-full silently means that no client certificate is needed",
            remedy: "Use a host with RHEL 9 or 10",
        },
        Some((9 | 10, _)) if is_known => Support::PackageManager,
        _ => Support::NotTried,
    };
    facts
        .descends_from(&["rhel", "centos", "fedora"])
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
    download_packages: "curl ca-certificates",
    nginx_package: "nginx",
    nginx_stream_package: "nginx-mod-stream",
    nginx: "/usr/sbin/nginx",
    nginx_user: "nginx",
    log_group: "root",
    nginx_stream_module: "/usr/lib64/nginx/modules/ngx_stream_module.so",
    keepalived_package: "keepalived",
    keepalived: "/usr/sbin/keepalived",
};

#[cfg(test)]
mod tests;
