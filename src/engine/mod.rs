//! Doing what the plan says.
//!
//! * [`event`]: the one record of what happens
//! * [`progress`]: the fold of the events, the state of every phase and step

pub mod event;
pub mod progress;
