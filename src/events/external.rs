//! Which parts of a cluster are external: texts and hints about them differ.

use super::StepId;

/// The steps that only a run with an external part has.
pub const POSTGRES_PROOF: &str = "external/proof";
pub const BALANCER_PROOF: &str = "load-balancer/external";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExternalParts {
    pub postgres: bool,
    pub load_balancer: bool,
}

impl ExternalParts {
    /// Those of the cluster that a run with these steps installs.
    pub fn of_run<'a>(steps: impl Iterator<Item = &'a StepId>) -> Self {
        let mut parts = Self::default();
        for id in steps {
            match id.as_str().split('@').next() {
                Some(POSTGRES_PROOF) => parts.postgres = true,
                Some(BALANCER_PROOF) => parts.load_balancer = true,
                _ => {}
            }
        }
        parts
    }
}
