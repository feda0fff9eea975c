//! From files to lines, `Include`s followed. What is an error for ssh is an error here, for every
//! host.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::getuid;

use super::SshConfigError;
use super::pattern::glob;

/// The same limit as in ssh.
const DEPTH: usize = 16;
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A keyword with its arguments.
#[derive(Debug, Clone)]
pub(super) struct ConfigLine {
    pub file: PathBuf,
    pub number: usize,
    /// In lower case.
    pub keyword: String,
    /// As written.
    pub written: String,
    pub arguments: Vec<String>,
    /// Of an `Include`: each file's lines.
    pub included: Vec<Vec<ConfigLine>>,
}

impl ConfigLine {
    pub fn wrong(&self, what: &str) -> SshConfigError {
        SshConfigError::Wrong {
            file: self.file.clone(),
            line: self.number,
            what: format!("{}: {what}", self.written),
        }
    }
}

pub(super) struct ConfigReader<'a> {
    pub home: &'a Path,
}

impl ConfigReader<'_> {
    /// All lines of a file; none if it does not exist.
    pub fn of(&self, file: &Path) -> Result<Vec<ConfigLine>, SshConfigError> {
        self.at_depth(file, 0)
    }

    fn at_depth(&self, file: &Path, depth: usize) -> Result<Vec<ConfigLine>, SshConfigError> {
        let unreadable = |why: String| SshConfigError::Unreadable {
            file: file.to_owned(),
            why,
        };
        if depth > DEPTH {
            return Err(unreadable(format!("it is included {DEPTH} files deep")));
        }
        let text = match std::fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(unreadable(error.to_string())),
        };
        if others_may_write(file) {
            return Err(unreadable(
                "users other than you and root may write it, so ssh refuses it too. Run chmod go-w \
                 on it"
                    .to_owned(),
            ));
        }
        let mut lines = lines(file, &String::from_utf8_lossy(&text))?;
        for line in lines.iter_mut().filter(|line| line.keyword == "include") {
            for pattern in &line.arguments {
                for path in glob(&self.anchored(line, pattern)?) {
                    line.included.push(self.at_depth(&path, depth + 1)?);
                }
            }
        }
        Ok(lines)
    }

    /// The paths of an `Include`: relative to `~/.ssh`, wherever the file itself is.
    fn anchored(&self, line: &ConfigLine, pattern: &str) -> Result<PathBuf, SshConfigError> {
        match pattern.strip_prefix("~/") {
            Some(rest) => Ok(self.home.join(rest)),
            None if pattern.is_empty() => Err(line.wrong("a path is empty")),
            None if pattern.starts_with('~') => {
                Err(line.wrong("the wizard does not look up other users' homes"))
            }
            // An absolute path stays as it is.
            None => Ok(self.home.join(".ssh").join(pattern)),
        }
    }
}

/// Whether another user could have written the file.
fn others_may_write(file: &Path) -> bool {
    let ours = getuid().as_raw();
    let allowed = |owner: u32| owner == 0 || owner == ours;
    std::fs::metadata(file)
        .is_ok_and(|file| file.is_file() && (file.mode() & 0o022 != 0 || !allowed(file.uid())))
}

/// The lines of a text. The files of an `Include` are not yet in it.
pub(super) fn lines(file: &Path, text: &str) -> Result<Vec<ConfigLine>, SshConfigError> {
    let lines = (1..).zip(text.lines());
    lines
        .filter_map(|(number, text)| line(file, number, text).transpose())
        .collect()
}

/// A line's keyword and arguments; `None` for an empty line or a comment.
fn line(file: &Path, number: usize, text: &str) -> Result<Option<ConfigLine>, SshConfigError> {
    let text = text.trim_end_matches('\u{c}').trim_matches(WHITE);
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let end = text
        .find(|letter| WHITE.contains(&letter) || letter == '=')
        .unwrap_or(text.len());
    let (written, rest) = text.split_at(end);
    let rest = rest.trim_start_matches(WHITE);
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let mut line = ConfigLine {
        file: file.to_owned(),
        number,
        keyword: written.to_ascii_lowercase(),
        written: written.to_owned(),
        arguments: Vec::new(),
        included: Vec::new(),
    };
    line.arguments = words(rest).ok_or_else(|| line.wrong("a quote is not closed"))?;
    if line.arguments.is_empty() {
        return Err(line.wrong("the value is missing"));
    }
    Ok(Some(line))
}

/// Words as ssh splits them: quotes of both kinds, few escapes, and a comment at the end. `None` if
/// a quote is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut letters = text.trim_start_matches(WHITE).chars().peekable();
    while let Some(first) = letters.peek() {
        match first {
            ' ' | '\t' => {
                letters.next();
                continue;
            }
            '#' => break,
            _ => {}
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(letter) = letters.next() {
            match (letter, quote) {
                ('\\', _) => match letters.peek() {
                    Some(next @ ('\'' | '"' | '\\')) => {
                        word.push(*next);
                        letters.next();
                    }
                    Some(' ') if quote.is_none() => {
                        word.push(' ');
                        letters.next();
                    }
                    _ => word.push('\\'),
                },
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open => quote = None,
                _ => word.push(letter),
            }
        }
        if quote.is_some() {
            return None;
        }
        words.push(word);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_ssh_does() {
        let split = |text| words(text).map(|words| words.join("|"));
        let is = |text: &str| Some(text.to_owned());
        assert_eq!(split("a  b\tc"), is("a|b|c"));
        assert_eq!(split("'a b' \"c d\"e"), is("a b|c de"));
        assert_eq!(split(r"a\ b \\c \d"), is(r"a b|\c|\d"));
        assert_eq!(split("a # b"), is("a"));
        assert_eq!(split("a#b"), is("a#b"));
        assert_eq!(split("\"\""), is(""));
        assert_eq!(split("\"a"), None);
    }
}
