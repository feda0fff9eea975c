//! Backups of the datastore: a dump, and beside it a note of what it is.
//!
//! A dump is written under an unfinished name and takes its own when it is whole; the note comes
//! last. So a dump with a note is whole, also after a power cut.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::files::{self, Existing, UNFINISHED};
use super::{Folder, SCHEMA, StateError, parsed, read};
use crate::hash::hex;

/// How an archive of `pg_dump --format=custom` begins.
const MAGIC: &[u8] = b"PGDMP";

/// What a dump is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    schema: u32,
    /// Which version of the wizard wrote it.
    version: String,
    #[serde(flatten)]
    pub label: BackupLabel,
    /// In bytes.
    pub size: u64,
    /// 64 hex digits.
    pub sha256: String,
}

/// What is known of a backup before its dump exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupLabel {
    /// The run that creates it; it also names the file.
    pub run: String,
    /// When the dump began, RFC 3339, UTC.
    pub when: String,
    pub cluster: String,
    pub database: String,
    /// The host of the datastore that was dumped.
    pub host: String,
    /// Without the token of this cluster, K3s cannot read the data: the first 12 digits of its
    /// SHA-256 identify it. The token itself is in `secrets.json`.
    pub token: String,
}

/// A dump that is being written. Dropped, it leaves no file.
pub struct UnfinishedBackup {
    folder: PathBuf,
    file: NamedTempFile,
    hash: Sha256,
    size: u64,
    begins: Vec<u8>,
}

impl UnfinishedBackup {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let missing = MAGIC.len().saturating_sub(self.begins.len());
        self.begins.extend(bytes.iter().take(missing));
        Ok(())
    }

    /// Keeps it under its own name. When this returns, dump and note are on the disk.
    pub fn keep(self, label: BackupLabel) -> Result<Backup, StateError> {
        let dump = dump_path(&self.folder, &label.run);
        let failed = |source| StateError::file(&dump, source);
        if self.begins != MAGIC {
            let why = "the host sent no archive of pg_dump".to_owned();
            let path = dump;
            return Err(StateError::Invalid { path, why });
        }
        self.file.as_file().sync_all().map_err(failed)?;
        let persisted = self.file.persist_noclobber(&dump);
        persisted.map_err(|error| failed(error.error))?;
        files::sync_folder(&self.folder).map_err(failed)?;
        let backup = Backup {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            label,
            size: self.size,
            sha256: hex(&self.hash.finish()),
        };
        let note = note_path(&self.folder, &backup.label.run);
        let json = serde_json::to_vec_pretty(&backup);
        json.map_err(io::Error::from)
            .and_then(|json| files::write(&note, &json, Existing::MustBeSame))
            .map_err(|source| StateError::file(&note, source))?;
        Ok(backup)
    }
}

fn dump_path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}.dump"))
}

fn note_path(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("{run}.json"))
}

impl Folder {
    pub fn backups_dir(&self) -> PathBuf {
        self.path.join("backups")
    }

    /// Where the dump of a backup is.
    pub fn dump(&self, backup: &Backup) -> PathBuf {
        dump_path(&self.backups_dir(), &backup.label.run)
    }

    pub fn new_backup(&self) -> Result<UnfinishedBackup, StateError> {
        let folder = self.backups_dir();
        let failed = |source| StateError::file(&folder, source);
        files::private_dir(&folder).map_err(failed)?;
        let mut builder = tempfile::Builder::new();
        let file = builder.prefix(UNFINISHED).tempfile_in(&folder);
        Ok(UnfinishedBackup {
            file: file.map_err(failed)?,
            folder,
            hash: Sha256::new(),
            size: 0,
            begins: Vec::new(),
        })
    }

    /// All backups, the latest one last.
    pub fn backups(&self) -> Result<Vec<Backup>, StateError> {
        let folder = self.backups_dir();
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(|source| StateError::file(&folder, source))?,
        };
        let mut backups = Vec::new();
        for entry in entries {
            let path = entry
                .map_err(|source| StateError::file(&folder, source))?
                .path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
                && let Some(bytes) = read(&path)?
            {
                let backup: Backup = parsed(path, &bytes)?;
                backups.push(backup);
            }
        }
        backups.sort_by(|one: &Backup, other| one.label.run.cmp(&other.label.run));
        Ok(backups)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn label(run: &str) -> BackupLabel {
        BackupLabel {
            run: run.into(),
            when: "2026-11-29T12:00:00Z".into(),
            cluster: "lab".into(),
            database: "k3s".into(),
            host: "pg".into(),
            token: "0123456789ab".into(),
        }
    }

    fn names(folder: &Folder) -> Vec<String> {
        let entries = std::fs::read_dir(folder.backups_dir()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_backup_is_whole_or_not_there() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().into()), "lab").unwrap();
        assert_eq!(folder.backups().unwrap(), []);
        // Begun and given up.
        let mut dump = folder.new_backup().unwrap();
        dump.write(b"PGDMP half").unwrap();
        drop(dump);
        assert_eq!(names(&folder), [""; 0]);
        // What is no archive is refused, and not kept.
        let mut dump = folder.new_backup().unwrap();
        dump.write(b"pg_dump: error").unwrap();
        let refused = dump.keep(label("20261129T120000Z-0001")).unwrap_err();
        assert!(refused.to_string().contains("no archive"), "{refused}");
        assert_eq!(names(&folder), [""; 0]);
        // In pieces, the first of which is shorter than what it is known by.
        for run in ["20261129T120000Z-0002", "20261129T120000Z-0001"] {
            let mut dump = folder.new_backup().unwrap();
            for piece in [&b"PG"[..], b"DMP", b" and the rest"] {
                dump.write(piece).unwrap();
            }
            let kept = dump.keep(label(run)).unwrap();
            let path = folder.dump(&kept);
            assert_eq!(std::fs::read(&path).unwrap(), b"PGDMP and the rest");
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            assert_eq!(kept.size, 18);
            assert_eq!(kept.sha256, crate::hash::sha256(b"PGDMP and the rest"));
        }
        let runs: Vec<_> = folder.backups().unwrap();
        let runs: Vec<_> = runs.iter().map(|backup| &backup.label.run[17..]).collect();
        assert_eq!(runs, ["0001", "0002"]);
        // A second one of the same name replaces none.
        let mut dump = folder.new_backup().unwrap();
        dump.write(b"PGDMP other").unwrap();
        assert!(dump.keep(label("20261129T120000Z-0001")).is_err());
        let first = &folder.backups().unwrap()[0];
        assert_eq!(
            std::fs::read(folder.dump(first)).unwrap(),
            b"PGDMP and the rest"
        );
    }

    #[test]
    fn what_a_killed_process_left_goes_with_the_next_lock() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::open(Some(root.path().into()), "lab").unwrap();
        let dump = folder.new_backup().unwrap();
        let (_file, path) = dump.file.keep().unwrap();
        assert!(path.exists());
        drop(folder.lock().unwrap());
        assert!(!path.exists());
    }
}
