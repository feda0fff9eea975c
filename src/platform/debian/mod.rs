//! Debian, Ubuntu and other derivatives.

mod hints;
mod remedies;

use super::{Facts, Family, Platform, Support};

pub(super) static FAMILY: Family = Family {
    name: "debian",
    members: "Debian, Ubuntu and other derivatives",
    functions: concat!(include_str!("functions.sh"), include_str!("bundle.sh")),
    one_major: false,
    hints: hints::HINTS,
    remedies: remedies::REMEDIES,
    of,
};

/// Packages and paths are the same in all releases.
fn of(facts: &Facts) -> Option<Platform> {
    let support = match (&*facts.os_id, &*facts.os_version) {
        ("debian", "12" | "13") => Support::Tried,
        _ => Support::NotTried,
    };
    facts
        .descends_from(&["debian", "ubuntu"])
        .then_some(Platform {
            support,
            auto_failover: match (&*facts.os_id, &*facts.os_version) {
                ("debian", "12") => Some("15"),
                ("debian", "13") => Some("17"),
                _ => None,
            },
            ..PLATFORM
        })
}

const PLATFORM: Platform = Platform {
    family: &FAMILY,
    support: Support::NotTried,
    postgres_data: "/var/lib/postgresql",
    postgres_package_certificate: Some("snakeoil"),
    postgres_tls: "/etc/postgresql-k3s",
    auto_failover: None,
    download_packages: "curl ca-certificates",
    nginx_package: "nginx",
    nginx_stream_package: "libnginx-mod-stream",
    nginx: "/usr/sbin/nginx",
    nginx_user: "www-data",
    log_group: "adm",
    nginx_stream_module: "/usr/lib/nginx/modules/ngx_stream_module.so",
    keepalived_package: "keepalived",
    keepalived: "/usr/sbin/keepalived",
};

#[cfg(test)]
mod tests;
