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
    use proptest::prelude::*;

    use super::*;
    use crate::events::fixtures;

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
            prop_assert_eq!(read, events);
        }
    }
}
