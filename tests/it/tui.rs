//! The wizard as the operator has it: the real binary in a terminal.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::WIZARD;
use k3s_ha_wizard::answers::{Answers, Bastion, Secret};
use k3s_ha_wizard::state::{Applied, Folder, State};
use support::pair_walk;
use support::sshd::Sshd;
use support::terminal::Terminal;

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/run.jsonl");
const FAILED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/run-failed.jsonl"
);
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/answers.example.toml");
const SIZE: (u16, u16) = (80, 24);
/// Ctrl-N: on to the next page.
const NEXT: &str = "\u{e}";

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn a_replay_is_shown_to_its_end_and_leaves_no_trace() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &[], folder.path());
    terminal.waits_for("Phase 1/7 Postgres");
    terminal.is_taken();
    terminal.types(">");
    terminal.waits_for("all 15 proofs pass");
    terminal.types("o");
    terminal.waits_for("a certificate of a foreign CA  refused   ✓ ok");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
}

#[test]
fn a_replay_plays_pauses_and_steps() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", FAILED], &[], folder.path());
    terminal.waits_for("Phase 1/7");
    terminal.types("+++");
    terminal.waits_for("replay 8x");
    terminal.types(" ");
    terminal.waits_for("replay paused");
    terminal.types(">");
    terminal.waits_for("✗ Failed: server-1/start");
    terminal.waits_for("end of the replay");
    terminal.types("\r");
    terminal.waits_for("Log · server-1/start@k3s-server-1");
    terminal.types("/28p01\r");
    terminal.waits_for("/28p01");
}

/// The log of a run, up to a line and a part of the next one; and the rest.
fn cut_log() -> (String, String) {
    let log = std::fs::read_to_string(LOG).expect("a log");
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    let begun = lines[..60].concat() + &lines[60][..20];
    let rest = log[begun.len()..].to_owned();
    (begun, rest)
}

#[test]
fn a_run_of_another_terminal_is_followed_to_its_end() {
    let folder = folder();
    let (begun, rest) = cut_log();
    let path = folder.path().join("run.jsonl");
    std::fs::write(&path, begun).expect("written");
    let args = ["replay", "--follow", "run.jsonl"];
    let mut terminal = Terminal::start(WIZARD, SIZE, &args, &[], folder.path());
    terminal.waits_for("following");
    terminal.waits_for(" of 36 steps  █");
    assert!(!terminal.text().contains("36 of 36"), "{}", terminal.text());
    let mut log = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the log");
    std::io::Write::write_all(&mut log, rest.as_bytes()).expect("written");
    terminal.waits_for("all 15 proofs pass");
    terminal.waits_for("the run has ended");
    terminal.types("l");
    terminal.waits_for("36 of 36 steps");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
}

#[test]
fn the_screen_may_change_its_size_at_any_moment() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &[], folder.path());
    terminal.waits_for("Steps · Postgres");
    terminal.resize((70, 20));
    terminal.waits_for("terminal too small: 70×20");
    terminal.resize((140, 45));
    terminal.waits_for("5 Load balancer");
    terminal.resize((1, 1));
    terminal.resize(SIZE);
    terminal.waits_for("Steps · ");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
}

#[test]
fn signals_end_it_and_put_the_terminal_back() {
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130)] {
        let folder = folder();
        let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &[], folder.path());
        terminal.waits_for("Phase 1/7");
        terminal.signal(signal);
        assert_eq!(terminal.ends(), code, "{signal}");
        terminal.is_put_back();
    }
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &[], folder.path());
    terminal.waits_for("Phase 1/7");
    for _ in 0..2 {
        terminal.types("\u{1a}");
        terminal.waits_until("it is stopped", |terminal| terminal.state() == 'T');
        terminal.is_put_back();
        terminal.signal("CONT");
        terminal.is_taken();
        terminal.waits_for("Steps · ");
    }
    // Also when another process stops it, whatever happens to the terminal meanwhile.
    terminal.signal("TSTP");
    terminal.waits_until("it is stopped", |terminal| terminal.state() == 'T');
    terminal.is_put_back();
    terminal.signal("CONT");
    terminal.is_taken();
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
}

#[test]
fn focus_is_visible_without_colours() {
    let folder = folder();
    let no_color = [("NO_COLOR", "1")];
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &no_color, folder.path());
    terminal.waits_for("Steps · Postgres");
    terminal.types(" ");
    terminal.waits_for("replay paused");
    let reversed_row = |terminal: &Terminal| -> Option<u16> {
        let parser = terminal.parser();
        let screen = parser.screen();
        let reversed = |row: &u16| {
            (0..20).all(|column| screen.cell(*row, column).is_some_and(vt100::Cell::inverse))
        };
        (0..SIZE.1).find(reversed)
    };
    terminal.waits_until("a row is reversed", |terminal| {
        reversed_row(terminal) == Some(4)
    });
    terminal.types("\t\u{1b}[B");
    terminal.waits_until("the next row is", |terminal| {
        reversed_row(terminal) == Some(5)
    });
    let parser = terminal.parser();
    let screen = parser.screen();
    let bold = screen.cell(3, 0).is_some_and(vt100::Cell::bold);
    assert!(bold, "the title with focus is not bold");
    for row in 0..SIZE.1 {
        for column in 0..SIZE.0 {
            let cell = screen.cell(row, column).expect("a cell");
            assert_eq!(cell.fgcolor(), vt100::Color::Default);
        }
    }
}

#[test]
fn with_ascii_nothing_else_is_drawn() {
    let folder = folder();
    let locales: [&[(&str, &str)]; 2] = [&[], &[("LANG", "C")]];
    for (args, variables) in [
        (&["replay", "--ascii", LOG][..], locales[0]),
        (&["replay", LOG][..], locales[1]),
    ] {
        let mut terminal = Terminal::start(WIZARD, SIZE, args, variables, folder.path());
        terminal.waits_for("Steps - Postgres");
        terminal.types(">");
        terminal.waits_for("+ k3s-server-1");
        assert!(terminal.text().is_ascii(), "{}", terminal.text());
    }
}

#[test]
fn hosts_are_pasted_and_kept_when_the_line_drops() {
    let folder = folder();
    // The addresses may belong to a real host.
    let quiet = &["--no-probe"];
    let mut terminal = Terminal::start(WIZARD, SIZE, quiet, &[], folder.path());
    terminal.waits_for("▸ New cluster");
    terminal.types("\r");
    terminal.waits_for("Step 1/10 · Cluster");
    terminal.types(NEXT);
    terminal.waits_for("No hosts yet");
    // As tmux sends line ends, as others do, and as a file of Windows has them.
    terminal.types("\u{1b}[200~db 10.0.0.5\rserver-one 10.0.0.11\r\u{1b}[201~");
    terminal.waits_for("✓ server-one");
    terminal.types("\u{1b}[200~lb 10.0.0.2\nserver-two 10.0.0.12\n\u{1b}[201~");
    terminal.waits_for("✓ server-two");
    terminal.types("\u{1b}[200~agent-one 10.0.0.20\r\nagent-two 10.0.0.21\r\n\u{1b}[201~");
    terminal.waits_for("✓ agent-two");
    terminal.signal("HUP");
    assert_eq!(terminal.ends(), 129);

    let mut terminal = Terminal::start(WIZARD, SIZE, quiet, &[], folder.path());
    terminal.waits_for("▸ Continue with your draft");
    terminal.types("\r");
    terminal.waits_for("✓ server-one");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
}

#[test]
fn answers_are_opened_and_saved_and_the_saved_ones_are_the_same() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[], folder.path());
    terminal.waits_for("Open an answers file");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types(&format!("{EXAMPLE}\r"));
    terminal.waits_for("The answers are complete.");
    terminal.types("\u{13}\r");
    terminal.waits_for("Saved as ./k3s.answers.toml");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    let load = |path: &std::path::Path| {
        k3s_ha_wizard::answers::Answers::load(path).expect("valid answers")
    };
    let saved = load(&folder.path().join("k3s.answers.toml"));
    assert_eq!(saved, load(std::path::Path::new(EXAMPLE)));
}

/// Two Postgres hosts, their monitor and two load balancers, from an empty list of hosts.
#[test]
fn a_pair_is_entered_and_its_answers_are_as_written_by_hand() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["--no-probe"], &[], folder.path());
    pair_walk::enters(&mut terminal);
    terminal.waits_for("needs no certificate");
    terminal.types("\u{13}\r");
    terminal.waits_for("Saved as ./lab.answers.toml");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    let saved = std::fs::read_to_string(folder.path().join("lab.answers.toml"));
    let saved = Answers::from_toml(&saved.expect("saved")).expect("valid answers");
    let by_hand = Answers::from_toml(&pair_walk::answers()).expect("valid answers");
    assert_eq!(saved, by_hand);
}

/// Every file in a folder, also in those in it.
fn everything_written(folder: &std::path::Path) -> String {
    let mut all = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.push_str(&everything_written(&path));
        } else {
            all.push_str(&std::fs::read_to_string(&path).unwrap_or_default());
        }
    }
    all
}

#[test]
fn the_options_are_a_screen_a_phase_and_passwords_go_into_no_file() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[], folder.path());
    terminal.waits_for("▸ New cluster");
    terminal.types("\r");
    terminal.waits_for("Step 1/10 · Cluster");
    // An empty field says what holds, in brackets.
    terminal.waits_for("(from ~/.ssh/config, or 22)");
    terminal.types("\u{15}typed\t\t\t\t\t\t");
    terminal.waits_for("▸ SSH password");
    terminal.types("hunter2hunter2");
    terminal.waits_for("▸ SSH password          **************");
    terminal.types(NEXT);
    terminal.waits_for("No hosts yet");
    terminal.types("\u{1b}[200~db 10.0.0.5\nserver-one 10.0.0.11\n\u{1b}[201~");
    terminal.types(NEXT);
    terminal.waits_for("Step 3/10 · Postgres");
    terminal.types("\t\t\u{7}");
    terminal.waits_for("Generated: 43 letters and digits.");
    terminal.types("\u{13}\r");
    terminal.waits_for("Saved as ./typed.answers.toml, without SSH");
    for page in [
        "4/10 · Certificates",
        "5/10 · Servers",
        "6/10 · Load balancer",
        "7/10 · Agents",
    ] {
        terminal.types(NEXT);
        terminal.waits_for(page);
    }
    terminal.types(NEXT);
    terminal.waits_for("✗ Part 2, Hosts: no host has the role \"load-balancer\"");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    let written = everything_written(folder.path());
    assert!(written.contains("10.0.0.11"), "{written}");
    assert!(!written.contains("hunter2"), "{written}");
    // What was made is in both: without it, the database is not reached again.
    assert_eq!(written.matches("password = ").count(), 2, "{written}");
}

#[test]
fn nothing_is_drawn_while_nothing_happens() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", LOG], &[], folder.path());
    terminal.waits_for("Phase 1/7");
    terminal.types(">");
    terminal.waits_for("end of the replay");
    std::thread::sleep(Duration::from_millis(500));
    let before = terminal.drawn();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(terminal.drawn(), before);
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    for args in [&[][..], &["replay", LOG][..]] {
        let output = Command::new(WIZARD)
            .args(args)
            .stdin(Stdio::null())
            .output()
            .expect("started");
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("terminal"), "{said}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn what_is_no_log_is_refused() {
    let folder = folder();
    let mut terminal = Terminal::start(WIZARD, SIZE, &["replay", EXAMPLE], &[], folder.path());
    assert_eq!(terminal.ends(), 2);
    terminal.waits_for("this is not an event of a run");
}

const NOBODY: &str = include_str!("../support/nobody.toml");

#[test]
fn hosts_that_cannot_be_reached_are_named_and_the_answers_are_kept() {
    let folder = folder();
    std::fs::write(folder.path().join("nobody.toml"), NOBODY).expect("written");
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &[], folder.path());
    terminal.waits_for("Open an answers file");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types("nobody.toml\r");
    terminal.waits_for("there are no agents");
    terminal.types("\r");
    terminal.waits_for("r retry");
    for host in ["db", "s1", "lb"] {
        terminal.waits_for(&format!("✗ {host}  not reached"));
    }
    terminal.types("r");
    terminal.waits_for("r retry");
    terminal.types("\u{1b}");
    terminal.waits_for("Review");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();

    // The operator can continue from there.
    let terminal = Terminal::start(WIZARD, SIZE, &[], &[], folder.path());
    terminal.waits_for("▸ Resume nobody");
}

/// A host that is reached with a locked key, and one that is not there.
fn locked(sshd: &Sshd) -> String {
    format!(
        r#"
[ssh]
config = "none"
user = "{}"
[[hosts]]
name = "db"
role = "postgres"
address = "127.0.0.1"
node_ip = "10.0.0.5"
port = {}
key = "{}"
[[hosts]]
name = "s1"
role = "server"
address = "127.0.0.3"
node_ip = "10.0.0.11"
port = 9
[[hosts]]
name = "lb"
role = "load-balancer"
address = "127.0.0.4"
node_ip = "10.0.0.2"
port = 9
"#,
        sshd.target().user,
        sshd.port,
        sshd.path("locked").display()
    )
}

#[test]
fn hosts_are_tried_while_they_are_entered_and_what_is_missing_is_asked_for() {
    let sshd = Sshd::with("KbdInteractiveAuthentication no");
    let folder = folder();
    std::fs::write(folder.path().join("locked.toml"), locked(&sshd)).expect("written");
    let home = folder.path().to_string_lossy().into_owned();
    let alone = [("HOME", &*home), ("SSH_AUTH_SOCK", "")];
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &alone, folder.path());
    terminal.waits_for("Open an answers file");
    terminal.types("\u{1b}[B\r");
    terminal.waits_for("The path of a TOML file");
    terminal.types("locked.toml\r");
    terminal.waits_for("there are no agents");
    terminal.types("2");
    // Its key is unknown: the operator trusts it.
    terminal.waits_for("host key unknown");
    terminal.waits_for(&sshd.fingerprint("ed25519"));
    terminal.types("b");
    terminal.waits_for("password needed");
    terminal.types("p");
    terminal.waits_for("Passphrase of the key");
    terminal.types("wrong\r");
    terminal.waits_for("passphrase does");
    terminal.types("p");
    terminal.waits_for("The previous one was refused.");
    terminal.types("open sesame");
    terminal.waits_for("▸ ***********");
    terminal.types("\r");
    terminal.waits_for(" MiB");
    terminal.waits_for("not reached");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    // It is written nowhere.
    let drafts = std::fs::read_to_string(folder.path().join("state/draft.toml")).expect("a draft");
    assert!(drafts.contains("SHA256:"), "{drafts}");
    assert!(!drafts.contains("sesame"), "{drafts}");
}

/// A state folder in which a cluster was installed.
fn installed(root: &std::path::Path, answers: &Answers) {
    let folder = Folder::open(Some(root.to_owned()), "lab").expect("a folder");
    let mut state = State::new(answers).expect("a state");
    state.applied = Some(Applied {
        run: "20261124T215440Z-3f2a".into(),
        when: "2026-11-24T21:54:40Z".into(),
        answers: answers.without_secrets(),
        marks: None,
    });
    folder.save(&state).expect("saved");
}

#[test]
fn an_installed_cluster_is_looked_at_from_the_welcome_page() {
    let folder = folder();
    let root = folder.path().join("state");
    // Its hosts refuse every connection.
    installed(&root, &crate::unreachable_answers());
    let state = [("K3S_HA_WIZARD_STATE", root.to_str().expect("UTF-8"))];
    let mut terminal = Terminal::start(WIZARD, SIZE, &[], &state, folder.path());
    terminal.waits_for("▸ Resume lab");
    terminal.types("l");
    terminal.waits_for("NOT live: no answer since");
    terminal.waits_for("cluster \"lab\"");
    terminal.types("y");
    terminal.waits_for("export KUBECONFIG=");
    terminal.types("\u{1b}");
    terminal.waits_for("New cluster");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
}

/// The first secret is missing because the answers name it, the second one is wrong.
#[test]
fn the_live_page_asks_for_the_secret_of_a_bastion() {
    let gate = Sshd::with("KbdInteractiveAuthentication no");
    let folder = folder();
    let root = folder.path().join("state");
    let mut answers = crate::unreachable_answers();
    let (user, port) = (gate.target().user, gate.port);
    answers.ssh.jump = Some(format!("{user}@127.0.0.1:{port}"));
    answers.bastions = vec![Bastion {
        name: "127.0.0.1".into(),
        key: Some(gate.path("locked")),
        passphrase: Some(Secret::Env("K3S_HA_WIZARD_UNSET".into())),
        host_key: Some(gate.fingerprint("ed25519")),
        ..Bastion::default()
    }];
    installed(&root, &answers);
    let home = folder.path().to_string_lossy();
    let alone = [("HOME", &*home), ("SSH_AUTH_SOCK", "")];
    let mut terminal = Terminal::start(WIZARD, (120, 40), &[], &alone, folder.path());
    terminal.waits_for("▸ Resume lab");
    terminal.types("l");
    let asks = format!("Passphrase of the key for bastion 127.0.0.1:{port}:");
    terminal.waits_for(&asks);
    terminal.types("close sesame\r");
    terminal.waits_for("The previous one was refused.");
    for host in ["server-1", "server-2", "postgres"] {
        terminal.waits_for(&format!("{host}: its bastion"));
    }
    terminal.types("open sesame\r");
    // It lets the wizard through to hosts at which nothing listens.
    terminal.waits_for("it cannot connect there");
    let page = terminal.text();
    assert!(!page.contains("Passphrase of the key"), "{page}");
    assert!(!page.contains("The login to "), "{page}");
    assert!(gate.log().contains("Accepted publickey"), "{}", gate.log());
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    let said = terminal.said();
    assert!(!said.contains("sesame"), "a passphrase was shown");
}
