//! Checks that must pass, or must fail, to support a claim.
//!
//! * [`datastore`]: Postgres accepts only the right certificate and password
//! * [`external`]: what an external Postgres says of itself
//! * [`balancer`]: the load balancer forwards to every server
//! * [`overlay`]: nodes reach each other through the pod network
//! * [`scram`]: the database password in the form that Postgres stores
//!
//! A proof uses a stream that the caller opened, usually through a host of the cluster, so that the
//! network in between is tested too. The stream blocks and has its own timeout: a proof has no
//! clock.

pub mod balancer;
pub mod datastore;
pub mod external;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod login;
pub mod overlay;
pub mod scram;
