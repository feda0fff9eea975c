//! A bundle: what hosts without internet install, in one file.
//!
//! It is a tar file. Its first member, `bundle.json`, is the [`Contents`]; the others are the files
//! that these list, in this order and of these sizes, and nothing else. So it is written and read in
//! one pass, and what is compressed already is not compressed again.
//!
//! * `draft`: writing one; here: reading one

mod draft;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};
use tar::{Archive, Entry, EntryType};

use crate::hash::hex;
use crate::letters::misleads;

pub use draft::{BundleDraft, DraftedFile};

/// The version of the format.
pub const FORMAT: u32 = 1;
/// The first member.
const CONTENTS: &str = "bundle.json";
/// The most bytes that an install script may have; it has some 40 KiB.
pub const MOST_INSTALLER: usize = 4 << 20;
/// The indexes of packages are in it.
const MOST_CONTENTS: u64 = 64 << 20;

/// What is in a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    pub format: u32,
    /// The version of K3s.
    pub k3s: String,
    /// The official install script.
    pub installer: BundledFile,
    pub nodes: Vec<NodeFiles>,
    pub systems: Vec<SystemPackages>,
}

/// What a node of an architecture needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFiles {
    /// As releases of K3s name it: `amd64`.
    pub arch: String,
    pub program: BundledFile,
    /// The archive of the images that K3s itself runs.
    pub images: BundledFile,
}

/// The packages for hosts of one system, with all that they depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemPackages {
    pub system: System,
    /// What the package manager there knows them by, in its own format.
    pub index: String,
    pub files: Vec<BundledFile>,
}

/// A distribution in its release, on an architecture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// As in os-release: `debian`.
    pub id: String,
    /// Packages of one release are good for all hosts of it: `12`.
    pub release: String,
    /// As `uname -m` says: `x86_64`.
    pub arch: String,
}

impl std::fmt::Display for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.id, self.release, self.arch)
    }
}

/// A file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundledFile {
    pub name: String,
    /// In bytes.
    pub size: u64,
    pub sha256: String,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("the bundle {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "the bundle {} has the SHA-256 {found}, and the answers ask for {wanted} (sources.bundle_sha256): \
         it is damaged, or another one",
        path.display()
    )]
    OtherSum {
        path: PathBuf,
        found: String,
        wanted: String,
    },
    #[error("{} is not a bundle that this version of the wizard can read: {why}", path.display())]
    Format { path: PathBuf, why: String },
    #[error(
        "the bundle has K3s {has}, and the answers ask for {wanted}: set k3s.version = \"{has}\", or \
         create a bundle with k3s-ha-wizard bundle create"
    )]
    OtherVersion { has: String, wanted: String },
}

/// A verified bundle. Several threads may read it.
#[derive(Debug)]
pub struct Bundle {
    pub contents: Contents,
    file: File,
    /// Where each file begins.
    places: BTreeMap<String, u64>,
}

impl Contents {
    /// The paths of all files in the tar, in its order.
    fn paths(&self) -> Vec<(String, &BundledFile)> {
        let installer = (installer_path(), &self.installer);
        let nodes = self.nodes.iter().flat_map(|node| {
            [&node.program, &node.images].map(|file| (node_path(&node.arch, file), file))
        });
        let packages = self.systems.iter().flat_map(|packages| {
            let files = packages.files.iter();
            files.map(|file| (package_path(&packages.system, file), file))
        });
        [installer]
            .into_iter()
            .chain(nodes)
            .chain(packages)
            .collect()
    }

    /// What is wrong with it.
    fn problem(&self) -> Option<String> {
        if self.format != FORMAT {
            return Some(format!("its format is {}, not {FORMAT}", self.format));
        }
        let arches = self.nodes.iter().map(|node| &node.arch);
        let systems = self.systems.iter().map(|packages| &packages.system);
        let words = systems.flat_map(|system| [&system.id, &system.release, &system.arch]);
        let mut words = words.chain(arches);
        if let Some(word) = words.find(|word| !is_name(word)) {
            return Some(format!("{word:?} is no name"));
        }
        let index = self.systems.iter().map(|packages| &packages.index);
        if index.flat_map(|index| index.chars()).any(|letter| {
            letter != '\n' && letter != '\t' && (letter.is_control() || misleads(letter))
        }) {
            return Some("an index of packages has control characters".to_owned());
        }
        let mut seen = std::collections::BTreeSet::new();
        self.paths().into_iter().find_map(|(path, file)| {
            let sum = &file.sha256;
            let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
            if !is_name(&file.name) || !is_sum {
                Some(format!("{:?} is not a file name", file.name))
            } else if !seen.insert(path.clone()) {
                Some(format!("{path} is in it twice"))
            } else {
                None
            }
        })
    }

    pub fn node(&self, arch: &str) -> Option<&NodeFiles> {
        self.nodes.iter().find(|node| node.arch == arch)
    }

    pub fn packages(&self, system: &System) -> Option<&SystemPackages> {
        self.systems
            .iter()
            .find(|packages| packages.system == *system)
    }
}

pub fn installer_path() -> String {
    "k3s/install.sh".to_owned()
}

/// The path of a file of nodes.
pub fn node_path(arch: &str, file: &BundledFile) -> String {
    format!("k3s/{arch}/{}", file.name)
}

/// The path of a package.
pub fn package_path(system: &System, file: &BundledFile) -> String {
    let System { id, release, arch } = system;
    format!("packages/{id}-{release}-{arch}/{}", file.name)
}

/// A plain name of a file: no folder, nothing hidden, nothing that a shell reads.
pub fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~^%:-".contains(&byte);
    (1..=200).contains(&name.len()) && !name.starts_with(['.', '-', '~']) && name.bytes().all(plain)
}

impl Bundle {
    /// Reads it whole, and compares its SHA-256.
    pub fn open(path: &Path, sha256: &str) -> Result<Self, BundleError> {
        let failed = |error: io::Error| BundleError::Io {
            path: path.to_owned(),
            error,
        };
        let file = File::open(path).map_err(failed)?;
        let mut reader = Hashed::new(io::BufReader::with_capacity(1 << 20, &file));
        let read = read(&mut reader);
        // What is behind the end of the archive, or was not understood.
        io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
        let found = reader.sum();
        if !found.eq_ignore_ascii_case(sha256) {
            return Err(BundleError::OtherSum {
                path: path.to_owned(),
                found,
                wanted: sha256.to_owned(),
            });
        }
        let (contents, places) = read.map_err(|why| BundleError::Format {
            path: path.to_owned(),
            why,
        })?;
        Ok(Self {
            contents,
            file,
            places,
        })
    }

    /// Fits the answers that ask for this version of K3s.
    pub fn for_version(self, wanted: &str) -> Result<Self, BundleError> {
        if self.contents.k3s == wanted {
            return Ok(self);
        }
        Err(BundleError::OtherVersion {
            has: self.contents.k3s,
            wanted: wanted.to_owned(),
        })
    }

    /// A part of a file: as many bytes as there is room for. The receiver checks its SHA-256.
    pub fn read_at(&self, path: &str, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        let begin = self.places.get(path).ok_or(io::ErrorKind::NotFound)?;
        self.file.read_exact_at(bytes, begin + offset)
    }

    /// The install script.
    pub fn installer(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.contents.installer.size).unwrap_or(usize::MAX);
        let mut script = vec![0; size.min(MOST_INSTALLER)];
        self.read_at(&installer_path(), 0, &mut script)?;
        Ok(script)
    }
}

/// The contents, and where each file begins; or what is wrong.
fn read(reader: impl Read) -> Result<(Contents, BTreeMap<String, u64>), String> {
    let mut archive = Archive::new(reader);
    let unread = |error: io::Error| error.to_string();
    let mut entries = archive.entries().map_err(unread)?;
    let first = entries.next().ok_or("it is empty")?.map_err(unread)?;
    let size = first.size();
    expect(&first, CONTENTS, size)?;
    if size > MOST_CONTENTS {
        return Err(format!("{CONTENTS} has {size} bytes"));
    }
    let contents: Contents =
        serde_json::from_reader(first).map_err(|error| format!("{CONTENTS}: {error}"))?;
    if let Some(problem) = contents.problem() {
        return Err(problem);
    }
    let mut places = BTreeMap::new();
    for (path, file) in contents.paths() {
        let entry = entries.next().ok_or_else(|| format!("{path} is missing"))?;
        let entry = entry.map_err(unread)?;
        expect(&entry, &path, file.size)?;
        places.insert(path, entry.raw_file_position());
    }
    match entries.next() {
        None => Ok((contents, places)),
        Some(_) => Err("it has more files than it lists".to_owned()),
    }
}

/// The next member must be this one.
fn expect(entry: &Entry<'_, impl Read>, path: &str, size: u64) -> Result<(), String> {
    let is_it = entry.path_bytes() == path.as_bytes()
        && entry.size() == size
        && entry.header().entry_type() == EntryType::Regular;
    if is_it {
        Ok(())
    } else {
        Err(format!("{path} is not where it should be"))
    }
}

/// Hashes what is read or written through it.
pub(crate) struct Hashed<T> {
    inner: T,
    sha256: Sha256,
}

impl<T> Hashed<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
        }
    }

    /// The SHA-256 so far.
    pub(crate) fn sum(self) -> String {
        hex(&self.sha256.finish())
    }
}

impl<T: Read> Read for Hashed<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(bytes)?;
        self.sha256.update(&bytes[..length]);
        Ok(length)
    }
}

impl<T: io::Write> io::Write for Hashed<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.inner.write(bytes)?;
        self.sha256.update(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
pub(crate) mod tests;
