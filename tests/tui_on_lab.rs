//! The wizard walked on the lab, in a terminal and by keyboard alone: stopped half way, resumed,
//! and to the cluster.

#![allow(clippy::expect_used)] // what is not in a #[test] itself is still a test
#![allow(dead_code)] // not every helper is for every test

#[path = "support/lab.rs"]
mod lab;
#[path = "support/terminal.rs"]
mod terminal;

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use lab::Lab;
use terminal::Terminal;

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/answers.toml");
const SIZE: (u16, u16) = (80, 24);

/// From the review over the connections and the plan into the run.
fn begin(terminal: &mut Terminal) {
    terminal.waits_for("fetched without TLS");
    terminal.types("\r");
    terminal.waits_for("Cluster lab: ");
    terminal.types("v");
    terminal.waits_for("#!/bin/sh");
    terminal.types("a");
    terminal.waits_for("Log · All hosts");
}

/// The page follows the cluster, whoever of it is lost; so does `status`.
fn is_live(lab: &Lab, terminal: &Terminal, folder: &Path) {
    terminal.waits_for("Live: k3s-server-1 is asked every 5 s");
    terminal.waits_for("every connection over TLS with the client certificate");
    terminal.waits_for("✓ the authority");
    let (code, said) = status(folder);
    assert_eq!(code, Some(0), "{said}");
    let (page, drawn) = (terminal.text(), terminal.drawn());
    thread::sleep(Duration::from_secs(12));
    if terminal.text() == page {
        let now = terminal.drawn();
        assert_eq!(now, drawn, "nothing changed, and still it was drawn");
    }

    lab.must("k3s-agent", "systemctl stop k3s-agent");
    terminal.waits_for("✗ k3s-agent     NotReady");
    terminal.waits_for("does not answer any more");
    let (code, said) = status(folder);
    assert_eq!(code, Some(1), "{said}");
    let ill = "node k3s-agent: does not answer any more";
    assert!(said.contains(ill), "{said}");
    lab.must("k3s-agent", "systemctl start k3s-agent");
    terminal.waits_for("Nodes  all well");

    lab.must("k3s-server-1", "systemctl stop k3s");
    terminal.waits_for("Live: k3s-server-2 is asked every 5 s");
    terminal.waits_for("has no connection to the datastore");
    lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
    terminal.waits_for("Datastore  ✗ not known now");
    lab.must("k3s-postgres", "systemctl start postgresql@15-main");
    lab.must("k3s-server-1", "systemctl start k3s");
    terminal.waits_for("every connection over TLS with the client certificate");
    terminal.waits_for("Nodes  all well");
}

/// `k3s-ha-wizard status`: the exit code, and what it printed.
fn status(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_k3s-ha-wizard"))
        .arg("status")
        .env("K3S_HA_WIZARD_STATE", folder.join("state"))
        .output()
        .expect("it runs");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (output.status.code(), text)
}

#[test]
fn stopped_half_way_and_resumed() {
    let lab = Lab::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(SIZE, &[], &[], folder.path());
    terminal.waits_for("▸ New cluster");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{ANSWERS}\r"));
    begin(&mut terminal);
    terminal.waits_for("load-balancer/install: ");
    terminal.types("\u{3}");
    terminal.waits_for("A run is at work");
    terminal.types("\r");
    terminal.waits_for("Stopping: ");
    assert_eq!(terminal.ends(), 3);
    terminal.is_put_back();
    // What is said at the end stays when the screens are gone.
    terminal.waits_for("What was done stays done.");

    let mut terminal = Terminal::start((120, 50), &[], &[], folder.path());
    terminal.waits_for("▸ Resume lab");
    terminal.types("\r");
    begin(&mut terminal);
    terminal.waits_for("Nodes  all well");
    is_live(&lab, &terminal, folder.path());
    terminal.types("o");
    terminal.waits_for("certificate of a foreign authority");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    terminal.waits_for("kubeconfig  ");
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");
}
