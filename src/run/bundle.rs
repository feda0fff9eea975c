//! Creates a bundle, from reference hosts. Nothing is installed on them, and no state is kept here.

use std::path::Path;

use super::probe::own_known_hosts;
use super::ways::{StoredHostKeys, connector, way};
use super::{RunError, Tried, aborted};
use crate::answers::{Answers, Host, Role};
use crate::bundle::{BundleDraft, BundledFile, Contents, FORMAT};
use crate::engine::collecting::{CollectError, ReferenceHost};
use crate::engine::control::Control;
use crate::engine::hosts::{self, ReachedHost};
use crate::platform::sources::{Downloads, release_arch};
use crate::remote::lease::LeaseError;
use crate::topology::{Proxy, Topology};

/// What is asked for.
pub struct BundleOrder<'a> {
    pub answers: &'a Answers,
    /// Hosts of the answers by name, or names that SSH knows.
    pub references: &'a [String],
    /// Of the nodes, as releases of K3s name them; those of the references where there are none.
    pub arches: &'a [String],
    /// Where it is written.
    pub path: &'a Path,
}

/// A new bundle.
pub struct Created {
    pub contents: Contents,
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// `told` gets a line before each part.
pub fn create(
    order: &BundleOrder<'_>,
    tried: &Tried,
    control: &Control,
    told: &mut dyn FnMut(&str),
) -> Result<Created, RunError> {
    let answers = order.answers;
    let problems = answers.problems();
    if !problems.is_empty() {
        return Err(RunError::Answers(problems));
    }
    let topology = Topology::of(answers)?;
    let proxies = Proxy::of_all(answers, &topology)?;
    let mut reached = Vec::new();
    for name in order.references {
        told(&format!("{name}: connecting"));
        reached.push(reach(answers, name, tried, control)?);
    }
    let mut references = Vec::new();
    for host in &mut reached {
        let Some(platform) = host.platform else {
            return Err(CollectError::Host {
                host: host.name.clone(),
                why: "its distribution is unknown".to_owned(),
            }
            .into());
        };
        let proxy = proxies.get(&host.name);
        references.push(ReferenceHost {
            host,
            platform,
            proxy,
        });
    }
    let arches: Vec<String> = if order.arches.is_empty() {
        let arches = references
            .iter()
            .map(|reference| &reference.host.facts.arch);
        let mut arches: Vec<_> = arches.map(|arch| release_arch(arch).to_owned()).collect();
        arches.sort();
        arches.dedup();
        arches
    } else {
        order.arches.to_vec()
    };
    let Some((first, _)) = references.split_first_mut() else {
        return Err(RunError::NoHost("that is a reference".to_owned()));
    };

    let mut draft = BundleDraft::new(order.path).map_err(CollectError::Write)?;
    let downloads = Downloads::of(&answers.k3s);
    told(&format!("{}: K3s {}", first.host.name, downloads.version));
    let pinned = answers.k3s.install_sha256.as_deref();
    let mut contents = Contents {
        format: FORMAT,
        k3s: downloads.version.clone(),
        installer: first.installer(&downloads, pinned, &mut draft)?,
        nodes: Vec::new(),
        systems: Vec::new(),
    };
    for arch in &arches {
        aborted(control)?;
        told(&format!(
            "{}: K3s and its images for {arch}",
            first.host.name
        ));
        contents
            .nodes
            .push(first.node(&downloads, arch, &mut draft)?);
    }
    for reference in &mut references {
        aborted(control)?;
        told(&format!("{}: packages", reference.host.name));
        let (packages, lacks) = reference.packages(&topology, &mut draft)?;
        if contents.packages(&packages.system).is_some() {
            let why = format!("another reference host also has {}", packages.system);
            let host = reference.host.name.clone();
            return Err(CollectError::Host { host, why }.into());
        }
        let bytes: u64 = packages
            .files
            .iter()
            .map(|file: &BundledFile| file.size)
            .sum();
        told(&format!(
            "{}: {} packages for {}, {} MB",
            reference.host.name,
            packages.files.len(),
            packages.system,
            bytes >> 20
        ));
        if !lacks.is_empty() {
            told(&format!(
                "{}: its package sources do not have {}: install refuses hosts of {} that need it",
                reference.host.name,
                lacks.join(", "),
                packages.system
            ));
        }
        contents.systems.push(packages);
    }
    let (sha256, size) = draft.write(&contents).map_err(CollectError::Write)?;
    Ok(Created {
        contents,
        sha256,
        size,
    })
}

fn reach(
    answers: &Answers,
    name: &str,
    tried: &Tried,
    control: &Control,
) -> Result<ReachedHost, RunError> {
    let config = answers.ssh_config()?;
    let stored = StoredHostKeys {
        earlier: own_known_hosts(answers),
        own: "/dev/null".into(),
    };
    let other;
    let host = if let Some(host) = answers.host(name) {
        host
    } else {
        other = Host::new(name, Role::Agent, name);
        &other
    };
    let connector = connector(way(answers, host, &config, &stored, tried)?);
    hosts::reach(name, None, connector, None, control)
        .map_err(|error: LeaseError| RunError::Unreached(vec![error]))
}
