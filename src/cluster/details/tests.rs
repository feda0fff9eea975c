use super::super::objects::{ListPage, NodeJson, PodJson};
use super::*;

const READY: &str = include_str!("../../../tests/fixtures/real/nodes-ready.json");
const CORDONED: &str =
    include_str!("../../../tests/fixtures/real/nodes-cordoned-and-not-ready.json");
const ZOO: &str = include_str!("../../../tests/fixtures/real/pods-zoo.json");

/// The object of that name in a list that kubectl printed.
fn object(list: &str, name: &str) -> serde_json::Value {
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let mut items = list["items"].as_array().unwrap().iter();
    let found = items.find(|item| item["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

fn node(list: &str, name: &str) -> NodeJson {
    serde_json::from_value(object(list, name)).unwrap()
}

fn pod(name: &str) -> PodJson {
    serde_json::from_value(object(ZOO, name)).unwrap()
}

fn told(details: &Details) -> String {
    let mut lines: Vec<String> = Vec::new();
    let facts = details.facts.iter();
    lines.extend(facts.map(|(label, text)| format!("{label}: {text}")));
    for part in &details.parts {
        let mark = if part.is_wrong { "!" } else { "+" };
        lines.push(format!("{mark} {}: {}", part.name, part.state));
        lines.extend(part.notes.iter().map(|note| format!("    {note}")));
    }
    lines.extend(details.next.iter().map(|next| format!("next: {next}")));
    lines.join("\n")
}

#[test]
fn a_node_tells_its_conditions_addresses_version_and_taints() {
    let cordoned = Details::of_node(&node(CORDONED, "k3s-s2"));
    let taints: Vec<_> = cordoned
        .facts
        .iter()
        .filter(|(label, _)| label == "taint")
        .collect();
    assert_eq!(taints.len(), 1);
    assert_eq!(taints[0].1, "node.kubernetes.io/unschedulable:NoSchedule");
    let next = cordoned.next.unwrap_or_default();
    assert!(next.ends_with("kubectl uncordon k3s-s2"), "{next}");
}

#[test]
fn each_pressure_has_something_to_look_at() {
    for kind in super::super::node::TROUBLES {
        let mut json = object(READY, "k3s-s1");
        let conditions = json["status"]["conditions"].as_array_mut().unwrap();
        conditions.retain(|condition| condition["type"] != kind);
        conditions.push(serde_json::json!({"type": kind, "status": "True"}));
        let details = Details::of_node(&serde_json::from_value(json).unwrap());
        assert!(details.next.is_some(), "{kind}");
        let parts = details.parts.iter();
        let wrong: Vec<_> = parts
            .filter(|part| part.is_wrong)
            .map(|part| &part.name)
            .collect();
        assert_eq!(wrong, [kind]);
    }
}

/// Every pod of the zoo that is unhealthy says what to look at; those that are not say nothing.
fn next_of_all() -> String {
    let list: serde_json::Value = serde_json::from_str(ZOO).unwrap();
    let mut all = Vec::new();
    for item in list["items"].as_array().unwrap() {
        let pod: PodJson = serde_json::from_value(item.clone()).unwrap();
        let next = of_pod(&pod).next;
        assert_eq!(next.is_some(), is_unhealthy(&pod), "{}", pod.metadata.name);
        let log = log_request(&pod).filter(|_| is_unhealthy(&pod));
        let log = log.map_or("no log".to_owned(), |log| {
            let which = if log.is_previous { "previous" } else { "this" };
            format!("log of {} ({which})", log.container)
        });
        all.push(format!(
            "{}: {log}: {}",
            pod.metadata.name,
            next.unwrap_or_default()
        ));
    }
    all.sort();
    all.join("\n")
}

#[test]
fn what_is_told_of_nodes_and_pods() {
    let mut all = vec![
        (
            "a silent node",
            told(&Details::of_node(&node(CORDONED, "k3s-ag"))),
        ),
        (
            "a ready node",
            told(&Details::of_node(&node(READY, "k3s-s1"))),
        ),
    ];
    for name in [
        "crash-loop",
        "image-missing",
        "two-containers-one-crashing",
        "healthy",
    ] {
        all.push((name, told(&of_pod(&pod(name)))));
    }
    all.push((
        "every pod: its log, and what to look at next",
        next_of_all(),
    ));
    let all = all.iter().map(|(name, told)| format!("=== {name}\n{told}"));
    insta::assert_snapshot!(all.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn a_crashed_container_that_waits_shows_the_log_of_the_one_before() {
    let mut json = object(ZOO, "crash-loop");
    let status = &mut json["status"]["containerStatuses"][0];
    let ended = status["state"].take();
    status["lastState"] = ended;
    status["state"] = serde_json::json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let request = log_request(&serde_json::from_value(json).unwrap());
    let request = request.expect("a log");
    assert_eq!(
        (request.container.as_str(), request.is_previous),
        ("c", true)
    );
}

#[test]
fn a_pod_on_a_silent_node_points_to_the_node() {
    let mut details = of_pod(&pod("healthy"));
    add_node(&mut details, &node(READY, "k3s-s2"));
    assert_eq!(details.next, None);
    add_node(&mut details, &node(CORDONED, "k3s-ag"));
    let next = details.next.unwrap_or_default();
    assert!(next.starts_with("Its node k3s-ag is NotReady"), "{next}");
}

#[test]
fn events_are_the_last_ones_in_their_order() {
    let event = |number: u32, time: &str| {
        format!(
            r#"{{"metadata": {{"name": "e{number}"}}, "type": "Warning", "reason": "BackOff",
            "message": "number {number}", "count": {number}, {time}}}"#
        )
    };
    let mut all: Vec<_> = (1..=14)
        .rev()
        .map(|number| {
            event(
                number,
                &format!(r#""lastTimestamp": "2026-11-23T23:{number:02}:00Z""#),
            )
        })
        .collect();
    all.push(event(
        99,
        r#""lastTimestamp": null, "eventTime": "2026-11-23T23:59:00.123456Z""#,
    ));
    all.push(event(
        98,
        r#""series": {"count": 7, "lastObservedTime": "2026-11-23T23:58:00.000000Z"}"#,
    ));
    all.push(event(97, r#""lastTimestamp": "a time""#));
    let list = format!(r#"{{"kind": "EventList", "items": [{}]}}"#, all.join(","));
    let page = ListPage::<EventJson>::parse(list.as_bytes()).unwrap();
    let events = events(&page.take().0);
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.message.as_str(), event.count))
        .collect();
    assert_eq!(told.len(), 10);
    assert_eq!(told[0], ("number 7", 7));
    assert_eq!(told[8..], [("number 98", 7), ("number 99", 99)]);
    assert!(events.iter().all(|event| event.is_warning));
}

#[test]
fn what_a_container_printed_is_cleaned_and_bounded() {
    let request = || LogRequest {
        container: "c".into(),
        is_previous: false,
    };
    let evil = "\u{1b}[31mred\u{1b}[0m\u{7}\u{202e}txt\r\n\u{1b}]0;title\n\n";
    let tail = log_tail(&request(), evil.as_bytes(), 1000);
    assert_eq!(tail.lines, ["redtxt", "0;title", ""]);
    assert!(!tail.is_cut);
    let many = "x".repeat(5000) + "\n" + &"line\n".repeat(100);
    let tail = log_tail(&request(), many.as_bytes(), many.len());
    assert_eq!(tail.lines.len(), 40);
    assert!(tail.is_cut);
    let long = log_tail(&request(), "é".repeat(5000).as_bytes(), usize::MAX);
    assert!(long.lines[0].len() <= TEXT + 4 && long.lines[0].ends_with('…'));
    let not_text = log_tail(&request(), &[0xff, 0xfe, b'a'], usize::MAX);
    assert_eq!(not_text.lines, ["\u{fffd}\u{fffd}a"]);
}

/// Every text is hostile: none reaches a screen as it came.
#[test]
fn no_text_of_an_object_moves_a_cursor() {
    fn planted(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::String(text) => {
                *text = format!("{text}\u{1b}[2J\n\u{202e}{}", "x".repeat(5000));
            }
            serde_json::Value::Array(list) => list.iter_mut().for_each(planted),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(planted),
            _ => {}
        }
    }
    let check = |details: &Details| {
        let text = told(details);
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        assert!(text.lines().all(|line| line.len() < 3 * TEXT), "{text}");
    };
    for name in ["k3s-ag", "k3s-s1"] {
        let mut json = object(CORDONED, name);
        planted(&mut json);
        check(&Details::of_node(&serde_json::from_value(json).unwrap()));
    }
    let list: serde_json::Value = serde_json::from_str(ZOO).unwrap();
    for item in list["items"].as_array().unwrap() {
        let mut json = item.clone();
        planted(&mut json);
        check(&of_pod(&serde_json::from_value(json).unwrap()));
    }
}

#[test]
fn secrets_are_taken_out() {
    let redactor = Redactor::new(&["hunter2hunter2".to_owned().into()]);
    let printed = "postgres://k3s:hunter2hunter2@db\n-----BEGIN PRIVATE KEY-----\nMIIEvQ\n\
                   -----END PRIVATE KEY-----\nafter";
    let request = LogRequest {
        container: "c".into(),
        is_previous: true,
    };
    let details = Details {
        log: Some(log_tail(&request, printed.as_bytes(), usize::MAX)),
        missing: vec!["log: hunter2hunter2".into()],
        ..Details::default()
    };
    let redacted = format!("{:?}", details.redacted(&redactor));
    assert!(!redacted.contains("hunter2"), "{redacted}");
    assert!(!redacted.contains("MIIEvQ"), "{redacted}");
    assert!(redacted.contains("after"), "{redacted}");
}
