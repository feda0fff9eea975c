//! `check`: whether the hosts are as the last successful run left them.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use super::cluster::WhichCluster;
use super::logins::Logins;
use super::streams::out;
use super::{complain, write_json};
use crate::engine::control::Control;
use crate::frontends::Output;
use crate::platform::Facts;
use crate::run::{Opened, Purpose, Tried, exit};
use crate::signals::SignalWatch;

pub fn run(which: &WhichCluster, output: Output, tried: &Tried) -> ExitCode {
    let signals = match SignalWatch::start() {
        Ok(signals) => signals,
        Err(error) => return complain(&error, exit::FAILED),
    };
    let applied = match which.applied() {
        Ok(applied) => applied,
        Err(code) => return code,
    };
    let control = Arc::<Control>::default();
    signals.over(&control);
    let told = |host: &str, facts: &Facts| {
        if output == Output::Lines {
            let _ = writeln!(out(), "{host}: {}", facts.summary());
        }
    };
    let mut logins = Logins::of(&applied, tried, &signals);
    let compared = loop {
        let opened = Opened::open(applied.clone(), None, Purpose::Compare, &logins.tried);
        match opened.and_then(|opened| opened.check(&control, &told)) {
            Err(error) if logins.ask_for(&error) => {}
            compared => break compared,
        }
    };
    if let Some(code) = signals.code() {
        return ExitCode::from(code);
    }
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
