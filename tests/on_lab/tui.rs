//! The wizard walked on the lab, in a terminal and by keyboard alone: straight from an empty list
//! of hosts to the cluster; stopped half way and resumed; with a failure that is fixed and retried.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::WIZARD;
use crate::lab::{self, Lab, Wizard};
use k3s_ha_wizard::events::log::read;
use k3s_ha_wizard::events::{DecidedBy, Event, Outcome, What};
use support::terminal::Terminal;

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/answers.toml");
const SIZE: (u16, u16) = (80, 24);
const AGENT: (&str, &str) = ("SSH_AUTH_SOCK", "/var/lib/k3s-ha-wizard-lab/agent.sock");

/// The wizard with the answers of the lab, at their review.
pub fn opened(folder: &Path) -> Terminal {
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[AGENT], folder);
    terminal.waits_for("▸ New cluster");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{ANSWERS}\r"));
    terminal
}

/// Goes to a field of the form that is shown, and types into it.
fn fills(terminal: &mut Terminal, label: &str, text: &str) {
    let here = format!("▸ {label} ");
    for _ in 0..40 {
        if terminal.text().contains(&here) {
            terminal.types("\u{15}");
            terminal.types(text);
            return;
        }
        let before = terminal.drawn();
        terminal.types("\t");
        terminal.waits_until("another field", |terminal| terminal.drawn() > before);
    }
    panic!("no field {label}\n{}", terminal.text());
}

/// Ctrl-N: on to the next page.
const NEXT: &str = "\u{e}";

/// Where the lab keeps it.
fn kept(name: &str) -> String {
    format!("{}/{name}", lab::KEPT)
}

fn secret(name: &str) -> String {
    let text = std::fs::read_to_string(kept(name)).expect("a secret of the lab");
    text.trim().to_owned()
}

fn enters_hosts(terminal: &mut Terminal) {
    let sles = "sles".to_owned();
    // The roles are proposed in this order.
    let hosts = [
        (
            "k3s-postgres",
            "198.51.100.11",
            vec![
                ("SSH user", sles.clone()),
                ("SSH key file", kept("id_ed25519")),
            ],
        ),
        (
            "k3s-server-1",
            "198.51.100.12",
            vec![
                ("SSH user", sles.clone()),
                ("SSH key file", kept("id_ed25519")),
                ("sudo password", secret("sudo_password")),
            ],
        ),
        (
            "k3s-server-2",
            "198.51.100.13",
            vec![
                ("SSH user", "root".to_owned()),
                ("SSH key file", kept("id_locked")),
                ("Key passphrase", secret("passphrase")),
            ],
        ),
        (
            "k3s-nginx",
            "198.51.100.14",
            vec![
                ("SSH user", sles.clone()),
                ("SSH password", secret("password")),
                ("sudo password", secret("password")),
            ],
        ),
        (
            "k3s-agent",
            "198.51.100.15",
            vec![("SSH user", sles.clone())],
        ),
    ];
    for (name, address, more) in hosts {
        terminal.types("a");
        terminal.waits_for("▸ Name");
        fills(terminal, "Name", name);
        fills(terminal, "Address", address);
        for (label, text) in more {
            fills(terminal, label, &text);
        }
        terminal.types(NEXT);
        terminal.waits_for("ADDRESS");
        terminal.waits_for(name);
    }
}

fn enters_options(terminal: &mut Terminal) {
    terminal.types(NEXT);
    terminal.waits_for("Step 3/10");
    fills(terminal, "Postgres name", "postgres.lab.internal");
    terminal.types(NEXT);
    terminal.waits_for("Step 4/10");
    terminal.types(NEXT);
    terminal.waits_for("Step 5/10");
    let settings = "cluster-cidr = \"198.18.0.0/16\"\rservice-cidr = \"198.19.0.0/16\"\rcluster-dns = \"198.19.0.10\"";
    fills(terminal, "Server settings", settings);
    fills(
        terminal,
        "Install script",
        "http://198.51.100.1:8080/install.sh",
    );
    fills(terminal, "Releases", "http://198.51.100.1:8080/k3s");
    terminal.types(NEXT);
    terminal.waits_for("Step 6/10");
    terminal.types(NEXT);
    terminal.waits_for("Step 7/10");
    terminal.types(NEXT);
    terminal.waits_for("fetched without TLS");
}

#[test]
fn straight_from_an_empty_list_of_hosts_phase_by_phase() {
    let lab = Lab::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[AGENT], folder.path());
    terminal.waits_for("▸ New cluster");
    terminal.types("\r");
    terminal.waits_for("Step 1/10");
    fills(&mut terminal, "Cluster", "lab");
    fills(&mut terminal, "Known hosts files", &kept("known_hosts"));
    terminal.types(NEXT);
    terminal.waits_for("No hosts yet");
    enters_hosts(&mut terminal);
    enters_options(&mut terminal);
    // No secret that was typed is shown, or kept.
    let draft = std::fs::read_to_string(folder.path().join("state/draft.toml"));
    let shown = terminal.text() + &draft.unwrap_or_default();
    for name in ["sudo_password", "passphrase", "password"] {
        assert!(!shown.contains(&secret(name)), "{name} is shown or kept");
    }
    terminal.types("\r");
    terminal.waits_for("Fit for ");
    terminal.types("\r");
    terminal.waits_for("Cluster lab: ");
    // What will change in files, then phase by phase.
    terminal.types("d");
    terminal.waits_for("is new (");
    terminal.types("\r");
    for phase in 1..=7 {
        terminal.waits_for(&format!("Next: phase {phase} of 7"));
        terminal.types("\r");
    }
    terminal.waits_for("Nodes  all healthy");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");
}

/// From the review over the connections and the plan into the run.
pub fn begin(terminal: &mut Terminal) {
    terminal.waits_for("fetched without TLS");
    terminal.types("\r");
    terminal.waits_for("Fit for ");
    terminal.types("\r");
    terminal.waits_for("Cluster lab: ");
    terminal.types("v");
    terminal.waits_for("#!/bin/sh");
    terminal.types("a");
    terminal.waits_for("Log · All hosts");
}

/// Another terminal, in which the unfinished run goes on.
pub fn resumed(folder: &Path) -> Terminal {
    let mut terminal = Terminal::start(WIZARD, (120, 50), &[], &[AGENT], folder);
    terminal.waits_for("▸ Resume lab");
    terminal.types("\r");
    begin(&mut terminal);
    terminal
}

/// The page follows the cluster, whichever host is lost; so does `status`.
fn is_live(lab: &Lab, terminal: &Terminal, folder: &Path) {
    terminal.waits_for("Live: k3s-server-1 is asked every 5 s");
    terminal.waits_for("every connection uses TLS with the client certificate");
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
    terminal.waits_for("Nodes  all healthy");

    lab.must("k3s-server-1", "systemctl stop k3s");
    terminal.waits_for("Live: k3s-server-2 is asked every 5 s");
    terminal.waits_for("has no connection to the datastore");
    lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
    terminal.waits_for("Datastore  ✗ unknown now");
    lab.must("k3s-postgres", "systemctl start postgresql@15-main");
    lab.must("k3s-server-1", "systemctl start k3s");
    terminal.waits_for("every connection uses TLS with the client certificate");
    terminal.waits_for("Nodes  all healthy");
}

/// `k3s-ha-wizard status`: the exit code, and what it printed.
fn status(folder: &Path) -> (Option<i32>, String) {
    let output = Command::new(WIZARD)
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
    let mut terminal = opened(folder.path());
    begin(&mut terminal);
    terminal.waits_for("load-balancer/install: ");
    terminal.types("\u{3}");
    terminal.waits_for("Stop the run?");
    terminal.types("\r");
    terminal.waits_for("Stopping: ");
    assert_eq!(terminal.ends(), 3);
    terminal.is_put_back();
    // What is said at the end stays when the screens are gone.
    terminal.waits_for("Finished steps stay done.");

    let mut terminal = resumed(folder.path());
    terminal.waits_for("Nodes  all healthy");
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

#[test]
fn a_failure_is_fixed_from_a_shell_and_retried() {
    let lab = Lab::fresh();
    // Where a folder for K3s' unit is to be, there is a file.
    lab.must("k3s-server-2", "touch /etc/systemd/system/k3s.service.d");
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = opened(folder.path());
    begin(&mut terminal);
    terminal.waits_for("Failed: k3s/install");
    terminal.waits_for("k3s.service.d");
    // It makes something: it cannot be left out.
    assert!(!terminal.text().contains("s skip"));
    terminal.types("!");
    terminal.waits_for("A shell on k3s-server-2");
    terminal.waits_for("Enter passphrase for key");
    let passphrase = std::fs::read_to_string("/var/lib/k3s-ha-wizard-lab/passphrase");
    terminal.types(&format!("{}\n", passphrase.expect("the passphrase").trim()));
    terminal.waits_for("root@k3s-server-2");
    terminal.types("rm /etc/systemd/system/k3s.service.d && exit\n");
    terminal.waits_for("Back from k3s-server-2.");
    terminal.is_taken();
    terminal.types("r");
    terminal.waits_for("Nodes  all healthy");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    let decided = decisions(&events(folder.path()));
    assert_eq!(decided, ["k3s/install@k3s-server-2 Retry Operator"]);
    let text = std::fs::read_to_string(log(folder.path())).expect("the log");
    assert!(text.contains(r#""attempt":2"#));
}

/// Where the only run of a terminal wrote its log.
fn log(folder: &Path) -> std::path::PathBuf {
    let runs = folder.join("state/lab/runs");
    let mut logs = std::fs::read_dir(&runs).expect("runs");
    logs.next().expect("a log").expect("a log").path()
}

pub fn events(folder: &Path) -> Vec<Event> {
    read(&log(folder)).expect("events")
}

fn decisions(events: &[Event]) -> Vec<String> {
    let decision = |event: &Event| match &event.what {
        What::Decided { step, decision, by } => Some(format!("{step} {decision:?} {by:?}")),
        _ => None,
    };
    events.iter().filter_map(decision).collect()
}

/// What happened, step by step, without what differs from one run to the next: times, and the lines
/// that packages and services print.
fn story(events: &[Event]) -> BTreeMap<String, Vec<String>> {
    let mut story: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        let (about, what) = match &event.what {
            What::StepStarted { step, attempt } => (step.as_str(), format!("attempt {attempt}")),
            What::StepApplies { step } => (step.as_str(), "applies".to_owned()),
            What::Output { .. } | What::Connection { .. } => continue,
            What::Proved {
                step,
                case,
                got,
                holds,
                ..
            } => (step.as_str(), format!("{case}: {got} {holds}")),
            What::StepEnded { step, outcome } => {
                let outcome = match outcome {
                    Outcome::Failed(failure) => {
                        format!("failed: {} {:?}", failure.why, failure.hint)
                    }
                    outcome => format!("{outcome:?}"),
                };
                (step.as_str(), outcome)
            }
            What::Asked { step } => (step.as_str(), "asked".to_owned()),
            What::Decided { step, decision, .. } => (step.as_str(), format!("{decision:?}")),
            What::Started { plan, .. } => ("", format!("{plan:?}")),
            What::Warned { host, text } => ("", format!("{host:?}: {text}")),
            other => ("", format!("{other:?}")),
        };
        story.entry(about.to_owned()).or_default().push(what);
    }
    story
}

#[test]
fn with_screens_and_without_the_same_happens_but_for_who_decided() {
    let fault = |lab: &Lab| lab.must("k3s-server-1", "touch /etc/systemd/system/k3s.service.d");
    let lab = Lab::fresh();
    fault(&lab);
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = opened(folder.path());
    begin(&mut terminal);
    terminal.waits_for("Failed: k3s/install");
    terminal.types("w");
    terminal.waits_for("The run failed after");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 1);
    let with_screens = events(folder.path());
    drop(lab);

    let lab = Lab::fresh();
    fault(&lab);
    let wizard = Wizard::new();
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(1));
    let without = run.events;
    assert_eq!(story(&with_screens), story(&without));
    let by = |events: &[Event]| -> Vec<DecidedBy> {
        let by = |event: &Event| match &event.what {
            What::Decided { by, .. } => Some(*by),
            _ => None,
        };
        events.iter().filter_map(by).collect()
    };
    assert_eq!(by(&with_screens), [DecidedBy::Operator]);
    assert_eq!(by(&without), [DecidedBy::Rule]);
}
