//! What the tests and the benchmarks share: a real sshd and a real Postgres of one's own, a terminal,
//! a user of this machine, a host without systemd.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests are tests as well
#![allow(clippy::missing_panics_doc)] // what fails here fails the test

pub mod elsewhere;
pub mod pair_walk;
pub mod postgres;
pub mod sshd;
pub mod svg;
pub mod terminal;
pub mod user;
