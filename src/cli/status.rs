//! `status`: the state of a cluster.

use std::process::ExitCode;

use super::cluster::WhichCluster;
use super::streams::out;
use super::{complain, write_json};
use crate::frontends::Output;
use crate::report::lines::write_status;
use crate::run::known::KnownCluster;
use crate::run::status;

pub fn run(which: &WhichCluster, output: Output) -> ExitCode {
    let poll = which.find().and_then(KnownCluster::poll);
    let told = poll.and_then(|poll| status::ask(&poll));
    let code = status::exit_code(&told);
    let status = match &told {
        Ok(status) => status,
        Err(error) => return complain(error, code),
    };
    // The reader may be gone.
    let _ = match output {
        Output::Lines => write_status(&mut out(), status),
        Output::Json => write_json(status),
    };
    ExitCode::from(code)
}
