//! One run at a time on a state folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::StateError;

/// Holds a state folder until it is dropped, or its process ends, however it does.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    pub(super) fn take(path: &Path) -> Result<Self, StateError> {
        let failed = |source| StateError::file(path, source);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                note(&mut file).map_err(failed)?;
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder).map_err(failed)?;
                Err(StateError::Locked {
                    path: path.to_owned(),
                    holder: match holder.trim() {
                        // It has the lock, but has not written its name yet.
                        "" => "another run".into(),
                        holder => holder.to_owned(),
                    },
                })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // For people who read the file; the lock belongs to the file handle.
        let _ = self.0.set_len(0);
    }
}

/// Whether a run holds this folder; `None` where that is not known.
pub fn is_held(folder: &Path) -> Option<bool> {
    let file = File::open(folder.join("lock")).ok()?;
    match file.try_lock_shared() {
        Ok(()) => Some(false),
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}

fn note(file: &mut File) -> io::Result<()> {
    // Without fractions of a second.
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    let since = now.format(&Rfc3339).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "process {} since {since}", std::process::id())
}
