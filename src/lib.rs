//! Installs a highly available K3s with an external Postgres on bare Linux machines, over SSH only.
//!
//! The map, in the order of a run:
//!
//! * [`answers`]: what the operator wants; `topology`: the members of the cluster
//! * [`remote`]: how a host is reached
//! * [`bundle`]: what hosts without internet install, in one file
//! * [`platform`]: facts, preflight, and what depends on the distribution, one folder per family
//! * [`pki`]: the certificates between K3s and its datastore
//! * `steps`: the steps of each component; `procedures`: their order and needs
//! * [`plan`]: the steps of one procedure, to print and to carry out
//! * [`engine`]: carries out a plan
//! * [`proof`]: tests the result
//! * `cluster`: nodes, pods and their health
//! * [`state`]: what is stored on this machine
//!
//! The ground, which depends on nothing above it: [`events`], the one record of what happens;
//! [`redact`], which keeps secrets out of it; [`secrets`]; `letters` that mislead a reader; `panics`,
//! what is told of one; `hash`; `https`, asking a server over TLS; [`address`], where something
//! listens.
//!
//! Around it: [`run`], the one pipeline from answers to an exit code, and the known clusters;
//! `report`, events as lines and as JSON; `signals`, how signals stop a run; `interview`, the
//! questions to the operator; [`frontends`], which show a run and do not know each other; [`cli`],
//! the command line, which alone prints and ends the process.
//!
//! `tests/it/architecture` keeps which of these may know which; docs/architecture.md says how to add
//! to them.

pub mod address;
pub mod answers;
pub mod bundle;
pub mod cli;
mod cluster;
pub mod engine;
pub mod events;
pub mod frontends;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod hash;
mod https;
mod interview;
mod letters;
mod panics;
pub mod pki;
pub mod plan;
pub mod platform;
mod procedures;
pub mod proof;
pub mod redact;
pub mod remote;
mod report;
pub mod run;
pub mod secrets;
mod signals;
pub mod state;

mod steps;
mod topology;

/// Wipes all memory that is freed: libraries copy a secret as well, and texts that grow leave copies
/// behind.
#[global_allocator]
static WIPED: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);
