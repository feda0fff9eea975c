//! What the page of the proofs says.

pub use crate::frontends::tui::text::{HERE, PROOFS, proofs_hold};

pub const PROOFS_WHY: &str =
    "What must hold is tried, and what must be refused is tried too, from each host's own place.";
pub const NO_PROOFS: &str =
    "Nothing was tried yet. The certificates, the load balancer and the agents each bring proofs.";
pub const EXPECTED: &str = "expected";
pub const HOLDS: &str = "ok";
pub const BROKEN: &str = "BROKEN";
pub const NOT_TRIED: &str = "-";

pub fn proof_broken(host: &str, case: &str, expected: &str, got: &str) -> String {
    format!("BROKEN on {host}: {case}: expected {expected}, got {got}")
}
