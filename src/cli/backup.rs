//! `backup`: dumps of the datastore, in the state folder of its cluster.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Subcommand;
use serde::Serialize;

use super::cluster::{NamedCluster, WhichCluster};
use super::streams::out;
use super::{complain, ended, unattended, write_json};
use crate::frontends::{Display, Output};
use crate::report::lines::write_table;
use crate::run::known;
use crate::run::{Opened, Purpose, Tried, exit};
use crate::state::backups::Backup;
use crate::state::{Folder, StateError};

#[derive(Debug, Subcommand)]
pub enum BackupVerb {
    /// Dump the datastore into the state folder; the cluster keeps running
    Create(WhichCluster),
    /// List the backups of a cluster
    List(NamedCluster),
}

impl BackupVerb {
    /// Its name, if it changes something.
    pub fn changes(&self) -> Option<&'static str> {
        match self {
            Self::Create(_) => Some("backup create"),
            Self::List(_) => None,
        }
    }

    pub fn run(&self, display: &Display) -> ExitCode {
        match self {
            Self::Create(which) => create(which, display),
            Self::List(which) => list(which, display.output),
        }
    }
}

fn create(which: &WhichCluster, display: &Display) -> ExitCode {
    let applied = match which.applied() {
        Ok(applied) => applied,
        Err(code) => return code,
    };
    let again = format!(
        "k3s-ha-wizard backup create --cluster {}",
        applied.cluster.name
    );
    let opened = match Opened::open(applied, None, Purpose::Act, &Tried::default()) {
        Ok(opened) => opened,
        Err(error) => return ended(&Err(error)),
    };
    unattended(display, again, |control, printed| {
        opened.back_up(control, printed)
    })
}

/// A backup with where it is.
#[derive(Serialize)]
struct ListedBackup {
    #[serde(flatten)]
    backup: Backup,
    path: String,
    /// What is wrong with the file.
    problem: Option<String>,
}

fn list(which: &NamedCluster, output: Output) -> ExitCode {
    let listed = which
        .find()
        .and_then(|cluster| Ok(listed(cluster.folder())?));
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return complain(&error, known::error_code(&error)),
    };
    // The reader may be gone.
    let _ = match output {
        Output::Lines => write_list(&mut out(), &listed),
        Output::Json => write_json(&listed),
    };
    let broken = listed.iter().any(|listed| listed.problem.is_some());
    ExitCode::from(if broken { exit::FAILED } else { 0 })
}

/// The backups of this folder, the oldest first.
fn listed(folder: &Folder) -> Result<Vec<ListedBackup>, StateError> {
    let backups = folder.backups()?.into_iter();
    let listed = backups.map(|backup| {
        let path = folder.dump(&backup);
        let problem = match std::fs::metadata(&path) {
            Ok(file) if file.len() == backup.size => None,
            Ok(file) => Some(format!("the file has {} bytes", file.len())),
            Err(error) => Some(error.to_string()),
        };
        ListedBackup {
            backup,
            path: path.display().to_string(),
            problem,
        }
    });
    Ok(listed.collect())
}

fn write_list(out: &mut impl Write, listed: &[ListedBackup]) -> io::Result<()> {
    if listed.is_empty() {
        return writeln!(out, "There is no backup of this cluster yet.");
    }
    let rows: Vec<_> = listed
        .iter()
        .map(|listed| {
            let Backup { label, size, .. } = &listed.backup;
            let cells = vec![label.when.clone(), size.to_string(), listed.path.clone()];
            (cells, listed.problem.clone())
        })
        .collect();
    write_table(out, &["CREATED", "BYTES", "FILE"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::schema::BACKUPS;
    use crate::report::schema::tests::{fits, is_on_the_page};
    use crate::state::backups::BackupLabel;

    /// Two backups of a folder; the file of the second was cut.
    #[test]
    fn a_list_is_as_its_schema_says() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().into()), "lab").unwrap();
        for run in ["20261129T120000Z-3f2a", "20261130T120000Z-5b11"] {
            let mut dump = folder.new_backup().unwrap();
            dump.write(b"PGDMP and the rest").unwrap();
            let label = BackupLabel {
                run: run.into(),
                when: "2026-11-29T12:00:00Z".into(),
                cluster: "lab".into(),
                database: "k3s".into(),
                host: "k3s-postgres".into(),
                token: "0123456789ab".into(),
            };
            dump.keep(label).unwrap();
        }
        let last = folder.backups().unwrap().pop().unwrap();
        std::fs::write(folder.dump(&last), "PGDMP").unwrap();
        let mut listed = listed(&folder).unwrap();
        fits(BACKUPS, &listed);
        assert_eq!(listed[0].problem, None);
        assert_eq!(listed[1].problem.as_deref(), Some("the file has 5 bytes"));
        // Where it is differs from machine to machine.
        listed.truncate(1);
        let state = "/root/.local/state/k3s-ha-wizard";
        listed[0].path = listed[0].path.replace(root.path().to_str().unwrap(), state);
        is_on_the_page(&listed);
    }
}
