//! `*` and `?` in names, and in paths.

use std::path::{Component, Path, PathBuf};

/// Whether a pattern matches a whole name: `*` is any characters, `?` is one.
pub(super) fn matches(name: &str, pattern: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    fits(&name, &pattern, false)
}

/// With `classes`, `[a-z]` and `[!a-z]` match one character, and `\` quotes one.
fn fits(name: &[char], pattern: &[char], classes: bool) -> bool {
    let (mut at, mut next) = (0, 0);
    // Where the last * was, and how much of the name it has taken.
    let mut star = None;
    while at < name.len() {
        let step = match pattern.get(next) {
            Some('*') => {
                star = Some((next, at));
                next += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') if classes => class(&pattern[next..], name[at]),
            Some('\\') if classes && pattern.len() > next + 1 => {
                (pattern[next + 1] == name[at]).then_some(2)
            }
            Some(letter) => (*letter == name[at]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(step), _) => {
                at += 1;
                next += step;
            }
            (None, Some((place, taken))) => {
                star = Some((place, taken + 1));
                (at, next) = (taken + 1, place + 1);
            }
            (None, None) => return false,
        }
    }
    pattern[next..].iter().all(|letter| *letter == '*')
}

/// The length of the class at the start of a pattern, if it matches the character. Without an end,
/// it is a plain bracket.
fn class(pattern: &[char], letter: char) -> Option<usize> {
    let not = matches!(pattern.get(1), Some('!' | '^'));
    let first = if not { 2 } else { 1 };
    // A bracket right at the start belongs to it.
    let end = (first + 1..pattern.len()).find(|at| pattern[*at] == ']');
    let Some(end) = end else {
        return (letter == '[').then_some(1);
    };
    let (mut at, mut inside) = (first, false);
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            inside |= (pattern[at]..=pattern[at + 2]).contains(&letter);
            at += 3;
        } else {
            inside |= pattern[at] == letter;
            at += 1;
        }
    }
    (inside != not).then_some(end + 1)
}

/// The files that match an absolute pattern, sorted. As in a shell, a hidden file only matches a
/// pattern with a dot.
pub(super) fn glob(pattern: &Path) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    for component in pattern.components() {
        let Component::Normal(part) = component else {
            if component == Component::ParentDir {
                for path in &mut found {
                    path.push("..");
                }
            }
            continue;
        };
        let part = part.to_string_lossy();
        found = if part.contains(['*', '?', '[', '\\']) {
            let pattern: Vec<char> = part.chars().collect();
            let inside = found.iter().flat_map(|folder| named(folder, &pattern));
            inside.collect()
        } else {
            found.into_iter().map(|path| path.join(&*part)).collect()
        };
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

fn named(folder: &Path, pattern: &[char]) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name: Vec<char> = name.to_string_lossy().chars().collect();
            let hidden = name.first() == Some(&'.') && pattern.first() != Some(&'.');
            !hidden && fits(&name, pattern, true)
        })
        .collect();
    names.sort();
    names.into_iter().map(|name| folder.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (name, pattern, fits) in [
            ("db", "db", true),
            ("db", "DB", false),
            ("db-1", "db-?", true),
            ("db", "db?", false),
            ("", "*", true),
            ("a.b.c", "*.c", true),
            ("a.c.b", "*.c", false),
            ("aab", "a*ab", true),
            ("ab", "a*ab", false),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(matches(name, pattern), fits, "{name} {pattern}");
        }
    }

    #[test]
    fn files_are_found_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::create_dir_all(path.join("x/y")).unwrap();
        for name in ["b.conf", "a.conf", ".hidden.conf", "c.txt", "x/y/d.conf"] {
            std::fs::write(path.join(name), "").unwrap();
        }
        let found = |pattern: &str| {
            let paths = glob(&path.join(pattern));
            let names = paths.iter().map(|found| found.strip_prefix(path).unwrap());
            let names: Vec<_> = names.map(|name| name.display().to_string()).collect();
            names.join(" ")
        };
        assert_eq!(found("*.conf"), "a.conf b.conf");
        assert_eq!(found("[!a].*"), "b.conf c.txt");
        assert_eq!(found("[a-b].conf"), "a.conf b.conf");
        assert_eq!(found(".*.conf"), ".hidden.conf");
        assert_eq!(found("*/*/*.conf"), "x/y/d.conf");
        assert_eq!(found("c.txt"), "c.txt");
        assert_eq!(found("not-there"), "");
    }
}
