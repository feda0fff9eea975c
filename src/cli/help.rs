//! `completions` and `man`: what a package of the wizard installs beside it.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use super::complain;
use super::streams::out;
use crate::run::exit;

pub fn completions(shell: Shell, mut command: Command) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    printed(&text)
}

/// One page for the program and all its commands.
pub fn man(command: Command) -> ExitCode {
    let mut text = Vec::new();
    match clap_mangen::Man::new(command.flatten_help(true)).render(&mut text) {
        Ok(()) => printed(&text),
        Err(error) => complain(&error, exit::FAILED),
    }
}

fn printed(text: &[u8]) -> ExitCode {
    // The reader may be gone.
    let _ = out().write_all(text);
    ExitCode::SUCCESS
}
