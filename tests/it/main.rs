//! All tests from outside, but those that need the lab (`tests/on_lab`). Many need root, for an sshd
//! and a Postgres of their own. `cargo test --test it ssh::` runs those of one subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod answers_document;
mod architecture;
mod datastore;
mod detached;
mod documents;
mod plain;
mod plain_logins;
mod probe;
mod programs;
mod relay;
mod ssh;
mod steps;
mod sudo;
mod tui;
mod tui_screenshots;
mod verbs;

const WIZARD: &str = env!("CARGO_BIN_EXE_k3s-ha-wizard");
