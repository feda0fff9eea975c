//! The events of an object (docs/facts.md, "Nodes and pods").

use serde::Deserialize;
use time::OffsetDateTime;

use super::super::objects::{ListedObject, moment};
use super::{ObjectEvent, clean};

/// How many of them are told.
const LAST: usize = 10;

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cluster) struct EventJson {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    message: String,
    count: Option<u64>,
    last_timestamp: Option<String>,
    event_time: Option<String>,
    series: Option<Series>,
}

/// In place of a count, where the newer API of events made it.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: u64,
    last_observed_time: Option<String>,
}

impl ListedObject for EventJson {
    const LIST: &'static str = "EventList";
}

/// The last ones, oldest first.
pub(in crate::cluster) fn events(all: &[EventJson]) -> Vec<ObjectEvent> {
    let mut events: Vec<_> = all.iter().map(event).collect();
    events.sort_by_key(|event| event.when);
    events.split_off(events.len().saturating_sub(LAST))
}

fn event(json: &EventJson) -> ObjectEvent {
    let series = json.series.as_ref();
    ObjectEvent {
        when: when(json),
        is_warning: json.kind == "Warning",
        reason: clean(&json.reason),
        message: clean(&json.message),
        count: series.map_or(json.count.unwrap_or(1), |series| series.count),
    }
}

fn when(json: &EventJson) -> Option<OffsetDateTime> {
    let of_series = json.series.as_ref();
    let of_series = of_series.and_then(|series| series.last_observed_time.as_deref());
    let times = [
        of_series,
        json.last_timestamp.as_deref(),
        json.event_time.as_deref(),
    ];
    times.into_iter().flatten().find_map(moment)
}
