//! What programs read of the wizard: exit codes, what is on standard output, and schemas.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use k3s_ha_wizard::answers::Answers;
use k3s_ha_wizard::state::{Applied, Folder, State, complete_secrets};
use serde_json::Value;
use support::sshd::Sshd;
use support::terminal::Terminal;

use crate::WIZARD;

const SIZE: (u16, u16) = (100, 40);
const QUESTION: &str = "Passphrase of the key of root, for s1 (not shown; leave empty to skip):";

fn wizard(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(WIZARD);
    command
        .env("HOME", home)
        .env("K3S_HA_WIZARD_STATE", home.join("state"))
        .env("SSH_AUTH_SOCK", "")
        .args(arguments)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, arguments: &[&str]) -> Output {
    wizard(home, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The state of a cluster whose server asks for a passphrase; its other hosts are not there.
fn home(sshd: &Sshd) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let (port, key) = (sshd.port, sshd.path("locked"));
    let answers = format!(
        "[cluster]\nname = \"lab\"\n[ssh]\nuser = \"root\"\nport = 9\nkey = \"{}\"\n\
         config = \"none\"\nhost_keys = \"accept-new\"\n\
         [[hosts]]\nname = \"db\"\nrole = \"postgres\"\naddress = \"127.0.0.3\"\n\
         node_ip = \"10.0.0.5\"\n\
         [[hosts]]\nname = \"s1\"\nrole = \"server\"\naddress = \"127.0.0.1\"\nport = {port}\n\
         node_ip = \"10.0.0.11\"\n\
         [[hosts]]\nname = \"lb\"\nrole = \"load-balancer\"\naddress = \"127.0.0.4\"\n\
         node_ip = \"10.0.0.2\"\n",
        key.display()
    );
    let answers = Answers::from_toml(&answers).unwrap();
    let folder = Folder::open(Some(home.path().join("state")), "lab").unwrap();
    let mut state = State::new(&answers).unwrap();
    state.applied = Some(Applied {
        run: "20261124T215440Z-3f2a".into(),
        when: "2026-11-24T21:54:40Z".into(),
        answers: answers.clone(),
        marks: None,
    });
    folder.save(&state).unwrap();
    let secrets = complete_secrets(None, &answers, false, str::to_owned).unwrap();
    folder.save_secrets(&secrets).unwrap();
    home
}

#[test]
fn who_cannot_log_in_cannot_look_and_asks_only_at_a_terminal() {
    let sshd = Sshd::start();
    let home = home(&sshd);
    let looked = run(home.path(), &["status"]);
    assert_eq!(looked.status.code(), Some(7));
    let said = text(&looked.stdout);
    assert!(
        said.contains("Not checked: 2 hosts:\n  s1: cannot log in as root"),
        "{said}"
    );
    assert!(!said.contains("problem"), "{said}");
    assert_eq!(text(&looked.stderr), "");

    let (path, state) = (home.path().display().to_string(), home.path());
    let variables = [("HOME", path.as_str()), ("SSH_AUTH_SOCK", "")];
    let mut terminal = Terminal::start(WIZARD, SIZE, &["status"], &variables, state);
    terminal.answers(QUESTION, "a wrong one");
    terminal.hears("does not open it");
    terminal.answers(QUESTION, "open sesame");
    // The host is reached now, and no K3s answers there.
    terminal.hears("Not checked: 1 host:");
    terminal.hears("1 problem:");
    assert_eq!(terminal.ends(), 1);
    let mut terminal = Terminal::start(WIZARD, SIZE, &["status"], &variables, state);
    terminal.answers(QUESTION, "");
    terminal.answers(
        "Password of root, for s1 (not shown; leave empty to skip):",
        "",
    );
    terminal.hears("Not checked: 2 hosts:");
    assert_eq!(terminal.ends(), 7);
    // Ctrl-C at the question.
    let mut terminal = Terminal::start(WIZARD, SIZE, &["status"], &variables, state);
    terminal.hears(QUESTION);
    terminal.types("\x03");
    assert_eq!(terminal.ends(), 130);
    terminal.is_put_back();
}

#[test]
fn what_is_watched_is_a_document_a_line_until_ctrl_c() {
    let sshd = Sshd::start();
    let home = home(&sshd);
    let arguments = ["status", "--watch", "--every", "1", "--output", "json"];
    let mut command = wizard(home.path(), &arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for line in lines.take(3) {
        let look: Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(look["cluster"], "lab");
        assert_eq!(look["unseen"].as_array().unwrap().len(), 2, "{look}");
    }
    // The reader is gone: the next look ends it, with its exit code.
    assert_eq!(child.wait().unwrap().code(), Some(7));

    let mut command = wizard(home.path(), &arguments);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

#[test]
fn a_watch_on_a_terminal_is_drawn_in_place() {
    let sshd = Sshd::start();
    let home = home(&sshd);
    let (path, state) = (home.path().display().to_string(), home.path());
    let variables = [("HOME", path.as_str()), ("SSH_AUTH_SOCK", "")];
    let arguments = ["status", "--watch", "--every", "1"];
    let mut terminal = Terminal::start(WIZARD, SIZE, &arguments, &variables, state);
    terminal.answers(QUESTION, "open sesame");
    for _ in 0..3 {
        terminal.hears("\x1b[H");
        terminal.hears("Polls every 1 s; Ctrl-C stops.");
    }
    let shown = terminal.text();
    assert_eq!(shown.matches("Polls every").count(), 1, "{shown}");
    // The host goes away.
    drop(sshd);
    terminal.types("\x03");
    assert_eq!(terminal.ends(), 1, "as the last look");
    terminal.is_put_back();
}

fn schema(home: &Path, name: &str) -> jsonschema::Validator {
    let printed = run(home, &["schema", name]);
    assert_eq!(printed.status.code(), Some(0), "{name}");
    let schema: Value = serde_json::from_slice(&printed.stdout).unwrap();
    jsonschema::draft202012::options().build(&schema).unwrap()
}

#[test]
fn every_schema_is_printed_and_is_that_of_an_output() {
    let home = tempfile::tempdir().unwrap();
    for name in ["answers", "event", "plan", "check", "status", "backups"] {
        schema(home.path(), name);
    }
    let none = run(home.path(), &["schema", "weather"]);
    assert_eq!(none.status.code(), Some(2));
    let answers = run(home.path(), &["answers", "schema"]).stdout;
    assert_eq!(answers, run(home.path(), &["schema", "answers"]).stdout);

    let sshd = Sshd::start();
    let cluster = self::home(&sshd);
    let looked = run(cluster.path(), &["status", "--output", "json"]);
    assert_eq!(looked.status.code(), Some(7));
    let status: Value = serde_json::from_slice(&looked.stdout).unwrap();
    let validator = schema(home.path(), "status");
    assert!(validator.is_valid(&status), "{status:#}");
    // A field that the schema does not know.
    let mut more = status.clone();
    more["weather"] = "fine".into();
    assert!(!validator.is_valid(&more));
}

#[test]
fn a_comparison_that_reaches_no_host_prints_no_document() {
    let sshd = Sshd::start();
    let home = home(&sshd);
    let unreached = run(home.path(), &["check", "--output", "json"]);
    let said = text(&unreached.stderr);
    assert_eq!(unreached.status.code(), Some(7), "{said}");
    assert_eq!(text(&unreached.stdout), "");
    assert!(said.contains("s1: cannot log in as root"), "{said}");
    assert!(said.contains("db: cannot reach 127.0.0.3 port 9"), "{said}");
}

/// Display options stand before a command and after it.
#[test]
fn a_replay_takes_display_options_wherever_they_stand() {
    let home = tempfile::tempdir().unwrap();
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/run.jsonl");
    for arguments in [
        ["--ascii", "--theme", "light", "replay", log],
        ["replay", log, "--theme", "light", "--ascii"],
    ] {
        let mut terminal = Terminal::start(WIZARD, SIZE, &arguments, &[], home.path());
        terminal.waits_for("Postgres");
        let shown = terminal.text();
        assert!(shown.is_ascii(), "{shown}");
        terminal.types("\x03");
        assert_eq!(terminal.ends(), 0);
        terminal.is_put_back();
    }
}

#[test]
fn the_variable_for_the_state_is_in_help_and_manual() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [["--help"], ["man"]] {
        let said = text(&run(home.path(), &arguments).stdout);
        let said = said.replace("\\-", "-");
        assert!(said.contains("K3S_HA_WIZARD_STATE"), "{said}");
        assert!(said.contains("could not check"), "{said}");
    }
}
