//! Who shows a run: each is known to the command line alone.
//!
//! * [`tui`]: the screens; [`plain`]: questions and lines
//! * [`printed`]: without an operator, lines for people or JSON for programs

pub mod plain;
pub mod printed;
pub mod tui;

use clap::{Args, ValueEnum};

/// How things are shown, whatever is done.
#[derive(Debug, Clone, Args)]
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
