//! The install script's contract with who calls it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;

use tempfile::TempDir;

const VERSION: &str = "v1.36.2+k3s1";
const BINARY: &str = "#!/bin/sh\necho a binary\n";

/// A host without systemd's doing: `systemctl` only notes how it was called.
struct Root {
    folder: TempDir,
    mirror: String,
}

impl Root {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["bin", "units", "path"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let root = Self {
            folder,
            mirror: mirror(),
        };
        let systemctl = root.path("path/systemctl");
        fs::write(
            &systemctl,
            format!(
                "#!/bin/sh\necho \"$@\" >> {}\n",
                root.path("called").display()
            ),
        )
        .unwrap();
        fs::set_permissions(systemctl, fs::Permissions::from_mode(0o755)).unwrap();
        root
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    /// Runs the script as root of a place where systemd seems to be.
    fn install(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        let _ = fs::remove_file(self.path("called"));
        let script = format!("{}/install.sh", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("unshare");
        command.args(if crate::support::root() {
            ["--mount"].as_slice()
        } else {
            &["--mount", "--map-root-user"]
        });
        command.args([
            "sh",
            "-c",
            "mount -t tmpfs run /run && mkdir -p /run/systemd/system && exec sh \"$@\"",
            "sh",
            &script,
        ]);
        command
            .args(arguments)
            .env_clear()
            .env(
                "PATH",
                format!(
                    "{}:/usr/sbin:/usr/bin:/sbin:/bin",
                    self.path("path").display()
                ),
            )
            .env("INSTALL_K3S_BIN_DIR", self.path("bin"))
            .env("INSTALL_K3S_SYSTEMD_DIR", self.path("units"))
            .env("INSTALL_K3S_ARTIFACT_URL", &self.mirror)
            .env("INSTALL_K3S_VERSION", VERSION)
            .envs(variables.iter().copied());
        command.output().unwrap()
    }
}

/// A mirror of the releases: the version's plus sign encoded, as the official script asks.
fn mirror() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let output = Command::new("sh")
        .args(["-c", "printf %s \"$0\" | sha256sum", BINARY])
        .output()
        .unwrap();
    let hash = String::from_utf8(output.stdout).unwrap()[..64].to_owned();
    let sums = ["amd64", "arm64"].map(|architecture| {
        let suffix = if architecture == "amd64" {
            ""
        } else {
            "-arm64"
        };
        (
            format!("/v1.36.2%2Bk3s1/sha256sum-{architecture}.txt"),
            format!("{hash}  k3s{suffix}\n"),
        )
    });
    let mut files: BTreeMap<String, String> = sums.into();
    files.insert("/v1.36.2%2Bk3s1/k3s".into(), BINARY.into());
    files.insert("/v1.36.2%2Bk3s1/k3s-arm64".into(), BINARY.into());
    files.insert(
        "/v2/sha256sum-amd64.txt".into(),
        format!("{}  k3s\n", "0".repeat(64)),
    );
    files.insert("/v2/k3s".into(), BINARY.into());
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut lines = BufReader::new(client.try_clone().unwrap()).lines();
            let first = lines.next().unwrap().unwrap();
            lines
                .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                .for_each(drop);
            let path = first.split(' ').nth(1).unwrap();
            let (status, body) = files
                .get(path)
                .map_or(("404 Not Found", ""), |body| ("200 OK", body.as_str()));
            let length = body.len();
            let _ = write!(
                client,
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}")
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn it_installs_a_server_without_starting_it_and_then_sees_no_change() {
    let root = Root::new();
    let first = root.install(&[("INSTALL_K3S_SKIP_START", "true")], &["server"]);
    let said = text(&first);
    assert!(first.status.success(), "{said}");
    assert!(said.contains("[INFO]  Verifying binary download"), "{said}");
    assert_eq!(root.read("bin/k3s"), BINARY);
    assert_eq!(
        fs::metadata(root.path("bin/k3s"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o755
    );
    assert_eq!(
        fs::metadata(root.path("units/k3s.service.env"))
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    let unit = root.read("units/k3s.service");
    for line in [
        "Type=notify",
        "EnvironmentFile=-/etc/default/%N",
        "EnvironmentFile=-/etc/sysconfig/%N",
        "KillMode=process",
        "Delegate=yes",
        "LimitNOFILE=1048576",
        "TasksMax=infinity",
        "TimeoutStartSec=0",
        "Restart=always",
        "RestartSec=5s",
        "ExecStartPre=-/sbin/modprobe br_netfilter",
        "ExecStartPre=-/sbin/modprobe overlay",
        "    server",
    ] {
        assert!(
            unit.lines().any(|known| known == line),
            "{line:?} in {unit}"
        );
    }
    assert!(unit.contains(&format!(
        "ExecStart={} \\\n    server\n",
        root.path("bin/k3s").display()
    )));
    let called = root.read("called");
    assert!(
        called.contains("enable")
            && called.contains("daemon-reload")
            && !called.contains("restart"),
        "{called}"
    );

    let second = text(&root.install(&[], &["server"]));
    assert!(
        second.contains("[INFO]  Skipping binary downloaded, installed k3s matches hash"),
        "{second}"
    );
    assert!(
        second.contains("[INFO]  No change detected so skipping service start"),
        "{second}"
    );
    assert!(!root.read("called").contains("restart"));
    let changed = text(&root.install(&[("K3S_NODE_NAME", "other")], &["server"]));
    assert!(
        changed.contains("[INFO]  systemd: Starting k3s\n"),
        "{changed}"
    );
    assert!(root.read("called").contains("restart k3s"));
    assert_eq!(
        root.read("units/k3s.service.env"),
        "K3S_NODE_NAME='other'\n"
    );
    for name in ["bin/kubectl", "bin/crictl", "bin/ctr"] {
        let found = Command::new("which")
            .arg(name.trim_start_matches("bin/"))
            .output()
            .unwrap();
        assert!(
            root.path(name).is_symlink() || found.status.success(),
            "{name}"
        );
    }
    assert!(root.path("bin/k3s-uninstall.sh").exists() && root.path("bin/k3s-killall.sh").exists());
}

#[test]
fn arguments_and_variables_choose_what_is_installed() {
    let root = Root::new();
    let agent = [
        ("K3S_URL", "https://a:6443"),
        ("K3S_TOKEN", "it's"),
        ("INSTALL_K3S_EXEC", "--node-label 'a b'"),
        ("INSTALL_K3S_SKIP_ENABLE", "true"),
    ];
    let said = text(&root.install(&agent, &["--debug"]));
    let unit = root.read("units/k3s-agent.service");
    assert!(
        unit.contains("    agent \\\n\t'--node-label' \\\n\t'a b' \\\n\t'--debug'\n"),
        "{said} {unit}"
    );
    assert!(
        root.read("units/k3s-agent.service.env")
            .contains("K3S_URL='https://a:6443'")
    );
    assert!(root.path("bin/k3s-agent-uninstall.sh").exists());
    assert!(
        !root.read("called").contains("enable k3s") && !root.read("called").contains("restart")
    );
    let skipped = text(&root.install(
        &[
            ("INSTALL_K3S_SKIP_DOWNLOAD", "true"),
            ("INSTALL_K3S_ARTIFACT_URL", ""),
        ],
        &["server"],
    ));
    assert!(
        skipped.contains("[INFO]  Skipping k3s download and verify"),
        "{skipped}"
    );
}

#[test]
fn what_is_wrong_is_refused() {
    for (variables, expected) in [
        (
            vec![("INSTALL_K3S_VERSION", "v0")],
            "[ERROR]  Download failed\n",
        ),
        (
            vec![("INSTALL_K3S_VERSION", "v2"), ("ARCH", "amd64")],
            "[ERROR]  Download sha256 does not match 0000",
        ),
        (
            vec![("ARCH", "vax")],
            "[ERROR]  Unsupported architecture vax\n",
        ),
        (
            vec![("INSTALL_K3S_ARTIFACT_URL", "")],
            "[ERROR]  The stand-in is in no public place",
        ),
        (
            vec![("K3S_URL", "http://a:6443")],
            "[ERROR]  Only https:// URLs are supported for K3S_URL (have http://a:6443)",
        ),
        (
            vec![("INSTALL_K3S_SKIP_DOWNLOAD", "true")],
            "[ERROR]  Executable k3s binary not found at ",
        ),
        (
            vec![("INSTALL_K3S_VERSION", ""), ("INSTALL_K3S_CHANNEL_URL", "")],
            "[ERROR]  The stand-in has no channels",
        ),
    ] {
        let root = Root::new();
        let output = root.install(&variables, &["server"]);
        let said = text(&output);
        assert!(said.contains(expected), "{expected:?} in {said}");
        assert_eq!(output.status.code(), Some(1));
        assert!(!root.path("units/k3s.service").exists());
    }
    let root = Root::new();
    let output = root.install(&[("K3S_URL", "https://a:6443")], &[]);
    assert!(text(&output).contains("K3S_TOKEN or K3S_TOKEN_FILE is not defined"));
    assert!(!output.status.success());
}
