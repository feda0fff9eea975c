//! Secrets: the text of one, which is never displayed, and all those of a cluster.

#[cfg(test)]
pub(crate) mod memory;

use std::fmt;

use zeroize::Zeroizing;

/// The text of a secret. It is wiped from memory when dropped, prints as `[secret]`, and can be
/// neither displayed nor serialised: code that needs it calls [`SecretText::expose`], which is easy
/// to find in a review.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text itself. Never put it into an argument list, an event or a log.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A new secret of 43 random letters and digits (256 bits). No other characters, because it
    /// goes through URLs, YAML and shells.
    pub fn random() -> Result<Self, openssl::error::ErrorStack> {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        const LENGTH: usize = 43;
        // 248 is the largest multiple of 62 in a byte: values above it would favour some letters.
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

/// All secrets of a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// What servers join with. It also encrypts the cluster's CA keys in Postgres: without it,
    /// what is in there is of no use (docs/facts.md, "Tokens").
    pub token: SecretText,
    /// The agents' token.
    pub agent_token: SecretText,
    pub db_password: SecretText,
    /// What Postgres stores instead of the password. It is salted, so it is stored too.
    pub db_verifier: SecretText,
}

impl Secrets {
    /// All of them, for the redaction.
    pub fn all(&self) -> [&SecretText; 4] {
        [
            &self.token,
            &self.agent_token,
            &self.db_password,
            &self.db_verifier,
        ]
    }
}
