//! What an operator must type before something is taken down or given up.

use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use super::complain;
use super::streams::{can_ask, err};
use crate::run::exit;

/// Whether the operator typed this name, after what will happen was announced.
pub fn typed(verb: &str, announced: &str, what: &str, name: &str) -> Result<(), ExitCode> {
    if !can_ask() {
        let why = format!("{verb}, and there is no terminal to confirm it: add --yes");
        return Err(complain(&why, exit::USAGE));
    }
    let mut err = err();
    let _ = write!(err, "{announced}\nType {what} to start: ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == name {
        return Ok(());
    }
    Err(complain(
        &format!("That is not {name}. Nothing was changed."),
        exit::STOPPED,
    ))
}
