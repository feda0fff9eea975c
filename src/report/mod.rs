//! Events as lines, as JSON, and as the log of a run.
