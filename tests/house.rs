//! The rules of the house, read from its source.

use std::path::{Path, PathBuf};

/// Every source file below `src`, with its path from there.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(&root).ok()?.to_str()?.to_owned();
            Some((name, std::fs::read_to_string(&path).ok()?))
        })
        .collect()
}

/// The lines of code that hold one of these words: what is no comment, and no test.
fn uses<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    let code = text.split("#[cfg(test)]\nmod tests {").next();
    code.unwrap_or(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .filter(|line| words.iter().any(|word| line.contains(word)))
        .collect()
}

/// Where a rule is broken: every file in these rooms that uses one of these words.
fn broken(rooms: &[&str], words: &[&str], except: &[&str]) -> Vec<String> {
    sources()
        .iter()
        .filter(|(name, _)| rooms.iter().any(|room| name.starts_with(room)))
        .filter(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"))
        .filter(|(name, _)| !except.contains(&name.as_str()))
        .flat_map(|(name, text)| {
            let lines = uses(text, words).into_iter();
            lines.map(move |line| format!("{name}: {}", line.trim()))
        })
        .collect()
}

const NOTHING: [String; 0] = [];

#[test]
fn there_is_something_to_read() {
    let names: Vec<_> = sources().into_iter().map(|(name, _)| name).collect();
    for room in [
        "answers/mod.rs",
        "plan/mod.rs",
        "engine/mod.rs",
        "remote/ssh/mod.rs",
    ] {
        assert!(names.iter().any(|name| name == room), "{names:?}");
    }
    assert_eq!(uses("use ssh2::Session;\n// ssh2\n", &["ssh2"]).len(), 1);
}

#[test]
fn only_the_screens_know_a_terminal() {
    let rooms = [
        "answers/",
        "plan/",
        "pki",
        "platform/",
        "engine/",
        "remote/",
        "state/",
        "report/",
        "proof/",
        "cluster/",
        "run/",
        "frontends/",
        "status",
        "signals",
        "plain/",
    ];
    assert_eq!(broken(&rooms, &["ratatui", "crossterm"], &[]), NOTHING);
}

#[test]
fn only_one_room_assembles_a_run() {
    let words = [
        "hosts::reach(",
        "Plan::make",
        "RunLog::create",
        "Recorder::new",
    ];
    let all = broken(&[""], &words, &[]);
    let elsewhere: Vec<_> = all
        .iter()
        .filter(|line| !line.starts_with("run/"))
        .collect();
    assert_eq!(elsewhere, Vec::<&String>::new());
    let frontends = ["tui::", "plain::", "frontends::", "cli::"];
    assert_eq!(broken(&["run/"], &frontends, &[]), NOTHING);
}

#[test]
fn only_remote_knows_ssh() {
    let all = broken(&[""], &["ssh2::", "libssh2_sys"], &[]);
    let elsewhere: Vec<_> = all
        .iter()
        .filter(|line| !line.starts_with("remote/"))
        .collect();
    assert_eq!(elsewhere, Vec::<&String>::new());
}

#[test]
fn a_plan_does_nothing() {
    let words = [
        "std::fs",
        "std::io",
        "std::process",
        "std::env",
        "TcpStream",
        "::now",
    ];
    assert_eq!(broken(&["plan/"], &words, &[]), NOTHING);
}

#[test]
fn only_the_program_prints_and_ends_the_process() {
    let words = [
        "println!",
        "print!(",
        "eprint",
        "io::stdout",
        "io::stderr",
        "process::exit",
        "dbg!(",
    ];
    let program = ["main.rs", "headless.rs", "tui/terminal.rs"];
    assert_eq!(broken(&[""], &words, &program), NOTHING);
}

#[test]
fn unsafe_code_has_one_room() {
    assert_eq!(
        broken(&[""], &["unsafe {", "unsafe fn"], &["remote/sys.rs"]),
        NOTHING
    );
}

#[test]
fn files_are_not_too_long_to_read() {
    let long = |(name, text): &(String, String)| {
        let lines = text.lines().count();
        (lines > 600).then(|| format!("{name}: {lines} lines"))
    };
    assert_eq!(
        sources().iter().filter_map(long).collect::<Vec<_>>(),
        NOTHING
    );
}
