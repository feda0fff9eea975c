//! `check`: whether the hosts are as the last successful run left them.

use std::io::Write as _;
use std::process::ExitCode;

use super::cluster::WhichCluster;
use super::streams::out;
use super::{complain, write_json};
use crate::engine::control::Control;
use crate::frontends::Output;
use crate::platform::Facts;
use crate::run::{Opened, Purpose, Tried, exit};

pub fn run(which: &WhichCluster, output: Output) -> ExitCode {
    let applied = match which.applied() {
        Ok(applied) => applied,
        Err(code) => return code,
    };
    let opened = Opened::open(applied, None, Purpose::Compare, &Tried::default());
    let told = |host: &str, facts: &Facts| {
        if output == Output::Lines {
            let _ = writeln!(out(), "{host}: {}", facts.summary());
        }
    };
    let compared = opened.and_then(|opened| opened.check(&Control::default(), &told));
    let comparison = match compared {
        Ok(comparison) => comparison,
        Err(error) => return complain(&error, exit::of_error(&error)),
    };
    // The reader may be gone.
    let _ = match output {
        Output::Lines => write!(out(), "\n{comparison}"),
        Output::Json => write_json(&comparison),
    };
    ExitCode::from(comparison.exit_code())
}
