//! The wizard walked on the lab, in a terminal and by keyboard alone: stopped half way, resumed,
//! and to the cluster.

#![allow(clippy::expect_used)] // what is not in a #[test] itself is still a test
#![allow(dead_code)] // not every helper is for every test

#[path = "support/lab.rs"]
mod lab;
#[path = "support/terminal.rs"]
mod terminal;

use lab::Lab;
use terminal::Terminal;

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/answers.toml");
const SIZE: (u16, u16) = (80, 24);

/// From the review over the connections and the plan into the run.
fn begin(terminal: &mut Terminal) {
    terminal.waits_for("fetched without TLS");
    terminal.types("\r");
    terminal.waits_for("Enter shows the plan.");
    terminal.types("\r");
    terminal.waits_for("Cluster lab: ");
    terminal.types("v");
    terminal.waits_for("#!/bin/sh");
    terminal.types("\r");
    terminal.waits_for("Log · All hosts");
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

    let mut terminal = Terminal::start(SIZE, &[], &[], folder.path());
    terminal.waits_for("▸ Resume lab");
    terminal.types("\r");
    begin(&mut terminal);
    terminal.waits_for("Nodes  all well");
    terminal.types("o");
    terminal.waits_for("certificate of a foreign authority");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    terminal.waits_for("kubeconfig  ");
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");
}
