//! `load-balancer`: what is to know of an external one.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::cluster::NamedCluster;
use super::complain;
use super::streams::{err, out};
use crate::answers::Answers;
use crate::engine::from_here::{IdleEnd, idle};
use crate::run::known::{self, KnownCluster};
use crate::run::{RunError, exit};
use crate::topology::{RecipeKind, Topology};

#[derive(Debug, Subcommand)]
pub enum LoadBalancerVerb {
    /// Print how an external load balancer is configured for this cluster
    Recipe(RecipeArgs),
    /// Measure from this machine whether the load balancer keeps an idle connection open; exits with 1
    /// if it does not
    Idle(IdleArgs),
}

#[derive(Debug, Args)]
pub struct RecipeArgs {
    #[command(flatten)]
    named: NamedCluster,
    /// Read the cluster from this answers file, not from the state folder
    #[arg(long, value_name = "FILE", conflicts_with = "cluster")]
    answers: Option<PathBuf>,
    /// Only for this kind of load balancer; default: all kinds
    #[arg(long = "for", value_name = "KIND")]
    kind: Option<RecipeKind>,
}

#[derive(Debug, Args)]
pub struct IdleArgs {
    #[command(flatten)]
    named: NamedCluster,
    /// How long the connection stays idle, in seconds
    #[arg(long = "for", value_name = "SECONDS", default_value_t = 3600,
        value_parser = clap::value_parser!(u64).range(1..=86400))]
    seconds: u64,
}

impl LoadBalancerVerb {
    pub fn run(&self) -> ExitCode {
        let ended = match self {
            Self::Recipe(args) => args.print(),
            Self::Idle(args) => args.measure(),
        };
        ended.unwrap_or_else(|code| code)
    }
}

impl RecipeArgs {
    fn print(&self) -> Result<ExitCode, ExitCode> {
        let topology = self.topology()?;
        if !topology.api.is_external() {
            return Err(complain(
                &"The wizard installs the load balancer of this cluster: there is nothing to configure. To use \
                  an external one, set load_balancer.endpoint in the answers",
                exit::USAGE,
            ));
        }
        let kinds = RecipeKind::ALL.into_iter();
        let kinds = kinds.filter(|kind| self.kind.is_none_or(|wanted| wanted == *kind));
        let recipes: Vec<_> = kinds.map(|kind| topology.recipe(kind)).collect();
        // The reader may be gone.
        let _ = out().write_all(recipes.join("\n").as_bytes());
        Ok(ExitCode::SUCCESS)
    }

    fn topology(&self) -> Result<Topology, ExitCode> {
        if let Some(file) = &self.answers {
            let answers = Answers::load(file).map_err(|problems| {
                let _ = writeln!(err(), "{problems}");
                ExitCode::from(exit::USAGE)
            })?;
            let topology = Topology::of(&answers).map_err(RunError::from);
            return topology.map_err(|error| complain(&error, exit::of_error(&error)));
        }
        let found = self.named.find().and_then(KnownCluster::poll);
        let poll = found.map_err(|error| complain(&error, known::error_code(&error)))?;
        Ok(poll.topology().clone())
    }
}

impl IdleArgs {
    fn measure(&self) -> Result<ExitCode, ExitCode> {
        let found = self.named.find().and_then(KnownCluster::poll);
        let poll = found.map_err(|error| complain(&error, known::error_code(&error)))?;
        let at = &poll.topology().api.at;
        let authority = poll.authority().ok_or_else(|| {
            complain(
                &"The CA of this cluster is not known yet: install must first start the servers",
                exit::UNSEEN,
            )
        })?;
        let seconds = self.seconds;
        let _ = writeln!(
            out(),
            "Connected to {at}. The connection now stays idle for {seconds} s. Ctrl-C stops."
        );
        let silence = Duration::from_secs(seconds);
        let end = idle(at, authority, silence).map_err(|why| {
            let why = format!("The cluster does not answer this machine at {at}: {why}");
            complain(&why, exit::UNSEEN)
        })?;
        let (told, code) = match end {
            IdleEnd::Kept => (
                format!("After {seconds} s without traffic, the connection still works."),
                0,
            ),
            IdleEnd::Ended(after) => (
                format!(
                    "It was closed after {:.1} s. Idle kubectl logs, exec and watch are cut off in the same \
                     way. Set a longer idle timeout, such as an hour.",
                    after.as_secs_f64()
                ),
                exit::FAILED,
            ),
            IdleEnd::Forgotten => (
                format!(
                    "It was not closed, but after {seconds} s it no longer works: a client would wait \
                     forever. Set a longer idle timeout, or let the load balancer reset such \
                     connections."
                ),
                exit::FAILED,
            ),
        };
        let _ = writeln!(out(), "{told}");
        Ok(ExitCode::from(code))
    }
}
