//! Tokens: a bare password, or `K10<sha256 of the cluster's CA>::<user>:<password>`.

use ring::digest;

/// A token taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The hash of the CA that the token was made for; none in a bare password.
    pub ca_hash: Option<String>,
    pub user: String,
    pub password: String,
}

impl Token {
    /// Takes a token apart.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() {
            return Err("token must not be empty");
        }
        let Some(rest) = text.strip_prefix("K10") else {
            if bootstrap_token(text) {
                return Err("invalid token format");
            }
            return Ok(Self {
                ca_hash: None,
                user: String::new(),
                password: text.to_owned(),
            });
        };
        let (hash, credentials) = match rest.split_once("::") {
            Some((hash, credentials)) => (hash, credentials),
            None => ("", rest),
        };
        if !hash.is_empty() && hash.len() != 64 {
            return Err("invalid token CA hash length");
        }
        match credentials.split_once(':') {
            Some((user, password)) if !password.is_empty() => Ok(Self {
                ca_hash: Some(hash.to_owned()).filter(|hash| !hash.is_empty()),
                user: user.to_owned(),
                password: password.to_owned(),
            }),
            _ => Err("invalid token format"),
        }
    }
}

/// The token in its secure form.
pub fn secure(ca_pem: &str, user: &str, password: &str) -> String {
    format!("K10{}::{user}:{password}", ca_hash(ca_pem))
}

/// The hash of the CA in a token: of the PEM's bytes.
pub fn ca_hash(ca_pem: &str) -> String {
    sha256(ca_pem.as_bytes())
}

/// SHA-256 in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether it looks like kubeadm's `xxxxxx.yyyyyyyyyyyyyyyy`, which K3s does not take for a password.
fn bootstrap_token(text: &str) -> bool {
    let part = |part: &str, length| {
        part.len() == length
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    text.split_once('.')
        .is_some_and(|(id, secret)| part(id, 6) && part(secret, 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let bare = Token::parse("secret").unwrap();
        assert_eq!(
            (bare.ca_hash, bare.user.as_str(), bare.password.as_str()),
            (None, "", "secret")
        );
        let hash = "a".repeat(64);
        let full = Token::parse(&format!("K10{hash}::node:pa:ss")).unwrap();
        assert_eq!(full.ca_hash.as_deref(), Some(hash.as_str()));
        assert_eq!(
            (full.user.as_str(), full.password.as_str()),
            ("node", "pa:ss")
        );
        assert_eq!(Token::parse(""), Err("token must not be empty"));
        assert_eq!(
            Token::parse("K10abc::node:x"),
            Err("invalid token CA hash length")
        );
        assert_eq!(
            Token::parse(&format!("K10{hash}::node:")),
            Err("invalid token format")
        );
        assert_eq!(
            Token::parse("abcdef.0123456789abcdef"),
            Err("invalid token format")
        );
    }

    #[test]
    fn secure_form_carries_the_hash_of_the_pem() {
        let token = secure("pem\n", "server", "x");
        assert_eq!(token, format!("K10{}::server:x", sha256(b"pem\n")));
        assert_eq!(
            Token::parse(&token).unwrap().ca_hash,
            Some(ca_hash("pem\n"))
        );
    }
}
