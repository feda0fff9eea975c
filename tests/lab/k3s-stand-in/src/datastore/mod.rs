//! The datastore: a table `kine` in Postgres, reached as kine reaches it.

pub mod dsn;
pub mod kine;
pub mod pg;
mod settings;
pub mod storage;
