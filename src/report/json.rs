//! Events as JSON, one a line, for programs.

use std::io::{self, Write};

use crate::engine::event::Event;

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

/// An event as a line, with its line end: written at once, it is there as a whole or not at all.
pub(super) fn line(event: &Event) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::made_up;

    proptest! {
        #[test]
        fn every_event_is_one_line_and_reads_the_same(events in made_up::any_events()) {
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
