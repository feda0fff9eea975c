//! Whether a host gets what it will download: tried on the host itself, since only there the way
//! is the one that counts.

use serde::{Deserialize, Serialize};

use super::{Facts, Platform};
use crate::answers::{Answers, Host, Role};
use crate::remote::Script;

const PRELUDE: &str = include_str!("../../assets/steps/prelude.sh");
const SCRIPT: &str = include_str!("../../assets/steps/sources.sh");

/// Where the releases of K3s are when the answers name no mirror (facts 3.1).
const RELEASES: &str = "https://github.com/k3s-io/k3s/releases/download";

/// What a host reaches. What it did not say, or was not asked, is empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sources {
    pub packages: Tried,
    pub download: Tried,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Tried {
    /// Nothing is to be downloaded, or nobody knows.
    #[default]
    Not,
    Reached,
    /// Could not be tried yet, and why.
    Later(String),
    Failed(String),
}

impl Sources {
    /// The script that tries them. `fetches_installer`: this host is the one through which the
    /// install script is fetched, and it is not kept from an earlier run.
    pub fn script(
        answers: &Answers,
        host: &Host,
        arch: &str,
        platform: Platform,
        fetches_installer: bool,
    ) -> Script {
        let k3s = &answers.k3s;
        let packages = match host.role {
            Role::Postgres => platform.postgres_packages,
            Role::LoadBalancer => platform.nginx_packages,
            Role::Server | Role::Agent => "",
        };
        let install_url = if fetches_installer {
            &*k3s.install_url
        } else {
            ""
        };
        let release_url = match host.role {
            Role::Server | Role::Agent => release_url(answers, arch),
            _ => String::new(),
        };
        Script::new(PRELUDE)
            .then(platform.functions)
            .then(SCRIPT)
            .input("PACKAGES", packages)
            .input("VERSION", k3s.version.as_str())
            .input("INSTALL_URL", install_url)
            .input("RELEASE_URL", release_url)
    }

    /// Whether nothing is left to download, as far as facts tell: then nothing is tried. What K3s
    /// is there in which version only the script asks.
    pub fn are_settled(host: &Host, facts: &Facts) -> bool {
        match host.role {
            Role::Postgres => facts.postgres.ours && facts.postgres.asked,
            Role::LoadBalancer => {
                let state = facts.units.get("k3s-lb.service");
                state.is_some_and(|state| state == "active")
            }
            Role::Server | Role::Agent => false,
        }
    }

    pub fn parse(lines: &[String]) -> Self {
        let mut sources = Self::default();
        for (key, value) in lines.iter().filter_map(|line| line.split_once('=')) {
            let text = value.trim().to_owned();
            match (key, value) {
                ("packages", "here") => sources.packages = Tried::Not,
                ("packages", "reached") => sources.packages = Tried::Reached,
                ("packages", _) => sources.packages = Tried::Failed(text),
                ("download.good", _) => sources.download = Tried::Reached,
                ("download.untried", _) => sources.download = Tried::Later(text),
                ("download.failed", _) => sources.download = Tried::Failed(text),
                _ => {}
            }
        }
        sources
    }
}

/// The smallest file of the release, for an architecture (facts 3.2).
fn release_url(answers: &Answers, arch: &str) -> String {
    let arch = match arch {
        "aarch64" | "arm64" => "arm64",
        arch if arch.starts_with("arm") => "arm",
        _ => "amd64",
    };
    let releases = answers.k3s.artifact_url.as_deref().unwrap_or(RELEASES);
    let version = answers.k3s.version.replace('+', "%2B");
    format!("{releases}/{version}/sha256sum-{arch}.txt")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_read() {
        let read = |text: &str| {
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            Sources::parse(&lines)
        };
        let good = read("packages=here\ndownload.good=yes");
        assert_eq!((good.packages, good.download), (Tried::Not, Tried::Reached));
        let bad = read("download.failed=http://m/x curl: (7) refused\npackages=http://p: E: no ");
        assert_eq!(bad.packages, Tried::Failed("http://p: E: no".into()));
        assert_eq!(
            bad.download,
            Tried::Failed("http://m/x curl: (7) refused".into())
        );
        assert_eq!(read(""), Sources::default());
    }

    #[test]
    fn what_runs_is_not_downloaded_again() {
        let settled =
            |role, facts: &Facts| Sources::are_settled(&Host::new("h", role, "::1"), facts);
        let mut facts = Facts::default();
        let roles = [Role::Postgres, Role::LoadBalancer, Role::Agent];
        assert_eq!(roles.map(|role| settled(role, &facts)), [false; 3]);
        facts.postgres.asked = true;
        let service = |state: &str| ("k3s-lb.service".to_owned(), state.to_owned());
        facts.units.extend([service("failed")]);
        assert_eq!(roles.map(|role| settled(role, &facts)), [false; 3]);
        facts.postgres.ours = true;
        facts.units.extend([service("active")]);
        assert_eq!(roles.map(|role| settled(role, &facts)), [true, true, false]);
    }

    #[test]
    fn releases_have_their_own_names() {
        let mut answers = Answers::default();
        answers.k3s.version = "v1.30.1+k3s2".into();
        assert_eq!(
            release_url(&answers, "x86_64"),
            format!("{RELEASES}/v1.30.1%2Bk3s2/sha256sum-amd64.txt")
        );
        answers.k3s.artifact_url = Some("http://mirror".into());
        assert!(release_url(&answers, "armv7l").starts_with("http://mirror/v1.30.1%2Bk3s2/"));
        assert!(release_url(&answers, "armv7l").ends_with("-arm.txt"));
        assert!(release_url(&answers, "aarch64").ends_with("-arm64.txt"));
    }

    /// A port where nobody listens is refused at once, on any machine.
    #[test]
    fn the_script_tells_what_is_not_reached() {
        let mut answers = Answers::default();
        answers.k3s.artifact_url = Some("http://127.0.0.1:9/k3s".into());
        answers.k3s.install_url = "http://127.0.0.1:9/install.sh".into();
        let host = Host::new("s", Role::Server, "127.0.0.1");
        let platform = crate::platform::debian::PLATFORM;
        let tried = |fetches| {
            let script = Sources::script(&answers, &host, "x86_64", platform, fetches);
            let output = std::process::Command::new("sh")
                .arg("-c")
                .arg(script.text().unwrap().expose())
                .output();
            let text = String::from_utf8(output.expect("a shell").stdout).unwrap();
            let lines: Vec<_> = text.lines().map(str::to_owned).collect();
            match Sources::parse(&lines).download {
                Tried::Failed(why) => why,
                other => panic!("{other:?}: {text}"),
            }
        };
        assert!(tried(true).starts_with("http://127.0.0.1:9/install.sh "));
        assert!(tried(false).starts_with("http://127.0.0.1:9/k3s/v1."));
    }
}
