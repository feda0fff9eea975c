//! Secrets: where they come from, and the text itself, which never shows.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::paths;

/// The text of a secret. It is wiped from memory when dropped, prints as `[secret]`, and can be
/// neither displayed nor serialised: whoever needs it says [`SecretText::expose`], which is easy to
/// find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself. Never put it into an argument list, an event or a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A new secret of 43 random letters and digits (256 bits). Nothing else is in it, because it
    /// travels through URLs, YAML and shells (facts 2.1).
    pub fn random() -> Result<Self, openssl::error::ErrorStack> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const LENGTH: usize = 43;
        // 248 is the largest multiple of 62 in a byte: what lies above would favour some letters.
        const LIMIT: u8 = 248;
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        let mut bytes = Zeroizing::new([0u8; 64]);
        while text.len() < LENGTH {
            openssl::rand::rand_bytes(bytes.as_mut())?;
            let letters = bytes
                .iter()
                .filter(|byte| **byte < LIMIT)
                .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            let missing = LENGTH - text.len();
            text.extend(letters.take(missing));
        }
        Ok(Self(text))
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Where a secret comes from. In TOML: `"the text"`, `{ env = "NAME" }` or `{ file = "PATH" }`.
///
/// Serialised as a reference, never as text: an inline secret becomes `null`, so that answers put
/// into a file by mistake leak nothing. Only [`super::Answers::to_toml`] writes inline secrets.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub enum Secret {
    /// Written into the answers themselves.
    Inline(SecretText),
    /// The name of an environment variable of the wizard's own process.
    Env(String),
    /// A file on the jump host; one line end at its end does not count.
    File(PathBuf),
}

/// The shapes that a secret has in a file.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    Inline(String),
    Reference(Reference),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reference {
    Env(String),
    File(PathBuf),
}

impl From<Written> for Secret {
    fn from(written: Written) -> Self {
        match written {
            Written::Inline(text) => Self::Inline(text.into()),
            Written::Reference(Reference::Env(name)) => Self::Env(name),
            Written::Reference(Reference::File(path)) => Self::File(path),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(_) => None::<Written>.serialize(serializer),
            Self::Env(name) => Reference::Env(name.clone()).serialize(serializer),
            Self::File(path) => Reference::File(path.clone()).serialize(serializer),
        }
    }
}

/// Why a secret could not be had. Says where it was looked for, never what was found.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set: export it before starting the wizard")]
    Unset(String),
    #[error("the environment variable {0} is not UTF-8")]
    NotText(String),
    #[error("cannot read the secret in {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{0} is empty: a secret needs at least one character")]
    Empty(String),
}

impl Secret {
    /// Gets the text: from the answers, the environment or the file, now.
    pub fn reveal(&self) -> Result<SecretText, SecretError> {
        let text = match self {
            Self::Inline(text) => return Ok(text.clone()),
            Self::Env(name) => match std::env::var(name) {
                Ok(text) => SecretText::from(text),
                Err(std::env::VarError::NotPresent) => {
                    return Err(SecretError::Unset(name.clone()));
                }
                Err(std::env::VarError::NotUnicode(_)) => {
                    return Err(SecretError::NotText(name.clone()));
                }
            },
            Self::File(path) => {
                let path = paths::expand(path);
                let whole = std::fs::read_to_string(&path)
                    .map(Zeroizing::new)
                    .map_err(|source| SecretError::Unreadable { path, source })?;
                let line = whole.strip_suffix('\n').unwrap_or(&whole);
                SecretText::from(line.strip_suffix('\r').unwrap_or(line).to_owned())
            }
        };
        if text.expose().is_empty() {
            return Err(SecretError::Empty(format!("{self:?}")));
        }
        Ok(text)
    }

    pub fn is_inline(&self) -> bool {
        matches!(self, Self::Inline(_))
    }
}

/// Says where the secret comes from; the text itself prints as `[secret]`.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(text) => text.fmt(f),
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}
