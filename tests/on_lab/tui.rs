//! The wizard walked on the lab, in a terminal and by keyboard alone: straight from an empty list
//! of hosts to the cluster; stopped half way and resumed; with a failure that is fixed and retried.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::WIZARD;
use crate::lab::{self, Lab, Wizard};
use k3s_ha_wizard::events::log::read;
use k3s_ha_wizard::events::{DecidedBy, Event, Outcome, What};
use support::pair_walk::fills;
use support::terminal::Terminal;

const ANSWERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/answers.toml");
const SIZE: (u16, u16) = (80, 24);
pub const AGENT: (&str, &str) = ("SSH_AUTH_SOCK", "/var/lib/k3s-ha-wizard-lab/agent.sock");

/// The wizard with the answers of the lab, at their review.
pub fn opened(folder: &Path) -> Terminal {
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[AGENT], folder);
    terminal.waits_for("▸ New cluster");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{ANSWERS}\r"));
    terminal
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

/// The operator who knows the way: what they type for the hosts of the lab, and what they wait for.
/// Not counted is what only the lab needs: passwords, key files, known hosts and settings.
#[derive(Default)]
struct Operator {
    /// At the pace of a person: five letters a second, and two other keys.
    is_paced: bool,
    keys: u32,
    typed: Duration,
    waited: Duration,
}

impl Operator {
    fn new() -> Self {
        Self {
            is_paced: std::env::var_os("WALK_PACE").is_some(),
            ..Self::default()
        }
    }

    fn writes(&mut self, terminal: &mut Terminal, text: &str) {
        for letter in text.chars() {
            self.types(terminal, &letter.to_string(), Duration::from_millis(200));
        }
    }

    fn presses(&mut self, terminal: &mut Terminal, keys: &[&str]) {
        for key in keys {
            self.types(terminal, key, Duration::from_millis(500));
        }
    }

    fn types(&mut self, terminal: &mut Terminal, key: &str, pause: Duration) {
        let since = Instant::now();
        if self.is_paced {
            thread::sleep(pause);
        }
        terminal.types(key);
        self.keys += 1;
        self.typed += since.elapsed();
    }

    fn waits_for(&mut self, terminal: &Terminal, text: &str) {
        let since = Instant::now();
        terminal.waits_for(text);
        self.waited += since.elapsed();
    }

    fn enters_hosts(&mut self, terminal: &mut Terminal) {
        // The roles are proposed in this order, and the network of the host before.
        let hosts = [
            (
                "k3s-postgres",
                "198.51.100.11",
                None,
                vec![("SSH key file", kept("id_ed25519"))],
            ),
            (
                "k3s-server-1",
                "12",
                None,
                vec![
                    ("SSH key file", kept("id_ed25519")),
                    ("sudo password", secret("sudo_password")),
                ],
            ),
            (
                "k3s-server-2",
                "13",
                Some("root"),
                vec![
                    ("SSH key file", kept("id_locked")),
                    ("Key passphrase", secret("passphrase")),
                ],
            ),
            (
                "k3s-nginx",
                "14",
                None,
                vec![
                    ("SSH password", secret("password")),
                    ("sudo password", secret("password")),
                ],
            ),
            ("k3s-agent", "15", None, Vec::new()),
        ];
        for (name, address, user, of_the_lab) in hosts {
            self.presses(terminal, &["a"]);
            self.waits_for(terminal, "▸ Name");
            self.writes(terminal, name);
            self.presses(terminal, &["\t", "\t"]);
            self.writes(terminal, address);
            if let Some(user) = user {
                self.presses(terminal, &["\t", "\t"]);
                self.writes(terminal, user);
            }
            for (label, text) in of_the_lab {
                fills(terminal, label, &text);
            }
            self.presses(terminal, &[NEXT]);
            self.waits_for(terminal, "ADDRESS");
            self.waits_for(terminal, name);
        }
    }

    fn goes_on(&mut self, terminal: &mut Terminal, to: &str) {
        self.presses(terminal, &[NEXT]);
        self.waits_for(terminal, to);
    }

    fn enters_options(&mut self, terminal: &mut Terminal) {
        self.goes_on(terminal, "Step 3/10");
        fills(terminal, "Postgres name", "postgres.lab.internal");
        self.goes_on(terminal, "Step 4/10");
        self.goes_on(terminal, "Step 5/10");
        let settings = "cluster-cidr = \"198.18.0.0/16\"\rservice-cidr = \"198.19.0.0/16\"\rcluster-dns = \"198.19.0.10\"";
        fills(terminal, "Server settings", settings);
        fills(
            terminal,
            "Install script",
            "http://198.51.100.1:8080/install.sh",
        );
        fills(terminal, "Releases", "http://198.51.100.1:8080/k3s");
        self.goes_on(terminal, "Step 6/10");
        self.goes_on(terminal, "Step 7/10");
        self.goes_on(terminal, "fetched without TLS");
    }

    fn tells(&self) {
        let pace = if self.is_paced {
            "a person"
        } else {
            "a machine"
        };
        println!(
            "the walk at the pace of {pace}: {} keys in {:.1} s, waits {:.1} s, in all {:.1} s",
            self.keys,
            self.typed.as_secs_f64(),
            self.waited.as_secs_f64(),
            (self.typed + self.waited).as_secs_f64()
        );
    }
}

/// `WALK_PACE=person` types at the pace of a person, to measure the walk.
#[test]
fn straight_from_an_empty_list_of_hosts_phase_by_phase() {
    let lab = Lab::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let mut operator = Operator::new();
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[AGENT], folder.path());
    operator.waits_for(&terminal, "▸ New cluster");
    operator.presses(&mut terminal, &["\r"]);
    operator.waits_for(&terminal, "Step 1/10");
    operator.presses(&mut terminal, &["\u{15}"]);
    operator.writes(&mut terminal, "lab");
    operator.presses(&mut terminal, &["\t"]);
    operator.writes(&mut terminal, "sles");
    fills(&mut terminal, "Known hosts files", &kept("known_hosts"));
    operator.goes_on(&mut terminal, "No hosts yet");
    operator.enters_hosts(&mut terminal);
    operator.enters_options(&mut terminal);
    // No secret that was typed is shown, or kept.
    let draft = std::fs::read_to_string(folder.path().join("state/draft.toml"));
    let shown = terminal.said() + &draft.unwrap_or_default();
    for name in ["sudo_password", "passphrase", "password"] {
        assert!(!shown.contains(&secret(name)), "{name} is shown or kept");
    }
    operator.goes_on(&mut terminal, "Fit for ");
    operator.goes_on(&mut terminal, "Cluster lab: ");
    // What will change in files, then phase by phase.
    terminal.types("d");
    terminal.waits_for("is new (");
    operator.presses(&mut terminal, &["\r"]);
    // As many as `the_walk_takes_few_strokes` counts.
    operator.tells();
    assert_eq!(operator.keys, 121);
    for phase in 1..=7 {
        terminal.waits_for(&format!("Next: phase {phase} of 7"));
        terminal.types("\r");
    }
    terminal.waits_for("Nodes  all healthy");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    // Nor does any screen show a secret of the cluster.
    let made = std::fs::read_to_string(folder.path().join("state/lab/secrets.json"));
    let made: serde_json::Value = serde_json::from_str(&made.expect("its secrets")).unwrap();
    for name in ["token", "agent_token", "db_password", "db_verifier"] {
        let secret = made[name].as_str().unwrap();
        assert!(!terminal.said().contains(secret), "{name} was shown");
    }
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");

    // The wizard has kept no password: the live page asks for it, and does not keep it either.
    let mut terminal = Terminal::start(WIZARD, (120, 50), &[], &[AGENT], folder.path());
    terminal.waits_for("  Live page of lab");
    terminal.types("\u{1b}[B\u{1b}[B");
    terminal.waits_for("▸ Live page of lab");
    terminal.types("\r");
    terminal.waits_for("sudo on k3s-server-1 asks for");
    terminal.types("wrong\r");
    terminal.waits_for("The previous one was refused.");
    terminal.types(&format!("{}\r", secret("sudo_password")));
    terminal.waits_for("Live: polling k3s-server-1 every 5 s");
    terminal.waits_for("Nodes  all healthy");
    terminal.waits_for("every connection uses TLS with the client certificate");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    let kept = std::fs::read_to_string(folder.path().join("state/lab/state.json"));
    assert!(!kept.expect("a state").contains(&secret("sudo_password")));
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
    terminal.waits_for("Live: polling k3s-server-1 every 5 s");
    terminal.waits_for("every connection uses TLS with the client certificate");
    terminal.waits_for("✓ the CA");
    let (code, said) = status(folder);
    assert_eq!(code, Some(0), "{said}");
    let drawn = terminal.drawn();
    thread::sleep(Duration::from_secs(12));
    let idle = terminal.idle_frames(drawn);
    assert!(idle.is_empty(), "drawn, and nothing changed: {idle:?}");

    lab.must("k3s-agent", "systemctl stop k3s-agent");
    terminal.waits_for("✗ k3s-agent     NotReady");
    terminal.waits_for("no longer reports");
    let (code, said) = status(folder);
    assert_eq!(code, Some(1), "{said}");
    let ill = "node k3s-agent: no longer reports";
    assert!(said.contains(ill), "{said}");
    lab.must("k3s-agent", "systemctl start k3s-agent");
    terminal.waits_for("Nodes  all healthy");

    lab.must("k3s-server-1", "systemctl stop k3s");
    terminal.waits_for("Live: polling k3s-server-2 every 5 s");
    terminal.waits_for("has no connection to the datastore");
    lab.must("k3s-postgres", "systemctl stop postgresql@15-main");
    terminal.waits_for("Datastore  ✗ currently unknown");
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
