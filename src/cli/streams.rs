//! The outputs of the process. All text that is not a screen's goes through here, so that nothing
//! that a host said is obeyed by the terminal.

use std::io::{self, IsTerminal as _, Stderr, Stdout};

use crate::report::sanitised::Sanitised;

pub fn out() -> Sanitised<Stdout> {
    Sanitised::new(io::stdout())
}

pub fn err() -> Sanitised<Stderr> {
    Sanitised::new(io::stderr())
}

/// Standard input and output are a terminal.
pub fn are_a_terminal() -> bool {
    io::stdin().is_terminal() && io::stdout().is_terminal()
}
