//! The frontends: each shows a run. Only the command line knows them.
//!
//! * [`tui`]: the screens; [`plain`]: questions and lines
//! * [`printed`]: without an operator, lines for people or JSON for programs

pub mod plain;
pub mod printed;
pub mod tui;

use clap::{Args, ValueEnum};

/// Options for output, for every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Display")]
pub struct Display {
    /// Output format
    #[arg(long, global = true, value_name = "FORMAT", default_value = "lines")]
    pub output: Output,
    /// Also report checks and steps that needed no change
    #[arg(long, global = true, short)]
    pub verbose: bool,
    /// Ask questions line by line instead of using screens, for screen readers; the default if
    /// TERM is dumb or not set
    #[arg(long, global = true)]
    pub plain: bool,
    /// Colours of the screens; without it, the variables `NO_COLOR` and `COLORFGBG` decide
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<Palette>,
    /// Draw the screens with ASCII characters only
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
    /// For programs: one JSON event per line, or one object
    Json,
}
