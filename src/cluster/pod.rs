//! A pod: its columns as kubectl computes them (Kubernetes, `printPod`), and what is wrong with it
//! (after the model of k9s). See docs/facts.md, "Nodes and pods".

use std::collections::{BTreeMap, BTreeSet};

use super::node::NONE;
use super::objects::{self, Container, ContainerStatus, Terminated, Waiting, condition};
use super::{Node, Pod};

/// What the health of a pod depends on besides itself.
pub(super) struct Around {
    /// Namespace and name of the jobs of which a pod has finished: they left failed pods behind.
    finished_jobs: BTreeSet<(String, String)>,
    /// The nodes that are not ready: their status, and whether that is a problem.
    silent_nodes: BTreeMap<String, (String, bool)>,
}

impl Around {
    pub(super) fn of(nodes: &[Node], pods: &[objects::PodJson]) -> Self {
        let finished = pods.iter().filter(|pod| pod.status.phase == "Succeeded");
        let silent = nodes
            .iter()
            .filter(|node| !node.status.starts_with("Ready"));
        Self {
            finished_jobs: finished.filter_map(job).collect(),
            silent_nodes: silent
                .map(|node| {
                    let state = (node.status.clone(), node.problem.is_some());
                    (node.name.clone(), state)
                })
                .collect(),
        }
    }
}

/// The job that a pod works for: its namespace and name.
fn job(pod: &objects::PodJson) -> Option<(String, String)> {
    let owners = &pod.metadata.owner_references;
    let job = owners.iter().find(|owner| owner.kind == "Job")?;
    Some((pod.metadata.namespace.clone(), job.name.clone()))
}

pub(super) fn read(pod: &objects::PodJson, around: &Around) -> Pod {
    let columns = columns(pod);
    let (mut problem, mut waiting) = (Vec::new(), Vec::new());
    for finding in diagnose(pod, around) {
        match finding {
            PodFinding::Ill(text) => problem.push(text),
            PodFinding::Waiting(text) => waiting.push(text),
        }
    }
    let text = |said: Vec<String>| (!said.is_empty()).then(|| said.join("; "));
    let node = Some(&pod.spec.node_name).filter(|name| !name.is_empty());
    Pod {
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        ready: format!("{}/{}", columns.ready, columns.containers),
        status: columns.status,
        restarts: columns.restarts,
        node: node.map_or(NONE, String::as_str).to_owned(),
        created: pod.metadata.created(),
        problem: text(problem),
        waiting: text(waiting),
    }
}

struct Columns {
    ready: usize,
    containers: usize,
    status: String,
    restarts: u64,
}

fn columns(pod: &objects::PodJson) -> Columns {
    let status = &pod.status;
    let phase = Some(&status.reason).filter(|reason| !reason.is_empty());
    let mut columns = Columns {
        ready: 0,
        containers: pod.spec.containers.len(),
        status: phase.unwrap_or(&status.phase).clone(),
        restarts: 0,
    };
    let sidecars = pod
        .spec
        .init_containers
        .iter()
        .filter(|container| stays(container));
    columns.containers += sidecars.count();
    let scheduled = condition(&status.conditions, "PodScheduled");
    if scheduled.is_some_and(|condition| condition.reason == "SchedulingGated") {
        columns.status = "SchedulingGated".into();
    }

    let initializing = init_columns(pod, &mut columns);
    let initialized = condition(&status.conditions, "Initialized");
    if !initializing || initialized.is_some_and(|condition| condition.status == "True") {
        main_columns(pod, &mut columns);
    }
    if pod.metadata.deletion_timestamp.is_some() {
        if status.reason == "NodeLost" {
            columns.status = "Unknown".into();
        } else if !matches!(status.phase.as_str(), "Succeeded" | "Failed") {
            columns.status = "Terminating".into();
        }
    }
    columns
}

/// The init containers, up to the first that is not through; whether there is one.
fn init_columns(pod: &objects::PodJson, columns: &mut Columns) -> bool {
    let count = pod.spec.init_containers.len();
    for (index, status) in pod.status.init_container_statuses.iter().enumerate() {
        columns.restarts += status.restart_count;
        let started = status.started == Some(true) && stays_by_name(pod, &status.name);
        columns.status = match (&status.state.terminated, &status.state.waiting) {
            (Some(ended), _) if ended.exit_code == 0 => continue,
            _ if started => {
                columns.ready += usize::from(status.ready);
                continue;
            }
            (Some(ended), _) => format!("Init:{}", reason(ended)),
            (None, Some(Waiting { reason, .. }))
                if !matches!(reason.as_str(), "" | "PodInitializing") =>
            {
                format!("Init:{reason}")
            }
            _ => format!("Init:{index}/{count}"),
        };
        return true;
    }
    false
}

fn main_columns(pod: &objects::PodJson, columns: &mut Columns) {
    // Once these count, of the init containers only those that stay still do.
    let sidecars = pod.status.init_container_statuses.iter();
    columns.restarts = sidecars
        .filter(|status| stays_by_name(pod, &status.name))
        .map(|status| status.restart_count)
        .sum();
    let mut one_runs = false;
    for status in pod.status.container_statuses.iter().rev() {
        columns.restarts += status.restart_count;
        let state = &status.state;
        if let Some(waiting) = state.waiting.as_ref().filter(|it| !it.reason.is_empty()) {
            columns.status.clone_from(&waiting.reason);
        } else if let Some(ended) = &state.terminated {
            columns.status = reason(ended);
        } else if status.ready && state.running.is_some() {
            one_runs = true;
            columns.ready += 1;
        }
    }
    if one_runs && columns.status == "Completed" {
        let ready = condition(&pod.status.conditions, "Ready");
        let ready = ready.is_some_and(|condition| condition.status == "True");
        columns.status = if ready { "Running" } else { "NotReady" }.into();
    }
}

/// Why a container ended, in a word.
fn reason(ended: &Terminated) -> String {
    if !ended.reason.is_empty() {
        ended.reason.clone()
    } else if ended.signal != 0 {
        format!("Signal:{}", ended.signal)
    } else {
        format!("ExitCode:{}", ended.exit_code)
    }
}

/// Whether an init container is one that stays beside the others.
fn stays(container: &Container) -> bool {
    container.restart_policy == "Always"
}

fn stays_by_name(pod: &objects::PodJson, name: &str) -> bool {
    let mut containers = pod.spec.init_containers.iter();
    containers.any(|container| container.name == name && stays(container))
}

enum PodFinding {
    Ill(String),
    /// May pass by itself.
    Waiting(String),
}

fn diagnose(pod: &objects::PodJson, around: &Around) -> Vec<PodFinding> {
    let job = job(pod);
    if let Some(since) = &pod.metadata.deletion_timestamp {
        let held = match &pod.metadata.finalizers[..] {
            [] => String::new(),
            held => format!(", held by {}", held.join(", ")),
        };
        return vec![PodFinding::Waiting(format!(
            "has been terminating since {since}{held}"
        ))];
    }
    let mut findings = match pod.status.phase.as_str() {
        "Succeeded" if job.is_some() => return vec![],
        "Succeeded" => {
            let text = "has exited, but no Job owns it: it was meant to keep running".to_owned();
            return vec![PodFinding::Ill(text)];
        }
        "Failed"
            if job
                .as_ref()
                .is_some_and(|job| around.finished_jobs.contains(job)) =>
        {
            return vec![];
        }
        "Failed" => failed(pod),
        _ => unfinished(pod),
    };
    if findings.is_empty()
        && let Some((status, ill)) = around.silent_nodes.get(&pod.spec.node_name)
    {
        let node = &pod.spec.node_name;
        let text = format!("its node {node} is {status}: this is its last reported state");
        findings.push(if *ill {
            PodFinding::Ill(text)
        } else {
            PodFinding::Waiting(text)
        });
    }
    if job.is_some() {
        // A job tries again by itself; the ones that install K3s's charts fail a few times at first.
        for finding in &mut findings {
            if let PodFinding::Ill(text) = finding {
                *finding = PodFinding::Waiting(std::mem::take(text));
            }
        }
    }
    findings
}

fn failed(pod: &objects::PodJson) -> Vec<PodFinding> {
    let objects::PodStatus {
        reason, message, ..
    } = &pod.status;
    if !reason.is_empty() {
        return vec![PodFinding::Ill(with(
            reason,
            message.trim_end_matches(['.', ' ']),
        ))];
    }
    let findings = unfinished(pod);
    if findings.is_empty() {
        return vec![PodFinding::Ill("has failed".to_owned())];
    }
    findings
}

fn unfinished(pod: &objects::PodJson) -> Vec<PodFinding> {
    let status = &pod.status;
    if let Some(scheduled) = condition(&status.conditions, "PodScheduled")
        && scheduled.status == "False"
    {
        // The first sentence says why; the scheduler goes on about what would not help either.
        let why = scheduled.message.split(". ").next().unwrap_or_default();
        let why = why.trim_end_matches(['.', ' ']);
        return vec![PodFinding::Waiting(with("cannot be scheduled", why))];
    }
    if status.phase == "Unknown" {
        return vec![PodFinding::Ill(
            "its node has not reported what happened to it".to_owned(),
        )];
    }
    // Init containers run one after the other: the first that is not through is the one to look at.
    let first = status.init_container_statuses.iter().find(|status| {
        let ended = status.state.terminated.as_ref();
        let through = ended.is_some_and(|ended| ended.exit_code == 0);
        let stays = stays_by_name(pod, &status.name);
        !(through || stays && status.started == Some(true) && status.ready)
    });
    if let Some(first) = first {
        let spec = pod
            .spec
            .init_containers
            .iter()
            .find(|spec| spec.name == first.name);
        if let Some(finding) = container(INIT, first, spec, false) {
            return vec![finding];
        }
    }
    let again = pod.spec.restart_policy == "Always";
    let statuses = status.container_statuses.iter();
    let mut findings: Vec<_> = statuses
        .filter_map(|status| {
            let spec = pod
                .spec
                .containers
                .iter()
                .find(|spec| spec.name == status.name);
            container("container", status, spec, again)
        })
        .collect();
    if status.container_statuses.is_empty() {
        findings.push(PodFinding::Waiting(
            "its node has not started it yet".to_owned(),
        ));
    }
    let ready = condition(&status.conditions, "Ready").filter(|ready| ready.status != "True");
    if let Some(ready) = ready.filter(|_| findings.is_empty() && status.phase == "Running") {
        let why = [&ready.message, &ready.reason]
            .into_iter()
            .find(|text| !text.is_empty());
        let why = why.map_or("", String::as_str);
        findings.push(PodFinding::Waiting(with("running, not ready", why)));
    }
    findings
}

const INIT: &str = "init container";

/// What a container lacks; `again`: it is started again whenever it ends.
fn container(
    kind: &str,
    status: &ContainerStatus,
    spec: Option<&Container>,
    again: bool,
) -> Option<PodFinding> {
    let say = |text: String| format!("{kind} {}: {text}", status.name);
    let restarted = match status.restart_count {
        0 => String::new(),
        1 => ", restarted once".to_owned(),
        count => format!(", restarted {count} times"),
    };
    let state = &status.state;
    if let Some(Waiting { reason, message }) = &state.waiting {
        let text = match reason.as_str() {
            "" | "PodInitializing" => {
                return Some(PodFinding::Waiting(say("waits to start".into())));
            }
            "ContainerCreating" => {
                let lacks = "is being created: its image, volumes or network are not ready yet";
                return Some(PodFinding::Waiting(say(with(lacks, cause(message)))));
            }
            "CrashLoopBackOff" => {
                let last = status.last_state.terminated.as_ref();
                let last = last.map_or(String::new(), |last| format!(", last {}", end(last, spec)));
                format!("CrashLoopBackOff{last}{restarted}")
            }
            "ImagePullBackOff"
            | "ErrImagePull"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "ImageInspectError"
            | "RegistryUnavailable" => {
                let image = spec.map_or("", |spec| &spec.image);
                with(&format!("{reason}, image {image}"), cause(message))
            }
            _ => format!("{}{restarted}", with(reason, cause(message))),
        };
        return Some(PodFinding::Ill(say(text)));
    }
    if let Some(ended) = &state.terminated {
        return match ended.exit_code {
            0 if !again => None,
            0 => Some(PodFinding::Waiting(say(format!(
                "exited, and is being restarted{restarted}"
            )))),
            _ => Some(PodFinding::Ill(say(format!(
                "{}{restarted}",
                end(ended, spec)
            )))),
        };
    }
    let text = match (&state.running, status.started) {
        (Some(_), _) if status.ready => return None,
        (Some(_), _) if kind == INIT && !spec.is_some_and(stays) => "is still running".to_owned(),
        (Some(_), Some(false)) => {
            format!("has started, but its probe has not passed yet{restarted}")
        }
        (Some(_), _) => format!("running, not ready{restarted}"),
        (None, _) => "waits to start".to_owned(),
    };
    Some(PodFinding::Waiting(say(text)))
}

/// How a container ended: `exit 1 (Error)`.
fn end(ended: &Terminated, spec: Option<&Container>) -> String {
    if ended.reason == "OOMKilled" {
        let limit = spec.and_then(|spec| spec.resources.limits.memory.as_deref());
        let limit = limit.map_or(String::new(), |limit| format!(", limit {limit}"));
        return format!("killed: out of memory (OOMKilled{limit})");
    }
    let how = match ended.signal {
        0 => format!("exit {}", ended.exit_code),
        signal => format!("signal {signal}"),
    };
    let reason = match ended.reason.as_str() {
        "" => String::new(),
        reason => format!(" ({reason})"),
    };
    with(&format!("{how}{reason}"), cause(&ended.message))
}

/// `what: why`, or what alone.
fn with(what: &str, why: &str) -> String {
    if why.is_empty() {
        what.to_owned()
    } else {
        format!("{what}: {why}")
    }
}

/// The end of a chain of errors, which is where the cause stands: of its first line, the last few
/// links.
fn cause(message: &str) -> &str {
    const LINKS: usize = 4;
    let line = message.lines().next().unwrap_or_default().trim();
    let start = line.rmatch_indices(": ").nth(LINKS - 1);
    start.map_or(line, |(index, _)| &line[index + 2..])
}
