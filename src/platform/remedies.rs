//! What to do about a finding of the preflight, where that depends on the distribution: commands.

use super::PostgresCluster;

#[derive(Debug)]
pub struct Remedies {
    /// The kernel has no such module.
    pub module_missing: &'static str,
    /// There is no `ss`.
    pub ss_missing: &'static str,
    /// There is neither curl nor wget.
    pub download_unknown: &'static str,
    /// An installation of packages was interrupted.
    pub packages_interrupted: &'static str,
    /// The package sources have only an old Postgres.
    pub postgres_old: &'static str,
    /// No package source answers.
    pub packages_unreached: &'static str,
    /// Packages of a bundle are signed with a key that the host does not trust.
    pub packages_untrusted: &'static str,
    /// A Postgres that the wizard did not install is stopped.
    pub postgres_stopped: fn(&PostgresCluster) -> String,
}

/// For a host of an unknown family, on which no run starts.
pub(super) static OF_NO_FAMILY: Remedies = Remedies {
    module_missing: "Use the distribution's kernel, with all its modules",
    ss_missing: "Install iproute2",
    download_unknown: "Install curl, to check it now",
    packages_interrupted: "Finish it with its package manager",
    postgres_old: "Add a package source with a newer Postgres, or use another host",
    packages_unreached: "Check its package sources and its proxy",
    packages_untrusted: "Import the key, once you have compared it",
    postgres_stopped: |_| "Start it, so that the wizard can check it".into(),
};

/// Of a Postgres whose packages are rpm's: its unit is known by its folder.
pub(super) fn start_unit(cluster: &PostgresCluster) -> String {
    let folder = cluster.name.trim_end_matches("/data");
    let unit = match folder.rsplit_once('/') {
        Some((_, last)) if last != "pgsql" => format!("postgresql-{last}"),
        _ => "postgresql".to_owned(),
    };
    format!("Start it, so that the wizard can check it: systemctl start {unit}")
}
