//! Events and the status of a cluster, as lines and as JSON.
//!
//! * [`diff`]: what will change in files; [`status`]: how a cluster is; [`drill`]: what drills showed
//! * [`lines`]: for people; [`json`]: for programs; [`schema`]: what programs can rely on
//! * [`sanitised`]: what a terminal would obey is written as an escape

pub mod diff;
pub mod drill;
pub mod json;
pub mod lines;
pub mod sanitised;
pub mod schema;
pub mod status;
