//! Events as lines and as JSON.
//!
//! * [`diff`]: what will change in files
//! * [`lines`]: for people; [`json`]: for programs

pub mod diff;
pub mod json;
pub mod lines;
