//! A pod as the API shows it at a moment, in the API's own shape.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::{Kind, Pod};
use crate::log::stamp;
use crate::nodes;
use crate::token::sha256;

/// Containers start so long after their pod was scheduled.
const STARTS: Duration = Duration::seconds(3);
/// A crashing container runs for so long, and shows its error for so long before it backs off.
const RUNS: i64 = 1;
const ERROR_SHOWS: i64 = 3;
/// Pauses before a crashed container is started again; the last one repeats.
const BACK_OFF: &[i64] = &[10, 20, 40, 80, 160, 300];

/// What one container is at.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Creating,
    Running {
        since: OffsetDateTime,
        ready: bool,
    },
    Done {
        since: OffsetDateTime,
        until: OffsetDateTime,
    },
    /// It crashed before: how often, when last, and whether it is told as an error or backs off.
    Crashed {
        times: i64,
        last: OffsetDateTime,
        pause: i64,
        error: bool,
    },
}

/// The pod at a moment. `crashes` is since when its containers are made to crash, if they are.
pub fn pod(
    pod: &Pod,
    nodes: &[Value],
    crashes: Option<OffsetDateTime>,
    now: OffsetDateTime,
    revision: i64,
) -> Value {
    let component = pod.of();
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(pod, revision),
        "spec": spec(pod),
        "status": {},
    });
    if let Some(deleted) = pod.deleted {
        object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        object["metadata"]["deletionTimestamp"] = json!(stamp(deleted + Duration::seconds(30)));
    }
    let Some((home, scheduled)) = &pod.node else {
        object["status"] = json!({
            "conditions": [condition("PodScheduled", false, pod.created, Some((
                "Unschedulable",
                &format!("0/{} nodes are available", nodes.len()),
            )))],
            "phase": "Pending",
            "qosClass": "BestEffort",
        });
        return object;
    };
    let node = nodes.iter().find(|node| nodes::name(node) == home);
    let state = state(pod, *scheduled, crashes, now);
    let ready = matches!(state, State::Running { ready: true, .. });
    let lost = node.and_then(nodes::lost_since);
    let names: Vec<&str> = component.containers.iter().map(|(name, _)| *name).collect();
    let why_not = match (&state, ready, lost) {
        (_, true, _) => None,
        (State::Done { .. }, ..) => Some(("PodCompleted", String::new())),
        _ => Some((
            "ContainersNotReady",
            format!("containers with unready status: [{}]", names.join(" ")),
        )),
    };
    let why_not = why_not
        .as_ref()
        .map(|(reason, message)| (*reason, message.as_str()));
    let done = matches!(state, State::Done { .. });
    let changed = match &state {
        State::Creating => *scheduled,
        State::Running { since, .. }
        | State::Done { until: since, .. }
        | State::Crashed { last: since, .. } => *since,
    };
    let initialised = done.then_some(("PodCompleted", ""));
    let creating = state == State::Creating;
    let node = node.unwrap_or(&Value::Null);
    let address = nodes::address(node);
    let pod_address = pod_address(pod, node);
    object["status"] = json!({
        "conditions": [
            condition("PodReadyToStartContainers", !creating && !done, *scheduled, None),
            condition("Initialized", true, *scheduled, initialised),
            condition("Ready", ready && lost.is_none(), lost.unwrap_or(changed), why_not),
            condition("ContainersReady", ready, changed, why_not),
            condition("PodScheduled", true, *scheduled, None),
        ],
        "containerStatuses": component.containers.iter().map(|(name, image)| {
            container(pod, name, image, &state)
        }).collect::<Vec<_>>(),
        "hostIP": address,
        "hostIPs": [{ "ip": address }],
        "observedGeneration": 1,
        "phase": match (&state, done) {
            (State::Creating, _) => "Pending",
            (_, true) => "Succeeded",
            _ => "Running",
        },
        "qosClass": "BestEffort",
        "startTime": stamp(*scheduled),
    });
    if !creating {
        object["status"]["podIP"] = json!(pod_address);
        object["status"]["podIPs"] = json!([{ "ip": pod_address }]);
    }
    object
}

fn state(
    pod: &Pod,
    scheduled: OffsetDateTime,
    crashes: Option<OffsetDateTime>,
    now: OffsetDateTime,
) -> State {
    let component = pod.of();
    let since = scheduled + STARTS;
    let takes = scheduled + Duration::seconds(component.takes);
    if now < since {
        return State::Creating;
    }
    if component.kind == Kind::Job && now >= takes {
        return State::Done {
            since,
            until: takes,
        };
    }
    let Some(crashes) = crashes
        .map(|crashes| crashes.max(since))
        .filter(|crashes| now >= *crashes)
    else {
        return State::Running {
            since,
            ready: component.kind != Kind::Job && now >= takes,
        };
    };
    let mut last = crashes;
    for times in 0_i64.. {
        let index = usize::try_from(times)
            .unwrap_or_default()
            .min(BACK_OFF.len() - 1);
        let pause = BACK_OFF[index];
        let next = last + Duration::seconds(pause + RUNS);
        if now < next {
            let error = now - last < Duration::seconds(ERROR_SHOWS);
            return State::Crashed {
                times: times + 1,
                last,
                pause,
                error,
            };
        }
        last = next;
    }
    State::Creating
}

fn container(pod: &Pod, name: &str, image: &str, state: &State) -> Value {
    let id = |times: i64| {
        json!(format!(
            "containerd://{}",
            sha256(format!("{}/{name}/{times}", pod.uid).as_bytes())
        ))
    };
    let ended = |times, code: i64, reason: &str, from: OffsetDateTime, until: OffsetDateTime| {
        json!({ "terminated": {
            "containerID": id(times), "exitCode": code, "finishedAt": stamp(until),
            "reason": reason, "startedAt": stamp(from)
        }})
    };
    let crashed = |times, last: OffsetDateTime| {
        ended(times, 1, "Error", last - Duration::seconds(RUNS), last)
    };
    let mut status = json!({
        "image": format!("docker.io/{image}"),
        "imageID": format!("docker.io/{}@sha256:{}", image.split(':').next().unwrap_or(image), sha256(image.as_bytes())),
        "lastState": {},
        "name": name,
        "ready": false,
        "resources": {},
        "restartCount": 0,
        "started": false,
        "state": {},
    });
    match state {
        State::Creating => {
            status["image"] = json!(image);
            status["imageID"] = json!("");
            status["state"] = json!({ "waiting": { "reason": "ContainerCreating" } });
        }
        State::Running { since, ready } => {
            status["containerID"] = id(0);
            status["ready"] = json!(ready);
            status["started"] = json!(true);
            status["state"] = json!({ "running": { "startedAt": stamp(*since) } });
        }
        State::Done { since, until } => {
            status["containerID"] = id(0);
            status["state"] = ended(0, 0, "Completed", *since, *until);
        }
        State::Crashed {
            times,
            last,
            pause,
            error,
        } => {
            status["containerID"] = id(*times);
            status["restartCount"] = json!(times - i64::from(*error));
            if *error {
                status["state"] = crashed(*times, *last);
                if *times > 1 {
                    status["lastState"] = crashed(times - 1, *last - Duration::seconds(RUNS));
                }
            } else {
                status["lastState"] = crashed(*times, *last);
                let message = format!(
                    "back-off {} restarting failed container={name} pod={}_kube-system({})",
                    spoken(*pause),
                    pod.name,
                    pod.uid
                );
                status["state"] =
                    json!({ "waiting": { "message": message, "reason": "CrashLoopBackOff" } });
            }
        }
    }
    status
}

/// Seconds as Go prints a duration.
fn spoken(seconds: i64) -> String {
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds}s"),
    }
}

fn condition(kind: &str, holds: bool, since: OffsetDateTime, why: Option<(&str, &str)>) -> Value {
    let mut condition = json!({
        "lastProbeTime": null,
        "lastTransitionTime": stamp(since),
        "observedGeneration": 1,
        "status": if holds { "True" } else { "False" },
        "type": kind,
    });
    if let Some((reason, message)) = why {
        condition["reason"] = json!(reason);
        if !message.is_empty() {
            condition["message"] = json!(message);
        }
    }
    condition
}

fn metadata(pod: &Pod, revision: i64) -> Value {
    let component = pod.of();
    let owner = match component.kind {
        Kind::Deployment | Kind::DaemonSet => format!("{}-{}", component.name, component.hash),
        Kind::Job => component.name.to_owned(),
    };
    let (version, kind) = match component.kind {
        Kind::Deployment => ("apps/v1", "ReplicaSet"),
        Kind::DaemonSet => ("apps/v1", "DaemonSet"),
        Kind::Job => ("batch/v1", "Job"),
    };
    let mut labels = json!({});
    labels[component.label.0] = json!(component.label.1);
    match component.kind {
        Kind::Deployment => labels["pod-template-hash"] = json!(component.hash),
        Kind::DaemonSet => labels["controller-revision-hash"] = json!(component.hash),
        Kind::Job => {
            labels["batch.kubernetes.io/job-name"] = json!(component.name);
            labels["job-name"] = json!(component.name);
        }
    }
    json!({
        "creationTimestamp": stamp(pod.created),
        "generateName": format!("{owner}-"),
        "generation": 1,
        "labels": labels,
        "name": pod.name,
        "namespace": "kube-system",
        "ownerReferences": [{
            "apiVersion": version,
            "blockOwnerDeletion": true,
            "controller": true,
            "kind": kind,
            "name": owner,
            "uid": super::uid(&sha256(owner.as_bytes())[..32]),
        }],
        "resourceVersion": revision.to_string(),
        "uid": pod.uid,
    })
}

fn spec(pod: &Pod) -> Value {
    let component = pod.of();
    let containers: Vec<Value> = component
        .containers
        .iter()
        .map(|(name, image)| {
            json!({
                "image": image, "imagePullPolicy": "IfNotPresent", "name": name, "resources": {},
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"
            })
        })
        .collect();
    let mut spec = json!({
        "containers": containers,
        "dnsPolicy": if component.name == "coredns" { "Default" } else { "ClusterFirst" },
        "enableServiceLinks": true,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 2_000_000_000,
        "priorityClassName": "system-cluster-critical",
        "restartPolicy": if component.kind == Kind::Job { "OnFailure" } else { "Always" },
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
        "tolerations": [
            { "key": "CriticalAddonsOnly", "operator": "Exists" },
            { "effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane", "operator": "Exists" },
            { "effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300 },
            { "effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300 },
        ],
    });
    if let Some((node, _)) = &pod.node {
        spec["nodeName"] = json!(node);
    }
    spec
}

/// An address out of the node's range, the same for the same pod.
fn pod_address(pod: &Pod, node: &Value) -> String {
    let range = node["spec"]["podCIDR"].as_str().unwrap_or("10.42.0.0/24");
    let prefix = range.rsplit_once('.').map_or(range, |(prefix, _)| prefix);
    let last = u8::from_str_radix(&sha256(pod.uid.as_bytes())[..2], 16).unwrap_or_default();
    format!("{prefix}.{}", u16::from(last % 250) + 3)
}
