//! Writes the answers to a file for the operator.

use std::io;
use std::path::PathBuf;

use super::text;
use crate::answers::Answers;
use crate::state::files::{self, Existing};

/// Saves into the working directory and never overwrites another file. `place` is where they were
/// saved before. Returns the message.
pub fn save(place: &mut Option<PathBuf>, answers: &Answers) -> String {
    let kept = answers.without_login_secrets();
    let saved = if kept == *answers {
        text::saved
    } else {
        text::saved_without_logins
    };
    let text = kept.to_toml();
    let name = &answers.cluster.name;
    if let Some(path) = &*place {
        let written = files::write(path, text.as_bytes(), Existing::IsReplaced);
        return outcome_of(&path.display().to_string(), written, saved);
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let name: String = name.chars().filter(|letter| plain(*letter)).collect();
    for number in 1..100 {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("-{number}")
        };
        let path = PathBuf::from(format!("./{name}{suffix}.answers.toml"));
        match files::write(&path, text.as_bytes(), Existing::MustBeSame) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => {
                if written.is_ok() {
                    *place = Some(path.clone());
                }
                return outcome_of(&path.display().to_string(), written, saved);
            }
        }
    }
    text::not_saved(
        &name,
        &io::Error::from(io::ErrorKind::AlreadyExists).to_string(),
    )
}

/// The message about the written file, or the error.
pub fn outcome_of(path: &str, written: io::Result<()>, saved: fn(&str) -> String) -> String {
    match written {
        Ok(()) => saved(path),
        Err(error) => text::not_saved(path, &error.to_string()),
    }
}
