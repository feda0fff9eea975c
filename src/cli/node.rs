//! `node replace`: a new machine in the place of a lost Postgres host of a pair, or of its monitor.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::cluster::WhichCluster;
use super::{complain, confirm, ended, plan, unattended};
use crate::answers::Answers;
use crate::frontends::Display;
use crate::run::{Opened, Purpose, Reach, Tried, carry_out, exit, known};
use crate::topology::Replacement;

#[derive(Debug, Subcommand)]
pub enum NodeVerb {
    /// Put a new, empty machine in the place of a lost Postgres host of a pair or its monitor
    Replace(ReplaceArgs),
}

#[derive(Debug, Args)]
pub struct ReplaceArgs {
    /// The lost host, by its old name. If the new machine has another name or address, change the
    /// lost host in the answers first
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    which: WhichCluster,
    /// Show the plan; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for the lost host's name first
    #[arg(long)]
    yes: bool,
}

impl NodeVerb {
    /// Its name, if it changes something.
    pub fn changes(&self) -> Option<&'static str> {
        let Self::Replace(replace) = self;
        (!replace.dry_run).then_some("node replace")
    }

    pub fn run(&self, display: &Display, tried: &Tried) -> ExitCode {
        let Self::Replace(replace) = self;
        replace.run(display, tried)
    }
}

impl ReplaceArgs {
    fn run(&self, display: &Display, tried: &Tried) -> ExitCode {
        let (applied, wanted) = match self.which.both() {
            Ok(both) => both,
            Err(error) => return complain(&error, known::error_code(&error)),
        };
        let replaced = match Replacement::of(&applied, &wanted, &self.name) {
            Ok(replaced) => replaced,
            Err(error) => return complain(&error, exit::USAGE),
        };
        if self.dry_run {
            let opened = Opened::replacing(wanted, replaced, Purpose::Look, tried);
            return match opened {
                Ok(opened) => plan::show(opened, display.output),
                Err(error) => ended(&Err(error)),
            };
        }
        if !self.yes {
            let announced = announced(&applied, &replaced);
            let verb = "node replace gives a lost host up for good";
            let what = "the name of the lost host";
            if let Err(code) = confirm::typed(verb, &announced, what, &replaced.lost) {
                return code;
            }
        }
        let again = self.again();
        match Opened::replacing(wanted, replaced, Purpose::Run, tried) {
            Ok(opened) => unattended(display, again, |control, printed| {
                carry_out(opened, &Reach::All, control, printed)
            }),
            Err(error) => ended(&Err(error)),
        }
    }

    /// The command that continues the run.
    fn again(&self) -> String {
        let answers = self.which.answers_file();
        let answers = answers.map(|path| format!(" --answers {}", path.display()));
        format!(
            "k3s-ha-wizard node replace {}{}",
            self.name,
            answers.unwrap_or_default()
        )
    }
}

/// What will happen.
fn announced(applied: &Answers, replaced: &Replacement) -> String {
    let cluster = &applied.cluster.name;
    let told = replaced.told();
    if replaced.is_monitor {
        format!(
            "Cluster {cluster}: the monitor of the Postgres pair is replaced: {told}. Postgres goes on without a \
             restart. Until both Postgres hosts are registered with the new monitor, no standby takes over."
        )
    } else {
        format!(
            "Cluster {cluster}: a lost Postgres host is replaced: {told}. The monitor forgets the lost one: \
             whatever only it had is lost for good. The new machine copies the data of the other Postgres host, \
             which goes on without a restart. Until the new one is in sync, each commit is on one host only."
        )
    }
}
