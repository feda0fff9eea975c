//! Without a command: the wizard, as screens or as questions and lines.

use std::io::{self, BufReader, Write as _};
use std::process::ExitCode;

use super::streams::{are_a_dumb_terminal, err, out};
use super::{complain, read_only_refuses};
use crate::frontends::tui::{self, Left};
use crate::frontends::{Display, plain};
use crate::run::exit;

pub fn run(display: &Display, probes: bool, read_only: bool) -> ExitCode {
    if display.plain || are_a_dumb_terminal() {
        if read_only {
            return complain(&read_only_refuses("the questions of --plain"), exit::USAGE);
        }
        walk_plainly()
    } else {
        say(&tui::wizard(display, probes, read_only))
    }
}

fn walk_plainly() -> ExitCode {
    let input = BufReader::new(io::stdin());
    let echo = Box::new(plain::echo::Terminal::default());
    match plain::wizard(input, out(), echo, tui::columns) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(err(), "{error}");
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Prints what remains to be said once the screens are closed. The reader may be gone.
pub(super) fn say(left: &Left) -> ExitCode {
    let _ = err().write_all(left.complaints.as_bytes());
    let _ = out().write_all(left.summary.as_bytes());
    ExitCode::from(left.code)
}
