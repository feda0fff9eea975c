//! The texts of the proofs page.

pub use crate::frontends::tui::text::{HERE, PROOFS, proofs_hold};

pub const PROOFS_WHY: &str =
    "Proofs test what must work and what must be refused, from the host in each column.";
pub const NO_PROOFS: &str =
    "No proof has run yet. The phases Certificates, Load balancer and Agents have proofs.";
pub const EXPECTED: &str = "expected";
pub const HOLDS: &str = "ok";
pub const BROKEN: &str = "FAIL";
pub const NOT_TRIED: &str = "-";

pub fn proof_broken(host: &str, case: &str, expected: &str, got: &str) -> String {
    format!("FAILED on {host}: {case}: expected {expected}, got {got}")
}
