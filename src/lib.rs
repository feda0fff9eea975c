//! From bare Linux machines to a highly available K3s with an external Postgres, over SSH alone.
//!
//! The map, in the order in which a run passes through it:
//!
//! * [`answers`]: what the operator wants; [`topology`]: the members of the cluster in their places
//! * [`remote`]: how a host is reached
//! * [`platform`]: what a host is; all that is a matter of its distribution, a folder a family
//! * [`pki`]: the certificates between K3s and its datastore
//! * [`steps`]: what each component needs; [`procedures`]: in which order, and what needs what
//! * [`plan`]: the steps of a procedure, which can be printed and carried out
//! * [`engine`]: carrying it out
//! * [`proof`]: showing that it holds
//! * [`cluster`]: nodes, pods and their health
//! * [`state`]: what is kept on this machine
//!
//! The ground, which depends on nothing above it: [`events`], the one record of what happens;
//! [`redact`], which keeps secrets out of it; [`secrets`].
//!
//! Around it: [`run`], the one pipeline from answers to an exit code, and the clusters that are known
//! here; [`report`], events as lines and as JSON; [`signals`], how a run without a keyboard is stopped;
//! `interview`, what the operator is asked; [`frontends`], which show a run and do not know each
//! other; [`cli`], the command line, which alone prints and ends the process.
//!
//! `tests/it/architecture` keeps which of these may know which; docs/architecture.md says how to add
//! to them.

pub mod answers;
pub mod cli;
mod cluster;
pub mod engine;
pub mod events;
pub mod frontends;
mod hash;
mod interview;
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
