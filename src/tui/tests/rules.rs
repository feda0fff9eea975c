//! What holds for the house: keys, sentences, and who knows whom.

use std::path::{Path, PathBuf};

use super::super::keys::{self, Scope, TABLE};
use super::*;

/// The scopes that are active together, whatever is done.
fn together() -> Vec<Vec<Scope>> {
    use Scope::{
        Again, Ask, Asked, Checks, Connect, Everywhere, Failure, Field, Form, Generates, Groups,
        Held, Help, Hosts, Lacking, Lines, OtherSecrets, Overrule, Phase, Plan, Prompt, Quit,
        Replay, Review, Run, Scroll, Search, Secret, ShowHeld, Skippable, UnknownKey, Unreached,
        Views, Welcome,
    };
    let run = |page: &[Scope]| {
        let all = [Again, Replay, ShowHeld].map(|other| {
            let rest = [Views, Scroll, other, Everywhere];
            page.iter().copied().chain(rest).collect::<Vec<_>>()
        });
        all.to_vec()
    };
    let mut sets = vec![
        vec![Help, Scroll, Everywhere],
        vec![Quit, Everywhere],
        vec![Search, Everywhere],
        vec![Ask, Everywhere],
        vec![Welcome, Scroll, Everywhere],
        vec![Hosts, Scroll, UnknownKey, Lacking, Everywhere],
        vec![Prompt, OtherSecrets, Everywhere],
        vec![Form, Field, Secret, Generates, Everywhere],
        vec![Form, Lines, Everywhere],
        vec![Review, Groups, Scroll, Everywhere],
        vec![Plan, Scroll, Everywhere],
        vec![Phase, Held, ShowHeld, Views, Scroll, Everywhere],
        vec![
            Failure, Asked, Skippable, ShowHeld, Views, Scroll, Everywhere,
        ],
        vec![Checks, Unreached, Overrule, Scroll, Everywhere],
        vec![Connect, Unreached, UnknownKey, Lacking, Scroll, Everywhere],
    ];
    sets.extend(run(&[Run]));
    sets.extend(run(&[Failure]));
    sets.extend(run(&[]));
    sets
}

#[test]
fn no_key_means_two_things() {
    for scopes in together() {
        let active: Vec<_> = keys::active(&scopes).collect();
        for (number, binding) in active.iter().enumerate() {
            let twice = active[..number]
                .iter()
                .any(|other| other.key == binding.key);
            assert!(!twice, "{} in {scopes:?}", binding.key);
        }
    }
}

#[test]
fn every_binding_is_active_somewhere() {
    let sets = together();
    for (scope, bindings) in TABLE {
        assert!(sets.iter().any(|set| set.contains(scope)), "{scope:?}");
        assert!(bindings.iter().all(|binding| !binding.says.is_empty()));
    }
}

#[test]
fn help_and_quit_are_in_every_footer() {
    for size in [SMALL, LARGE] {
        for until in [4, 28_000, u64::MAX] {
            for name in ["run.jsonl", "run-failed.jsonl"] {
                let page = text(&run_until(MONO, size, name, until));
                let footer = page.lines().last().unwrap_or_default().to_owned();
                assert!(footer.contains("F1 help"), "{footer}");
                assert!(footer.contains("Ctrl-C quit"), "{footer}");
            }
        }
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file, without its tests and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn no_screen_knows_hosts() {
    let screens = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui/screens");
    let mut files = Vec::new();
    sources(&screens, &mut files);
    assert!(files.len() > 5);
    for path in files {
        let code = code(&path);
        for name in ["crate::remote", "crate::session", "std::fs", "std::thread"] {
            assert!(!code.contains(name), "{} names {name}", path.display());
        }
    }
}

/// Sentences are in `text`, so that they can be read, and judged, in one place.
#[test]
fn no_screen_has_sentences_of_its_own() {
    let tui = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tui");
    let mut files = Vec::new();
    sources(&tui, &mut files);
    for path in files {
        let exempt = ["text", "tests"]
            .iter()
            .any(|room| path.starts_with(tui.join(room)));
        if exempt {
            continue;
        }
        for line in code(&path).lines() {
            // What stands between quotes, without what `format!` fills in.
            for literal in line.split('"').skip(1).step_by(2) {
                let words = literal
                    .split(' ')
                    .filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic));
                assert!(words.count() < 3, "{}: {literal}", path.display());
            }
        }
    }
}

/// On a terminal without colours, what has focus must still be seen.
#[test]
fn focus_is_seen_without_colours() {
    let mut model = run_until(MONO, SMALL, "run.jsonl", 28_000);
    let log = looks(&model);
    assert!(log.contains("##########"), "{log}");
    assert!(text(&model).contains("▸ Log"));
    press(&mut model, "<Tab><Down>");
    assert!(text(&model).contains("▸ Steps"));
    assert_ne!(looks(&model), log);
    let colours = draw(&model)
        .content
        .iter()
        .filter(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
        .count();
    assert_eq!(colours, 0);
}
