//! What is told of a pod besides its state: its events and its containers' logs. Both are made from
//! the pod as it is shown (Kubernetes v1.36, core/v1 `Event` and `PodLogOptions`).

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::log::stamp;
use crate::nodes;
use crate::token::sha256;

/// Events are kept so long (kube-apiserver, `--event-ttl`).
const KEPT: Duration = Duration::hours(1);

/// The fields by which events can be chosen (Kubernetes, `AddFieldLabelConversionsForEvent`).
const SELECTABLE: [&str; 13] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
    "metadata.name",
    "metadata.namespace",
];

/// The events of a pod that are not forgotten yet.
pub fn events(pod: &Value, now: OffsetDateTime) -> Vec<Value> {
    let time = |text: &Value| text.as_str().and_then(nodes::parse);
    let created = time(&pod["metadata"]["creationTimestamp"]).unwrap_or(now);
    let mut told = Vec::new();
    let Some(node) = pod["spec"]["nodeName"].as_str() else {
        let why = pod["status"]["conditions"][0]["message"].as_str();
        let message = why.unwrap_or_default();
        told.push(scheduler(
            pod,
            "FailedScheduling",
            "Warning",
            message,
            created,
        ));
        return kept(told, now);
    };
    let scheduled = time(&pod["status"]["startTime"]).unwrap_or(created);
    let name = nodes::name(pod);
    let message = format!("Successfully assigned kube-system/{name} to {node}");
    told.push(scheduler(pod, "Scheduled", "Normal", &message, scheduled));
    for status in pod["status"]["containerStatuses"]
        .as_array()
        .into_iter()
        .flatten()
    {
        told.extend(of_container(pod, status, scheduled));
    }
    kept(told, now)
}

fn of_container(pod: &Value, status: &Value, scheduled: OffsetDateTime) -> Vec<Value> {
    let time = |text: &Value| text.as_str().and_then(nodes::parse);
    let state = &status["state"];
    let name = status["name"].as_str().unwrap_or_default();
    let image = status["image"].as_str().unwrap_or_default();
    let starts = |ended: &Value| time(&ended["terminated"]["startedAt"]);
    let ran = time(&state["running"]["startedAt"])
        .or_else(|| starts(state))
        .or_else(|| starts(&status["lastState"]));
    let Some(last) = ran else {
        return Vec::new();
    };
    let times = status["restartCount"].as_i64().unwrap_or_default() + 1;
    let pulled = format!("Container image \"{image}\" already present on machine");
    let mut told: Vec<Value> = [
        ("Pulled", pulled),
        ("Created", format!("Created container: {name}")),
        ("Started", format!("Started container {name}")),
    ]
    .into_iter()
    .map(|(reason, message)| {
        kubelet(
            pod,
            name,
            (reason, "Normal", &message),
            (scheduled, last),
            times,
        )
    })
    .collect();
    if state["waiting"]["reason"] == "CrashLoopBackOff" {
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let pod_name = nodes::name(pod);
        let message = format!(
            "Back-off restarting failed container {name} in pod {pod_name}_kube-system({uid})"
        );
        told.push(kubelet(
            pod,
            name,
            ("BackOff", "Warning", &message),
            (scheduled, last),
            times,
        ));
    }
    told
}

/// As the scheduler makes them, through the newer API: a time to the microsecond, and no count.
fn scheduler(pod: &Value, reason: &str, kind: &str, message: &str, when: OffsetDateTime) -> Value {
    let mut event = event(pod, reason, kind, message, when);
    event["eventTime"] = json!(stamp(when).replace('Z', ".000000Z"));
    event["firstTimestamp"] = Value::Null;
    event["lastTimestamp"] = Value::Null;
    event["source"] = json!({});
    event["action"] = json!("Binding");
    event["reportingComponent"] = json!("default-scheduler");
    event
}

/// As a kubelet makes them.
fn kubelet(
    pod: &Value,
    container: &str,
    (reason, kind, message): (&str, &str, &str),
    (first, last): (OffsetDateTime, OffsetDateTime),
    count: i64,
) -> Value {
    let node = &pod["spec"]["nodeName"];
    let mut event = event(pod, reason, kind, message, first);
    event["involvedObject"]["fieldPath"] = json!(format!("spec.containers{{{container}}}"));
    event["eventTime"] = Value::Null;
    event["firstTimestamp"] = json!(stamp(first));
    event["lastTimestamp"] = json!(stamp(last.max(first)));
    event["count"] = json!(count);
    event["source"] = json!({ "component": "kubelet", "host": node });
    event["reportingComponent"] = json!("kubelet");
    event["reportingInstance"] = node.clone();
    event
}

fn event(pod: &Value, reason: &str, kind: &str, message: &str, when: OffsetDateTime) -> Value {
    let metadata = &pod["metadata"];
    let mark = &sha256(format!("{}/{reason}/{message}", metadata["uid"]).as_bytes())[..48];
    json!({
        "metadata": {
            "creationTimestamp": stamp(when),
            "name": format!("{}.{}", nodes::name(pod), &mark[..16]),
            "namespace": metadata["namespace"],
            "resourceVersion": metadata["resourceVersion"],
            "uid": super::uid(&mark[16..]),
        },
        "involvedObject": {
            "apiVersion": "v1", "kind": "Pod", "name": metadata["name"],
            "namespace": metadata["namespace"], "resourceVersion": metadata["resourceVersion"],
            "uid": metadata["uid"],
        },
        "message": message,
        "reason": reason,
        "reportingInstance": "",
        "type": kind,
    })
}

fn kept(events: Vec<Value>, now: OffsetDateTime) -> Vec<Value> {
    let seen = |event: &Value| {
        let times = ["lastTimestamp", "eventTime"].iter();
        let mut times = times.filter_map(|key| event[*key].as_str());
        times.find_map(nodes::parse)
    };
    let events = events.into_iter();
    events
        .filter(|event| seen(event).is_some_and(|seen| now - seen < KEPT))
        .collect()
}

/// The events that a field selector chooses; why it is refused.
pub fn chosen(events: Vec<Value>, selector: &str) -> Result<Vec<Value>, String> {
    let mut events = events;
    for part in selector.split(',').filter(|part| !part.is_empty()) {
        let (key, wanted, is) = match part.split_once("!=") {
            Some((key, wanted)) => (key, wanted, false),
            None => match part.split_once('=') {
                Some((key, wanted)) => (key, wanted.trim_start_matches('='), true),
                None => {
                    return Err(format!(
                        "invalid selector: '{part}'; can't understand '{part}'"
                    ));
                }
            },
        };
        if !SELECTABLE.contains(&key) {
            return Err(format!("field label not supported: {key}"));
        }
        let pointer = format!("/{}", key.replace('.', "/"));
        let is_wanted = |event: &Value| event.pointer(&pointer).is_some_and(|has| has == wanted);
        events.retain(|event| is_wanted(event) == is);
    }
    Ok(events)
}

/// Which log is asked for (Kubernetes, `PodLogOptions`).
#[derive(Debug, Default)]
pub struct LogOptions {
    pub container: Option<String>,
    pub previous: bool,
    pub tail: Option<usize>,
    pub limit: Option<usize>,
}

/// What a container has printed; why there is nothing to show.
pub fn log(pod: &Value, options: &LogOptions) -> Result<String, String> {
    let name = nodes::name(pod);
    let statuses = pod["status"]["containerStatuses"].as_array();
    let specs = pod["spec"]["containers"].as_array().into_iter().flatten();
    let containers: Vec<&str> = specs.filter_map(|spec| spec["name"].as_str()).collect();
    let container = match (&options.container, &containers[..]) {
        (Some(container), all) if all.contains(&container.as_str()) => container,
        (Some(container), _) => {
            return Err(format!("container {container} is not valid for pod {name}"));
        }
        (None, [only]) => *only,
        (None, all) => {
            let all = all.join(" ");
            return Err(format!(
                "a container name must be specified for pod {name}, choose one of: [{all}]"
            ));
        }
    };
    let mut statuses = statuses.into_iter().flatten();
    let status = statuses.find(|status| status["name"] == container);
    let status = status.unwrap_or(&Value::Null);
    let (state, last) = (&status["state"], &status["lastState"]);
    let ended = |state: &Value| !state["terminated"].is_null();
    let shown = match (options.previous, ended(last)) {
        (true, false) => {
            return Err(format!(
                "previous terminated container \"{container}\" in pod \"{name}\" not found"
            ));
        }
        // That of the one that runs or has just ended, else of the one before it.
        (false, _) if !state["running"].is_null() || ended(state) => state,
        (_, true) => last,
        (false, false) => {
            let why = state["waiting"]["reason"].as_str();
            let why = why.unwrap_or("ContainerCreating");
            return Err(format!(
                "container \"{container}\" in pod \"{name}\" is waiting to start: {why}"
            ));
        }
    };
    Ok(cut(&printed(container, shown), options))
}

/// A few lines: there are no containers here.
fn printed(container: &str, state: &Value) -> String {
    let running = state["running"]["startedAt"].as_str();
    let ended = &state["terminated"];
    let since = running.or(ended["startedAt"].as_str()).unwrap_or_default();
    let mut text = format!("stand-in for {container}, started at {since}\nlistening\n");
    match ended["exitCode"].as_i64() {
        Some(0) => text.push_str("done\n"),
        Some(code) => {
            let code = format!("made to crash: exit code {code}\n");
            text.push_str(&code);
        }
        None => {}
    }
    text
}

fn cut(text: &str, options: &LogOptions) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let skipped = options
        .tail
        .map_or(0, |tail| lines.len().saturating_sub(tail));
    let mut text = lines[skipped..].concat();
    if let Some(limit) = options.limit {
        text.truncate(limit);
    }
    text
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::super::show;
    use super::super::{COMPONENTS, Pod};
    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-23 23:00:00 UTC);

    fn shown(crashes: bool, second: i64) -> Value {
        let pod = Pod {
            name: "coredns-5f5694d56b-abcde".into(),
            component: COMPONENTS[0].name,
            uid: "01234567-89ab-cdef-0123-456789abcdef".into(),
            created: START,
            node: Some(("one".into(), START)),
            deleted: None,
        };
        let since = crashes.then_some(START);
        show::pod(&pod, &[], since, START + Duration::seconds(second), 7)
    }

    fn reasons(events: &[Value]) -> Vec<&str> {
        events
            .iter()
            .filter_map(|event| event["reason"].as_str())
            .collect()
    }

    #[test]
    fn events_tell_what_the_pod_went_through() {
        let at = |second| START + Duration::seconds(second);
        let well = events(&shown(false, 60), at(60));
        assert_eq!(
            reasons(&well),
            ["Scheduled", "Pulled", "Created", "Started"]
        );
        assert_eq!(well[0]["eventTime"], "2026-11-23T23:00:00.000000Z");
        assert_eq!(well[0]["lastTimestamp"], Value::Null);
        assert_eq!(well[3]["lastTimestamp"], "2026-11-23T23:00:03Z");
        assert_eq!(
            well[3]["involvedObject"]["fieldPath"],
            "spec.containers{coredns}"
        );
        let crashed = events(&shown(true, 60), at(60));
        assert_eq!(reasons(&crashed).last(), Some(&"BackOff"));
        assert!(
            events(&shown(false, 4000), at(4000)).is_empty(),
            "they are forgotten"
        );
    }

    #[test]
    fn a_selector_chooses_and_refuses_what_it_does_not_know() {
        let all = || events(&shown(true, 60), START + Duration::seconds(60));
        let uid = "involvedObject.uid=01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(chosen(all(), uid).unwrap().len(), all().len());
        assert_eq!(
            reasons(&chosen(all(), "type!=Normal").unwrap()),
            ["BackOff"]
        );
        assert!(
            chosen(all(), "involvedObject.name=other")
                .unwrap()
                .is_empty()
        );
        let refused = chosen(all(), "involvedObject.color=red").unwrap_err();
        assert_eq!(refused, "field label not supported: involvedObject.color");
        assert!(chosen(all(), "name").is_err());
    }

    #[test]
    fn a_log_is_that_of_the_container_that_is_asked_for() {
        let of = |crashes, second, options| log(&shown(crashes, second), &options);
        let plain = LogOptions::default;
        assert!(of(false, 60, plain()).unwrap().ends_with("listening\n"));
        let waits = of(false, 1, plain()).unwrap_err();
        let name = "coredns-5f5694d56b-abcde";
        assert_eq!(
            waits,
            format!(
                "container \"coredns\" in pod \"{name}\" is waiting to start: ContainerCreating"
            )
        );
        let previous = || LogOptions {
            previous: true,
            ..plain()
        };
        let none = of(false, 60, previous()).unwrap_err();
        assert_eq!(
            none,
            format!("previous terminated container \"coredns\" in pod \"{name}\" not found")
        );
        assert!(of(true, 60, previous()).unwrap().contains("exit code 1"));
        let tail = LogOptions {
            tail: Some(1),
            limit: Some(9),
            ..previous()
        };
        assert_eq!(of(true, 60, tail).unwrap(), "made to c");
        let other = LogOptions {
            container: Some("x".into()),
            ..plain()
        };
        let refused = of(false, 60, other).unwrap_err();
        assert_eq!(refused, format!("container x is not valid for pod {name}"));
    }
}
