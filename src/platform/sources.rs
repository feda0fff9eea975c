//! Whether a host can download what it needs: tested on the host itself, because only there is the
//! network path the real one.

use super::{Facts, PRELUDE, Platform};
use crate::answers::K3s;
use crate::bundle::Contents;
use crate::remote::Script;
use crate::topology::{Proxies, Proxy, Topology};

const SCRIPT: &str = include_str!("../../assets/steps/sources.sh");

/// The releases of K3s, if the answers name no mirror.
const RELEASES: &str = "https://github.com/k3s-io/k3s/releases/download";

/// The sources that a host can reach. What is unknown is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    pub packages: SourceTrial,
    /// The newest major version of Postgres that the packages have, on a host that needs one.
    pub postgres: Option<u32>,
    pub download: SourceTrial,
    /// The source is a bundle.
    pub bundled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SourceTrial {
    /// Nothing to download, or unknown.
    #[default]
    Not,
    Reached,
    /// Not tested yet, and why.
    Later(String),
    Failed(String),
    /// The packages are signed with these keys, which the host does not trust.
    Untrusted(String),
}

/// The downloads of K3s and their sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloads {
    pub version: String,
    pub install_url: String,
    /// The URL of the releases.
    pub releases: String,
}

/// What the test needs to know.
#[derive(Debug, Clone, Copy)]
pub struct SourceRequirements<'a> {
    pub topology: &'a Topology,
    pub downloads: &'a Downloads,
    /// The host through which the install script will be fetched; `None` when it is kept from an
    /// earlier run.
    pub fetches: Option<&'a str>,
    pub proxies: &'a Proxies,
    /// What is installed from; else the internet, or mirrors.
    pub bundle: Option<&'a Contents>,
}

/// As releases of K3s name them.
pub const RELEASED: [&str; 3] = ["amd64", "arm64", "arm"];

/// The architecture of a host, as releases of K3s name it (docs/facts.md, "Architectures").
pub fn release_arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "armv7l" | "armv8l" => "arm",
        arch => arch,
    }
}

/// Whether K3s is released for an architecture (docs/facts.md, "Architectures").
pub fn is_released(arch: &str) -> bool {
    RELEASED.contains(&release_arch(arch))
}

impl Downloads {
    pub fn of(k3s: &K3s) -> Self {
        let releases = k3s.artifact_url.as_deref().unwrap_or(RELEASES);
        Self {
            version: k3s.version.clone(),
            install_url: k3s.install_url.clone(),
            releases: releases.to_owned(),
        }
    }

    /// The smallest file of the release, for an architecture (docs/facts.md, "Architectures").
    fn release_url(&self, arch: &str) -> String {
        let arch = release_arch(arch);
        self.file(&format!("sha256sum-{arch}.txt"))
    }

    /// The URL of a file of the release.
    pub fn file(&self, name: &str) -> String {
        let version = self.version.replace('+', "%2B");
        format!("{}/{version}/{name}", self.releases)
    }
}

impl Sources {
    /// The script that tests them from a host.
    pub fn script(
        wanted: SourceRequirements<'_>,
        host: &str,
        arch: &str,
        platform: Platform,
    ) -> Script {
        let SourceRequirements {
            topology,
            downloads,
            fetches,
            proxies,
            bundle: _,
        } = wanted;
        let postgres = topology.datastore.member(host).map_or("", |_| "yes");
        let packages = topology.api.member(host).map_or_else(String::new, |_| {
            let (nginx, stream) = (platform.nginx_package, platform.nginx_stream_package);
            format!("{nginx} {stream}")
        });
        let is_node = topology.nodes().any(|node| node.name == host);
        let release_url = is_node.then(|| downloads.release_url(arch));
        let install_url = if fetches == Some(host) {
            &*downloads.install_url
        } else {
            ""
        };
        Script::new(PRELUDE)
            .then(platform.family.functions)
            .then(SCRIPT)
            .inputs(proxies.get(host).into_iter().flat_map(Proxy::inputs))
            .input("POSTGRES", postgres)
            .input("PACKAGES", packages)
            .input("VERSION", downloads.version.as_str())
            .input("INSTALL_URL", install_url)
            .input("RELEASE_URL", release_url.unwrap_or_default())
    }

    /// Whether everything is installed, as far as the facts tell: then nothing is tested. Only the
    /// script asks for the version of K3s.
    pub fn are_settled(topology: &Topology, host: &str, facts: &Facts) -> bool {
        if topology.datastore.member(host).is_some() {
            return facts.postgres.ours && facts.postgres.asked;
        }
        topology.api.member(host).is_some() && facts.is_active("k3s-lb.service")
    }

    pub fn parse(lines: &[String]) -> Self {
        let mut sources = Self::default();
        for (key, value) in lines.iter().filter_map(|line| line.split_once('=')) {
            let text = value.trim().to_owned();
            match (key, value) {
                ("packages", "here") => sources.packages = SourceTrial::Not,
                ("packages", "reached") => sources.packages = SourceTrial::Reached,
                ("packages", _) => sources.packages = SourceTrial::Failed(text),
                ("postgres", _) => sources.postgres = text.parse().ok(),
                ("download.good", _) => sources.download = SourceTrial::Reached,
                ("download.untried", _) => sources.download = SourceTrial::Later(text),
                ("download.failed", _) => sources.download = SourceTrial::Failed(text),
                _ => {}
            }
        }
        sources
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Answers;
    use crate::platform::UnitState;

    fn lab() -> Topology {
        let answers = include_str!("../../tests/lab/answers.toml");
        Topology::of(&Answers::from_toml(answers).unwrap()).unwrap()
    }

    #[test]
    fn what_was_tried_is_read() {
        let read = |text: &str| {
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            Sources::parse(&lines)
        };
        assert_eq!(read("packages=reached\npostgres=17").postgres, Some(17));
        assert_eq!(read("packages=reached\npostgres=").postgres, None);
        let good = read("packages=here\ndownload.good=yes");
        assert_eq!(
            (good.packages, good.download),
            (SourceTrial::Not, SourceTrial::Reached)
        );
        let bad = read("download.failed=http://m/x curl: (7) refused\npackages=http://p: E: no ");
        assert_eq!(bad.packages, SourceTrial::Failed("http://p: E: no".into()));
        assert_eq!(
            bad.download,
            SourceTrial::Failed("http://m/x curl: (7) refused".into())
        );
        assert_eq!(read(""), Sources::default());
    }

    #[test]
    fn what_runs_is_not_downloaded_again() {
        let topology = lab();
        let settled = |host, facts: &Facts| Sources::are_settled(&topology, host, facts);
        let mut facts = Facts::default();
        let hosts = ["k3s-postgres", "k3s-nginx", "k3s-agent"];
        assert_eq!(hosts.map(|host| settled(host, &facts)), [false; 3]);
        facts.postgres.asked = true;
        let service = |state| ("k3s-lb.service".to_owned(), state);
        facts
            .units
            .extend([service(UnitState::Other("failed".into()))]);
        assert_eq!(hosts.map(|host| settled(host, &facts)), [false; 3]);
        facts.postgres.ours = true;
        facts.units.extend([service(UnitState::Active)]);
        assert_eq!(hosts.map(|host| settled(host, &facts)), [true, true, false]);
    }

    #[test]
    fn releases_have_their_own_names() {
        let mut k3s = K3s {
            version: "v1.30.1+k3s2".into(),
            ..K3s::default()
        };
        assert_eq!(
            Downloads::of(&k3s).release_url("x86_64"),
            format!("{RELEASES}/v1.30.1%2Bk3s2/sha256sum-amd64.txt")
        );
        k3s.artifact_url = Some("http://mirror".into());
        let mirror = Downloads::of(&k3s);
        assert!(
            mirror
                .release_url("armv7l")
                .starts_with("http://mirror/v1.30.1%2Bk3s2/")
        );
        assert!(mirror.release_url("armv7l").ends_with("-arm.txt"));
        assert!(mirror.release_url("aarch64").ends_with("-arm64.txt"));
    }

    /// A port without a listener is refused at once, on any machine.
    #[test]
    fn the_script_tells_what_is_not_reached() {
        let (topology, k3s) = (lab(), K3s::default());
        let downloads = Downloads {
            install_url: "http://127.0.0.1:9/install.sh".into(),
            releases: "http://127.0.0.1:9/k3s".into(),
            ..Downloads::of(&k3s)
        };
        let debian = Facts {
            os_id: "debian".into(),
            ..Facts::default()
        };
        let platform = Platform::of(&debian).unwrap();
        let proxies = Proxies::new();
        let tried = |fetches| {
            let wanted = SourceRequirements {
                topology: &topology,
                downloads: &downloads,
                fetches,
                proxies: &proxies,
                bundle: None,
            };
            let script = Sources::script(wanted, "k3s-server-1", "x86_64", platform);
            let output = std::process::Command::new("sh")
                .arg("-c")
                .arg(script.text().unwrap().expose())
                .output();
            let text = String::from_utf8(output.expect("a shell").stdout).unwrap();
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            match Sources::parse(&lines).download {
                SourceTrial::Failed(why) => why,
                other => panic!("{other:?}: {text}"),
            }
        };
        assert!(tried(Some("k3s-server-1")).starts_with("http://127.0.0.1:9/install.sh "));
        assert!(tried(None).starts_with("http://127.0.0.1:9/k3s/v1."));
    }
}
