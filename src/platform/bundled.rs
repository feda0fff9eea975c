//! What a host needs of a bundle, and what it has of it already.

use std::collections::BTreeMap;

use super::sources::release_arch;
use super::{Facts, PRELUDE, Platform, Selinux, SourceTrial, Sources};
use crate::bundle::package_path;
use crate::bundle::{BundledFile, Contents, NodeFiles, System, SystemPackages, is_name, node_path};
use crate::hash::sha256;
use crate::remote::Script;
use crate::topology::{Proxy, Topology};

const LOOK: &str = include_str!("../../assets/steps/bundle/look.sh");
const COLLECT: &str = include_str!("../../assets/steps/bundle/collect.sh");

/// Where a host has what it was sent, until it is installed.
pub const FOLDER: &str = "/var/lib/k3s-ha-wizard/bundle";
/// The index of the packages there.
const INDEX: &str = "packages/index";

/// What a host needs, whatever it has already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    pub platform: Platform,
    pub system: System,
    /// The newest Postgres.
    postgres: bool,
    /// The names of other packages.
    packages: Vec<String>,
    /// The architecture, as releases of K3s name it, of a node.
    node: Option<String>,
}

/// What a host said about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BundleLook {
    pub packages: SourceTrial,
    /// What is to be installed, by its name in [`FOLDER`].
    wants: Vec<String>,
    /// The SHA-256 of what was sent.
    has: BTreeMap<String, String>,
    /// How many bytes of parcels were sent.
    pub parts: BTreeMap<String, u64>,
}

/// A file for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consignment {
    /// Its name in [`FOLDER`].
    pub name: String,
    pub size: u64,
    pub sha256: String,
    pub from: Origin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The path of a file in the bundle.
    Bundle(String),
    /// A text of its contents.
    Text(String),
}

/// The system of a host.
pub fn system(platform: Platform, facts: &Facts) -> System {
    System {
        id: facts.os_id.clone(),
        release: platform.release(facts),
        arch: facts.arch.clone(),
    }
}

/// The packages that a host of the topology needs, or all that any host needs: whether Postgres is among
/// them, and the names of the others.
fn packages_of(
    topology: &Topology,
    platform: Platform,
    host: Option<&str>,
    selinux: Selinux,
) -> (bool, Vec<String>) {
    let (datastore, api) = (&topology.datastore, &topology.api);
    let is = |found: bool| host.is_none() || found;
    let named = |name| host.unwrap_or(name);
    let enforces = selinux == Selinux::Enforcing;
    let mut packages = Vec::new();
    if datastore.is_pair() {
        let monitors = datastore.monitors.iter();
        let mut hosts = datastore.members.iter().chain(monitors);
        if is(hosts.any(|member| member.name == named(&member.name))) {
            packages.extend(platform.pair_packages());
        }
    }
    if is(host.is_some_and(|host| api.member(host).is_some())) {
        packages.push(platform.nginx_package.to_owned());
        packages.push(platform.nginx_stream_package.to_owned());
        if api.virtual_ip().is_some() {
            packages.push(platform.keepalived_package.to_owned());
            packages.push("curl".to_owned());
        }
        if enforces {
            packages.push(super::SELINUX_TOOLS.to_owned());
        }
    }
    if enforces && is(topology.nodes().any(|node| node.name == named(&node.name))) {
        packages.push(super::selinux::K3S_POLICY.to_owned());
    }
    packages.retain(|package| !package.is_empty());
    let postgres = is(host.is_some_and(|host| datastore.member(host).is_some()));
    (postgres && !datastore.is_pair(), packages)
}

impl Needs {
    pub fn of(topology: &Topology, host: &str, facts: &Facts, platform: Platform) -> Self {
        let (postgres, packages) = packages_of(topology, platform, Some(host), facts.selinux);
        let is_node = topology.nodes().any(|node| node.name == host);
        Self {
            platform,
            system: system(platform, facts),
            postgres,
            packages,
            node: is_node.then(|| release_arch(&facts.arch).to_owned()),
        }
    }

    fn has_packages(&self) -> bool {
        self.postgres || !self.packages.is_empty()
    }

    /// What a node needs of these contents.
    pub fn node<'a>(&self, contents: &'a Contents) -> Option<&'a NodeFiles> {
        contents.node(self.node.as_deref()?)
    }

    fn system_packages<'a>(&self, contents: &'a Contents) -> Option<&'a SystemPackages> {
        contents.packages(&self.system)
    }

    /// Whether it can be installed from these contents on a host that said this.
    pub fn sources(&self, contents: &Contents, look: &BundleLook) -> Sources {
        let mut sources = Sources {
            packages: look.packages.clone(),
            bundled: true,
            ..Sources::default()
        };
        if let Err(why) = self.consignments(contents, look) {
            sources.packages = SourceTrial::Failed(why);
        }
        if self.has_packages() && self.system_packages(contents).is_none() {
            let have = contents.systems.iter().map(|of| of.system.to_string());
            let have = have.collect::<Vec<_>>().join(", ");
            sources.packages = SourceTrial::Failed(format!(
                "the bundle has no packages for {}, only for {have}",
                self.system
            ));
        }
        if let Some(arch) = &self.node
            && contents.node(arch).is_none()
        {
            let have = contents.nodes.iter().map(|node| node.arch.as_str());
            let have = have.collect::<Vec<_>>().join(", ");
            sources.download = SourceTrial::Failed(format!(
                "the bundle has K3s and its images for {have}, not for {arch}"
            ));
        }
        sources
    }

    /// The script that looks what a host has of it.
    pub fn script(&self, contents: &Contents) -> Script {
        let packages = self.system_packages(contents);
        let index = packages.map_or("", |packages| &packages.index);
        let known = packages.is_some();
        let node = self.node(contents);
        let images = node.map(|node| &node.images);
        let version = node.map_or("", |_| &contents.k3s);
        let text = |images: Option<&BundledFile>, of: fn(&BundledFile) -> String| {
            images.map(of).unwrap_or_default()
        };
        Script::new(PRELUDE)
            .then(self.platform.family.functions)
            .then(LOOK)
            .input("BUNDLE", FOLDER)
            .input("INDEX", index)
            .input("POSTGRES", if self.postgres && known { "yes" } else { "" })
            .input(
                "PACKAGES",
                if known {
                    self.packages.join(" ")
                } else {
                    String::new()
                },
            )
            .input("VERSION", version)
            .input("IMAGES", text(images, |images| images.name.clone()))
            .input(
                "IMAGES_SIZE",
                text(images, |images| images.size.to_string()),
            )
            .input(
                "IMAGES_SHA256",
                text(images, |images| images.sha256.clone()),
            )
    }

    /// What is to be sent to a host that said this; or what the bundle lacks.
    pub fn consignments(
        &self,
        contents: &Contents,
        look: &BundleLook,
    ) -> Result<Vec<Consignment>, String> {
        let all = look.wants.iter().map(|name| {
            let found = self.consignment(contents, name);
            found.ok_or_else(|| format!("the bundle has no {name} for {}", self.system))
        });
        let mut all = all.collect::<Result<Vec<_>, _>>()?;
        all.retain(|one| look.has.get(&one.name) != Some(&one.sha256));
        Ok(all)
    }

    fn consignment(&self, contents: &Contents, name: &str) -> Option<Consignment> {
        let bundled = |file: &BundledFile, path| Consignment {
            name: name.to_owned(),
            size: file.size,
            sha256: file.sha256.clone(),
            from: Origin::Bundle(path),
        };
        if name == INDEX {
            let text = self.system_packages(contents)?.index.clone();
            return Some(Consignment {
                name: name.to_owned(),
                size: text.len() as u64,
                sha256: sha256(text.as_bytes()),
                from: Origin::Text(text),
            });
        }
        if let Some(package) = name.strip_prefix("packages/") {
            let files = &self.system_packages(contents)?.files;
            let file = files.iter().find(|file| file.name == package)?;
            return Some(bundled(file, package_path(&self.system, file)));
        }
        let node = self.node(contents)?;
        let file = match name.strip_prefix("images/") {
            Some(images) => Some(&node.images).filter(|file| file.name == images)?,
            None => Some(&node.program).filter(|_| name == "k3s")?,
        };
        Some(bundled(file, node_path(&node.arch, file)))
    }
}

impl BundleLook {
    pub fn parse(lines: &[String]) -> Self {
        let mut look = Self::default();
        for (key, value) in lines.iter().filter_map(|line| line.split_once('=')) {
            let pair = value.split_once(' ');
            match key {
                "packages" => {
                    look.packages = match value {
                        "here" => SourceTrial::Not,
                        "bundle" => SourceTrial::Reached,
                        why => SourceTrial::Failed(why.trim().to_owned()),
                    }
                }
                "untrusted" => {
                    look.packages = SourceTrial::Untrusted(match look.packages {
                        SourceTrial::Untrusted(others) => format!("{others}, {value}"),
                        _ => value.to_owned(),
                    });
                }
                "want" => look.wants.push(value.to_owned()),
                "have" => look
                    .has
                    .extend(pair.map(|(sum, name)| (name.into(), sum.into()))),
                "part" => {
                    let part =
                        pair.and_then(|(size, name)| Some((name.into(), size.parse().ok()?)));
                    look.parts.extend(part);
                }
                _ => {}
            }
        }
        look
    }
}

/// The packages of a reference host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    pub files: Vec<BundledFile>,
    pub index: String,
    /// The names of packages that its sources do not have.
    pub lacks: Vec<String>,
}

impl Collected {
    /// The folder on the reference host.
    pub const FOLDER: &'static str = "/var/lib/k3s-ha-wizard/collected";

    /// Downloads there all that any host of the topology needs.
    pub fn script(
        topology: &Topology,
        facts: &Facts,
        platform: Platform,
        proxy: Option<&Proxy>,
    ) -> Script {
        let (postgres, packages) = packages_of(topology, platform, None, facts.selinux);
        Script::new(PRELUDE)
            .then(platform.family.functions)
            .then(COLLECT)
            .inputs(proxy.into_iter().flat_map(Proxy::inputs))
            .input("POSTGRES", if postgres { "yes" } else { "" })
            .input("PACKAGES", packages.join(" "))
    }

    /// Prints one of the files.
    pub fn print(file: &BundledFile) -> Script {
        Script::new("exec cat -- \"$FOLDER/files/$FILE\"")
            .input("FOLDER", Self::FOLDER)
            .input("FILE", file.name.as_str())
    }

    /// Removes the folder.
    pub fn forget() -> Script {
        Script::new("rm -rf \"$FOLDER\"; rmdir \"${FOLDER%/*}\" 2>/dev/null || :")
            .input("FOLDER", Self::FOLDER)
    }

    /// From the lines of a script that ended well.
    pub fn parse(lines: &[String]) -> Result<Self, String> {
        let mut collected = Self::default();
        for (key, value) in lines.iter().filter_map(|line| line.split_once('=')) {
            match key {
                "index" => {
                    collected.index.push_str(value);
                    collected.index.push('\n');
                }
                "file" => {
                    let mut words = value.splitn(3, ' ');
                    let (size, sum, name) = (words.next(), words.next(), words.next());
                    let file = size.and_then(|size| size.parse().ok()).zip(sum).zip(name);
                    let ((size, sum), name) = file.ok_or("it lists a file that has no size")?;
                    if !is_name(name) {
                        return Err(format!("it lists a file that is called {name:?}"));
                    }
                    collected.files.push(BundledFile {
                        name: name.to_owned(),
                        size,
                        sha256: sum.to_owned(),
                    });
                }
                "lacks" => collected.lacks.push(value.to_owned()),
                _ => {}
            }
        }
        let unlisted = collected.files.iter();
        let mut unlisted = unlisted.filter(|file| !collected.index.contains(&file.sha256));
        if let Some(file) = unlisted.next() {
            return Err(format!(
                "the verified index has another SHA-256 of {}",
                file.name
            ));
        }
        Ok(collected)
    }
}

#[cfg(test)]
mod tests;
