//! Events as lines, as JSON, and as the log of a run.
//!
//! * [`redact`]: keeps secrets out of everything that is shown or kept
//! * [`diff`]: what will change in files
//! * [`lines`]: for people; [`json`]: for programs; [`log`]: for later

pub mod diff;
pub mod json;
pub mod lines;
pub mod log;
pub mod redact;
