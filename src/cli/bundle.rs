//! `bundle`: everything for hosts without internet, in one file.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::streams::{err, out};
use super::{complain, ended};
use crate::answers::Answers;
use crate::bundle::is_name;
use crate::engine::collecting::OwnK3s;
use crate::engine::control::Control;
use crate::platform::sources::{RELEASED, release_arch};
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
    #[arg(long = "arch", value_name = "ARCH", value_parser = RELEASED)]
    arches: Vec<String>,
    /// A K3s of your own for an architecture: one that you built, where there is no release. With
    /// --images for the same architecture. Repeat both options for several
    #[arg(long = "k3s", value_name = "ARCH=FILE", value_parser = for_arch)]
    programs: Vec<ForArch>,
    /// The archive of the images of your own K3s, such as s390x=images.tar.zst
    #[arg(long = "images", value_name = "ARCH=FILE", value_parser = for_arch)]
    images: Vec<ForArch>,
    /// Where the bundle is written
    #[arg(short = 'o', long = "file", value_name = "FILE")]
    path: PathBuf,
}

/// A program without its images, or several.
#[derive(Debug, thiserror::Error)]
#[error("K3s of your own for {0} needs both --k3s {0}=FILE and --images {0}=FILE, each once")]
struct NoPair(String);

/// A file for an architecture, named as releases of K3s name it.
#[derive(Debug, Clone)]
struct ForArch {
    arch: String,
    path: PathBuf,
}

fn for_arch(text: &str) -> Result<ForArch, String> {
    let (arch, path) = text.split_once('=').unwrap_or_default();
    if !is_name(arch) || path.is_empty() {
        return Err("write ARCH=FILE, such as s390x=./k3s".to_owned());
    }
    Ok(ForArch {
        arch: release_arch(arch).to_owned(),
        path: path.into(),
    })
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
    /// The K3s of the operator's own, each with its images.
    fn own(&self) -> Result<Vec<OwnK3s>, NoPair> {
        let of = |files: &[ForArch], arch: &str| {
            let mut of_arch = files.iter().filter(|file| file.arch == arch);
            let path = of_arch.next().map(|file| file.path.clone());
            path.filter(|_| of_arch.next().is_none())
        };
        let arches = self.programs.iter().chain(&self.images);
        let arches: BTreeSet<_> = arches.map(|file| &*file.arch).collect();
        let own = arches.into_iter().map(|arch| {
            let pair = of(&self.programs, arch).zip(of(&self.images, arch));
            let (program, images) = pair.ok_or_else(|| NoPair(arch.to_owned()))?;
            let arch = arch.to_owned();
            Ok(OwnK3s {
                arch,
                program,
                images,
            })
        });
        own.collect()
    }

    fn run(&self) -> ExitCode {
        let answers = match Answers::load(&self.answers) {
            Ok(answers) => answers,
            Err(problems) => return complain(&problems, exit::USAGE),
        };
        let own = match self.own() {
            Ok(own) => own,
            Err(error) => return complain(&error, exit::USAGE),
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
            own: &own,
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
