//! Writes the answers to a file for the operator.

use std::io;
use std::path::{Path, PathBuf};

use super::text;
use crate::answers::Answers;
use crate::answers::paths::expand;
use crate::state::files::{self, Existing};

/// There is another file of this name.
pub struct FileExists;

/// Where the answers are saved if the operator names no other place.
pub fn suggested(answers: &Answers, suffix: &str) -> String {
    let plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    let name: String = answers.cluster.name.chars().filter(plain).collect();
    format!("./{name}{suffix}.answers.toml")
}

/// Saves the answers there, without login secrets. Returns the message.
pub fn save_to(path: &Path, answers: &Answers, existing: Existing) -> Result<String, FileExists> {
    let kept = answers.without_login_secrets();
    let saved = if kept == *answers {
        text::saved
    } else {
        text::saved_without_logins
    };
    write_to(path, &kept.to_toml(), existing, saved)
}

/// The path from the root on, as a message names it.
pub fn whole(path: &Path) -> PathBuf {
    let path = expand(path);
    std::path::absolute(&path).unwrap_or(path)
}

/// Writes a file for the operator. Returns the message.
pub fn write_to(
    path: &Path,
    text: &str,
    existing: Existing,
    saved: fn(&str) -> String,
) -> Result<String, FileExists> {
    let path = expand(path);
    match files::write(&path, text.as_bytes(), existing) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(FileExists),
        written => Ok(outcome_of(&path.display().to_string(), written, saved)),
    }
}

/// Saves into the working directory and never overwrites another file. `place` is where they were
/// saved before. Returns the message.
pub fn save(place: &mut Option<PathBuf>, answers: &Answers) -> String {
    let before = place
        .iter()
        .cloned()
        .map(|path| (path, Existing::IsReplaced));
    let numbers = (2..100).map(|number| format!("-{number}"));
    let names = std::iter::once(String::new()).chain(numbers);
    let new = names.map(|suffix| (suggested(answers, &suffix).into(), Existing::MustBeSame));
    for (path, existing) in before.chain(new) {
        if let Ok(text) = save_to(&path, answers, existing) {
            *place = path.is_file().then_some(path);
            return text;
        }
    }
    let why = io::Error::from(io::ErrorKind::AlreadyExists);
    text::not_saved(&answers.cluster.name, &why.to_string())
}

/// The message about the written file, or the error.
fn outcome_of(path: &str, written: io::Result<()>, saved: fn(&str) -> String) -> String {
    match written {
        Ok(()) => saved(path),
        Err(error) => text::not_saved(path, &error.to_string()),
    }
}
