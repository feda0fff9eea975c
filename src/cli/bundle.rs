//! `bundle`: everything for hosts without internet, in one file.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::streams::{err, out};
use super::{complain, ended};
use crate::answers::Answers;
use crate::engine::control::Control;
use crate::run::bundle::{BundleOrder, create};
use crate::run::{Tried, exit};
use crate::signals::SignalWatch;

#[derive(Debug, Subcommand)]
pub enum BundleVerb {
    /// Write a bundle: K3s and its images, and the packages for every distribution of the cluster, with
    /// all that they depend on. Prints the lines for the answers, with its SHA-256
    Create(CreateArgs),
}

#[derive(Debug, Args)]
pub struct CreateArgs {
    /// The answers file of the cluster; `-` is standard input
    #[arg(long, value_name = "FILE")]
    answers: PathBuf,
    /// A host that reaches its package sources: one for each distribution, release and architecture
    /// of the cluster. A host of the answers, or a name in your SSH configuration. Its package manager
    /// downloads; nothing is installed there. Repeat the option for several
    #[arg(long = "reference", value_name = "NAME", required = true)]
    references: Vec<String>,
    /// An architecture of the nodes; without it, those of the reference hosts. Repeat the option
    /// for several
    #[arg(long = "arch", value_name = "ARCH", value_parser = ["amd64", "arm64", "arm"])]
    arches: Vec<String>,
    /// Where the bundle is written
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    path: PathBuf,
}

impl BundleVerb {
    /// Its name: it changes something.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create(_) => "bundle create",
        }
    }

    pub fn run(&self) -> ExitCode {
        match self {
            Self::Create(args) => args.run(),
        }
    }
}

impl CreateArgs {
    fn run(&self) -> ExitCode {
        let answers = match Answers::load(&self.answers) {
            Ok(answers) => answers,
            Err(problems) => return complain(&problems, exit::USAGE),
        };
        let control = Arc::new(Control::default());
        let signals = match SignalWatch::start() {
            Ok(signals) => signals,
            Err(error) => return complain(&error, exit::FAILED),
        };
        signals.over(&control);
        let order = BundleOrder {
            answers: &answers,
            references: &self.references,
            arches: &self.arches,
            path: &self.path,
        };
        let created = create(&order, &Tried::default(), &control, &mut |line| {
            let _ = writeln!(err(), "{line}");
        });
        match created {
            Ok(created) => {
                let path = self.path.display().to_string();
                let megabytes = created.size >> 20;
                let _ = writeln!(
                    err(),
                    "created {path}, {megabytes} MB. Add this to the answers:"
                );
                let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
                let path = toml::Value::from(path.display().to_string());
                let sum = created.sha256;
                let text = format!("[sources]\nbundle = {path}\nbundle_sha256 = \"{sum}\"\n");
                let _ = out().write_all(text.as_bytes());
                ExitCode::SUCCESS
            }
            Err(error) => ended(&Err(error)),
        }
    }
}
