//! The database password as Postgres keeps it: `SCRAM-SHA-256$<iterations>:<salt>$<stored key>:
//! <server key>` (RFC 5803). Made on the jump host, so that the password itself never reaches
//! Postgres.

use crate::secrets::SecretText;

/// A new verifier for a password, with a salt of its own.
pub fn scram_verifier(password: &SecretText) -> String {
    postgres_protocol::password::scram_sha_256(password.expose().as_bytes())
}
