//! Client certificates for the proofs: Postgres must refuse them.

use rcgen::KeyPair;
use time::{Duration, OffsetDateTime};

use super::{Authority, Identity, LEAF_LIFE, Leaf, PkiError, ca_params, identity};

/// A client certificate of an untrusted CA: must be refused.
pub fn foreign(cn: &str, now: OffsetDateTime) -> Result<Identity, PkiError> {
    let key = KeyPair::generate()?;
    let cert = ca_params("nobody", now).self_signed(&key)?;
    let ca = identity(&cert, &key);
    Authority::open(&ca)?.issue(&Leaf::Client(cn), now, now + LEAF_LIFE)
}

/// A client certificate of the cluster's CA for another role: must be refused.
pub fn other_cn(ca: &Identity, cn: &str, now: OffsetDateTime) -> Result<Identity, PkiError> {
    Authority::open(ca)?.issue(&Leaf::Client(cn), now, now + LEAF_LIFE)
}

/// A client certificate of the cluster's CA that expired yesterday: must be refused.
pub fn expired(ca: &Identity, cn: &str, now: OffsetDateTime) -> Result<Identity, PkiError> {
    let yesterday = now - Duration::days(1);
    Authority::open(ca)?.issue(&Leaf::Client(cn), yesterday - Duration::days(1), yesterday)
}
