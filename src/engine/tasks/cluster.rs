//! The cluster as a whole, seen from the first server.

use std::time::{Duration, Instant};

use super::{Site, Trouble};
use crate::cluster::{Cluster, ExpectedNode, kubeconfig};
use crate::engine::hosts::output;
use crate::engine::{api, join_token, look};
use crate::events::{Outcome, What};
use crate::plan::Late;
use crate::remote::Script;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

const READ_CA: &str = "cat /var/lib/rancher/k3s/server/tls/server-ca.crt";

/// What agents know the cluster by.
pub(super) fn learn_ca(site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let ca = read(site, READ_CA)?;
    let token = join_token(&ca, &site.run.secrets.agent_token);
    site.run.recorder.learn(&token);
    site.bind(Late::JoinToken, token);
    let known = site.run.memory.state().cluster_ca.clone();
    let is_new = known.as_ref() != Some(&ca);
    // For those that ask the API from elsewhere, who say if it is missing.
    let _ = site.run.memory.administrator.learn(site.remote, is_new);
    if !is_new {
        return Ok(Outcome::Unchanged);
    }
    site.run
        .memory
        .change(|state| state.cluster_ca = Some(ca))
        .map_err(|error| Trouble::because(error.to_string()))?;
    Ok(match known {
        None => Outcome::Done,
        Some(_) => Outcome::Warned {
            why: "the cluster has another certificate authority than at the last run: it was \
                  recreated, and agents of the old one cannot join it"
                .into(),
        },
    })
}

/// The ranges of the nodes' pods, which a node has before it is Ready.
pub(super) fn learn_networks(site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let administrator = &site.run.memory.administrator;
    let lines = administrator.ask(site.remote, |api| {
        api.nodes().map(|nodes| {
            let networks = nodes.pod_networks().into_iter();
            let lines: Vec<_> = networks
                .map(|(node, range)| format!("{node} {range}"))
                .collect();
            lines
        })
    })?;
    site.bind(Late::PodNetworks, lines.join("\n").into());
    Ok(Outcome::Unchanged)
}

/// The kubeconfig, as it works from here: through the API endpoint.
pub(super) fn keep_kubeconfig(
    site: &mut Site<'_, '_>,
    url: &str,
    name: &str,
) -> Result<Outcome, Trouble> {
    let original = api::kubeconfig(site.remote)?;
    let ours = kubeconfig::for_operator(original.expose(), url, name)
        .map_err(|error| Trouble::because(error.to_string()))?;
    let folder = site.run.memory.folder;
    let kept = std::fs::read_to_string(folder.kubeconfig()).map(zeroize::Zeroizing::new);
    if kept.is_ok_and(|kept| *kept == ours.expose()) {
        return Ok(Outcome::Unchanged);
    }
    folder
        .save_kubeconfig(ours.expose())
        .map_err(|error| Trouble::because(error.to_string()))?;
    Ok(Outcome::Done)
}

/// All nodes are Ready and all pods of the system healthy, or what is wrong with them. An unhealthy
/// pod of the operator's own is reported; the wizard does not wait for it.
pub(super) fn wait(site: &mut Site<'_, '_>, nodes: &[ExpectedNode]) -> Result<Outcome, Trouble> {
    let since = Instant::now();
    let mut waited = false;
    loop {
        let seen = look::cluster(site.remote, &site.run.memory.administrator, nodes);
        let aborting = site.run.control.aborting().is_some();
        let enough = aborting || site.ahead.is_some() || since.elapsed() + LOOK > site.step.limit;
        match seen {
            Ok(cluster) if !system_is_ill(&cluster) => {
                let ill: Vec<_> = cluster.problems().collect();
                site.record(What::Cluster { cluster });
                return Ok(match ill.first() {
                    Some(_) => Outcome::Warned {
                        why: ill.join("; "),
                    },
                    None if waited => Outcome::Done,
                    None => Outcome::Unchanged,
                });
            }
            Ok(mut cluster) if enough => {
                cluster.overdue();
                let problems: Vec<_> = cluster.problems().collect();
                site.record(What::Cluster { cluster });
                let first = problems.first().cloned().unwrap_or_default();
                let seconds = since.elapsed().as_secs();
                let why = if aborting {
                    format!("the run was aborted before the cluster was healthy: {first}")
                } else {
                    format!("the cluster is not healthy after {seconds} s: {first}")
                };
                return Err(Trouble::because(why).with_lines(problems));
            }
            Err(error) if enough || error.ends_connection() => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
        waited = true;
        site.run.control.wait(PAUSE);
    }
}

/// Nodes, and the pods that K3s itself brings.
fn system_is_ill(cluster: &Cluster) -> bool {
    let nodes = cluster.nodes.iter();
    let pods = cluster.pods.iter();
    cluster.nodes.is_empty()
        || nodes
            .clone()
            .any(|node| node.problem.is_some() || node.waiting.is_some())
        || pods
            .filter(|pod| pod.namespace == "kube-system")
            .any(|pod| pod.problem.is_some() || pod.waiting.is_some())
}

/// What a script prints, whole.
fn read(site: &mut Site<'_, '_>, program: &'static str) -> Result<String, Trouble> {
    let (status, out, err) = output(site.remote, &Script::new(program), LOOK)?;
    if status != 0 {
        let why = err.last().cloned().unwrap_or_default();
        let why = format!(
            "{}: `{program}` ended with status {status}: {why}",
            site.host
        );
        return Err(Trouble::because(why).with_lines(err));
    }
    Ok(out.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    }))
}
