//! `drill`: takes down machines and services one after the other, measures, and brings them back.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Args;

use super::cluster::WhichCluster;
use super::streams::{err, out};
use super::{complain, confirm, ended, unattended};
use crate::frontends::{Display, Output};
use crate::report::lines::write_drills;
use crate::run::drill::{Chosen, chosen};
use crate::run::{Opened, Purpose, Tried, exit};
use crate::steps::drill::Drill;

#[derive(Debug, Args)]
pub struct DrillArgs {
    /// Run only these drills: by name (reset@HOST), kind (reset, kill-nginx) or host; default: all
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    which: WhichCluster,
    /// List the drills and what each does; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for the cluster's name first
    #[arg(long)]
    yes: bool,
}

impl DrillArgs {
    /// Its name, if it changes something.
    pub fn changes(&self) -> Option<&'static str> {
        (!self.dry_run).then_some("drill")
    }

    pub fn run(&self, display: &Display) -> ExitCode {
        let applied = match self.which.applied() {
            Ok(applied) => applied,
            Err(code) => return code,
        };
        let cluster = applied.cluster.name.clone();
        let Chosen { drills, without } = match chosen(&applied, &self.names) {
            Ok(chosen) => chosen,
            Err(error) => return complain(&error, exit::USAGE),
        };
        for why in without {
            // The reader may be gone.
            let _ = writeln!(err(), "{why}");
        }
        if self.dry_run {
            return list(&drills);
        }
        if !self.yes
            && let Err(code) = confirmed(&cluster, &drills)
        {
            return code;
        }
        let tried = Tried::default();
        match Opened::open(applied, None, Purpose::Act, &tried) {
            Ok(opened) => self.drill(opened, &drills, &tried, display),
            Err(error) => ended(&Err(error)),
        }
    }

    fn drill(
        &self,
        opened: Opened,
        drills: &[Drill],
        tried: &Tried,
        display: &Display,
    ) -> ExitCode {
        let again = format!("k3s-ha-wizard drill {}", self.names.join(" "));
        unattended(display, again, |control, printed| {
            let drilled = opened.drill(drills, tried, control, printed)?;
            Ok(drilled.map(|drilled| {
                // The events have it all. The reader may be gone.
                if display.output == Output::Lines {
                    let _ = write_drills(&mut out(), &drilled.report, &drilled.files);
                }
                drilled.end
            }))
        })
    }
}

fn list(drills: &[Drill]) -> ExitCode {
    let mut out = out();
    for drill in drills {
        // The reader may be gone.
        let _ = writeln!(out, "{drill:<40} {}", drill.title());
    }
    ExitCode::SUCCESS
}

/// Whether the operator typed the cluster's name.
fn confirmed(cluster: &str, drills: &[Drill]) -> Result<(), ExitCode> {
    let count = match drills.len() {
        1 => "1 drill".to_owned(),
        count => format!("{count} drills"),
    };
    let announced = format!(
        "{count} will take down machines and services of the cluster {cluster}, one after the \
         other, and bring them back."
    );
    let verb = "drill takes machines down";
    confirm::typed(verb, &announced, "the cluster's name", cluster)
}
