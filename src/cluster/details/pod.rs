//! A pod: the states of its containers, and where to look for the cause.

use super::super::objects::{Container, ContainerStatus, PodJson, Terminated, Waiting, condition};
use super::super::pod;
use super::{Details, MANY, ObjectPart, clean, with};

/// Without its events and its log.
pub(in crate::cluster) fn details(json: &PodJson) -> Details {
    let fact = |label: &str, text: &str| (label.to_owned(), clean(text));
    let mut facts = vec![
        fact("node", &json.spec.node_name),
        fact("address", &json.status.pod_ip),
        fact("phase", &json.status.phase),
        fact("reason", &with(&json.status.reason, &json.status.message)),
    ];
    facts.retain(|(_, text)| !text.is_empty());
    let init = json.status.init_container_statuses.iter();
    let init = init.map(|status| part("init container", status, &json.spec.init_containers));
    let main = json.status.container_statuses.iter();
    let main = main.map(|status| part("container", status, &json.spec.containers));
    Details {
        facts,
        parts: init.chain(main).take(MANY).collect(),
        next: next(json),
        ..Details::default()
    }
}

fn part(kind: &str, status: &ContainerStatus, specs: &[Container]) -> ObjectPart {
    let state = &status.state;
    let (text, is_wrong, why) = if let Some(waiting) = &state.waiting {
        let reason = with("waiting", &waiting.reason);
        (reason, true, waiting.message.clone())
    } else if let Some(ended) = &state.terminated {
        let text = with("terminated", &end(ended));
        (text, ended.exit_code != 0, ended.message.clone())
    } else if let Some(running) = &state.running {
        let since = running.started_at.as_deref().unwrap_or_default();
        let text = if since.is_empty() {
            "running".to_owned()
        } else {
            format!("running since {since}")
        };
        let ready = if status.ready { "ready" } else { "not ready" };
        (format!("{text}, {ready}"), !status.ready, String::new())
    } else {
        ("waiting".to_owned(), true, String::new())
    };
    let spec = specs.iter().find(|spec| spec.name == status.name);
    let last = status.last_state.terminated.as_ref();
    let notes = [
        spec.map(|spec| with("image", &spec.image)),
        Some(why),
        Some(format!("restarts: {}", status.restart_count)),
        last.map(|last| with("last state", &with(&end(last), &last.message))),
    ];
    let notes = notes.into_iter().flatten().map(|note| clean(&note));
    ObjectPart {
        name: clean(&format!("{kind} {}", status.name)),
        state: clean(&text),
        is_wrong,
        notes: notes.filter(|note| !note.is_empty()).collect(),
    }
}

/// `exit code 3 (Error) at 2026-11-23T23:13:14Z`
fn end(ended: &Terminated) -> String {
    let code = match ended.signal {
        0 => format!("exit code {}", ended.exit_code),
        signal => format!("signal {signal}"),
    };
    let reason = match ended.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    let at = ended.finished_at.as_deref();
    let at = at.map_or(String::new(), |at| format!(" at {at}"));
    format!("{code}{reason}{at}")
}

/// What to look at next: of the first thing that keeps it from running.
fn next(json: &PodJson) -> Option<String> {
    let namespace = clean(&json.metadata.namespace);
    let node = clean(&json.spec.node_name);
    if json.metadata.deletion_timestamp.is_some() {
        return Some(match &json.metadata.finalizers[..] {
            [] => format!("It is being deleted. If it stays, look at its node {node}"),
            held => format!(
                "It is being deleted, and held by the finalizer {}: look at the controller that \
                 owns that",
                clean(&held.join(", "))
            ),
        });
    }
    let status = &json.status;
    let scheduled = condition(&status.conditions, "PodScheduled");
    if scheduled.is_some_and(|scheduled| scheduled.status == "False") {
        return Some(
            "No node takes it. Compare its requests, node selector and volumes with kubectl \
             describe nodes; its events say what each node lacks"
                .to_owned(),
        );
    }
    if status.phase == "Unknown" {
        return Some(format!("Its node does not answer: look at the node {node}"));
    }
    let statuses = status.init_container_statuses.iter();
    let statuses = statuses.chain(&status.container_statuses);
    let of_container = statuses.filter_map(|status| {
        let state = &status.state;
        match (&state.waiting, &state.terminated) {
            (Some(waiting), _) => Some(waits(waiting, status, &namespace, &node)),
            (None, Some(ended)) if ended.exit_code != 0 => Some(crashed(ended, status)),
            _ => None,
        }
    });
    // A container that waits for another one says less than the one that failed.
    let mut found: Vec<_> = of_container.collect();
    found.sort_by_key(|(is_sign, _)| !is_sign);
    if let Some((_, text)) = found.into_iter().next() {
        return Some(text);
    }
    let evicted = status.reason == "Evicted";
    if evicted {
        return Some(format!("Look at the node {node}: it ran out of a resource"));
    }
    let unready = status.container_statuses.iter();
    let mut unready = unready.filter(|status| status.state.running.is_some() && !status.ready);
    unready.next().map(|status| {
        format!(
            "Container {} runs, but its readiness probe does not pass: its events say what the \
             probe got, and its log what it waits for",
            clean(&status.name)
        )
    })
}

/// Whether it names the cause, and what to look at.
fn waits(
    waiting: &Waiting,
    status: &ContainerStatus,
    namespace: &str,
    node: &str,
) -> (bool, String) {
    let last = status.last_state.terminated.as_ref();
    match waiting.reason.as_str() {
        "ImagePullBackOff" | "ErrImagePull" | "RegistryUnavailable" | "ImageInspectError" => {
            let text = format!(
                "Is the name of the image right, and does {node} reach its registry? There: k3s \
                 crictl pull with that name, and /etc/rancher/k3s/registries.yaml"
            );
            (true, text)
        }
        "ErrImageNeverPull" => {
            let text = format!(
                "Its pull policy is Never, and {node} does not have the image: k3s ctr images \
                 import there, or another pull policy"
            );
            (true, text)
        }
        "InvalidImageName" => (true, "Correct the name of the image".to_owned()),
        "CreateContainerConfigError" => {
            let text = format!(
                "A ConfigMap or Secret that it names is missing: kubectl -n {namespace} get \
                 configmaps,secrets"
            );
            (true, text)
        }
        "CrashLoopBackOff" => match last {
            Some(last) => crashed(last, status),
            None => (true, "Its log usually says why".to_owned()),
        },
        "ContainerCreating" | "PodInitializing" | "" => {
            let text = "Its events say what it waits for: an image, a volume or the network";
            (false, text.to_owned())
        }
        _ => {
            let text = "The message of its container says why it cannot be started";
            (true, text.to_owned())
        }
    }
}

fn crashed(ended: &Terminated, status: &ContainerStatus) -> (bool, String) {
    let name = clean(&status.name);
    let text = match (ended.reason.as_str(), ended.exit_code) {
        ("OOMKilled", _) => format!(
            "Container {name} needed more memory than its limit: raise the limit, or find in its \
             log what used it"
        ),
        ("StartError" | "ContainerCannotRun", _) | (_, 126 | 127) => format!(
            "The command of container {name} cannot be run: compare it with what is in the image"
        ),
        (_, 137) => format!(
            "Container {name} was killed: a liveness probe (see its events), or the node ran out \
             of memory (dmesg there)"
        ),
        (_, code) => format!("Container {name} exited with code {code}: its log usually shows why"),
    };
    (true, text)
}

/// Whether something is wrong with it, or not yet right.
pub(in crate::cluster) fn is_unhealthy(json: &PodJson) -> bool {
    let pod = pod::read(json, &pod::Around::of(&[], &[]));
    pod.problem.is_some() || pod.waiting.is_some()
}
