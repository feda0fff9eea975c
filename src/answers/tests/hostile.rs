//! Tricks in every answer: what is taken must be harmless, or be quoted by the one function that builds
//! scripts. What is refused names no control character to a terminal.

use std::fmt::Write as _;

use super::*;
use crate::letters::misleads;

/// For shells, SQL, TOML, YAML, templates, argument lists, paths and terminals.
const TRICKS: [&str; 16] = [
    "$(reboot)",
    "`reboot`",
    "x;reboot",
    "x|reboot",
    "x' OR '1'='1",
    "x\"; DROP DATABASE postgres; --",
    "x\"\n[k3s]\nv = 1",
    "x\ny: z",
    "{{ 7 * 7 }}",
    "-oProxyCommand=reboot",
    "../../etc/passwd",
    "x y",
    "x\u{1b}]52;c;cm0=\u{7}",
    "x\u{202e}y",
    "x\0y",
    "\u{9b}31m",
];

/// Every answer that is a text: its table, what stands in front of the text, and behind it.
const PLACES: [(&str, &str, &str, &str); 22] = [
    ("cluster", "name", "\"", "\""),
    ("k3s", "version", "\"", "\""),
    ("k3s", "install_url", "\"https://x/", "\""),
    ("k3s", "artifact_url", "\"https://x/", "\""),
    ("k3s", "channel_url", "\"https://x/", "\""),
    ("k3s", "install_sha256", "\"", "\""),
    ("k3s", "token", "\"sixteen-or-more-letters", "\""),
    ("k3s", "tls_san", "[\"", "\"]"),
    ("ssh", "user", "\"", "\""),
    ("ssh", "key", "\"", "\""),
    ("ssh", "config", "\"", "\""),
    ("ssh", "known_hosts", "[\"", "\"]"),
    ("ssh", "password", "\"", "\""),
    ("ssh", "sudo_password", "\"", "\""),
    ("postgres", "database", "\"", "\""),
    ("postgres", "user", "\"", "\""),
    ("postgres", "password", "\"twelve-or-more", "\""),
    ("postgres", "name", "\"", "\""),
    ("load_balancer", "names", "[\"", "\"]"),
    ("hosts", "name", "\"", "\""),
    ("hosts", "address", "\"", "\""),
    ("hosts", "host_key", "\"", "\""),
];

fn written(text: &str) -> String {
    let quoted = toml::Value::from(text).to_string();
    // As a basic string: others cannot hold every letter.
    if quoted.starts_with('\'') || quoted.starts_with("\"\"\"") {
        let mut basic = String::new();
        for letter in text.chars() {
            match letter {
                '"' | '\\' => basic.extend(['\\', letter]),
                letter if letter.is_control() => {
                    let _ = write!(basic, "\\u{:04x}", u32::from(letter));
                }
                letter => basic.push(letter),
            }
        }
        return basic;
    }
    quoted[1..quoted.len() - 1].to_owned()
}

/// The smallest answers, with a trick in one place.
fn answers_with((table, key, before, after): (&str, &str, &str, &str), trick: &str) -> String {
    let value = format!("{before}{}{after}", written(trick));
    if table == "hosts" {
        let host = |line: &str| match key {
            "name" => line.replace("\"a1\"", &value),
            "address" => line.replace(
                "\"10.0.0.21\"",
                &format!("{value}, node_ip = \"10.0.0.21\""),
            ),
            _ => line.replace("\"10.0.0.21\"", &format!("\"10.0.0.21\", {key} = {value}")),
        };
        return host(&smallest(""));
    }
    smallest(&format!("[{table}]\n{key} = {value}\n"))
}

#[test]
fn tricks_are_refused_where_a_text_is_more_than_a_text() {
    let mut taken = String::new();
    for place in PLACES {
        let mut tricks = Vec::new();
        for trick in TRICKS {
            match Answers::from_toml(&answers_with(place, trick)) {
                Ok(_) => tricks.push(format!("{trick:?}")),
                Err(problems) => assert!(
                    problems
                        .list
                        .iter()
                        .any(|problem| problem.key.contains(place.1)),
                    "{place:?} {trick:?}: {problems}"
                ),
            }
        }
        let (table, key, ..) = place;
        if !tricks.is_empty() {
            let _ = writeln!(taken, "{table}.{key}: {}", tricks.join(" "));
        }
    }
    insta::assert_snapshot!(taken);
}

#[test]
fn nothing_that_hides_or_commands_comes_back_in_a_complaint() {
    for place in PLACES {
        for trick in TRICKS {
            let Err(problems) = Answers::from_toml(&answers_with(place, trick)) else {
                continue;
            };
            for problem in &problems.list {
                let text = problem.to_string();
                let commands = |letter: char| letter.is_control() || misleads(letter);
                assert!(!text.contains(commands), "{place:?}: {text:?}");
            }
        }
    }
}
