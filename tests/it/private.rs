//! What the process keeps to itself: its memory, and what it is given by mistake.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const WIZARD: &str = env!("CARGO_BIN_EXE_k3s-ha-wizard");

/// A wizard that waits for its answers, and that may dump its memory into the folder.
fn waiting(folder: &Path) -> Child {
    Command::new("sh")
        .args([
            "-c",
            "ulimit -c unlimited && exec \"$0\" --answers -",
            WIZARD,
        ])
        .env("K3S_HA_WIZARD_STATE", folder)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn limit_of(process: &Child) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    line.unwrap()
        .split_whitespace()
        .skip(4)
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn a_crash_leaves_no_core_dump() {
    let folder = tempfile::tempdir().unwrap();
    let mut wizard = waiting(folder.path());
    for _ in 0..3000 {
        if limit_of(&wizard) == "0 0" {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(limit_of(&wizard), "0 0");
    // The second measure follows the first at once.
    std::thread::sleep(Duration::from_millis(100));
    let killed = Command::new("kill")
        .args(["-ABRT", &wizard.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let status = wizard.wait().unwrap();
    assert_eq!(status.signal(), Some(6), "{status}");
    assert!(!status.core_dumped(), "{status}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn refused(arguments: &[&str]) -> String {
    let Output { status, stderr, .. } = Command::new(WIZARD)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    String::from_utf8(stderr).unwrap()
}

#[test]
fn a_refused_argument_shows_no_secret_and_commands_no_terminal() {
    for secret in [
        "https://user:hunter2@mirror.example",
        "K10abcdef::server:hunter2",
        "--password=hunter2",
        "--output=https://user:hunter2@mirror.example",
    ] {
        for verb in ["install", "plan", "status"] {
            let said = refused(&[verb, secret]);
            assert!(said.contains("error: "), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    let said = refused(&["\u{1b}]52;c;cm0=\u{7}\u{202e}x"]);
    assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said}");
    assert!(said.contains("\\u202ex"), "{said}");
}
