//! Doing what the plan says.
//!
//! * [`event`]: the one record of what happens
//! * [`recorder`]: the one place where events are made
//! * [`progress`]: the fold of the events, the state of every phase and step
//! * [`critical_path`]: what a run's time went into

pub mod critical_path;
pub mod event;
#[cfg(test)]
pub(crate) mod made_up;
pub mod progress;
pub mod recorder;
