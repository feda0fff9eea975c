//! Drills on the lab. They need root.

use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::WIZARD;
use crate::install::{installed, must_change_nothing};
use crate::lab::{Lab, Wizard};
use crate::tui::AGENT;
use support::terminal::Terminal;

/// The report of the last drills.
fn report(wizard: &Wizard) -> Value {
    let folder = wizard.state.path().join("lab/drills");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut reports: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .collect();
    reports.sort();
    let text = std::fs::read_to_string(reports.last().expect("a report")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Every drill passed, and lost nothing.
fn must_have_passed(report: &Value) {
    let drills = report["drills"].as_array().unwrap();
    assert!(!drills.is_empty());
    for drill in drills {
        assert_eq!(drill["result"], "passed", "{drill:#}");
        let figures = &drill["figures"];
        assert_eq!(figures["lost"], 0, "{drill:#}");
        assert_eq!(figures["stale_reads"], 0, "{drill:#}");
        assert!(figures["acknowledged"].as_u64().unwrap() >= 8, "{drill:#}");
        println!(
            "{}: {} ms, whole after {} ms",
            drill["drill"], figures["longest_without_write"], figures["redundant_after"]
        );
    }
}

/// Nothing of a drill is left on these hosts, or in the cluster.
fn leaves_nothing(lab: &Lab, hosts: &[&str]) {
    for host in hosts {
        let (_, timers) = lab.sh(
            host,
            "systemctl list-units --all --no-legend 'k3s-ha-wizard-undo*'",
        );
        assert_eq!(timers.trim(), "", "{host}");
        let (_, files) = lab.sh(host, "ls /var/lib/k3s-ha-wizard/drill-* 2>/dev/null");
        assert_eq!(files.trim(), "", "{host}");
    }
    let maps = "k3s kubectl get --raw /api/v1/namespaces/default/configmaps";
    assert!(
        !lab.must("k3s-server-1", maps)
            .contains("k3s-ha-wizard-drill")
    );
}

#[test]
fn services_are_killed_and_nothing_is_lost() {
    let (lab, wizard) = installed();
    let (code, said) = wizard.says(&["drill", "--yes", "kill-k3s@k3s-server-2", "kill-nginx"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the drill is done"), "{said}");
    let first = report(&wizard);
    must_have_passed(&first);
    assert_eq!(first["drills"].as_array().unwrap().len(), 2);
    leaves_nothing(&lab, &["k3s-server-2", "k3s-nginx"]);
    must_change_nothing(&wizard.run().good());

    // What an earlier drill showed stands beside it. A host that is cut off is so for SSH alone.
    lab.with_nft(&["k3s-nginx"]);
    let names = ["drill", "--yes", "kill-nginx", "cut@k3s-nginx"];
    let (code, said) = wizard.says(&names);
    assert_eq!(code, Some(0), "{said}");
    let second = report(&wizard);
    must_have_passed(&second);
    let drills = second["drills"].as_array().unwrap();
    assert_eq!(drills[0]["before"], first["drills"][1]["figures"]);
    // No client reached it meanwhile.
    let gap = &drills[1]["figures"]["longest_without_write"];
    assert!(gap.as_u64().unwrap() > 25_000, "{gap}");
    assert_eq!(lab.must("k3s-nginx", "nft list ruleset").trim(), "");
    leaves_nothing(&lab, &["k3s-nginx"]);
}

#[test]
fn drills_are_refused_unless_the_cluster_is_whole_and_its_name_is_given() {
    let (lab, wizard) = installed();
    let (code, said) = wizard.says(&["drill", "--dry-run"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("reset@k3s-postgres"), "{said}");
    let (code, said) = wizard.says(&["drill", "--dry-run", "reset@k3s-server-9"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("there is no drill \"reset@k3s-server-9\""),
        "{said}"
    );

    // Without a terminal and --yes it cannot be confirmed.
    let (code, said) = wizard.says(&["drill", "kill-nginx"]);
    assert_eq!(code, Some(2), "{said}");

    lab.must("k3s-agent", "systemctl stop k3s-agent");
    let since = Instant::now();
    let unready = "k3s kubectl get nodes --no-headers | grep -q ' NotReady '";
    while !lab.sh("k3s-server-1", unready).0 {
        assert!(since.elapsed() < Duration::from_secs(180), "it stays Ready");
        std::thread::sleep(Duration::from_secs(1));
    }
    let before = lab.must("k3s-nginx", "systemctl show -p MainPID k3s-lb");
    let (code, said) = wizard.says(&["drill", "--yes", "kill-nginx"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not run"), "{said}");
    assert_eq!(
        lab.must("k3s-nginx", "systemctl show -p MainPID k3s-lb"),
        before
    );
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn what_a_killed_wizard_took_away_comes_back_by_itself() {
    let (lab, wizard) = installed();
    let mut command = wizard.verb(&["drill", "--yes", "stop-nginx"]);
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let since = Instant::now();
    let active = || lab.sh("k3s-nginx", "systemctl is-active k3s-lb").1.trim() == "active";
    while active() {
        assert!(
            since.elapsed() < Duration::from_secs(120),
            "it is not stopped"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The connection is gone with the wizard, and what it ran there.
    lab.sh("k3s-nginx", "pkill -f 'sleep 30'");
    while !active() {
        assert!(since.elapsed() < Duration::from_secs(240), "it stays away");
        std::thread::sleep(Duration::from_secs(1));
    }
    // What is left in the cluster goes with the next drill.
    let (code, said) = wizard.says(&["drill", "--yes", "kill-nginx"]);
    assert_eq!(code, Some(0), "{said}");
    leaves_nothing(&lab, &["k3s-nginx"]);
}

/// The page of the drills, opened from the live page.
fn drills_on_screens(wizard: &Wizard, folder: &Path) -> Terminal {
    let state = wizard.state.path().to_str().unwrap();
    let variables = [AGENT, ("K3S_HA_WIZARD_STATE", state)];
    let mut terminal = Terminal::start(WIZARD, (80, 24), &[], &variables, folder);
    terminal.waits_for("Live page of lab");
    while !terminal.text().contains("▸ Live page of lab") {
        terminal.types("\u{1b}[B");
        std::thread::sleep(Duration::from_millis(200));
    }
    terminal.types("\r");
    terminal.waits_for("Nodes  all healthy");
    terminal.waits_for("✓ k3s-server-1");
    terminal.waits_for("✓ k3s-postgres");
    terminal.types("d");
    terminal.waits_for("Drills of cluster lab: 0 of 20 chosen");
    terminal
}

fn chooses(terminal: &mut Terminal, drill: &str) {
    let row = format!("▸ [ ] {drill}@");
    while !terminal.text().contains(&row) {
        terminal.types("\u{1b}[B");
        std::thread::sleep(Duration::from_millis(200));
    }
    terminal.types(" ");
    terminal.waits_for("1 of 20 chosen");
    terminal.types("\r");
    terminal.waits_for("Type the cluster's name to start");
}

#[test]
fn a_drill_is_chosen_confirmed_and_watched_on_the_screens() {
    let (lab, wizard) = installed();
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = drills_on_screens(&wizard, folder.path());
    chooses(&mut terminal, "kill-nginx");
    terminal.types("prod\r");
    terminal.waits_for("That is not lab. Nothing was changed.");
    terminal.types("lab\r");
    terminal.waits_for("Drill 1 of 1: kill-nginx@k3s-nginx");
    terminal.waits_for("writes  ");
    terminal.waits_for("writes acknowledged");
    terminal.waits_for("1 drill: 1 passed, 0 failed, 0 not run. Acknowledged writes lost: 0.");
    terminal.waits_for(".html");
    let report = report(&wizard);
    must_have_passed(&report);
    assert_eq!(report["drills"][0]["drill"], "kill-nginx@k3s-nginx");
    // The clients' samples are in the log, and were not too many.
    let logs = std::fs::read_dir(wizard.state.path().join("lab/runs")).unwrap();
    let logs = logs.map(|log| std::fs::read_to_string(log.unwrap().path()).unwrap());
    let samples = logs.map(|log| log.matches("\"drill-sample\"").count());
    let samples: usize = samples.sum();
    let acknowledged = report["drills"][0]["figures"]["acknowledged"]
        .as_u64()
        .unwrap();
    assert!((4..4 * 600).contains(&samples), "{samples}");
    println!("{samples} samples, {acknowledged} writes");

    // And back to the cluster, which is as it was.
    terminal.types("\u{1b}");
    terminal.waits_for("Live: polling");
    terminal.waits_for("Nodes  all healthy");
    terminal.types("d");
    terminal.waits_for("0 of 20 chosen");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    leaves_nothing(&lab, &["k3s-nginx"]);
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_drill_that_is_left_on_the_screens_brings_back_what_it_took() {
    let (lab, wizard) = installed();
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = drills_on_screens(&wizard, folder.path());
    chooses(&mut terminal, "stop-nginx");
    terminal.types("lab\r");
    terminal.waits_for("Down. The host brings it back by itself in");
    let active = || lab.sh("k3s-nginx", "systemctl is-active k3s-lb").1;
    // The page says so from when the host begins.
    let is_down = |_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        active().trim() != "active"
    };
    assert!((0..50).any(is_down));
    terminal.types("q");
    terminal.waits_for("first bring back what it took down");
    terminal.types("y");
    assert_ne!(terminal.ends(), 0);
    terminal.is_put_back();
    assert_eq!(active().trim(), "active");
    assert_eq!(report(&wizard)["drills"][0]["result"], "not-done");
    // What its clients left in the cluster goes with the next drill.
    let (code, said) = wizard.says(&["drill", "--yes", "kill-nginx"]);
    assert_eq!(code, Some(0), "{said}");
    leaves_nothing(&lab, &["k3s-nginx"]);
}

/// A container that is reset ends: what is a machine starts again by itself.
fn starts_what_is_reset<T>(hosts: &[&str], work: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                for host in hosts {
                    let lab = std::process::Command::new("tests/lab/lab")
                        .args(["exec", host, "true"])
                        .output();
                    if lab.is_ok_and(|output| !output.status.success()) {
                        let _ = std::process::Command::new("tests/lab/lab")
                            .args(["start", host])
                            .output();
                    }
                }
                std::thread::sleep(Duration::from_secs(1));
            }
        });
        let done = work();
        over.store(true, Ordering::Release);
        done
    })
}

#[test]
#[ignore = "takes half an hour: tests/run --all"]
fn a_pair_survives_every_drill() {
    let lab = Lab::of_topology("pair");
    let wizard = Wizard::of_hosts(&lab);
    wizard.run().good();
    let hosts = [
        "k3s-agent",
        "k3s-server-1",
        "k3s-server-2",
        "k3s-nginx",
        "k3s-nginx-2",
        "k3s-postgres",
        "k3s-postgres-2",
    ];
    lab.with_nft(&hosts);
    let (code, said) = starts_what_is_reset(&hosts, || wizard.says(&["drill", "--yes"]));
    assert_eq!(code, Some(0), "{said}");
    must_have_passed(&report(&wizard));
    leaves_nothing(&lab, &hosts);
    must_change_nothing(&wizard.run().good());
}
