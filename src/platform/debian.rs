//! Debian, Ubuntu and their relatives (facts 7.1, 8.1).

use super::Platform;

/// The `ID`s of os-release.
pub(super) const NAMES: &[&str] = &["debian", "ubuntu"];

pub(super) const PLATFORM: Platform = Platform {
    family: "debian",
    functions: include_str!("../../assets/steps/platform/debian.sh"),
    postgres_packages: "postgresql",
    postgres_tls: "/etc/postgresql-k3s",
    download_packages: "curl ca-certificates",
    nginx_packages: "nginx libnginx-mod-stream",
    nginx: "/usr/sbin/nginx",
    nginx_user: "www-data",
    nginx_stream_module: Some("/usr/lib/nginx/modules/ngx_stream_module.so"),
};
