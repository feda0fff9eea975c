//! The order of steps: what is done first, and what needs what, across components. Each procedure
//! is a pure function from the topology to a plan.
//!
//! * [`install`]: from bare machines to a cluster
//! * [`backup`]: the datastore, as it is at one moment
//! * [`differences`]: what an existing cluster has otherwise, and how that is changed

pub mod backup;
pub mod differences;
pub mod install;

#[cfg(test)]
mod tests;
