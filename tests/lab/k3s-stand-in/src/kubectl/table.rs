//! Tables as kubectl prints them.

use serde_json::Value;
use time::{Duration, OffsetDateTime};

use crate::nodes;

const NONE: &str = "<none>";

/// Columns padded to their widest cell, three spaces apart.
pub fn render(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width + 3 - cell.chars().count()));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The nodes' table.
pub fn nodes(items: &[Value], wide: bool, now: OffsetDateTime) -> Vec<Vec<String>> {
    let mut head = vec!["NAME", "STATUS", "ROLES", "AGE", "VERSION"];
    if wide {
        head.extend([
            "INTERNAL-IP",
            "EXTERNAL-IP",
            "OS-IMAGE",
            "KERNEL-VERSION",
            "CONTAINER-RUNTIME",
        ]);
    }
    let mut rows = vec![owned(&head)];
    for node in items {
        let text = |path: &str| {
            node.pointer(path)
                .and_then(Value::as_str)
                .unwrap_or(NONE)
                .to_owned()
        };
        let mut status = if nodes::ready(node) {
            "Ready"
        } else {
            "NotReady"
        }
        .to_owned();
        if node["spec"]["unschedulable"] == true {
            status.push_str(",SchedulingDisabled");
        }
        let labels = node["metadata"]["labels"].as_object();
        let roles: Vec<&str> = labels
            .into_iter()
            .flatten()
            .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
            .collect();
        let mut row = vec![
            nodes::name(node).to_owned(),
            status,
            if roles.is_empty() {
                NONE.to_owned()
            } else {
                roles.join(",")
            },
            age(node, now),
            text("/status/nodeInfo/kubeletVersion"),
        ];
        if wide {
            let kernel = text("/status/nodeInfo/kernelVersion");
            row.extend([
                nodes::address(node).to_owned(),
                NONE.to_owned(),
                text("/status/nodeInfo/osImage"),
                format!("{kernel} ({})", text("/status/nodeInfo/architecture")),
                text("/status/nodeInfo/containerRuntimeVersion"),
            ]);
        }
        rows.push(row);
    }
    rows
}

/// The pods' table.
pub fn pods(items: &[Value], all: bool, wide: bool, now: OffsetDateTime) -> Vec<Vec<String>> {
    let mut head = vec!["NAME", "READY", "STATUS", "RESTARTS", "AGE"];
    if all {
        head.insert(0, "NAMESPACE");
    }
    if wide {
        head.extend(["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]);
    }
    let mut rows = vec![owned(&head)];
    for pod in items {
        let text = |path: &str| {
            pod.pointer(path)
                .and_then(Value::as_str)
                .unwrap_or(NONE)
                .to_owned()
        };
        let containers = list(&pod["spec"]["containers"]).len();
        let ready = list(&pod["status"]["containerStatuses"])
            .iter()
            .filter(|status| ready(status))
            .count();
        let mut row = Vec::new();
        if all {
            row.push(text("/metadata/namespace"));
        }
        row.extend([
            text("/metadata/name"),
            format!("{ready}/{containers}"),
            status(pod),
            restarts(pod, now),
            age(pod, now),
        ]);
        if wide {
            row.extend([
                text("/status/podIP"),
                text("/spec/nodeName"),
                NONE.into(),
                NONE.into(),
            ]);
        }
        rows.push(row);
    }
    rows
}

fn ready(status: &Value) -> bool {
    status["ready"] == true && status["state"]["running"].is_object()
}

/// The STATUS column: not the phase, but what the containers are at.
fn status(pod: &Value) -> String {
    let phase = pod["status"]["phase"].as_str().unwrap_or_default();
    let mut word = pod["status"]["reason"].as_str().unwrap_or(phase).to_owned();
    let initial = initialising(pod);
    if let Some(initial) = &initial {
        word.clone_from(initial);
    } else {
        let mut running = false;
        for status in list(&pod["status"]["containerStatuses"]).iter().rev() {
            if let Some(reason) = status["state"]["waiting"]["reason"].as_str() {
                reason.clone_into(&mut word);
            } else if let Some(ended) = status["state"]["terminated"].as_object() {
                word = ended_word(&Value::Object(ended.clone()));
            } else if ready(status) {
                running = true;
            }
        }
        if word == "Completed" && running {
            word = "Running".into();
        }
    }
    let terminal = phase == "Succeeded" || phase == "Failed";
    if pod["metadata"]["deletionTimestamp"].is_string() && !terminal {
        word = "Terminating".into();
    }
    word
}

fn ended_word(ended: &Value) -> String {
    match (
        ended["reason"].as_str(),
        ended["signal"].as_i64(),
        ended["exitCode"].as_i64(),
    ) {
        (Some(reason), ..) if !reason.is_empty() => reason.to_owned(),
        (_, Some(signal), _) if signal != 0 => format!("Signal:{signal}"),
        (.., code) => format!("ExitCode:{}", code.unwrap_or_default()),
    }
}

/// What an init container that has not done its work yet is at.
fn initialising(pod: &Value) -> Option<String> {
    let statuses = list(&pod["status"]["initContainerStatuses"]);
    for (index, status) in statuses.iter().enumerate() {
        let ended = &status["state"]["terminated"];
        if ended.is_object() {
            if ended["exitCode"] == 0 {
                continue;
            }
            return Some(format!("Init:{}", ended_word(ended)));
        }
        let waiting = status["state"]["waiting"]["reason"].as_str();
        if let Some(reason) = waiting.filter(|reason| *reason != "PodInitializing") {
            return Some(format!("Init:{reason}"));
        }
        return Some(format!(
            "Init:{index}/{}",
            list(&pod["spec"]["initContainers"]).len()
        ));
    }
    None
}

fn restarts(pod: &Value, now: OffsetDateTime) -> String {
    let statuses = if initialising(pod).is_some() {
        "initContainerStatuses"
    } else {
        "containerStatuses"
    };
    let statuses = list(&pod["status"][statuses]);
    let count: i64 = statuses
        .iter()
        .filter_map(|status| status["restartCount"].as_i64())
        .sum();
    let last = statuses
        .iter()
        .filter_map(|status| status["lastState"]["terminated"]["finishedAt"].as_str())
        .filter_map(nodes::parse)
        .max();
    match last.filter(|_| count > 0) {
        Some(last) => format!("{count} ({} ago)", human(now - last)),
        None => count.to_string(),
    }
}

fn age(object: &Value, now: OffsetDateTime) -> String {
    let created = object["metadata"]["creationTimestamp"]
        .as_str()
        .and_then(nodes::parse);
    created.map_or_else(|| "<unknown>".into(), |created| human(now - created))
}

/// A duration in kubectl's short form.
pub fn human(duration: Duration) -> String {
    let seconds = duration.whole_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    let two = |a: i64, b: i64, unit: char, small: char| {
        if b == 0 {
            format!("{a}{unit}")
        } else {
            format!("{a}{unit}{b}{small}")
        }
    };
    match seconds {
        ..120 => format!("{seconds}s"),
        120..600 => two(minutes, seconds % 60, 'm', 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, minutes % 60, 'h', 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(days, hours % 24, 'd', 'h'),
        691_200..63_072_000 => format!("{days}d"),
        63_072_000..252_288_000 => two(days / 365, days % 365, 'y', 'd'),
        _ => format!("{}y", days / 365),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn owned(cells: &[&str]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn items(text: &str) -> Vec<Value> {
        let list: Value = serde_json::from_str(text).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// The table without the columns that depend on when exactly it was printed.
    fn steady(table: &str) -> Vec<String> {
        let ago = |word: &str| {
            word.len() > 1
                && word.ends_with(['s', 'm'])
                && word.starts_with(|c: char| c.is_ascii_digit())
        };
        table
            .lines()
            .map(|line| {
                let words = line.split_whitespace().map(|word| {
                    if ago(word.trim_matches(['(', ')'])) {
                        "T"
                    } else {
                        word
                    }
                });
                words.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    #[test]
    fn the_tables_of_the_real_kubectl() {
        let now = datetime!(2026-11-23 23:14:21 UTC);
        let pods_json = items(include_str!("../../../../fixtures/real/pods-zoo.json"));
        let real = include_str!("../../../../fixtures/real/pods-zoo.txt");
        assert_eq!(
            steady(&render(&pods(&pods_json, true, false, now))),
            steady(real)
        );
        let real = include_str!("../../../../fixtures/real/pods-zoo-wide.txt");
        assert_eq!(
            steady(&render(&pods(&pods_json, true, true, now))),
            steady(real)
        );
        let nodes_json = items(include_str!("../../../../fixtures/real/nodes-ready.json"));
        let real = include_str!("../../../../fixtures/real/nodes-ready-wide.txt");
        assert_eq!(
            steady(&render(&nodes(&nodes_json, true, now))),
            steady(real)
        );
        let real = include_str!("../../../../fixtures/real/nodes-ready.txt");
        let printed = datetime!(2026-11-23 23:13:21 UTC);
        assert_eq!(
            render(&nodes(&nodes_json, false, printed)),
            real,
            "to the letter, ages too"
        );
        let nodes_json = items(include_str!(
            "../../../../fixtures/real/nodes-cordoned-and-not-ready.json"
        ));
        let real = include_str!("../../../../fixtures/real/nodes-cordoned-and-not-ready.txt");
        assert_eq!(
            steady(&render(&nodes(&nodes_json, false, now))),
            steady(real)
        );
    }

    #[test]
    fn durations() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (151, "2m31s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (14_460, "4h1m"),
            (90_000, "25h"),
            (172_800, "2d"),
            (691_200, "8d"),
        ] {
            assert_eq!(human(Duration::seconds(seconds)), text);
        }
    }
}
