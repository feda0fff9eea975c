//! Checks that must pass, or must fail, to show a claim.
//!
//! * [`datastore`]: Postgres takes the right certificate and password, and refuses everything else
//! * [`balancer`]: the load balancer leads to every server
//! * [`overlay`]: nodes reach each other through the pods' network
//! * [`scram`]: the database password as Postgres keeps it
//!
//! A proof speaks over a stream that someone else opened, mostly one that goes through a host of the
//! cluster, so that the network in between is proved with it. The stream blocks, and gives up by
//! itself when nothing comes: a proof has no clock.

pub mod balancer;
pub mod datastore;
mod login;
pub mod overlay;
pub mod scram;
mod tls;
