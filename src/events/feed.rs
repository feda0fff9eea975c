//! Events for a reader that may be slow, or stop reading: no host waits for it.

use std::io;

use crossbeam_channel::Sender;

use super::recorder::Sink;
use super::{Event, What};

/// The length of the queue; beyond it, lines of output are only counted. Samples of a drill take no more
/// than half of it. Other events are always queued: a plan has a bounded number of them.
pub const WAITING: usize = 16_384;

/// What a reader of a run gets.
#[derive(Debug)]
pub enum RunNews {
    Event(Box<Event>),
    /// The log can no longer be written, for this reason; the run continues.
    LogLost(io::Error),
}

/// For a recorder: hands every event on, and never waits for its reader.
pub fn sink(reader: Sender<RunNews>) -> Sink {
    let mut missed: Option<Event> = None;
    Box::new(move |event: &Event| {
        // The next one says more than this one.
        if matches!(event.what, What::DrillSample { .. }) && reader.len() >= WAITING / 2 {
            return;
        }
        if matches!(event.what, What::Output { .. }) {
            // A reader that is too slow gets no lines until half of the queue is read: so gaps are
            // few and large.
            let limit = if missed.is_some() {
                WAITING / 2
            } else {
                WAITING
            };
            if reader.len() >= limit {
                miss(&mut missed, event);
                return;
            }
        }
        // There may be no reader any more.
        let send = |event| drop(reader.send(RunNews::Event(Box::new(event))));
        missed.take().into_iter().for_each(send);
        send(event.clone());
    })
}

/// Counts an event that is left out.
pub(super) fn miss(missed: &mut Option<Event>, event: &Event) {
    let first = missed.get_or_insert(Event {
        seq: event.seq,
        at: event.at,
        what: What::Missed { lines: 0 },
    });
    if let What::Missed { lines } = &mut first.what {
        *lines += 1;
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;
    use crate::events::fixtures::{Tape, outline, step};

    #[test]
    fn nothing_but_lines_is_left_out_and_they_are_counted() {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        tape.started("a@h1");
        for _ in 0..WAITING + 500 {
            tape.output("a@h1", "a line");
        }
        tape.ended("a@h1", crate::events::Outcome::Done);
        let (reader, inbox) = unbounded();
        let mut sink = sink(reader);
        let mut arrived = Vec::new();
        let mut read = |most: usize| {
            arrived.extend(inbox.try_iter().take(most).map(|news| match news {
                RunNews::Event(event) => *event,
                RunNews::LogLost(error) => panic!("{error}"),
            }));
        };
        let (flood, last) = tape.events.split_at(tape.events.len() - 1);
        flood.iter().for_each(&mut sink);
        // A place is free, but the reader has not caught up.
        read(1);
        tape.events[2..3].iter().for_each(&mut sink);
        last.iter().for_each(&mut sink);
        read(usize::MAX);
        assert_eq!(arrived.len(), WAITING + 2);
        // Two events were there before the lines, and one line came again.
        let missed = &arrived[WAITING];
        assert_eq!(missed.what, What::Missed { lines: 503 });
        assert_eq!(missed.seq, arrived[WAITING - 1].seq + 1);
        assert_eq!(arrived[WAITING + 1], last[0]);
    }

    #[test]
    fn samples_of_a_drill_take_half_of_the_queue() {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        for _ in 0..WAITING {
            tape.event(What::DrillSample {
                step: crate::events::fixtures::id("a@h1"),
                sample: crate::events::DrillSample::default(),
            });
        }
        tape.ended("a@h1", crate::events::Outcome::Done);
        let (reader, inbox) = unbounded();
        let mut sink = sink(reader);
        tape.events.iter().for_each(&mut sink);
        // The end comes whatever else waits.
        assert_eq!(inbox.len(), WAITING / 2 + 1);
    }

    #[test]
    fn a_reader_that_has_caught_up_gets_lines_again() {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        for _ in 0..=WAITING {
            tape.output("a@h1", "a line");
        }
        let (reader, inbox) = unbounded();
        let mut sink = sink(reader);
        tape.events.iter().for_each(&mut sink);
        assert_eq!(inbox.try_iter().count(), WAITING);
        sink(&tape.events[1]);
        let kinds: Vec<_> = inbox.try_iter().collect();
        let [RunNews::Event(missed), RunNews::Event(line)] = &kinds[..] else {
            panic!("{kinds:?}");
        };
        assert_eq!(missed.what, What::Missed { lines: 2 });
        assert_eq!(**line, tape.events[1]);
    }
}
