//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// From bare Linux machines to a highly available K3s with an external Postgres, over SSH alone.
#[derive(Debug, Parser)]
#[command(version, about, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// The same as install --answers FILE
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Do not probe hosts while you enter them
    #[arg(long)]
    pub no_knock: bool,
    #[command(flatten)]
    pub display: Display,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// How things are shown, whatever is done.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Display")]
pub struct Display {
    /// Output format
    #[arg(long, global = true, value_name = "FORM", default_value = "lines")]
    pub output: Output,
    /// Also report checks and steps that needed no change
    #[arg(long, global = true, short)]
    pub verbose: bool,
    /// Walk through in questions and lines, for screen readers; so it is anyway with TERM=dumb
    #[arg(long, global = true)]
    pub plain: bool,
    /// The colours of the screens; without it, what the environment says
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<Palette>,
    /// Draw the screens with ASCII alone
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Do not capture the mouse
    #[arg(long, global = true)]
    pub no_mouse: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Palette {
    /// For a dark background
    Dark,
    /// For a light background
    Light,
    /// Without colours
    Mono,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people and CI logs
    Lines,
    /// For programs: one event a line, or one object
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Do everything that a file asks for, to the end, without asking
    Install {
        /// What to install; `-` is standard input
        #[arg(long, value_name = "FILE")]
        answers: PathBuf,
        /// What install refuses to change in this cluster was changed by hand: take it over
        #[arg(long)]
        changed_by_hand: bool,
    },
    /// Show what would be done; reads facts, changes nothing
    Plan {
        /// What to plan for
        #[arg(long, value_name = "FILE")]
        answers: PathBuf,
        /// Write the shell files of every host into this folder, secrets masked
        #[arg(long, value_name = "DIR")]
        scripts: Option<PathBuf>,
    },
    /// Tell how a cluster is now: nodes, pods, load balancer, datastore, certificates; changes
    /// nothing
    Status {
        /// Which cluster; may be left out where only one is known here
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
        /// Log in as this file says: passwords that stand in answers are kept nowhere
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
    },
    /// Compare the hosts with what the last successful run applied; changes nothing, ends with 6
    /// where something has drifted
    Check {
        /// Which cluster; may be left out where only one is known here
        #[arg(long, value_name = "NAME")]
        cluster: Option<String>,
        /// Log in as this file says: passwords that stand in answers are kept nowhere
        #[arg(long, value_name = "FILE")]
        answers: Option<PathBuf>,
    },
    /// Show a recorded run again, on the screens of the wizard
    Replay {
        /// The log of a run, runs/TIME.jsonl in the state folder of its cluster
        file: PathBuf,
        /// Begin so many seconds after the run began, and wait there
        #[arg(long, value_name = "SECONDS")]
        at: Option<u64>,
    },
    /// Help with answers files
    Answers {
        #[command(subcommand)]
        what: AnswersCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum AnswersCommand {
    /// Print a commented example
    Example,
    /// Tell everything that is wrong with a file
    Validate {
        /// The file; `-` is standard input
        file: PathBuf,
    },
    /// Print the JSON schema
    Schema,
}

/// Those of [`crate::run::exit`].
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a step failed, or something in the cluster is ill
  2  usage, or invalid answers
  3  stopped by the operator
  4  another run works on a host or with the state folder
  5  a host is not fit for its role
  6  check found that something has drifted
  7  a host was not reached, or credentials are missing
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM";
