//! From bare Linux machines to a highly available K3s with an external Postgres, over SSH alone.
//!
//! The map of the house, in the order in which a run passes through it:
//!
//! * [`answers`]: what the operator wants
//! * [`remote`]: how a host is reached
//! * [`platform`]: what a host is; all that is a matter of its distribution, a folder a family
//! * [`pki`]: the certificates between K3s and its datastore
//! * [`plan`]: what will be done, a pure function of the three above
//! * [`engine`]: doing it, and the events that say what happens
//! * [`proof`]: showing that it holds
//! * [`cluster`]: nodes, pods and their health; [`status`]: of one that is there, asked once
//! * [`state`]: what is remembered on this machine
//! * [`report`]: events as lines, as JSON, and as the log of a run
//!
//! and around it: [`cli`], the command line; [`run`], the one pipeline from answers to an exit code;
//! [`signals`], how a run without a keyboard is stopped; `interview`, what the operator is asked, for
//! two frontends that do not know each other: [`tui`], the screens, and [`plain`], questions and lines;
//! [`frontends`], without either. The program itself (`main.rs`, `headless.rs`) is all that prints and
//! ends the process.

pub mod answers;
pub mod cli;
pub mod cluster;
pub mod engine;
pub mod events;
pub mod frontends;
mod hash;
mod interview;
pub mod pki;
pub mod plain;
pub mod plan;
pub mod platform;
pub mod procedures;
pub mod proof;
pub mod redact;
pub mod remote;
pub mod report;
pub mod run;
pub mod secrets;
pub mod signals;
pub mod state;
pub mod status;
pub mod steps;
pub mod topology;
pub mod tui;
