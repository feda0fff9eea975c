//! The outputs of the process. All text that is not a screen's goes through here, so that nothing
//! that a host said is obeyed by the terminal.

use std::io::{self, IsTerminal as _, Stderr, Stdout, Write as _};

use crate::frontends::tui;
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

/// An operator can be asked on standard error.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Standard output is a terminal that can do more than print.
pub fn shows_redraws() -> bool {
    io::stdout().is_terminal() && !is_dumb()
}

/// Standard input and output are a terminal that can only print.
pub fn are_a_dumb_terminal() -> bool {
    are_a_terminal() && is_dumb()
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_none_or(|term| term == "dumb")
}

/// Draws a text in place of the one before: from the upper left corner on, line by line, and
/// nothing below. Of a text that is too long, the end.
pub fn redraw(text: &str) -> io::Result<()> {
    let lines: Vec<_> = text.lines().collect();
    // The last row is the cursor's.
    let room = tui::rows().map_or(lines.len(), |rows| rows.saturating_sub(1));
    let mut out = io::stdout().lock();
    out.write_all(b"\x1b[H")?;
    for line in &lines[lines.len().saturating_sub(room)..] {
        Sanitised::new(&mut out).write_all(line.as_bytes())?;
        out.write_all(b"\x1b[K\n")?;
    }
    out.write_all(b"\x1b[J")?;
    out.flush()
}
