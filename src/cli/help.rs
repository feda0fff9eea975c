//! `completions` and `man`: what a package of the wizard installs beside it.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;

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
pub fn man(mut command: Command) -> ExitCode {
    // Commands learn their whole names and the global options.
    command.build();
    match page(command) {
        Ok(text) => printed(text.as_bytes()),
        Err(error) => complain(&error, exit::FAILED),
    }
}

fn page(mut command: Command) -> io::Result<String> {
    let ends = command.get_after_help().map(ToString::to_string);
    command = command.after_help(None::<&str>);
    let mut text = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut text)?;
    man.render_name_section(&mut text)?;
    man.render_synopsis_section(&mut text)?;
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let mut text = String::from_utf8_lossy(&text).into_owned();
    commands(&command, &mut text)?;
    text.push_str(".SH \"ENVIRONMENT AND EXIT STATUS\"\n.nf\n");
    text.push_str(&ends.unwrap_or_default().replace('\\', "\\\\"));
    text.push_str("\n.fi\n");
    Ok(text)
}

/// A section for each command that does something, also of commands of commands.
fn commands(command: &Command, text: &mut String) -> io::Result<()> {
    for command in command.get_subcommands() {
        if command.get_name() == "help" {
            continue;
        }
        if !command.has_subcommands() {
            let mut section = Vec::new();
            // The global options stand once, with the program's own.
            let own = command.clone().mut_args(|arg| {
                let is_global = arg.is_global_set();
                arg.hide(is_global)
            });
            let man = Man::new(own);
            man.render_synopsis_section(&mut section)?;
            man.render_description_section(&mut section)?;
            man.render_options_section(&mut section)?;
            let name = command.get_bin_name().unwrap_or(command.get_name());
            text.extend([".SH \"", &name.to_uppercase(), "\"\n"]);
            let section = String::from_utf8_lossy(&section).into_owned();
            text.push_str(&section.replace("\n.SH ", "\n.SS "));
        }
        commands(command, text)?;
    }
    Ok(())
}

fn printed(text: &[u8]) -> ExitCode {
    // The reader may be gone.
    let _ = out().write_all(text);
    ExitCode::SUCCESS
}
