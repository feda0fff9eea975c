//! Changes in files, as lines with secrets masked.

use std::fmt;

use similar::{ChangeTag, TextDiff};

use crate::plan::PlannedFile;
use crate::redact::{MASK, PemBlock, Redactor};

/// The number of context lines around a change.
const AROUND: usize = 3;
/// Keys whose values are secret: they are not shown.
const SECRET_KEYS: [&str; 6] = [
    "token",
    "passw",
    "secret",
    "joinkey",
    "authkey",
    "datastore-endpoint",
];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    pub path: String,
    pub how: How,
    pub lines: Vec<DiffLine>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    New {
        mode: String,
    },
    /// The mode and owner before and after, where they differ.
    Changed {
        modes: Option<(String, String)>,
    },
    Unchanged,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub sign: DiffSign,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiffSign {
    Same,
    Added,
    Removed,
    /// Unchanged lines were left out here.
    Gap,
}

impl FileChange {
    pub fn of(file: &PlannedFile, redactor: &Redactor) -> Self {
        let (mode, wanted) = &file.wanted;
        let how = match &file.now {
            None => How::New { mode: mode.clone() },
            Some(_) if file.is_so_already() => How::Unchanged,
            Some((before, _)) => How::Changed {
                modes: (before != mode).then(|| (before.clone(), mode.clone())),
            },
        };
        let before = file.now.as_ref().map_or("", |(_, text)| text.expose());
        let lines = match how {
            How::Unchanged => Vec::new(),
            _ => lines(before, wanted.expose(), redactor),
        };
        Self {
            path: file.path.clone(),
            how,
            lines,
        }
    }
}

/// In the format of `diff -u`.
impl fmt::Display for FileChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.how {
            How::New { mode } => writeln!(f, "{} is new ({mode})", self.path)?,
            How::Unchanged => writeln!(f, "{} is unchanged", self.path)?,
            How::Changed { modes: None } => writeln!(f, "{} changes", self.path)?,
            How::Changed {
                modes: Some((before, after)),
            } => writeln!(f, "{} changes ({before}, then {after})", self.path)?,
        }
        for DiffLine { sign, text } in &self.lines {
            match sign {
                DiffSign::Same => writeln!(f, "   {text}")?,
                DiffSign::Added => writeln!(f, "  +{text}")?,
                DiffSign::Removed => writeln!(f, "  -{text}")?,
                DiffSign::Gap => writeln!(f, "  …")?,
            }
        }
        Ok(())
    }
}

fn lines(before: &str, after: &str, redactor: &Redactor) -> Vec<DiffLine> {
    let diff = TextDiff::from_lines(before, after);
    let mut lines = Vec::new();
    // A key is masked as a whole, even if only its middle is shown.
    let (old, new) = (masked(before, redactor), masked(after, redactor));
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            let text = String::new();
            lines.push(DiffLine {
                sign: DiffSign::Gap,
                text,
            });
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (sign, text) = match change.tag() {
                ChangeTag::Equal => (DiffSign::Same, line(&new, change.new_index())),
                ChangeTag::Insert => (DiffSign::Added, line(&new, change.new_index())),
                ChangeTag::Delete => (DiffSign::Removed, line(&old, change.old_index())),
            };
            lines.push(DiffLine { sign, text });
        }
    }
    lines
}

fn line(lines: &[String], place: Option<usize>) -> String {
    let line = place.and_then(|place| lines.get(place));
    line.cloned().unwrap_or_default()
}

fn masked(text: &str, redactor: &Redactor) -> Vec<String> {
    let mut key = PemBlock::default();
    text.lines()
        .map(|line| {
            if key.covers(line) {
                return MASK.to_owned();
            }
            let line = redactor.text(line);
            match secret_value(&line) {
                Some(value) => format!("{}{MASK}", &line[..value]),
                None => line.into_owned(),
            }
        })
        .collect()
}

/// The start of the value of a secret key: `token: …`, `password = …`.
fn secret_value(line: &str) -> Option<usize> {
    let end = line.find([':', '='])?;
    let key = line[..end].to_ascii_lowercase();
    let value = line[end + 1..].trim();
    let is_secret = SECRET_KEYS.iter().any(|name| key.contains(name));
    (is_secret && !value.is_empty() && !value.contains(MASK)).then(|| {
        let blanks = line[end + 1..].len() - line[end + 1..].trim_start().len();
        end + 1 + blanks
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(now: Option<&str>, wanted: &str) -> PlannedFile {
        let text = |text: &str| text.to_owned().into();
        PlannedFile {
            path: "/etc/x".into(),
            now: now.map(|now| ("644 root:root".into(), text(now))),
            wanted: ("600 root:root".into(), text(wanted)),
        }
    }

    fn told(change: &FileChange) -> Vec<String> {
        let sign = |sign| match sign {
            DiffSign::Same => ' ',
            DiffSign::Added => '+',
            DiffSign::Removed => '-',
            DiffSign::Gap => '~',
        };
        let lines = change.lines.iter();
        lines
            .map(|line| format!("{}{}", sign(line.sign), line.text))
            .collect()
    }

    #[test]
    fn only_what_changes_is_told_and_no_secret() {
        let ours = "our-own-token-of-the-cluster".to_owned().into();
        let redactor = Redactor::new([&ours]);
        let now = "a: 1\nb: 2\nc: 3\nd: 4\ntoken: K3S-OLD-TOKEN\ne: 5\n";
        let wanted = "a: 1\nb: 2\nc: 3\nd: 4\ntoken: our-own-token-of-the-cluster\ne: 6\n";
        let change = FileChange::of(&file(Some(now), wanted), &redactor);
        let modes = Some(("644 root:root".into(), "600 root:root".into()));
        assert_eq!(change.how, How::Changed { modes });
        assert_eq!(
            told(&change),
            [
                " b: 2",
                " c: 3",
                " d: 4",
                "-token: [secret]",
                "-e: 5",
                "+token: [secret]",
                "+e: 6"
            ]
        );
        let new = FileChange::of(&file(None, "passwd = 'x'\njoinKey=y\n"), &redactor);
        assert_eq!(told(&new), ["+passwd = [secret]", "+joinKey=[secret]"]);
        let mut same = file(Some(wanted), wanted);
        same.now = Some(same.wanted.clone());
        assert_eq!(FileChange::of(&same, &redactor).how, How::Unchanged);
    }

    #[test]
    fn private_keys_are_not_told() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\nafter\n";
        let change = FileChange::of(&file(Some(key), "after\n"), &Redactor::default());
        assert_eq!(
            told(&change),
            ["-[secret]", "-[secret]", "-[secret]", " after"]
        );
    }
}
