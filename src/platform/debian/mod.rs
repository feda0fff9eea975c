//! Debian, Ubuntu and other derivatives.

mod hints;
mod remedies;

use super::{Facts, Family, Platform};

pub(super) static FAMILY: Family = Family {
    name: "debian",
    members: "Debian, Ubuntu and other derivatives",
    functions: include_str!("functions.sh"),
    hints: hints::HINTS,
    remedies: remedies::REMEDIES,
    of,
};

/// Packages and paths are the same in all releases, so the version decides nothing here.
fn of(facts: &Facts) -> Option<Platform> {
    facts
        .descends_from(&["debian", "ubuntu"])
        .then_some(PLATFORM)
}

const PLATFORM: Platform = Platform {
    family: &FAMILY,
    postgres_packages: "postgresql",
    postgres_data: "/var/lib/postgresql",
    postgres_package_certificate: "snakeoil",
    postgres_tls: "/etc/postgresql-k3s",
    postgres_drop_ins: "/etc/systemd/system/postgresql@.service.d",
    download_packages: "curl ca-certificates",
    nginx_packages: "nginx libnginx-mod-stream",
    nginx: "/usr/sbin/nginx",
    nginx_user: "www-data",
    log_group: "adm",
    nginx_stream_module: Some("/usr/lib/nginx/modules/ngx_stream_module.so"),
};

#[cfg(test)]
mod tests;
