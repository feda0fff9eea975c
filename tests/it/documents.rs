//! What documents and comments name is there: files of the repository, documents, and their sections.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where paths of the repository begin.
const FOLDERS: [&str; 6] = ["src/", "assets/", "tests/", "docs/", "screenshots/", ".ci/"];
/// Folders that are not ours to check.
const SKIPPED: [&str; 3] = [".git", "target", "snapshots"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of the repository with this ending, by its path from the root.
fn files(wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            match path.is_dir() {
                true if !SKIPPED.contains(&name) => walk(&path, found),
                true => {}
                false => found.push(path),
            }
        }
    }
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    let from_root = |path: &PathBuf| {
        let path = path.strip_prefix(root()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let names = paths.iter().map(from_root).filter(|name| wanted(name));
    // Pictures are no text.
    let text = |name: String| Some((std::fs::read_to_string(root().join(&name)).ok()?, name));
    names
        .filter_map(text)
        .map(|(text, name)| (name, text))
        .collect()
}

fn is_document(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|kind| kind == "md")
}

fn documents() -> Vec<(String, String)> {
    files(is_document)
}

fn folder_of(name: &str) -> PathBuf {
    root().join(name).parent().unwrap().to_owned()
}

// --- Documents -----------------------------------------------------------------------------------

/// What a document says in backticks, in fenced blocks, and as targets of links; each with its line.
#[derive(Default)]
struct Named {
    words: Vec<(usize, String)>,
    links: Vec<(usize, String)>,
}

impl Named {
    fn in_document(text: &str) -> Self {
        let mut named = Self::default();
        let mut fenced = false;
        for (number, line) in (1..).zip(text.lines()) {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
                continue;
            }
            let mut add = |code: &str| {
                let words = code
                    .split(|letter: char| letter.is_whitespace() || "\"'();,=".contains(letter));
                named
                    .words
                    .extend(words.map(|word| (number, word.to_owned())));
            };
            if fenced {
                add(line);
                continue;
            }
            line.split('`').skip(1).step_by(2).for_each(add);
            let targets = line.split("](").skip(1);
            let targets = targets.filter_map(|rest| rest.split_once(')'));
            let targets = targets.map(|(target, _)| (number, target.to_owned()));
            named.links.extend(targets);
        }
        named
    }
}

/// The part of a path that must exist: all of it, or what is in front of a placeholder.
fn fixed(path: &str) -> &str {
    let path = path.trim_end_matches(['.', ':', ',']);
    match path.find(['<', '*', '{', '…']) {
        Some(place) => &path[..path[..place].rfind('/').map_or(0, |slash| slash + 1)],
        None => path,
    }
}

/// What a document names that is not there.
fn missing(name: &str, text: &str) -> Vec<String> {
    let named = Named::in_document(text);
    let beside = folder_of(name);
    let is_path = |word: &str| FOLDERS.iter().any(|folder| word.starts_with(folder));
    let is_there = |word: &str| {
        let path = fixed(word);
        root().join(path).exists() || beside.join(path).exists()
    };
    let words = named.words.iter();
    let words = words.filter(|(_, word)| is_path(word) || is_document(fixed(word)));
    let words = words.filter(|(_, word)| !is_there(word));
    let links = named.links.iter().filter(|(_, target)| {
        let path = target.split('#').next().unwrap();
        !target.contains("://") && !path.is_empty() && !beside.join(path).exists()
    });
    let found = words.chain(links);
    found
        .map(|(line, what)| format!("{name}:{line}: {what}"))
        .collect()
}

#[test]
fn what_documents_name_is_there() {
    let all = documents();
    for wanted in [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/ssh.md",
    ] {
        assert!(all.iter().any(|(name, _)| name == wanted), "{wanted}");
    }
    let faults: Vec<_> = all
        .iter()
        .flat_map(|(name, text)| missing(name, text))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

/// docs/architecture.md has the map of `src/lib.rs`, in the same order.
#[test]
fn the_map_is_the_same_in_both_places() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).unwrap();
    let (code, document) = (read("src/lib.rs"), read("docs/architecture.md"));
    // Modules of tests alone are no part of the map.
    let code_alone = code.replace("#[cfg(any(test, fuzzing))]\npub mod ", "");
    let modules = code_alone.lines().filter_map(|line| {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        line.strip_prefix("mod ")?.strip_suffix(';')
    });
    let map = code.lines().take_while(|line| line.starts_with("//!"));
    let map: String = map.collect::<Vec<_>>().join("\n");
    let mut places: Vec<_> = modules
        .map(|name| {
            let row = document
                .find(&format!("\n| `src/{name}/` |"))
                .or_else(|| document.find(&format!("\n| `src/{name}.rs` |")));
            (map.find(&format!("`{name}`")), row, name)
        })
        .collect();
    places.sort_unstable();
    for (in_map, row, name) in &places {
        assert!(in_map.is_some() && row.is_some(), "{name} is missing");
    }
    let rows = places.iter().map(|(_, row, _)| row);
    assert!(rows.is_sorted(), "{places:?}");
}

/// An operator copies it.
#[test]
fn the_answers_of_the_readme_are_valid() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let answers = readme.split("```toml\n").nth(1).unwrap();
    let answers = answers.split("```").next().unwrap();
    let answers = k3s_ha_wizard::answers::Answers::from_toml(answers).expect("valid answers");
    assert_eq!(answers.hosts.len(), 5);
    assert!(answers.problems().is_empty() && answers.warnings().is_empty());
}

/// The names of tests in a text: all that is in backticks and brackets.
fn named_tests(text: &str) -> Vec<&str> {
    let parts = text.split("(`").skip(1);
    let names = parts.filter_map(|part| Some(part.split_once("`)")?.0));
    names.collect()
}

#[test]
fn each_promise_has_a_test() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, section) = readme.split_once("### What it promises").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let promises = section.matches("\n* ").count();
    let tests = named_tests(section);
    assert!(promises > 0 && promises <= 10, "{promises}");
    assert_eq!(tests.len(), promises, "{tests:?}");
    let sources: String = files(|name| name.starts_with("tests/on_lab/"))
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    for test in tests {
        let is_test = sources.contains(&format!("#[test]\nfn {test}()"));
        // The classes of the table of faults.
        let is_class = sources.contains(&format!("    {test}: "));
        assert!(is_test || is_class, "there is no test {test}");
    }
}

#[test]
fn what_is_not_there_is_noticed() {
    let faults = |text: &str| missing("docs/ssh.md", text);
    let right = "[a](../README.md#use) `src/lib.rs`, `src/cli/<verb>.rs` and `cargo run -- src/*`\n\
                 ```sh\ntests/run # all\n```\n[b](https://k3s.io/none.md) `pages/<page>/mod.rs`";
    assert_eq!(faults(right), [""; 0]);
    for (wrong, line, word) in [
        ("`src/none.rs`", 1, "src/none.rs"),
        ("a\n```sh\nless src/none/mod.rs\n```", 3, "src/none/mod.rs"),
        ("`src/none/<verb>.rs`", 1, "src/none/<verb>.rs"),
        ("[a](none.md)", 1, "none.md"),
        ("`none.md`", 1, "none.md"),
    ] {
        assert_eq!(faults(wrong), [format!("docs/ssh.md:{line}: {word}")]);
    }
}

// --- Comments ------------------------------------------------------------------------------------

/// Comments of several lines, each in one line, with the number of its first one.
fn comments(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start();
        let comment = ["//!", "///", "//", "#"];
        let comment = comment.iter().find_map(|sign| line.strip_prefix(sign));
        match comment {
            Some(comment) if goes_on => {
                let (_, block) = found.last_mut().unwrap();
                block.push(' ');
                block.push_str(comment.trim());
            }
            Some(comment) => found.push((number, comment.trim().to_owned())),
            // Behind code there may be one, too.
            None => {
                let behind = line.split_once(" // ").or_else(|| line.split_once(" # "));
                found.extend(behind.map(|(_, comment)| (number, comment.to_owned())));
            }
        }
        goes_on = comment.is_some();
    }
    found
}

/// The documents that a comment cites, each with the section that it names.
fn cited(comment: &str) -> Vec<(&str, Option<&str>)> {
    let in_path = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    let mut cited = Vec::new();
    let mut place = 0;
    while let Some(start) = comment[place..].find(in_path) {
        let start = place + start;
        let word = &comment[start..];
        let word = word.split(|letter| !in_path(letter)).next().unwrap();
        place = start + word.len();
        let path = word.trim_end_matches('.');
        if is_document(path) || path.starts_with("docs/") {
            let section = comment[place..].strip_prefix(", \"");
            cited.push((path, section.and_then(|rest| rest.split('"').next())));
        }
    }
    cited
}

/// Why a citation leads nowhere.
fn wrong(file: &str, path: &str, section: Option<&str>) -> Option<&'static str> {
    if ["facts.md", "ssh.md"].contains(&path) {
        return Some("say docs/ in front");
    }
    let places = [root().join(path), folder_of(file).join(path)];
    let Some(place) = places.iter().find(|place| place.exists()) else {
        return Some("there is no such document");
    };
    let text = std::fs::read_to_string(place).unwrap_or_default();
    let is_heading = |section: &str| {
        let titles = text.lines().filter(|line| line.starts_with('#'));
        let mut titles = titles.map(|line| line.trim_start_matches('#').trim());
        titles.any(|title| title == section)
    };
    match section {
        Some(section) if !is_heading(section) => Some("it has no such section"),
        _ => None,
    }
}

/// The citations of a file that lead nowhere.
fn faults(file: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for (line, comment) in comments(text) {
        for (path, section) in cited(&comment) {
            if let Some(why) = wrong(file, path, section) {
                let section = section.map(|section| format!(", {section:?}"));
                let section = section.unwrap_or_default();
                faults.push(format!("{file}:{line}: {path}{section}: {why}"));
            }
        }
    }
    faults
}

/// Files whose lines with `#` or `//` are comments.
fn sources() -> Vec<(String, String)> {
    let folders = ["src/", "assets/", "tests/"];
    let data = [".md", ".json", ".jsonl", ".txt", ".snap"];
    files(|name| {
        folders.iter().any(|folder| name.starts_with(folder))
            && !data.iter().any(|ending| name.ends_with(ending))
            && name != file!()
    })
}

#[test]
fn what_comments_cite_is_there() {
    let sources = sources();
    let all: Vec<_> = sources
        .iter()
        .flat_map(|(name, text)| faults(name, text))
        .collect();
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
    let comments = sources.iter().flat_map(|(_, text)| comments(text));
    let comments: Vec<_> = comments.map(|(_, comment)| comment).collect();
    let cited: BTreeSet<_> = comments.iter().flat_map(|comment| cited(comment)).collect();
    assert!(cited.iter().any(|(path, _)| *path == "docs/facts.md"));
    assert!(cited.iter().any(|(path, _)| *path == "docs/ssh.md"));
}

#[test]
fn a_citation_that_leads_nowhere_is_noticed() {
    let faults = |text: &str| faults("src/lib.rs", text);
    let right = "/// As docs/ssh.md, \"sudo\" says.\nlet a = 1; // README.md\n# docs/facts.md, \
                 \"Ports\"\nfn f() {} \"docs/none\"";
    assert_eq!(faults(right), [""; 0]);
    for (comment, fault) in [
        (
            "//! See docs/none.md.",
            "docs/none.md: there is no such document",
        ),
        ("x // see none.md", "none.md: there is no such document"),
        ("# facts.md", "facts.md: say docs/ in front"),
        (
            "/// docs/ssh.md, \"none\"",
            "docs/ssh.md, \"none\": it has no such section",
        ),
        (
            "/// docs/ssh.md,\n/// \"none\"",
            "docs/ssh.md, \"none\": it has no such section",
        ),
    ] {
        assert_eq!(faults(comment), [format!("src/lib.rs:1: {fault}")]);
    }
}
