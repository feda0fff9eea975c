//! The stand-in from outside.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod cluster;
mod install;
mod journals;
mod support;
