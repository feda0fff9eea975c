//! Writes files whole or not at all, also after a power cut.

use std::fs::{DirBuilder, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

/// The prefix of unfinished files: a process that is killed while writing leaves one.
pub(super) const UNFINISHED: &str = ".unfinished-";

/// What to do with an existing file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and is an error of the kind `AlreadyExists` unless it has the same bytes.
    MustBeSame,
    IsReplaced,
}

/// Writes a file with mode 0600, whole or not at all: into a temporary file next to it, which is
/// then renamed. When this returns, both content and name are on the disk.
pub fn write(path: &Path, bytes: &[u8], existing: Existing) -> io::Result<()> {
    let dir = path
        .parent()
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    if std::fs::read(path).is_ok_and(|found| found == bytes) {
        return std::fs::set_permissions(path, Permissions::from_mode(0o600));
    }
    // A temporary file is 0600 from its first moment on.
    let mut temporary = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(dir)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    match existing {
        Existing::MustBeSame => temporary.persist_noclobber(path),
        Existing::IsReplaced => temporary.persist(path),
    }?;
    sync_folder(dir)
}

/// When this returns, the names in the folder are on the disk too.
pub(super) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The bytes of a file; `None` if it does not exist.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates a folder and its missing parents, for the operator only (0700).
pub fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mode = std::fs::metadata(dir)?.permissions().mode();
    if mode & 0o777 == 0o700 {
        return Ok(());
    }
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

/// Removes unfinished files of killed processes. The caller must hold the lock.
pub fn remove_unfinished(dir: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(UNFINISHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn files_are_for_the_operator_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, b"one", Existing::IsReplaced).unwrap();
        assert_eq!(mode(&path), 0o600);
        // A mode that was widened is narrowed, even if the bytes are the same.
        for bytes in [b"one", b"two"] {
            std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
            write(&path, bytes, Existing::IsReplaced).unwrap();
            assert_eq!(mode(&path), 0o600);
            assert_eq!(read(&path).unwrap().unwrap(), bytes);
        }
        assert_eq!(read(&dir.path().join("none")).unwrap(), None);
    }

    #[test]
    fn a_file_that_must_be_the_same_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        write(&path, b"one", Existing::MustBeSame).unwrap();
        write(&path, b"one", Existing::MustBeSame).unwrap();
        let error = write(&path, b"two", Existing::MustBeSame).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&path).unwrap().unwrap(), b"one");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_reader_never_sees_half_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let contents =
            |number: usize| vec![b'a' + u8::try_from(number % 26).unwrap(); 9_000 + number];
        write(&path, &contents(0), Existing::IsReplaced).unwrap();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..200 {
                    write(&path, &contents(number), Existing::IsReplaced).unwrap();
                }
                done.store(true, Ordering::Release);
            });
            while !done.load(Ordering::Acquire) {
                let bytes = std::fs::read(&path).unwrap();
                assert!(bytes.len() >= 9_000);
                assert_eq!(bytes, contents(bytes.len() - 9_000));
            }
        });
    }

    #[test]
    fn what_was_left_unfinished_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".unfinished-x1"), "half a sec").unwrap();
        std::fs::write(dir.path().join("state.json"), "{}").unwrap();
        remove_unfinished(dir.path()).unwrap();
        let names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["state.json"]);
        remove_unfinished(&dir.path().join("nowhere")).unwrap();
    }
}
