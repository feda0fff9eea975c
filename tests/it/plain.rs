//! The wizard in questions and lines: the real binary in a terminal that can only print.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::WIZARD;
use k3s_ha_wizard::answers::{Answers, Secret};
use support::pair_walk;
use support::terminal::Terminal;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/answers.example.toml");
const SIZE: (u16, u16) = (80, 24);
/// The questions about the cluster and the logins of all hosts.
const FIELDS_OF_CLUSTER: usize = 18;
const DUMB: [(&str, &str); 1] = [("TERM", "dumb")];

const NOBODY: &str = include_str!("../support/nobody.toml");

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn load(path: &Path) -> Answers {
    Answers::load(path).expect("valid answers")
}

/// Nothing that a terminal obeys, but the ends of lines.
fn is_plain(terminal: &Terminal) {
    let said = terminal.said();
    let obeyed = said
        .chars()
        .find(|letter| letter.is_control() && !"\r\n".contains(*letter));
    assert_eq!(obeyed, None, "{said:?}");
}

#[test]
fn a_dumb_terminal_is_asked_in_lines_by_itself() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &DUMB, folder.path());
    terminal.answers("Number [1]:", "?");
    terminal.hears("Where to begin.");
    terminal.hears("Also: back, save, quit.");
    terminal.answers("Number [1]:", "quit");
    assert_eq!(terminal.ends(), 0);
    is_plain(&terminal);
}

#[test]
fn hosts_that_cannot_be_reached_are_named_and_the_way_leads_back() {
    let folder = folder();
    std::fs::write(folder.path().join("nobody.toml"), NOBODY).expect("written");
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &[], folder.path());
    terminal.answers("Number [1]:", "2");
    terminal.answers("File:", "nobody.toml");
    terminal.hears("there are no agents");
    terminal.answers("Number [1]:", "");
    let said = terminal.hears("Nothing was changed.");
    for host in ["db", "s1", "lb"] {
        assert!(said.contains(&format!("{host}: cannot reach")), "{said}");
    }
    terminal.answers("Number:", "1");
    terminal.hears("Nothing was changed.");
    terminal.answers("Number:", "back");
    terminal.hears("== Review");
    terminal.answers("Number [1]:", "quit");
    assert_eq!(terminal.ends(), 0);
    is_plain(&terminal);

    // The operator can continue from there, on the screens too.
    let terminal = Terminal::start(WIZARD, SIZE, &[], &[], folder.path());
    terminal.waits_for("▸ Resume nobody");
}

#[test]
fn answers_are_saved_at_any_question_and_secrets_do_not_show() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &DUMB, folder.path());
    terminal.answers("Number [1]:", "2");
    terminal.answers("File:", EXAMPLE);
    terminal.hears("The answers are complete.");
    terminal.answers("Number [1]:", "save");
    terminal.hears("Saved as ./k3s.answers.toml");
    let saved = folder.path().join("k3s.answers.toml");
    assert_eq!(load(&saved), load(Path::new(EXAMPLE)));
    // Postgres.
    terminal.answers("Number [1]:", "4");
    terminal.answers("Database [k3s]:", "");
    terminal.answers("Database role [k3s]:", "");
    terminal.answers(
        "Database password [env:K3S_DB_PASSWORD]:",
        "correct-horse-battery",
    );
    terminal.answers("Postgres port [5432]:", "save");
    terminal.hears("Saved as ./k3s.answers.toml");
    terminal.answers("Postgres port [5432]:", "back");
    terminal.answers("Database password [given]:", "back");
    // What is typed shows again.
    terminal.answers("Database role [k3s]:", "visible");
    terminal.hears("visible");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 130);
    let said = terminal.said();
    assert!(!said.contains("correct-horse"), "{said}");
    terminal.is_put_back();
    let text = std::fs::read_to_string(&saved).expect("saved");
    assert!(text.contains("correct-horse-battery"), "{text}");
}

/// The same hosts as on the screens.
#[test]
fn a_pair_is_entered_in_lines_and_its_answers_are_as_written_by_hand() {
    let folder = folder();
    let by_hand = Answers::from_toml(&pair_walk::answers()).expect("valid answers");
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &DUMB, folder.path());
    let mut heard = 0;
    for (label, text) in [
        ("Number [1]:", "1"),
        ("Cluster [", "lab"),
        ("SSH user [", "sles"),
        (
            "Known hosts files [",
            "/var/lib/k3s-ha-wizard-lab/known_hosts\n",
        ),
    ] {
        keeps_until(&mut terminal, &mut heard, label, text);
    }
    for host in &by_hand.hosts {
        keeps_until(&mut terminal, &mut heard, "Number [", "1");
        let secret = |secret: &Option<Secret>| match secret {
            Some(Secret::File(path)) => format!("file:{}", path.display()),
            _ => String::new(),
        };
        let key = host.key.as_ref();
        let key = key.map_or_else(String::new, |key| key.display().to_string());
        for (label, text) in [
            ("Name:", host.name.clone()),
            ("Role [", host.roles_text()),
            ("Address:", host.address.clone()),
            ("SSH user [", host.user.clone().unwrap_or_default()),
            ("SSH key file [", key),
            ("Key passphrase [", secret(&host.passphrase)),
            ("SSH password [", secret(&host.password)),
            ("sudo password [", secret(&host.sudo_password)),
        ] {
            keeps_until(&mut terminal, &mut heard, label, &text);
        }
    }
    for (label, text) in [
        ("Number [6]:", "6"),
        ("Postgres name:", "postgres.lab.internal"),
        ("Failover [steady]:", "steady"),
        (
            "Server settings [",
            "cluster-cidr = \"198.18.0.0/16\"\nservice-cidr = \"198.19.0.0/16\"\n\
             cluster-dns = \"198.19.0.10\"\n",
        ),
        ("Install script [", "http://198.51.100.1:8080/install.sh"),
        ("Releases [", "http://198.51.100.1:8080/k3s"),
        ("Virtual address [", "198.51.100.130"),
        ("Number [1]:", "save"),
    ] {
        keeps_until(&mut terminal, &mut heard, label, text);
    }
    terminal.hears("Saved as ./lab.answers.toml");
    terminal.answers("Number [1]:", "quit");
    assert_eq!(terminal.ends(), 0);
    let said = terminal.said();
    assert!(said.contains("k3s-nginx: load-balancer+monitor,"), "{said}");
    assert!(said.contains("needs no certificate"), "{said}");
    assert_eq!(load(&folder.path().join("lab.answers.toml")), by_hand);
}

/// Keeps the answers to all questions before the one with this beginning, and answers that one.
fn keeps_until(terminal: &mut Terminal, heard: &mut usize, question: &str, answer: &str) {
    loop {
        let mut said = terminal.said();
        terminal.waits_until("a question", |terminal| {
            let before = std::mem::replace(&mut said, terminal.said());
            said == before && said[*heard..].trim_end().ends_with(':')
        });
        let asked = said.rsplit('\n').next().unwrap_or_default();
        *heard = said.len();
        if asked.contains(question) {
            terminal.types(&format!("{answer}\n"));
            return;
        }
        terminal.types("\n");
    }
}

#[test]
fn what_was_answered_is_kept_when_the_line_drops() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &DUMB, folder.path());
    terminal.answers("Number [1]:", "1");
    // The logins of all hosts come first.
    terminal.answers("Cluster [k3s]:", "");
    terminal.answers("SSH user [from ~/.ssh/config, or your own name]:", "");
    for _ in 2..FIELDS_OF_CLUSTER {
        terminal.answers("]:", "");
    }
    terminal.answers("Number [1]:", "2");
    terminal.hears("Finish with an empty line.");
    // Pasted in one go, and on.
    terminal.types("db 10.0.0.5\nserver-one 10.0.0.11\n\n1\nserver-two\n\n");
    terminal.answers("Address:", "10.0.0.12");
    terminal.hears("Node IP [the address]:");
    terminal.signal("HUP");
    assert_eq!(terminal.ends(), 129);

    let mut terminal = Terminal::start(WIZARD, SIZE, &["--plain"], &DUMB, folder.path());
    terminal.hears("1. Continue with your draft");
    terminal.answers("Number [1]:", "");
    terminal.hears("3. server-two: server, 10.0.0.12");
    // Ctrl-D.
    terminal.hears("Number [1]:");
    terminal.types("\u{4}");
    assert_eq!(terminal.ends(), 3);
    is_plain(&terminal);
}

#[test]
fn without_a_terminal_lines_will_do_when_they_are_asked_for() {
    let folder = folder();
    let start = |args: &[&str]| {
        Command::new(WIZARD)
            .args(args)
            .env("TERM", "dumb")
            .env("K3S_HA_WIZARD_STATE", folder.path().join("state"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("started")
    };
    let mut asked = start(&["--plain"]);
    let mut stdin = asked.stdin.take().expect("an input");
    let cluster = "\n".repeat(FIELDS_OF_CLUSTER);
    let typed = format!("1\n{cluster}1\ndb\n\n");
    stdin.write_all(typed.as_bytes()).expect("typed");
    drop(stdin);
    let output = asked.wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("Address:"), "{said}");
    // The operator asked for a terminal, not for lines.
    let output = start(&[]).wait_with_output().expect("its end");
    assert_eq!(output.status.code(), Some(2));
    // The answers of a file are carried out without any question.
    let output = start(&["--plain", "--answers", "x.toml"]).wait_with_output();
    assert_eq!(output.expect("its end").status.code(), Some(2));
}
