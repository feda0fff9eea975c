//! The tests that need the lab, and root. They are a program of their own: cargo runs it after the
//! others, which it would slow down, and each of them has the one lab for itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod backup;
mod balancers;
mod bastion;
mod bundle;
mod drill;
mod earlier;
mod exec_watch;
mod external;
mod external_balancer;
mod families;
mod faults;
mod firewall;
mod install;
mod lab;
mod left;
mod network;
mod pair;
mod pair_cuts;
mod plain;
mod postgres;
mod proxy;
mod refusals;
mod replacement;
mod secrets;
mod tui;
mod ways;
mod writes;

const WIZARD: &str = env!("CARGO_BIN_EXE_k3s-ha-wizard");
