//! Writing a bundle: its files are gathered in a folder beside it, then written in one pass.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use tar::{Builder, Header};
use tempfile::{NamedTempFile, TempDir};

use super::{BundledFile, CONTENTS, Contents, Hashed};

/// A bundle that is still to be written. Dropping it leaves nothing.
#[derive(Debug)]
pub struct BundleDraft {
    path: PathBuf,
    folder: TempDir,
    files: Vec<PathBuf>,
}

/// A file on its way into it.
pub struct DraftedFile {
    file: Hashed<BufWriter<File>>,
    path: PathBuf,
    size: u64,
    most: u64,
}

impl BundleDraft {
    /// For a bundle at this path.
    pub fn new(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(".k3s-ha-wizard-bundle-")
            .tempdir_in(folder)?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            files: Vec::new(),
        })
    }

    /// The next file, of at most so many bytes.
    pub fn begin(&self, most: u64) -> io::Result<DraftedFile> {
        let path = self.folder.path().join(self.files.len().to_string());
        Ok(DraftedFile {
            file: Hashed::new(BufWriter::new(File::create(&path)?)),
            path,
            size: 0,
            most,
        })
    }

    /// Takes a file that is complete.
    pub fn take(&mut self, name: &str, mut file: DraftedFile) -> io::Result<BundledFile> {
        file.file.flush()?;
        self.files.push(file.path);
        Ok(BundledFile {
            name: name.to_owned(),
            size: file.size,
            sha256: file.file.sum(),
        })
    }

    /// Writes it, whole or not at all, with the files in the order in which they were taken, which must
    /// be that of the contents. Its SHA-256 and its size in bytes.
    pub fn write(self, contents: &Contents) -> io::Result<(String, u64)> {
        if let Some(problem) = contents.problem() {
            return Err(io::Error::other(problem));
        }
        let new = NamedTempFile::new_in(self.folder.path())?;
        let mut tar = Builder::new(Hashed::new(BufWriter::new(new.as_file())));
        let text = serde_json::to_vec_pretty(contents)?;
        tar.append(&header(CONTENTS, text.len() as u64)?, &text[..])?;
        for ((path, file), from) in contents.paths().into_iter().zip(&self.files) {
            tar.append(&header(&path, file.size)?, File::open(from)?)?;
        }
        let mut written = tar.into_inner()?;
        written.flush()?;
        let sum = written.sum();
        new.as_file().sync_all()?;
        let size = new.as_file().metadata()?.len();
        // As any file that the operator makes; there is no secret in it.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        new.as_file().set_permissions(mode)?;
        new.persist(&self.path).map_err(|error| error.error)?;
        Ok((sum, size))
    }
}

impl DraftedFile {
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.size += bytes.len() as u64;
        if self.size > self.most {
            let why = format!("it has more than {} bytes", self.most);
            return Err(io::Error::other(why));
        }
        self.file.write_all(bytes)
    }
}

fn header(path: &str, size: u64) -> io::Result<Header> {
    let mut header = Header::new_ustar();
    header.set_path(path)?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_cksum();
    Ok(header)
}
