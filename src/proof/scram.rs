//! The database password in the form that Postgres stores:
//! `SCRAM-SHA-256$<iterations>:<salt>$<stored key>: <server key>` (RFC 5803). Computed on this
//! machine, so that the password itself never reaches Postgres.

use crate::secrets::SecretText;

/// A new verifier for a password, with a new salt.
pub fn scram_verifier(password: &SecretText) -> String {
    postgres_protocol::password::scram_sha_256(password.expose().as_bytes())
}
