//! The one place where events are created: numbered, timed, and without secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::{Event, Stream, What, millis};
use crate::events::StepId;
use crate::redact::{MASK, PemBlock, Redactor};
use crate::secrets::SecretText;

/// Gets every event in order, on the thread where it happened. It must not block for long, and must
/// not record anything itself.
pub type Sink = Box<dyn FnMut(&Event) + Send>;

/// Creates events and passes them to its sinks. Clones are the same recorder.
#[derive(Clone)]
pub struct Recorder(Arc<Mutex<RecorderState>>);

struct RecorderState {
    next: u64,
    began: Instant,
    redactor: Redactor,
    /// The sources that are printing a private key.
    keys: HashMap<(StepId, Stream), PemBlock>,
    sinks: Vec<Sink>,
}

impl Recorder {
    /// The run starts now.
    pub fn new(redactor: Redactor, sinks: Vec<Sink>) -> Self {
        Self(Arc::new(Mutex::new(RecorderState {
            next: 0,
            began: Instant::now(),
            redactor,
            keys: HashMap::new(),
            sinks,
        })))
    }

    pub fn record(&self, what: What) {
        let mut inner = self.inner();
        let what = inner.without_keys(what);
        let event = Event {
            seq: inner.next,
            at: millis(inner.began.elapsed()),
            what: what.without(&inner.redactor),
        };
        inner.next += 1;
        for sink in &mut inner.sinks {
            sink(&event);
        }
    }

    /// Adds a secret that became known during the run: later events do not show it.
    pub fn learn(&self, secret: &SecretText) {
        self.inner().redactor.learn(secret);
    }

    /// A sink that panicked has had its event; the others continue.
    fn inner(&self) -> MutexGuard<'_, RecorderState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RecorderState {
    /// A private key that is printed comes in many events.
    fn without_keys(&mut self, what: What) -> What {
        match what {
            What::Output { step, stream, text } => {
                let text = if self.keys.is_empty() && !text.contains("-----BEGIN ") {
                    text
                } else {
                    let block = self.keys.entry((step.clone(), stream)).or_default();
                    if block.covers(&text) {
                        MASK.into()
                    } else {
                        text
                    }
                };
                What::Output { step, stream, text }
            }
            What::StepEnded { .. } => {
                if let What::StepEnded { step, .. } = &what {
                    self.keys.retain(|(other, _), _| other != step);
                }
                what
            }
            what => what,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn recorder(secrets: &[&str]) -> (Recorder, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel();
        let secrets: Vec<SecretText> = secrets
            .iter()
            .map(|secret| (*secret).to_owned().into())
            .collect();
        let sink: Sink = Box::new(move |event| sender.send(event.clone()).unwrap());
        (Recorder::new(Redactor::new(&secrets), vec![sink]), receiver)
    }

    fn output(text: &str) -> What {
        What::Output {
            step: StepId::new("a", None),
            stream: Stream::Out,
            text: text.into(),
        }
    }

    fn texts(events: &mpsc::Receiver<Event>) -> Vec<String> {
        let text = |event: Event| match event.what {
            What::Output { text, .. } => text,
            what => panic!("{what:?}"),
        };
        events.try_iter().map(text).collect()
    }

    #[test]
    fn many_threads_make_one_sequence() {
        let (recorder, events) = recorder(&[]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| recorder.record(output("line"))));
            }
        });
        drop(recorder);
        let events: Vec<Event> = events.iter().collect();
        assert!(events.iter().map(|event| event.seq).eq(0..400));
        assert!(events.is_sorted_by_key(|event| event.at));
    }

    #[test]
    fn secrets_go_also_those_learnt_later() {
        let (recorder, events) = recorder(&["hunter2hunter2"]);
        recorder.record(output("it is hunter2hunter2"));
        recorder.record(output("and typed-later"));
        recorder.learn(&"typed-later".to_owned().into());
        recorder.record(output("and typed-later"));
        assert_eq!(
            texts(&events),
            ["it is [secret]", "and typed-later", "and [secret]"]
        );
    }

    #[test]
    fn a_private_key_goes_line_by_line() {
        let (recorder, events) = recorder(&[]);
        let lines = [
            "before",
            "-----BEGIN PRIVATE KEY-----",
            "MIGHAgEAMBMGByqGSM49",
            "-----END PRIVATE KEY-----",
            "between",
            "-----BEGIN CERTIFICATE-----",
            "MIIB",
        ];
        for line in lines {
            recorder.record(output(line));
        }
        let mut expected = lines.map(str::to_owned);
        expected[1..4].fill(MASK.to_owned());
        assert_eq!(texts(&events), expected);
    }

    #[test]
    fn a_sink_that_panics_stops_nobody() {
        let (sender, receiver) = mpsc::channel();
        let sinks: Vec<Sink> = vec![
            Box::new(move |event| sender.send(event.seq).unwrap()),
            Box::new(|event| assert_ne!(event.seq, 0, "on purpose")),
        ];
        let recorder = Recorder::new(Redactor::default(), sinks);
        let other = recorder.clone();
        assert!(
            std::thread::spawn(move || other.record(output("x")))
                .join()
                .is_err()
        );
        recorder.record(output("y"));
        drop(recorder);
        assert!(receiver.iter().eq([0, 1]));
    }
}
