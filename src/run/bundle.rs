//! Creates a bundle, from reference hosts. Nothing is installed on them, and no state is kept here.

use std::path::Path;

use super::probe::own_known_hosts;
use super::ways::{StoredHostKeys, connector, way};
use super::{RunError, Tried, aborted};
use crate::answers::{Answers, Host, Role};
use crate::bundle::{BundleDraft, BundledFile, Contents, FORMAT, NodeFiles};
use crate::engine::collecting::{CollectError, OwnK3s, ReferenceHost};
use crate::engine::control::Control;
use crate::engine::hosts::{self, ReachedHost};
use crate::platform::sources::{Downloads, is_released, release_arch};
use crate::remote::lease::LeaseError;
use crate::topology::{Proxy, Topology};

/// What is asked for.
pub struct BundleOrder<'a> {
    pub answers: &'a Answers,
    /// Hosts of the answers by name, or names that SSH knows.
    pub references: &'a [String],
    /// Of the nodes, as releases of K3s name them; those of the references where there are none.
    pub arches: &'a [String],
    /// For architectures without a release.
    pub own: &'a [OwnK3s],
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
    let arches = arches(order, &references, told);
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
        let own = order.own.iter().find(|own| own.arch == *arch);
        let node = if let Some(own) = own {
            taken(own, &mut draft, told)?
        } else {
            told(&format!(
                "{}: K3s and its images for {arch}",
                first.host.name
            ));
            first.node(&downloads, arch, &mut draft)?
        };
        contents.nodes.push(node);
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

/// A K3s of the operator's own, who can compare what is in the bundle with what was built.
fn taken(
    own: &OwnK3s,
    draft: &mut BundleDraft,
    told: &mut dyn FnMut(&str),
) -> Result<NodeFiles, CollectError> {
    let node = own.node(draft)?;
    for (path, file) in [(&own.program, &node.program), (&own.images, &node.images)] {
        told(&format!(
            "{}: {}, SHA-256 {}",
            own.arch,
            path.display(),
            file.sha256
        ));
    }
    Ok(node)
}

/// The architectures of the nodes.
fn arches(
    order: &BundleOrder<'_>,
    references: &[ReferenceHost<'_>],
    told: &mut dyn FnMut(&str),
) -> Vec<String> {
    let own = order.own.iter().map(|own| own.arch.clone());
    let mut arches: Vec<_> = own.chain(order.arches.iter().cloned()).collect();
    if order.arches.is_empty() {
        for ReferenceHost { host, .. } in references {
            let arch = release_arch(&host.facts.arch);
            if is_released(arch) {
                arches.push(arch.to_owned());
            } else if !arches.iter().any(|own| own == arch) {
                told(&format!(
                    "{}: K3s is not released for {arch}: hosts with it can run Postgres and the load \
                     balancer, or a K3s of your own (--k3s and --images)",
                    host.name
                ));
            }
        }
    }
    arches.sort();
    arches.dedup();
    arches
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
