//! Verbs that need no host, by the program itself.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use k3s_ha_wizard::answers::Answers;
use k3s_ha_wizard::state::{Folder, State};

fn wizard(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_k3s-ha-wizard"));
    command
        .env("HOME", home)
        .env("K3S_HA_WIZARD_STATE", home.join("state"))
        .env_remove("KUBECONFIG")
        .current_dir(home)
        .args(arguments)
        .stdin(Stdio::null());
    command.output().unwrap()
}

fn out(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

const OURS: &str = "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: Q0E=\n    \
    server: https://198.51.100.14:6443\n  name: \"lab\"\ncontexts:\n- context:\n    cluster: \
    \"lab\"\n    user: \"lab\"\n  name: \"lab\"\ncurrent-context: \"lab\"\nkind: Config\nusers:\n\
    - name: \"lab\"\n  user:\n    client-key-data: S0VZ\n";

/// A home with the state of a cluster that has a kubeconfig.
fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut answers = Answers::default();
    answers.cluster.name = "lab".into();
    let folder = Folder::open(Some(home.path().join("state")), "lab").unwrap();
    folder.save(&State::new(&answers).unwrap()).unwrap();
    folder.save_kubeconfig(OURS).unwrap();
    home
}

#[test]
fn a_kubeconfig_is_printed_and_merged_after_a_backup() {
    let home = home();
    assert_eq!(out(&wizard(home.path(), &["kubeconfig"])), OURS);

    let kube = home.path().join(".kube");
    let said = out(&wizard(home.path(), &["kubeconfig", "--merge"]));
    assert!(said.contains("now contains this cluster"), "{said}");
    assert_eq!(std::fs::read_to_string(kube.join("config")).unwrap(), OURS);

    // A file of the operator's, behind a link as dotfiles are.
    let own = "apiVersion: v1\nkind: Config\nclusters: []\ncurrent-context: home\n";
    let real = home.path().join("dotfiles");
    std::fs::write(&real, own).unwrap();
    std::fs::remove_file(kube.join("config")).unwrap();
    symlink(&real, kube.join("config")).unwrap();
    let said = out(&wizard(home.path(), &["kubeconfig", "--merge"]));
    let backup = home.path().join("dotfiles.before-k3s-ha-wizard");
    assert!(said.contains(backup.to_str().unwrap()), "{said}");
    assert_eq!(std::fs::read_to_string(&backup).unwrap(), own);
    let merged = std::fs::read_to_string(kube.join("config")).unwrap();
    assert!(merged.contains("current-context: home"), "{merged}");
    assert!(merged.contains("client-key-data: S0VZ"), "{merged}");
    assert!(kube.join("config").is_symlink());
    let mode = std::fs::metadata(&real).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let said = out(&wizard(home.path(), &["kubeconfig", "--merge"]));
    assert!(said.contains("already contains this cluster"), "{said}");
    assert_eq!(std::fs::read_to_string(&real).unwrap(), merged);

    // What is no kubeconfig stays as it is.
    std::fs::write(&real, "notes: [").unwrap();
    let refused = wizard(home.path(), &["kubeconfig", "--merge"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(std::fs::read_to_string(&real).unwrap(), "notes: [");
}

#[test]
fn a_cluster_without_a_kubeconfig_or_a_backup_is_told() {
    let home = home();
    std::fs::remove_file(home.path().join("state/lab/kubeconfig")).unwrap();
    let none = wizard(home.path(), &["kubeconfig"]);
    assert_eq!(none.status.code(), Some(1));
    let said = String::from_utf8_lossy(&none.stderr);
    assert!(said.contains("no kubeconfig of this cluster yet"), "{said}");
    let said = out(&wizard(home.path(), &["backup", "list"]));
    assert!(said.contains("no backup"), "{said}");
    let list = out(&wizard(
        home.path(),
        &["backup", "list", "--output", "json"],
    ));
    assert_eq!(list, "[]\n");
    // Nothing was applied that could be backed up.
    let refused = wizard(home.path(), &["backup", "create"]);
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn what_a_package_installs_knows_every_command() {
    let home = tempfile::tempdir().unwrap();
    let help = out(&wizard(home.path(), &["--help"]));
    let commands = help.lines().skip_while(|line| *line != "Commands:");
    let commands: Vec<_> = commands
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(commands.contains(&"backup"), "{help}");
    let man = out(&wizard(home.path(), &["man"]));
    assert!(man.contains(".TH k3s-ha-wizard"), "{man}");
    for part in [
        ".SH \"K3S-HA-WIZARD BACKUP CREATE\"",
        "\\-\\-follow",
        "K3S_HA_WIZARD_STATE",
        "6  check found drift",
    ] {
        assert!(man.contains(part), "no {part} in {man}");
    }
    assert_eq!(man.matches(".TH ").count(), 1, "one page");
    for shell in ["bash", "zsh", "fish"] {
        let text = out(&wizard(home.path(), &["completions", shell]));
        for command in &commands {
            assert!(text.contains(command), "{shell}: {command}");
            assert!(man.contains(&command.replace('-', "\\-")), "man: {command}");
        }
    }
}

#[test]
fn a_wizard_without_input_or_for_programs_is_no_success() {
    let home = tempfile::tempdir().unwrap();
    let ended = wizard(home.path(), &["--plain"]);
    assert_eq!(ended.status.code(), Some(3));
    let refused = wizard(home.path(), &["--plain", "--output", "json"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--output json is for commands"), "{said}");
}

#[test]
fn a_file_that_is_not_toml_is_told_in_few_lines() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("answers.yaml");
    std::fs::write(
        &file,
        "hosts:\n  - name: db\n    address: 10.0.0.5\n".repeat(20),
    )
    .unwrap();
    let refused = wizard(
        home.path(),
        &["answers", "validate", file.to_str().unwrap()],
    );
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("more errors of this kind"), "{said}");
    assert!(said.lines().count() < 8, "{said}");
}

/// What a verb says when it refuses.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn read_only_refuses_what_changes_something_and_says_what_to_do_instead() {
    let home = home();
    let before = std::fs::read_to_string(home.path().join("state/lab/state.json")).unwrap();
    for arguments in [
        &["--read-only", "install", "--answers", "none.toml"][..],
        &["install", "--answers", "none.toml", "--read-only"],
        &["--read-only", "--answers", "none.toml"],
        &["backup", "create", "--read-only"],
        &["node", "replace", "k3s-postgres", "--read-only"],
        &["kubeconfig", "--merge", "--read-only"],
        &["--plain", "--read-only"],
    ] {
        let said = refused(&wizard(home.path(), arguments));
        assert!(said.starts_with("--read-only refuses"), "{said}");
        for way in ["k3s-ha-wizard check", "k3s-ha-wizard status"] {
            assert!(said.contains(way), "{said}");
        }
    }
    assert!(!home.path().join(".kube").exists());
    let after = std::fs::read_to_string(home.path().join("state/lab/state.json")).unwrap();
    assert_eq!(after, before);
    assert_eq!(
        out(&wizard(home.path(), &["kubeconfig", "--read-only"])),
        OURS
    );
    out(&wizard(home.path(), &["backup", "list", "--read-only"]));
}

#[test]
fn a_plan_that_is_read_only_leaves_no_trace_on_this_machine() {
    let home = tempfile::tempdir().unwrap();
    let answers = crate::unreachable_answers();
    let file = home.path().join("answers.toml");
    std::fs::write(&file, answers.to_toml()).unwrap();
    let file = file.to_str().unwrap();
    let plan = |more: &[&str]| {
        let arguments = [&["plan", "--answers", file], more].concat();
        assert!(!wizard(home.path(), &arguments).status.success());
    };
    plan(&["--read-only"]);
    let state = home.path().join("state");
    assert!(!state.exists());
    plan(&[]);
    assert!(state.exists(), "else this test shows nothing");
}

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/run.jsonl");

#[test]
fn a_recorded_run_is_printed_as_lines_and_as_json() {
    let home = tempfile::tempdir().unwrap();
    let said = out(&wizard(home.path(), &["replay", LOG, "--plain"]));
    assert!(
        said.contains("Cluster lab is complete and healthy."),
        "{said}"
    );
    assert!(said.contains(" (36 of 36)\n"), "{said}");
    // No file that is not there is named.
    assert!(!said.contains("\nkubeconfig "), "{said}");

    let log = std::fs::read_to_string(LOG).unwrap();
    let said = out(&wizard(home.path(), &["replay", LOG, "--output", "json"]));
    let events = |text: &str| -> Vec<serde_json::Value> {
        text.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    let (printed, recorded) = (events(&said), events(&log));
    assert_eq!(printed.len(), recorded.len());
    assert_eq!(printed.last(), recorded.last());

    let said = out(&wizard(
        home.path(),
        &["replay", LOG, "--output", "json", "--at", "10"],
    ));
    let until = events(&said).len();
    assert!(until > 10 && until < recorded.len(), "{until}");

    // A run that was killed, or is still at work.
    let cut = home.path().join("cut.jsonl");
    std::fs::write(&cut, &log[..log.len() / 2]).unwrap();
    let said = out(&wizard(home.path(), &["replay", "cut.jsonl", "--plain"]));
    assert!(said.contains("the run did not finish"), "{said}");
}

#[test]
fn a_run_is_followed_as_lines_and_as_json_until_it_ends() {
    let home = tempfile::tempdir().unwrap();
    let log = std::fs::read_to_string(LOG).unwrap();
    let path = home.path().join("run.jsonl");
    for (arguments, last) in [
        (
            ["replay", "run.jsonl", "--follow", "--plain"].as_slice(),
            "36 steps in 1m 04s",
        ),
        (
            &["replay", "run.jsonl", "--follow", "--output", "json"],
            "\"event\":\"ended\"",
        ),
    ] {
        std::fs::write(&path, &log[..log.len() / 2]).unwrap();
        let mut follows = Command::new(env!("CARGO_BIN_EXE_k3s-ha-wizard"))
            .current_dir(home.path())
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // It has read what is there.
        let mut out = std::io::BufReader::new(follows.stdout.take().unwrap());
        let mut first = String::new();
        std::io::BufRead::read_line(&mut out, &mut first).unwrap();
        assert!(first.contains("lab"), "{first}");
        assert!(follows.try_wait().unwrap().is_none(), "it still follows");
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap();
        std::io::Write::write_all(&mut file, &log.as_bytes()[log.len() / 2..]).unwrap();
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        assert!(rest.contains(last), "{rest}");
        assert!(follows.wait().unwrap().success());
    }
}

#[test]
fn what_cannot_be_replayed_is_said() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("no.log"), "hello\nworld\n").unwrap();
    for (arguments, why) in [
        (
            ["replay", "no.log", "--plain"].as_slice(),
            "no.log:1: this is not an event of a run",
        ),
        (&["replay", "none", "--output", "json"], "No such file"),
        (
            &["replay", "no.log", "--follow", "--at", "3"],
            "cannot be used with",
        ),
    ] {
        let output = wizard(home.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_is_printed_commands_no_terminal() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("answers.toml");
    let evil = "\"\\u001b]52;c;cm0gLXJmIH4=\\u0007\\u202e\" = 1\n";
    std::fs::write(&file, evil).unwrap();
    let refused = wizard(
        home.path(),
        &["answers", "validate", file.to_str().unwrap()],
    );
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("\\u001b]52;c;"), "{said:?}");
    let obeyed = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
    assert!(!said.contains(obeyed), "{said:?}");
}

#[test]
fn it_may_open_as_many_files_as_the_system_allows() {
    let program = env!("CARGO_BIN_EXE_k3s-ha-wizard");
    let mut limited = Command::new("sh")
        .args([
            "-c",
            "ulimit -Sn 64; exec \"$0\" answers validate -",
            program,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = format!("/proc/{}/limits", limited.id());
    let raised = || {
        let text = std::fs::read_to_string(&limits).unwrap();
        let line = text.lines().find(|line| line.starts_with("Max open files"));
        let mut words = line.unwrap().split_whitespace().skip(3);
        words.next() == words.next()
    };
    let begun = Instant::now();
    while !raised() && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let raised = raised();
    drop(limited.stdin.take());
    limited.wait().unwrap();
    assert!(raised);
}

#[test]
fn a_k3s_of_the_operators_own_needs_its_images() {
    let home = tempfile::tempdir().unwrap();
    let answers = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/answers.toml");
    let create = ["bundle", "create", "--answers", answers, "--reference", "h"];
    let says = |more: &[&str]| {
        let refused = wizard(home.path(), &[&create[..], &["-o", "b"], more].concat());
        assert_eq!(refused.status.code(), Some(2));
        String::from_utf8(refused.stderr).unwrap()
    };
    let why = "K3s of your own for s390x needs both --k3s s390x=FILE and --images s390x=FILE";
    for more in [
        &["--k3s", "s390x=k3s"][..],
        &["--images", "s390x=a.tar"],
        &[
            "--k3s",
            "s390x=a",
            "--k3s",
            "s390x=b",
            "--images",
            "s390x=a.tar",
        ],
    ] {
        let said = says(more);
        assert!(said.contains(why), "{said}");
    }
    let said = says(&["--k3s", "../s390x=k3s"]);
    assert!(said.contains("write ARCH=FILE"), "{said}");
}
