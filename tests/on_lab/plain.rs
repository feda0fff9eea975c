//! The whole installation on the lab in questions and lines: host keys trusted, a host added by
//! hand, two phases one by one, and the rest.

use crate::WIZARD;
use crate::lab::{self, Lab};
use support::terminal::Terminal;

const ANSWERS: &str = include_str!("../lab/answers.toml");
const SIZE: (u16, u16) = (80, 24);

#[test]
fn a_cluster_is_made_by_answering_questions() {
    let lab = Lab::fresh();
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().display().to_string();
    // The host keys are unknown, and one host is missing.
    let answers: Vec<&str> = ANSWERS
        .lines()
        .filter(|line| !line.starts_with("known_hosts"))
        .collect();
    let answers = answers.join("\n");
    let (answers, _) = answers.rsplit_once("[[hosts]]").expect("an agent");
    std::fs::write(folder.path().join("lab.toml"), answers).expect("written");

    let agent = format!("{}/agent.sock", lab::KEPT);
    let dumb = [
        ("TERM", "dumb"),
        ("HOME", home.as_str()),
        ("SSH_AUTH_SOCK", agent.as_str()),
    ];
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &dumb, folder.path());
    terminal.answers("Number [1]:", "2");
    terminal.answers("File:", "lab.toml");
    terminal.hears("there are no agents");
    terminal.answers("Number [1]:", "2");
    terminal.answers("Number [6]:", "1");
    terminal.answers("Name:", "k3s-agent");
    terminal.answers("Role [agent]:", "");
    terminal.answers("Address:", "198.51.100.15");
    for field in [
        "Node IP",
        "SSH user",
        "SSH port",
        "Bastions",
        "SSH key file",
        "Key passphrase",
        "SSH password",
        "sudo password",
        "Host key",
        "Proxy",
        "Site",
        "Overridden checks",
    ] {
        terminal.answers(field, "");
    }
    terminal.hears("5. k3s-agent: agent, 198.51.100.15, user sles, port (default)");
    terminal.answers("Number [6]:", "6");
    terminal.hears("The answers are complete.");
    terminal.answers("Number [1]:", "");
    for _ in 0..5 {
        terminal.hears("the host key of 198.51.100.");
        terminal.answers("Is this the right key? (yes/no)", "yes");
    }
    terminal.hears("are planned: Postgres (");
    terminal.answers("Number:", "2");
    terminal.hears("    #!/bin/sh");
    terminal.answers("Number:", "3");
    terminal.hears("Next: phase 1 of 7, Postgres");
    terminal.answers("Number [1]:", "");
    terminal.hears("Phase Postgres done in ");
    terminal.hears("Next: phase 2 of 7, Certificates");
    terminal.answers("Number [1]:", "2");
    terminal.hears(" proofs pass.");
    terminal.hears("Cluster lab is complete and healthy.");
    terminal.hears("kubeconfig  ");
    terminal.hears("get nodes");
    assert_eq!(terminal.ends(), 0);
    let said = terminal.said();
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let nodes = lab.must("k3s-server-1", "k3s kubectl get nodes");
    assert_eq!(nodes.matches(" Ready ").count(), 3, "{nodes}");
}
