//! Events as JSON, one per line, for programs.

use std::io::{self, Write};

use crate::events::Event;
use crate::events::log::line;

/// Writes every event as it comes.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

impl<W: Write> Json<W> {
    pub fn new(out: W) -> Self {
        Self { out }
    }

    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        self.out.write_all(&line(event)?)?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;

    use super::*;
    use crate::events::fixtures;
    use crate::events::{What, log};
    use crate::proof::datastore::Case;
    use crate::report::schema::EVENT;
    use crate::report::schema::tests::{fits, is_on_the_page, validator};

    /// A runner prints what it did itself: it never prints an event that it does not know.
    fn is_printed(event: &Event) -> bool {
        !matches!(event.what, What::Unknown { .. })
    }

    fn recorded(log: &str) -> Vec<Event> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        log::read(&folder.join(log)).unwrap()
    }

    #[test]
    fn every_event_of_recorded_runs_is_as_its_schema_says() {
        let validator = validator(EVENT);
        for log in ["lab-run.jsonl", "run.jsonl", "run-failed.jsonl"] {
            let events = recorded(log);
            assert!(events.len() > 100);
            for event in events {
                let event = serde_json::to_value(event).unwrap();
                assert!(validator.is_valid(&event), "{event:#}");
            }
        }
    }

    #[test]
    fn the_page_for_programs_shows_events_of_a_recorded_run() {
        let right = Case::Right;
        let (name, wanted) = (right.to_string(), right.expected().to_string());
        let proved = |event: &&Event| match &event.what {
            What::Proved { case, expected, .. } => *case == name && *expected == wanted,
            _ => false,
        };
        is_on_the_page(recorded("lab-run.jsonl").iter().find(proved).unwrap());
        is_on_the_page(recorded("run-failed.jsonl").last().unwrap());
    }

    /// The kinds of events that the schema knows are those that exist.
    #[test]
    fn the_schema_has_every_kind_of_event_and_no_other() {
        let schema: serde_json::Value = serde_json::from_str(EVENT).unwrap();
        let kind = |event: &serde_json::Value| {
            let part = |name: &str| event[name].as_str().unwrap_or("").to_owned();
            (part("event"), part("outcome"))
        };
        let consts = |variant: &serde_json::Value| {
            let properties = &variant["properties"];
            let part = |name: &str| properties[name]["const"].as_str().unwrap_or("").to_owned();
            (part("event"), part("outcome"))
        };
        let known: BTreeSet<_> = schema["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(consts)
            .collect();
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let mut seen = BTreeSet::from([("started".to_owned(), String::new())]);
        for _ in 0..2000 {
            let what = fixtures::any_what()
                .new_tree(&mut runner)
                .unwrap()
                .current();
            let event = Event {
                seq: 1,
                at: 1,
                what,
            };
            if is_printed(&event) {
                seen.insert(kind(&serde_json::to_value(event).unwrap()));
            }
        }
        assert_eq!(known, seen);
    }

    proptest! {
        #[test]
        fn every_event_is_one_line_and_reads_the_same(events in fixtures::any_events()) {
            let mut out = Vec::new();
            let mut json = Json::new(&mut out);
            for event in &events {
                json.event(event).unwrap();
            }
            let text = String::from_utf8(out).unwrap();
            prop_assert!(text.ends_with('\n'));
            let read: Vec<Event> = text
                .split_terminator('\n')
                .map(|line| serde_json::from_str(line).unwrap())
                .collect();
            prop_assert_eq!(&read, &events);
            for event in events.iter().filter(|event| is_printed(event)) {
                fits(EVENT, event);
            }
        }
    }
}
