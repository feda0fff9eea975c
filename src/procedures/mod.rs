//! The order of steps: what is done first, and what needs what, across components. Each procedure
//! is a pure function from the topology to a plan.
//!
//! * [`install`]: from bare machines to a cluster

pub mod install;

#[cfg(test)]
mod tests;
