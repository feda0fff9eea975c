//! `kubeconfig`: prints a cluster's kubeconfig, or merges it into the operator's own.

use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::cluster::NamedCluster;
use super::complain;
use super::streams::out;
use crate::cluster::merge::{MergeError, Merged, merged};
use crate::run::exit;
use crate::run::known::{self, KnownError};
use crate::state::files::{self, Existing};

#[derive(Debug, Args)]
pub struct KubeconfigArgs {
    #[command(flatten)]
    which: NamedCluster,
    /// Merge it into your own kubeconfig ($KUBECONFIG or ~/.kube/config), after backing that file
    /// up; your current context stays
    #[arg(long)]
    merge: bool,
}

#[derive(Debug, thiserror::Error)]
enum KubeconfigError {
    #[error(transparent)]
    Known(#[from] KnownError),
    #[error("there is no kubeconfig of this cluster yet: the last phase of a run writes it")]
    NotYet,
    #[error(
        "KUBECONFIG names {}, the wizard's own file of a cluster: unset it, or set it to your own",
        .0.display()
    )]
    NotYours(PathBuf),
    #[error("{} belongs to another user: merge as that user", .0.display())]
    OtherUser(PathBuf),
    #[error("your kubeconfig is not known: set HOME, or KUBECONFIG to one file")]
    NoTarget,
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} is not changed: {why}", path.display())]
    Merge { path: PathBuf, why: MergeError },
}

impl KubeconfigArgs {
    /// Its name, if it changes something.
    pub fn changes(&self) -> Option<&'static str> {
        self.merge.then_some("kubeconfig --merge")
    }

    pub fn run(&self) -> ExitCode {
        let done = if self.merge {
            self.merge()
        } else {
            self.print()
        };
        match done {
            Ok(text) => {
                // The reader may be gone.
                let _ = out().write_all(text.as_bytes());
                ExitCode::SUCCESS
            }
            Err(KubeconfigError::Known(error)) => complain(&error, known::error_code(&error)),
            Err(error) => complain(&error, exit::FAILED),
        }
    }

    fn print(&self) -> Result<String, KubeconfigError> {
        let path = self.which.find()?.folder().kubeconfig();
        read(&path)?.ok_or(KubeconfigError::NotYet)
    }

    fn merge(&self) -> Result<String, KubeconfigError> {
        let cluster = self.which.find()?;
        let path = cluster.folder().kubeconfig();
        let ours = read(&path)?.ok_or(KubeconfigError::NotYet)?;
        let path = target().ok_or(KubeconfigError::NoTarget)?;
        // A link stays a link.
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        let state = cluster.folder().path();
        if state.parent().is_some_and(|root| path.starts_with(root)) {
            return Err(KubeconfigError::NotYours(path));
        }
        let owner = |path: &Path| std::fs::metadata(path).ok().map(|file| file.uid());
        if owner(&path).is_some_and(|uid| Some(uid) != owner(state)) {
            return Err(KubeconfigError::OtherUser(path));
        }
        let own = read(&path)?;
        let text = match merged(own.as_deref(), &ours) {
            Ok(Merged::Changed(text)) => text,
            Ok(Merged::Same) => {
                return Ok(format!(
                    "{} already contains this cluster.\n",
                    path.display()
                ));
            }
            Err(why) => return Err(KubeconfigError::Merge { path, why }),
        };
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| KubeconfigError::File { path, source }
        };
        let mut report = String::new();
        match &own {
            Some(own) => {
                let backup = backup_of(&path);
                files::write(&backup, own.as_bytes(), Existing::MustBeSame)
                    .map_err(failed(&backup))?;
                report = format!("Your previous file is saved as {}.\n", backup.display());
            }
            None => {
                if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                    files::private_dir(folder).map_err(failed(folder))?;
                }
            }
        }
        files::write(&path, text.as_bytes(), Existing::IsReplaced).map_err(failed(&path))?;
        Ok(format!(
            "{} now contains this cluster.\n{report}",
            path.display()
        ))
    }
}

fn read(path: &Path) -> Result<Option<String>, KubeconfigError> {
    let failed = |source| KubeconfigError::File {
        path: path.to_owned(),
        source,
    };
    let bytes = files::read(path).map_err(failed)?;
    let text = bytes.map(String::from_utf8).transpose();
    text.map_err(|_| failed(io::ErrorKind::InvalidData.into()))
}

/// The file that `kubectl config` changes: the only one in KUBECONFIG, or the usual one.
fn target() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let Some(files) = set("KUBECONFIG") else {
        return Some(PathBuf::from(set("HOME")?).join(".kube/config"));
    };
    let files = std::env::split_paths(&files);
    let mut files = files.filter(|file| !file.as_os_str().is_empty());
    files.next().filter(|_| files.next().is_none())
}

/// The first name that is free: `config.before-k3s-ha-wizard`, `config.before-k3s-ha-wizard-2` …
fn backup_of(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let numbered = |number: u32| {
        let end = match number {
            1 => String::new(),
            number => format!("-{number}"),
        };
        path.with_file_name(format!("{name}.before-k3s-ha-wizard{end}"))
    };
    let mut names = (1..).map(numbered);
    names.find(|path| !path.exists()).unwrap_or_default()
}
