//! A cluster that an earlier version of the wizard has installed: this version keeps what it runs
//! with, and restarts nothing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::lab::{Lab, Wizard};

/// The last commit before state folders had `applied` and hosts had sets of files.
const COMMIT: &str = "3b3c60a0363806513a7885520c8316d523f6b71c";

/// The wizard of that commit, built once.
fn earlier_wizard() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("earlier");
    let (source, program) = (target.join(COMMIT), target.join("debug/k3s-ha-wizard"));
    let marker = target.join(format!("{COMMIT}.built"));
    if marker.exists() {
        return program;
    }
    std::fs::create_dir_all(&source).unwrap();
    let archive = Command::new("git")
        .args(["-C", root.to_str().unwrap(), "archive", COMMIT])
        .stdout(Stdio::piped())
        .spawn();
    let mut archive = archive.unwrap();
    let mut unpack = Command::new("tar");
    unpack.args(["-x", "-C", source.to_str().unwrap()]);
    let unpacked = unpack.stdin(archive.stdout.take().unwrap()).status();
    assert!(unpacked.unwrap().success() && archive.wait().unwrap().success());
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--bin", "k3s-ha-wizard"]);
    build.arg("--target-dir").arg(&target).current_dir(&source);
    assert!(build.status().unwrap().success());
    std::fs::write(marker, "").unwrap();
    program
}

/// When each service of the cluster was started, and how often it was restarted.
fn started(lab: &Lab) -> Vec<String> {
    let services = [
        ("k3s-postgres", "postgresql@15-main"),
        ("k3s-server-1", "k3s"),
        ("k3s-server-2", "k3s"),
        ("k3s-nginx", "k3s-lb"),
        ("k3s-agent", "k3s-agent"),
    ];
    let of = |(host, service): &(&str, &str)| {
        let show = "systemctl show -p ActiveState -p MainPID -p NRestarts --value";
        let said = lab.must(host, &format!("{show} {service}"));
        assert!(
            said.lines().any(|line| line == "active"),
            "{host} {service}: {said}"
        );
        format!("{host} {service} {said}")
    };
    services.iter().map(of).collect()
}

#[test]
fn a_cluster_of_an_earlier_version_keeps_what_it_runs_with() {
    let lab = Lab::fresh();
    let earlier = Wizard::of(&earlier_wizard());
    earlier.run().good();
    let before = started(&lab);

    let wizard = Wizard::new().with_state_of(earlier);
    wizard.run().good();
    assert_eq!(started(&lab), before);
    let again = wizard.run().good();
    assert_eq!(again.changed(), Vec::<&str>::new());
    assert_eq!(started(&lab), before);
    let (code, said) = wizard.says(&["check"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("steps are as applied."), "{said}");

    // What has drifted is shown, and nothing is changed.
    lab.must(
        "k3s-server-2",
        "echo '# by hand' >>/etc/rancher/k3s/config.yaml",
    );
    for _ in 0..2 {
        let (code, said) = wizard.says(&["check"]);
        assert_eq!(code, Some(6), "{said}");
        assert!(
            said.contains("drifted  k3s/config@k3s-server-2: "),
            "{said}"
        );
        assert!(said.contains("-# by hand"), "{said}");
    }
    assert_eq!(started(&lab), before);

    // Nor is a version that all nodes would have got at once.
    let newer =
        wizard.answering(|text| text.replace("[k3s]\n", "[k3s]\nversion = \"v1.99.0+k3s1\"\n"));
    let refused = newer.run();
    assert_eq!(refused.status.code(), Some(2), "{}", refused.text);
    assert!(refused.text.contains("k3s.version: "), "{}", refused.text);
    assert_eq!(started(&lab), before);
}
