//! What is stored on this machine: one folder per cluster, for the operator only.
//!
//! ```text
//! <cluster>/          0700
//!   state.json        what was answered, what is applied, what was made, how the last run ended
//!   secrets.json      the tokens and the database password, in the clear
//!   install.sh        the install script that every host gets
//!   pki/              the certificates, see [`crate::pki`]
//!   known_hosts       the host keys that the operator has confirmed
//!   kubeconfig
//!   runs/<run>.jsonl  the logs of the runs, without secrets
//!   backups/          dumps of the datastore, each with a note of what it is
//!   lock
//! ```
//!
//! Files are 0600 and written whole or not at all. A file that cannot be read is never overwritten.

pub mod backups;
pub mod files;
mod lock;
mod secrets;

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::answers::Answers;
use crate::events::End;
use crate::secrets::Secrets;
use files::Existing;
pub use lock::{Lock, is_held};
pub use secrets::{SecretsError, complete_secrets};

/// The version of the file format. A newer one is refused.
pub const SCHEMA: u32 = 2;
/// The folder of all clusters, instead of the usual state directory.
pub const ROOT_VARIABLE: &str = "K3S_HA_WIZARD_STATE";

/// The folder of one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    path: PathBuf,
}

/// The content of `state.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    schema: u32,
    /// The version of the wizard that wrote it.
    version: String,
    /// Identifies this folder in the leases on hosts.
    pub owner: String,
    /// Those of the latest started run, without inline secrets.
    pub answers: Answers,
    /// What the latest successful run applied; `None` before the first one.
    #[serde(default)]
    pub applied: Option<Applied>,
    /// What was created, on which host, in order: also by steps that failed.
    pub made: Vec<Made>,
    pub last_run: Option<LastRun>,
    /// The SHA-256 of `install.sh`, 64 hex digits.
    pub install_sha256: Option<String>,
    /// The certificate of the cluster's own CA, PEM: public.
    pub cluster_ca: Option<String>,
}

/// What a successful run applied: later runs compare with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    pub run: String,
    /// When that run began, RFC 3339, UTC.
    pub when: String,
    /// Without inline secrets: hosts, roles, addresses, the version of K3s, Postgres, and every
    /// setting.
    pub answers: Answers,
    /// What is not in the answers; `None` if an older version wrote the state.
    pub marks: Option<Marks>,
}

/// Fingerprints of secrets and certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The first 12 digits of its SHA-256, the name of its row in Postgres.
    pub token: String,
    pub agent_token: String,
    /// The serial numbers, by the names of the files in `pki/`.
    pub serials: BTreeMap<String, String>,
    /// Secrets are encrypted in the datastore; earlier versions left that to the answers.
    #[serde(default)]
    pub encrypts: bool,
}

impl State {
    /// Whether a server encrypts Secrets in the datastore, where no server says what it does: a
    /// cluster keeps what it was begun with, and a new one encrypts.
    pub fn encrypts(&self) -> bool {
        let applied = self.applied.as_ref();
        applied.is_none_or(|applied| applied.marks.as_ref().is_some_and(|marks| marks.encrypts))
    }
}

/// Something that a run created.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// `None` for this machine.
    pub host: Option<String>,
    pub step: String,
    pub what: String,
    /// RFC 3339, UTC.
    pub when: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastRun {
    pub run: String,
    /// When it began, RFC 3339, UTC.
    pub when: String,
    /// `None` for a run that is still running, or was killed.
    pub end: Option<End>,
}

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(
        "no folder for the wizard's state: set HOME, or set {ROOT_VARIABLE} to a folder that only \
         you can read"
    )]
    NoHome,
    #[error("{0:?} cannot name a state folder: a cluster's name may only have a-z, 0-9 and -")]
    Name(String),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(
        "{} belongs to another user (uid {uid}): run the wizard as that user, or set \
         {ROOT_VARIABLE} to a folder of your own",
        path.display()
    )]
    NotOurs { path: PathBuf, uid: u32 },
    #[error(
        "{holder} is already working on this cluster: wait until it is done, or stop it ({})",
        path.display()
    )]
    Locked { path: PathBuf, holder: String },
    #[error(
        "{} was written by version {version}, which is newer than this one ({}): use that version \
         or a later one",
        path.display(),
        env!("CARGO_PKG_VERSION")
    )]
    Newer { path: PathBuf, version: String },
    #[error(
        "{} cannot be parsed ({why}). It is left unchanged: restore a good copy, or move it away",
        path.display()
    )]
    Invalid { path: PathBuf, why: String },
}

impl StateError {
    fn file(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        Self::File { path, source }
    }
}

impl State {
    /// The state of a cluster that has not been run.
    pub fn new(answers: &Answers) -> Result<Self, openssl::error::ErrorStack> {
        let mut owner = [0; 16];
        openssl::rand::rand_bytes(&mut owner)?;
        Ok(Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            owner: format!("{:032x}", u128::from_be_bytes(owner)),
            answers: answers.without_secrets(),
            applied: None,
            made: Vec::new(),
            last_run: None,
            install_sha256: None,
            cluster_ca: None,
        })
    }

    /// What counts as applied if it was not stored: earlier versions did not store it.
    fn before_applied_was_kept(&self) -> Option<Applied> {
        let last = self.last_run.as_ref()?;
        (last.end == Some(End::Done)).then(|| Applied {
            run: last.run.clone(),
            when: last.when.clone(),
            answers: self.answers.clone(),
            marks: None,
        })
    }
}

/// The folder of all clusters: the given one, else [`ROOT_VARIABLE`], else the user's state
/// directory.
pub fn root(given: Option<PathBuf>) -> Result<PathBuf, StateError> {
    let from_variable = || {
        std::env::var_os(ROOT_VARIABLE)
            .filter(|root| !root.is_empty())
            .map(PathBuf::from)
    };
    let usual = || {
        let dirs = directories::ProjectDirs::from("", "", "k3s-ha-wizard")?;
        Some(dirs.state_dir().unwrap_or(dirs.data_dir()).to_owned())
    };
    given
        .or_else(from_variable)
        .or_else(usual)
        .ok_or(StateError::NoHome)
}

/// The names of the clusters that have a folder, in alphabetical order.
pub fn clusters(root: &Path) -> Result<Vec<String>, StateError> {
    let failed = |source| StateError::file(root, source);
    let entries = match std::fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        if let Some(name) = entry.file_name().to_str()
            && entry.path().join("state.json").is_file()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

impl Folder {
    /// Opens a cluster's folder and creates it if missing. See [`root`] for the default root.
    pub fn open(root: Option<PathBuf>, cluster: &str) -> Result<Self, StateError> {
        let folder = Self::named(root, cluster)?;
        folder
            .make()
            .map_err(|source| StateError::file(&folder.path, source))?;
        folder.must_be_ours()?;
        for dir in [folder.path.clone(), folder.runs_dir()] {
            files::private_dir(&dir).map_err(|source| StateError::file(&dir, source))?;
        }
        Ok(folder)
    }

    /// The same without creating anything. What is missing reads as a folder in which nothing is.
    pub fn open_to_read(root: Option<PathBuf>, cluster: &str) -> Result<Self, StateError> {
        let folder = Self::named(root, cluster)?;
        if folder.path.is_dir() {
            folder.must_be_ours()?;
        }
        Ok(folder)
    }

    fn named(root: Option<PathBuf>, cluster: &str) -> Result<Self, StateError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if cluster.is_empty() || !cluster.bytes().all(plain) {
            return Err(StateError::Name(cluster.to_owned()));
        }
        let path = self::root(root)?.join(cluster);
        Ok(Self { path })
    }

    /// Does not change the mode of an existing folder: it may belong to another user.
    fn make(&self) -> io::Result<()> {
        if self.path.is_dir() {
            return Ok(());
        }
        files::private_dir(&self.path)
    }

    fn must_be_ours(&self) -> Result<(), StateError> {
        let failed = |source| StateError::file(&self.path, source);
        let uid = std::fs::metadata(&self.path).map_err(failed)?.uid();
        if uid == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        // The owner of a new file is the current user, even if the file system maps users.
        let mine = tempfile::tempfile_in(&self.path)
            .and_then(|file| file.metadata())
            .map_err(|source| match source.kind() {
                io::ErrorKind::PermissionDenied => StateError::NotOurs {
                    path: self.path.clone(),
                    uid,
                },
                _ => failed(source),
            })?;
        if mine.uid() == uid {
            Ok(())
        } else {
            let path = self.path.clone();
            Err(StateError::NotOurs { path, uid })
        }
    }

    /// Locks other runs out until dropped. Take it before writing anything.
    pub fn lock(&self) -> Result<Lock, StateError> {
        let lock = Lock::take(&self.path.join("lock"))?;
        let pki = [self.pki_dir(), self.external_pki_dir()];
        let dirs = [self.path.clone(), self.backups_dir()];
        for dir in dirs.into_iter().chain(pki) {
            files::remove_unfinished(&dir).map_err(|source| StateError::file(&dir, source))?;
        }
        Ok(lock)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn pki_dir(&self) -> PathBuf {
        self.path.join("pki")
    }

    /// What the operator of an external Postgres gave.
    pub fn external_pki_dir(&self) -> PathBuf {
        self.pki_dir().join("external")
    }

    /// The SQL for the DBA of an external Postgres.
    pub fn dba_sql(&self) -> PathBuf {
        self.path.join("postgres.sql")
    }

    pub fn save_dba_sql(&self, sql: &str) -> Result<(), StateError> {
        write(&self.dba_sql(), sql.as_bytes())
    }

    pub fn known_hosts(&self) -> PathBuf {
        self.path.join("known_hosts")
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.path.join("kubeconfig")
    }

    pub fn runs_dir(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// The path of a run's log.
    pub fn run_log(&self, run: &str) -> PathBuf {
        self.runs_dir().join(format!("{run}.jsonl"))
    }

    /// The logs of all runs, the latest one last.
    pub fn run_logs(&self) -> Result<Vec<PathBuf>, StateError> {
        let dir = self.runs_dir();
        let mut logs = std::fs::read_dir(&dir)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .map_err(|source| StateError::file(&dir, source))?;
        Vec::retain(&mut logs, |path: &PathBuf| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        });
        logs.sort();
        Ok(logs)
    }

    /// Saves a report of drills, once for each kind of file. Their paths.
    pub fn save_drills(
        &self,
        run: &str,
        reports: &[(&str, String)],
    ) -> Result<Vec<PathBuf>, StateError> {
        let dir = self.path.join("drills");
        files::private_dir(&dir).map_err(|source| StateError::file(&dir, source))?;
        let mut paths = Vec::new();
        for (kind, text) in reports {
            let path = dir.join(format!("{run}.{kind}"));
            let written = files::write(&path, text.as_bytes(), Existing::IsReplaced);
            written.map_err(|source| StateError::file(&path, source))?;
            paths.push(path);
        }
        Ok(paths)
    }

    /// `None` for a cluster that has not been run.
    pub fn state(&self) -> Result<Option<State>, StateError> {
        let path = self.path.join("state.json");
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let mut state: State = parsed(path, &bytes)?;
        if state.applied.is_none() {
            state.applied = state.before_applied_was_kept();
        }
        Ok(Some(state))
    }

    /// Replaces the state; inline secrets of the answers are left out.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        let path = self.path.join("state.json");
        self.state()?;
        let state = State {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").into(),
            answers: state.answers.without_secrets(),
            applied: state.applied.clone().map(|applied| Applied {
                answers: applied.answers.without_secrets(),
                ..applied
            }),
            ..state.clone()
        };
        let json = serde_json::to_vec_pretty(&state)
            .map_err(|error| StateError::file(&path, error.into()))?;
        write(&path, &json)
    }

    /// `None` if none were stored yet.
    pub fn secrets(&self) -> Result<Option<Secrets>, StateError> {
        let path = self.path.join("secrets.json");
        let Some(bytes) = read(&path)?.map(zeroize::Zeroizing::new) else {
            return Ok(None);
        };
        must_be_known(&path, &bytes)?;
        let secrets = secrets::from_json(&bytes).map_err(|error| StateError::Invalid {
            path,
            why: place(&error),
        })?;
        Ok(Some(secrets))
    }

    /// Replaces the secrets. **They are written in the clear**, 0600.
    pub fn save_secrets(&self, secrets: &Secrets) -> Result<(), StateError> {
        let path = self.path.join("secrets.json");
        self.secrets()?;
        let json =
            secrets::expose_json(secrets).map_err(|error| StateError::file(&path, error.into()))?;
        write(&path, &json)
    }

    /// The install script that earlier runs used.
    pub fn install_script(&self) -> Result<Option<Vec<u8>>, StateError> {
        read(&self.path.join("install.sh"))
    }

    pub fn save_install_script(&self, script: &[u8]) -> Result<(), StateError> {
        write(&self.path.join("install.sh"), script)
    }

    pub fn save_kubeconfig(&self, text: &str) -> Result<(), StateError> {
        write(&self.kubeconfig(), text.as_bytes())
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    files::read(path).map_err(|source| StateError::file(path, source))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    files::write(path, bytes, Existing::IsReplaced).map_err(|source| StateError::file(path, source))
}

/// Checks that a file is the wizard's, and not of a later version.
fn must_be_known(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
        version: String,
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| StateError::Invalid {
        path: path.to_owned(),
        why: place(&error),
    })?;
    if head.schema > SCHEMA {
        return Err(StateError::Newer {
            path: path.to_owned(),
            version: head.version,
        });
    }
    Ok(())
}

/// The content of a file of ours without secrets: an error may quote it.
fn parsed<T: DeserializeOwned>(path: PathBuf, bytes: &[u8]) -> Result<T, StateError> {
    must_be_known(&path, bytes)?;
    serde_json::from_slice(bytes).map_err(|error| StateError::Invalid {
        path,
        why: error.to_string(),
    })
}

/// The place of a JSON error. The error's own text may quote a secret.
fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Eof => "it ends too early",
        serde_json::error::Category::Data => "something is missing or of the wrong kind",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is not JSON",
    };
    format!("line {}, column {}: {what}", error.line(), error.column())
}

#[cfg(test)]
mod tests;
