//! Taking work away from a node.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Arguments, Outcome, ask, connect, items};
use crate::http::Client;
use crate::nodes;

/// Closes nodes to new pods, or opens them again.
pub fn cordon(arguments: &Arguments, close: bool) -> Outcome<()> {
    let client = connect(arguments)?;
    if arguments.words.len() < 2 {
        return Err(format!("error: USAGE: {} NODE [flags]", arguments.word(0)));
    }
    for name in &arguments.words[1..] {
        set(&client, name.trim_start_matches("node/"), close)?;
    }
    Ok(())
}

fn set(client: &Client, name: &str, close: bool) -> Outcome<()> {
    let all = items(client, "/api/v1/nodes")?;
    let node = all.iter().find(|node| nodes::name(node) == name);
    let node =
        node.ok_or_else(|| format!("Error from server (NotFound): nodes \"{name}\" not found"))?;
    let closed = node["spec"]["unschedulable"] == true;
    let word = if close { "cordoned" } else { "uncordoned" };
    if closed == close {
        println!("node/{name} already {word}");
        return Ok(());
    }
    let patch = json!({ "spec": { "unschedulable": close } });
    ask(
        client,
        "PATCH",
        &format!("/api/v1/nodes/{name}"),
        patch.to_string().as_bytes(),
    )?;
    println!("node/{name} {word}");
    Ok(())
}

/// Closes a node and evicts its pods.
pub fn drain(arguments: &Arguments) -> Outcome<()> {
    let client = connect(arguments)?;
    let name = arguments.word(1).trim_start_matches("node/");
    set(&client, name, true)?;
    let pods = items(&client, "/api/v1/pods")?;
    let here = pods.iter().filter(|pod| pod["spec"]["nodeName"] == name);
    let (daemons, others): (Vec<&Value>, Vec<&Value>) =
        here.partition(|pod| pod["metadata"]["ownerReferences"][0]["kind"] == "DaemonSet");
    let named = |pods: &[&Value]| {
        let names = pods
            .iter()
            .map(|pod| format!("kube-system/{}", nodes::name(pod)));
        names.collect::<Vec<_>>().join(", ")
    };
    if !daemons.is_empty() {
        if !arguments.ignore_daemonsets {
            return Err(format!(
                "error: unable to drain node \"{name}\" due to error: cannot delete DaemonSet-managed Pods \
                 (use --ignore-daemonsets to ignore): {}, continuing command...",
                named(&daemons)
            ));
        }
        eprintln!(
            "Warning: ignoring DaemonSet-managed Pods: {}",
            named(&daemons)
        );
    }
    let mut leaving = Vec::new();
    for pod in others {
        let pod = nodes::name(pod);
        println!("evicting pod kube-system/{pod}");
        ask(
            &client,
            "POST",
            &format!("/api/v1/namespaces/kube-system/pods/{pod}/eviction"),
            b"{}",
        )?;
        leaving.push(pod.to_owned());
    }
    gone(&client, &leaving, arguments.timeout)?;
    for pod in leaving {
        println!("pod/{pod} evicted");
    }
    println!("node/{name} drained");
    Ok(())
}

/// Waits until pods are gone.
pub fn gone(client: &Client, names: &[String], timeout: Option<u64>) -> Outcome<()> {
    let started = Instant::now();
    loop {
        let pods = items(client, "/api/v1/pods")?;
        if !pods
            .iter()
            .any(|pod| names.iter().any(|name| nodes::name(pod) == name))
        {
            return Ok(());
        }
        if timeout
            .is_some_and(|seconds| seconds > 0 && started.elapsed() > Duration::from_secs(seconds))
        {
            return Err("error: timed out waiting for the condition".into());
        }
        thread::sleep(Duration::from_millis(500));
    }
}
