//! The database password as Postgres keeps it: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:
//! <server key>` (RFC 5803). Made on the jump host, so that the password itself never reaches
//! Postgres.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::{base64, memcmp, pkcs5, pkey::PKey, sha, sign::Signer};
use zeroize::Zeroizing;

use crate::secrets::SecretText;

const KEY_LENGTH: usize = 32;
/// Postgres makes 4096; whoever stores more than this means harm, not safety.
const MOST_ITERATIONS: usize = 1_000_000;

/// A new verifier for a password, with a salt of its own.
pub fn scram_verifier(password: &SecretText) -> String {
    postgres_protocol::password::scram_sha_256(password.expose().as_bytes())
}

/// Whether a verifier, as it stands in `pg_authid.rolpassword`, is that of a password. What is no
/// SCRAM verifier at all, such as an md5 hash, is none.
///
/// The password is taken as it is: the answers allow ASCII alone, which needs no normalisation.
pub fn verifier_matches(verifier: &str, password: &SecretText) -> bool {
    let Some(parts) = Parts::of(verifier) else {
        return false;
    };
    matches!(keys(password, &parts.salt, parts.iterations),
        Ok((stored, server)) if memcmp::eq(&stored, &parts.stored) && memcmp::eq(&server, &parts.server))
}

struct Parts {
    iterations: usize,
    salt: Vec<u8>,
    stored: [u8; KEY_LENGTH],
    server: [u8; KEY_LENGTH],
}

impl Parts {
    fn of(verifier: &str) -> Option<Self> {
        let (first, keys) = verifier.strip_prefix("SCRAM-SHA-256$")?.split_once('$')?;
        let (iterations, salt) = first.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text| base64::decode_block(text).ok()?.try_into().ok();
        Some(Self {
            iterations: iterations
                .parse()
                .ok()
                .filter(|count| (1..=MOST_ITERATIONS).contains(count))?,
            salt: base64::decode_block(salt).ok()?,
            stored: key(stored)?,
            server: key(server)?,
        })
    }
}

/// The stored key and the server key (RFC 5802, section 3).
fn keys(
    password: &SecretText,
    salt: &[u8],
    iterations: usize,
) -> Result<([u8; KEY_LENGTH], Vec<u8>), ErrorStack> {
    let mut salted = Zeroizing::new([0; KEY_LENGTH]);
    let text = password.expose().as_bytes();
    let digest = MessageDigest::sha256();
    pkcs5::pbkdf2_hmac(text, salt, iterations, digest, salted.as_mut())?;
    let key = PKey::hmac(salted.as_ref())?;
    let hmac = |text: &[u8]| Signer::new(digest, &key)?.sign_oneshot_to_vec(text);
    let client = Zeroizing::new(hmac(b"Client Key")?);
    Ok((sha::sha256(&client), hmac(b"Server Key")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_that_of_its_password_alone() {
        let password = SecretText::random().expect("random");
        let verifier = scram_verifier(&password);
        assert!(verifier.starts_with("SCRAM-SHA-256$4096:"), "{verifier}");
        assert!(verifier_matches(&verifier, &password));
        assert!(!verifier_matches(
            &verifier,
            &SecretText::random().expect("random")
        ));
        assert!(
            !verifier_matches(&verifier, &password.expose().to_uppercase().into()),
            "case counts"
        );
        assert_ne!(
            scram_verifier(&password),
            verifier,
            "every one has its own salt"
        );
    }

    /// What Postgres 15.18 made of `CREATE ROLE … PASSWORD 'pencil'`.
    #[test]
    fn what_postgres_made_is_recognised() {
        let verifier = "SCRAM-SHA-256$4096:BzmxdREbLf2GClFnKvNigQ==$Wcxc479PxL8Oizw/bNiPoe5xrA5jbNd9BnA8p3XS6Bc=:FI9kYqA3mJMysB2gdPqJ9Gu8B1L/F8vckvPdQt53hok=";
        assert!(verifier_matches(verifier, &"pencil".to_owned().into()));
        assert!(!verifier_matches(verifier, &"pencils".to_owned().into()));
    }

    #[test]
    fn what_is_no_verifier_matches_nothing() {
        let password = SecretText::from("pencil".to_owned());
        let good = scram_verifier(&password);
        let (head, tail) = good.rsplit_once(':').expect("a verifier");
        let swapped = {
            let (rest, stored) = head.rsplit_once('$').expect("a verifier");
            format!("{rest}${tail}:{stored}")
        };
        let bad = [
            "",
            "md5e8b1a7a2f7f5d2f6f2a5c1b7f0a3c9d1",
            "SCRAM-SHA-256$",
            head,
            &good[..good.len() - 4],
            &good.replace("4096", "0"),
            &good.replace("4096", "4097"),
            &good.replace("4096", "99999999999"),
            &good.replace("SHA-256", "SHA-512"),
            &swapped,
        ];
        for verifier in bad {
            assert!(!verifier_matches(verifier, &password), "{verifier}");
        }
    }
}
