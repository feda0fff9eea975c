//! Fills a bundle from reference hosts: packages through their own package managers, K3s through
//! their network.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::hosts::ReachedHost;
use super::{LAST_LINES, keep_last};
use crate::bundle::{BundleDraft, BundledFile, MOST_INSTALLER, NodeFiles, SystemPackages};
use crate::events::Stream;
use crate::platform::bundled::{Collected, system};
use crate::platform::sources::Downloads;
use crate::platform::{PRELUDE, Platform};
use crate::remote::{LineSplitter, RemoteError, Script};
use crate::topology::{Proxy, Topology};

const FETCH: &str = include_str!("../../assets/remote/fetch.sh");

/// A large file over a slow line.
const LIMIT: Duration = Duration::from_secs(6 * 60 * 60);
/// What lists checksums, in bytes.
const MOST_SUMS: u64 = 1 << 20;
/// A program of K3s, or its images, in bytes.
const MOST_RELEASE: u64 = 4 << 30;

/// How the archives of images end that K3s loads (docs/facts.md, "Architectures").
const ARCHIVES: [&str; 8] = [
    ".tar", ".tar.lz4", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar.zst", ".tzst",
];

/// Why something cannot be collected.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    #[error(transparent)]
    Remote(#[from] RemoteError),
    #[error("{host}: {why}")]
    Host { host: String, why: String },
    #[error("{}: {error}", path.display())]
    Own { path: PathBuf, error: io::Error },
    #[error("the bundle cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// A reference host.
pub struct ReferenceHost<'a> {
    pub host: &'a mut ReachedHost,
    pub platform: Platform,
    pub proxy: Option<&'a Proxy>,
}

impl ReferenceHost<'_> {
    fn because(&self, why: impl Into<String>) -> CollectError {
        CollectError::Host {
            host: self.host.name.clone(),
            why: why.into(),
        }
    }

    /// Runs a script: its standard output goes to `out`. Its last lines are the reason of a failure.
    fn run(
        &mut self,
        script: &Script,
        out: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), CollectError> {
        let mut lines = LineSplitter::default();
        let mut last = std::collections::VecDeque::new();
        let mut line = |_, text: &str| keep_last(&mut last, text.to_owned());
        let host = &mut *self.host;
        let status = host.connection.now(&host.name, |remote| {
            remote.stream(script, LIMIT, &mut |stream, bytes| match stream {
                Stream::Out => match out(bytes) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error.to_string()),
                },
                Stream::Err => {
                    lines.feed(stream, bytes, &mut line);
                    ControlFlow::Continue(())
                }
            })
        })?;
        lines.finish(&mut line);
        if status == 0 {
            return Ok(());
        }
        let last = last.into_iter().rev().take(LAST_LINES).rev();
        Err(self.because(last.collect::<Vec<_>>().join("; ")))
    }

    /// The packages that hosts of its system need, with all that they depend on; and the names of those
    /// that its sources do not have.
    pub fn packages(
        &mut self,
        topology: &Topology,
        draft: &mut BundleDraft,
    ) -> Result<(SystemPackages, Vec<String>), CollectError> {
        let collected = self.collect(topology, draft);
        let forgotten = self.run(&Collected::forget(), &mut |_| Ok(()));
        let packages = collected?;
        forgotten?;
        Ok(packages)
    }

    fn collect(
        &mut self,
        topology: &Topology,
        draft: &mut BundleDraft,
    ) -> Result<(SystemPackages, Vec<String>), CollectError> {
        let facts = &self.host.facts;
        let system = system(self.platform, facts);
        let script = Collected::script(topology, facts, self.platform, self.proxy);
        let mut text = Vec::new();
        self.run(&script, &mut |bytes| {
            text.extend_from_slice(bytes);
            bounded(text.len() as u64, crate::remote::MOST_OUTPUT as u64)
        })?;
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        let collected = Collected::parse(&lines).map_err(|why| self.because(why))?;
        for listed in &collected.files {
            let found = self.take(&Collected::print(listed), &listed.name, listed.size, draft)?;
            if found != *listed {
                return Err(self.because(format!("{} has changed on the way", listed.name)));
            }
        }
        let packages = SystemPackages {
            system,
            index: collected.index,
            files: collected.files,
        };
        Ok((packages, collected.lacks))
    }

    /// What a script prints becomes a file of the bundle.
    fn take(
        &mut self,
        script: &Script,
        name: &str,
        most: u64,
        draft: &mut BundleDraft,
    ) -> Result<BundledFile, CollectError> {
        let mut file = draft.begin(most)?;
        self.run(script, &mut |bytes| file.write(bytes))?;
        Ok(draft.take(name, file)?)
    }

    fn fetch(&self, url: &str) -> Script {
        Script::new(PRELUDE)
            .then(FETCH)
            .input("URL", url)
            .input("LIMIT", LIMIT.as_secs().to_string())
            .inputs(self.proxy.into_iter().flat_map(Proxy::inputs))
    }

    /// The install script of K3s.
    pub fn installer(
        &mut self,
        downloads: &Downloads,
        pinned: Option<&str>,
        draft: &mut BundleDraft,
    ) -> Result<BundledFile, CollectError> {
        let url = &downloads.install_url;
        let script = self.fetch(url);
        let file = self.take(&script, "install.sh", MOST_INSTALLER as u64, draft)?;
        match pinned {
            Some(pinned) if !pinned.eq_ignore_ascii_case(&file.sha256) => {
                let why = format!(
                    "the install script from {url} has the SHA-256 {}, but the answers pin {pinned} \
                     (k3s.install_sha256)",
                    file.sha256
                );
                Err(self.because(why))
            }
            _ => Ok(file),
        }
    }

    /// K3s and its images for an architecture, as the checksums of the release have them.
    pub fn node(
        &mut self,
        downloads: &Downloads,
        arch: &str,
        draft: &mut BundleDraft,
    ) -> Result<NodeFiles, CollectError> {
        let url = downloads.file(&format!("sha256sum-{arch}.txt"));
        let mut text = Vec::new();
        self.run(&self.fetch(&url), &mut |bytes| {
            text.extend_from_slice(bytes);
            bounded(text.len() as u64, MOST_SUMS)
        })?;
        let text = String::from_utf8_lossy(&text);
        let sums: BTreeMap<_, _> = text
            .lines()
            .filter_map(|line| line.split_once(char::is_whitespace))
            .map(|(sum, name)| (name.trim_start_matches([' ', '*']), sum))
            .collect();
        let program = match arch {
            "amd64" => "k3s".to_owned(),
            "arm" => "k3s-armhf".to_owned(),
            arch => format!("k3s-{arch}"),
        };
        let images = format!("k3s-airgap-images-{arch}.tar.zst");
        let mut file = |name: &str, kept_as: &str| {
            let url = downloads.file(name);
            let sum = sums.get(name).copied();
            let sum = sum.ok_or_else(|| self.because(format!("{url} is not in its checksums")))?;
            let file = self.take(&self.fetch(&url), kept_as, MOST_RELEASE, draft)?;
            if file.sha256.eq_ignore_ascii_case(sum) {
                return Ok(file);
            }
            let why = format!("{url} has the SHA-256 {}, not {sum} as listed", file.sha256);
            Err(self.because(why))
        };
        Ok(NodeFiles {
            arch: arch.to_owned(),
            program: file(&program, "k3s")?,
            images: file(&images, &images)?,
        })
    }
}

/// A K3s that is no release: the operator built it, or has it from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnK3s {
    /// As releases would name it: `s390x`.
    pub arch: String,
    pub program: PathBuf,
    /// The archive of its images.
    pub images: PathBuf,
}

impl OwnK3s {
    pub fn node(&self, draft: &mut BundleDraft) -> Result<NodeFiles, CollectError> {
        let name = self.images.to_string_lossy();
        let ending = ARCHIVES.iter().find(|ending| name.ends_with(**ending));
        let ending = ending.ok_or_else(|| CollectError::Own {
            path: self.images.clone(),
            error: io::Error::other(format!(
                "K3s loads only archives of images whose names end with {}",
                ARCHIVES.join(", ")
            )),
        })?;
        let images = format!("k3s-airgap-images-{}{ending}", self.arch);
        Ok(NodeFiles {
            arch: self.arch.clone(),
            program: take_own(&self.program, "k3s", draft)?,
            images: take_own(&self.images, &images, draft)?,
        })
    }
}

/// A file of this machine becomes one of the bundle.
fn take_own(path: &Path, name: &str, draft: &mut BundleDraft) -> Result<BundledFile, CollectError> {
    let unread = |error| CollectError::Own {
        path: path.to_owned(),
        error,
    };
    let mut from = File::open(path).map_err(unread)?;
    let mut file = draft.begin(MOST_RELEASE)?;
    let mut bytes = vec![0; 1 << 20];
    loop {
        match from.read(&mut bytes).map_err(unread)? {
            0 => return Ok(draft.take(name, file)?),
            length => file.write(&bytes[..length])?,
        }
    }
}

fn bounded(size: u64, most: u64) -> io::Result<()> {
    if size <= most {
        return Ok(());
    }
    Err(io::Error::other(format!("it has more than {most} bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_files_become_those_of_an_architecture() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = BundleDraft::new(&folder.path().join("bundle")).unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let mut own = OwnK3s {
            arch: "s390x".into(),
            program: file("built", b"a program"),
            images: file("images of mine.tgz", &vec![7; 3 << 20]),
        };
        let node = own.node(&mut draft).unwrap();
        assert_eq!((&*node.program.name, node.program.size), ("k3s", 9));
        assert_eq!(node.program.sha256, crate::hash::sha256(b"a program"));
        assert_eq!(node.images.name, "k3s-airgap-images-s390x.tgz");
        assert_eq!(node.images.size, 3 << 20);

        let mut says = |own: &OwnK3s| own.node(&mut draft).unwrap_err().to_string();
        own.program = folder.path().join("none");
        assert!(says(&own).contains("none: No such file"), "{}", says(&own));
        own.images = file("images.zip", b"");
        assert!(
            says(&own).contains("images.zip: K3s loads only archives"),
            "{}",
            says(&own)
        );
    }
}
