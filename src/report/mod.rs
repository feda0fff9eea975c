//! Events as lines, as JSON, and as the log of a run.
//!
//! * [`redact`]: keeps secrets out of everything that is shown or kept

pub mod redact;
