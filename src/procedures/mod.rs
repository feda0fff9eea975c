//! The order of steps and what each needs, across components. Each procedure is a pure function
//! from the topology to a plan.
//!
//! * [`install`]: from bare machines to a cluster
//! * [`drill`]: what may be lost is taken down and brought back
//! * [`differences`]: how answers differ from an existing cluster, and how that is handled

pub mod backup;
pub mod differences;
pub mod drill;
pub mod install;

#[cfg(test)]
mod tests;
