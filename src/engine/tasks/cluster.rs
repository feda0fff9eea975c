//! The cluster as a whole, seen from the first server.

use std::time::{Duration, Instant};

use super::{Site, Trouble};
use crate::answers::Role;
use crate::cluster::{Cluster, ExpectedNode, kubeconfig};
use crate::engine::event::{Outcome, What};
use crate::engine::hosts::output;
use crate::engine::join_token;
use crate::plan::Late;

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

const READ_CA: &str = "cat /var/lib/rancher/k3s/server/tls/server-ca.crt";
const READ_KUBECONFIG: &str = "cat /etc/rancher/k3s/k3s.yaml";
const READ_CLUSTER: &str = "\
/usr/local/bin/k3s kubectl get nodes -o json && \
printf '\\n---\\n' && \
/usr/local/bin/k3s kubectl get pods -A -o json";

/// What agents know the cluster by.
pub(super) fn learn_ca(site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let ca = read(site, READ_CA)?;
    let token = join_token(&ca, &site.run.secrets.agent_token);
    site.run.recorder.learn(&token);
    site.bind(Late::JoinToken, token);
    let known = site.run.memory.state().cluster_ca.clone();
    if known.as_ref() == Some(&ca) {
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
                  made anew, and agents of the old one cannot join it"
                .into(),
        },
    })
}

/// The kubeconfig, as it works from here: through the load balancer.
pub(super) fn keep_kubeconfig(site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let answers = site.run.answers;
    let balancer = answers
        .load_balancer_host()
        .ok_or_else(|| Trouble::because("the answers have no load balancer"))?;
    let address = match balancer.address.parse() {
        Ok(std::net::IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => balancer.address.clone(),
    };
    let url = format!("https://{address}:{}", answers.load_balancer.port);
    let original = zeroize::Zeroizing::new(read(site, READ_KUBECONFIG)?);
    let ours = kubeconfig::for_operator(&original, &url, &answers.cluster.name)
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

/// All nodes are Ready and all pods healthy, or what is wrong with them.
pub(super) fn wait(site: &mut Site<'_, '_>) -> Result<Outcome, Trouble> {
    let expected: Vec<_> = site
        .run
        .answers
        .hosts
        .iter()
        .filter(|host| matches!(host.role, Role::Server | Role::Agent))
        .map(|host| ExpectedNode {
            name: host.name.clone(),
            ip: host.cluster_ip(),
            version: Some(site.run.answers.k3s.version.clone()),
        })
        .collect();
    let since = Instant::now();
    let mut waited = false;
    loop {
        let seen = look(site, &expected);
        let time_left = since.elapsed() + LOOK < site.step.limit;
        let aborting = site.run.control.aborting().is_some();
        match seen {
            Ok(cluster) if cluster.healthy() => {
                site.run.recorder.record(What::Cluster { cluster });
                return Ok(if waited {
                    Outcome::Done
                } else {
                    Outcome::Unchanged
                });
            }
            Ok(cluster) if !time_left || aborting => {
                let problems = cluster.problems();
                site.run.recorder.record(What::Cluster { cluster });
                let why = if aborting {
                    "the run was aborted before the cluster was healthy".to_owned()
                } else {
                    let first = problems.first().cloned().unwrap_or_default();
                    format!("the cluster is not healthy after {} s: {first}", since.elapsed().as_secs())
                };
                return Err(Trouble::because(why).with_lines(problems));
            }
            Err(Trouble::Failed(failure)) if !time_left || aborting => {
                return Err(Trouble::Failed(failure));
            }
            Err(error @ Trouble::Remote(_)) => return Err(error),
            Ok(_) | Err(Trouble::Failed(_)) => {}
        }
        waited = true;
        site.run.control.wait(PAUSE);
    }
}

fn look(site: &mut Site<'_, '_>, expected: &[ExpectedNode]) -> Result<Cluster, Trouble> {
    let text = read(site, READ_CLUSTER)?;
    let (nodes, pods) = text
        .split_once("\n---\n")
        .ok_or_else(|| Trouble::because("kubectl did not print nodes and pods"))?;
    let cluster = Cluster::parse(nodes, pods).map_err(|error| Trouble::because(error.to_string()))?;
    Ok(cluster.expect(expected))
}

/// What a script prints, whole.
fn read(site: &mut Site<'_, '_>, script: &str) -> Result<String, Trouble> {
    let (status, out, err) = output(site.remote, script, LOOK)?;
    if status != 0 {
        let why = err.last().cloned().unwrap_or_default();
        let why = format!("{}: `{script}` ended with status {status}: {why}", site.host);
        return Err(Trouble::because(why).with_lines(err));
    }
    Ok(out.into_iter().fold(String::new(), |mut text, line| {
        text.push_str(&line);
        text.push('\n');
        text
    }))
}
