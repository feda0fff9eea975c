//! Where secrets come from.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::paths;
use crate::secrets::SecretText;

/// Where a secret comes from. In TOML: `"the text"`, `{ env = "NAME" }` or `{ file = "PATH" }`.
///
/// Serialised as a reference, never as text: an inline secret becomes `null`, so that answers
/// serialised by mistake leak nothing. Only [`super::Answers::to_toml`] writes inline secrets.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "SecretForm")]
pub enum Secret {
    /// Written into the answers themselves.
    Inline(SecretText),
    /// The name of an environment variable of the wizard's own process.
    Env(String),
    /// A file on this machine; one trailing line end is ignored.
    File(PathBuf),
}

/// The shapes that a secret has in a file.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum SecretForm {
    Inline(String),
    Reference(Reference),
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Reference {
    Env(String),
    File(PathBuf),
}

impl From<SecretForm> for Secret {
    fn from(written: SecretForm) -> Self {
        match written {
            SecretForm::Inline(text) => Self::Inline(text.into()),
            SecretForm::Reference(Reference::Env(name)) => Self::Env(name),
            SecretForm::Reference(Reference::File(path)) => Self::File(path),
        }
    }
}

impl Serialize for Secret {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(_) => None::<SecretForm>.serialize(serializer),
            Self::Env(name) => Reference::Env(name.clone()).serialize(serializer),
            Self::File(path) => Reference::File(path.clone()).serialize(serializer),
        }
    }
}

/// Why a secret is not available. Names the source, never the content.
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
    /// Reads the text now: from the answers, the environment or the file.
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

/// Names the source of the secret; an inline one prints as `[secret]`.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(text) => text.fmt(f),
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}
