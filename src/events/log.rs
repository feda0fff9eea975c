//! The log of a run: its events, one per line, from which the run can be shown again.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::estimate::EarlierRuns;
use super::feed::miss;
use super::progress::Progress;
use super::recorder::Sink;
use super::{Event, StepId, What};

/// How many of the latest logs are read for the times of steps, and how large each may be, in bytes.
const TIMED: usize = 5;
const LARGEST: u64 = 32 << 20;

/// How much output of a step is logged, in bytes: a host that prints without end must not fill the
/// disk.
const MOST_OF_A_STEP: usize = 64 << 20;

/// A log that is being written (0600). A killed process loses only the line that it was writing.
#[derive(Debug)]
pub struct RunLog {
    file: File,
    /// The size of the complete lines, in bytes.
    length: u64,
    /// The output of the running steps.
    outputs: HashMap<StepId, LoggedOutput>,
    /// How much of it is logged for each step, in bytes.
    most: usize,
}

#[derive(Debug, Default)]
struct LoggedOutput {
    bytes: usize,
    /// What came after the limit, as the event that tells of it.
    missed: Option<Event>,
}

impl RunLog {
    /// An existing file is an error: no log is overwritten.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Self {
            file,
            length: 0,
            outputs: HashMap::new(),
            most: MOST_OF_A_STEP,
        })
    }

    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        match &event.what {
            What::Output { step, text, .. } => {
                let output = self.outputs.entry(step.clone()).or_default();
                output.bytes = output.bytes.saturating_add(text.len());
                if output.bytes > self.most {
                    miss(&mut output.missed, event);
                    return Ok(());
                }
            }
            What::StepEnded { step, .. } => {
                let output = self.outputs.remove(step);
                if let Some(missed) = output.and_then(|output| output.missed) {
                    self.write(&missed)?;
                }
            }
            _ => {}
        }
        self.write(event)
    }

    fn write(&mut self, event: &Event) -> io::Result<()> {
        let line = line(event)?;
        if let Err(error) = self.file.write_all(&line) {
            // A full disk may cut a line: the next one must not continue it.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(error);
        }
        self.length += line.len() as u64;
        Ok(())
    }

    /// For a recorder. `failed` gets only the first error: the run continues, and later events are
    /// still tried. It must not record anything itself.
    pub fn sink(mut self, failed: impl FnOnce(io::Error) + Send + 'static) -> Sink {
        let mut failed = Some(failed);
        Box::new(move |event| {
            if let Err(error) = self.event(event)
                && let Some(failed) = failed.take()
            {
                failed(error);
            }
        })
    }
}

/// An event as a line, with its line end: written in one call.
pub(crate) fn line(event: &Event) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{}:{line}: this is not an event of a run: {why}", path.display())]
    NoEvent {
        path: PathBuf,
        /// Counts from 1.
        line: usize,
        why: serde_json::Error,
    },
}

/// The events of a log. An incomplete last line is ignored: the run was killed, or is still
/// writing.
pub fn read(path: &Path) -> Result<Vec<Event>, LogError> {
    let bytes = std::fs::read(path).map_err(|source| LogError::File {
        path: path.to_owned(),
        source,
    })?;
    let lines: Vec<&[u8]> = bytes
        .trim_ascii_end()
        .split(|byte| *byte == b'\n')
        .collect();
    let mut events = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        match event(line) {
            Ok(event) => events.push(event),
            Err(_) if number + 1 == lines.len() => {}
            Err(why) => {
                return Err(LogError::NoEvent {
                    path: path.to_owned(),
                    line: number + 1,
                    why,
                });
            }
        }
    }
    Ok(events)
}

/// How long steps took in the latest of these logs, which are in the order of their runs. A log that
/// cannot be read, or is very large, is left out.
pub fn earlier_runs(logs: &[PathBuf]) -> EarlierRuns {
    let mut earlier = EarlierRuns::default();
    for run in logs[logs.len().saturating_sub(TIMED)..]
        .iter()
        .filter_map(|log| steps(log))
    {
        earlier.add(&run);
    }
    earlier
}

/// The same for a log of a state folder: from the runs of its cluster before it.
pub fn earlier_than(path: &Path) -> EarlierRuns {
    let named = |path: &Path| path.extension().is_some_and(|end| end == "jsonl");
    let siblings = path
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    let mut logs: Vec<PathBuf> = siblings
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|other| named(other) && other.file_name() < path.file_name())
        .collect();
    logs.sort();
    // A log that is named by its run is in a state folder: its neighbours are of the same cluster.
    if path.file_stem().map(std::ffi::OsStr::to_string_lossy) == run_of(path).map(Into::into) {
        earlier_runs(&logs)
    } else {
        EarlierRuns::default()
    }
}

/// The id of the run of a log.
fn run_of(path: &Path) -> Option<String> {
    let mut first = String::new();
    BufReader::new(File::open(path).ok()?)
        .take(LARGEST)
        .read_line(&mut first)
        .ok()?;
    match event(first.as_bytes()).ok()?.what {
        What::Started { run, .. } => Some(run),
        _ => None,
    }
}

/// What became of the steps of a run, without what they printed.
fn steps(path: &Path) -> Option<Progress> {
    const PRINTED: &[u8] = br#""event":"output""#;
    let file = File::open(path).ok()?;
    if file.metadata().ok()?.len() > LARGEST {
        return None;
    }
    let mut progress = Progress::keeping(0);
    for line in BufReader::new(file).split(b'\n') {
        let line = line.ok()?;
        let head = &line[..line.len().min(80)];
        if head.windows(PRINTED.len()).any(|part| part == PRINTED) {
            continue;
        }
        if let Ok(event) = event(&line) {
            progress.add(&event);
        }
    }
    Some(progress)
}

/// The event of a line. An event of a newer wizard is `Unknown`.
pub(super) fn event(line: &[u8]) -> serde_json::Result<Event> {
    serde_json::from_slice(line).or_else(|error| {
        let Newer { seq, at, kind } = serde_json::from_slice(line).map_err(|_| error)?;
        let what = What::Unknown { kind };
        Ok(Event { seq, at, what })
    })
}

/// The fields that every event has.
#[derive(Deserialize)]
struct Newer {
    seq: u64,
    at: u64,
    #[serde(rename = "event")]
    kind: String,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::events::Outcome;
    use crate::events::fixtures::{Tape, outline, step};

    fn events() -> Vec<Event> {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        tape.at(5).started("a@h1").output("a@h1", "µ\nand more");
        tape.at(9).ended("a@h1", Outcome::Done);
        tape.events
    }

    fn written(path: &Path) -> Vec<Event> {
        let events = events();
        let mut log = RunLog::create(path).unwrap();
        for event in &events {
            log.event(event).unwrap();
        }
        events
    }

    /// As of a host that prints without end.
    #[test]
    fn too_much_of_a_step_is_counted_and_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[]), step("b@h1", &[])])]));
        tape.at(5).started("a@h1").started("b@h1");
        for _ in 0..20 {
            tape.output("a@h1", "0123456789");
        }
        tape.output("b@h1", "here");
        tape.at(9).ended("a@h1", Outcome::Done);
        let mut log = RunLog::create(&path).unwrap();
        log.most = 50;
        for event in &tape.events {
            log.event(event).unwrap();
        }
        let read = read(&path).unwrap();
        let texts = read.iter().filter_map(|event| match &event.what {
            What::Output { text, .. } => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(texts.filter(|text| *text == "0123456789").count(), 5);
        let [.., missed, ended] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!(missed.what, What::Missed { lines: 15 });
        assert!(matches!(ended.what, What::StepEnded { .. }));
        assert_eq!(read.len(), tape.events.len() - 15 + 1);
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let events = written(&path);
        assert_eq!(read(&path).unwrap(), events);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = RunLog::create(&path).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_torn_end_is_left_out_wherever_it_is_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let events = written(&path);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = (1..=whole.len())
            .filter(|end| whole[end - 1] == b'\n')
            .collect();
        for length in 0..=whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            // The line end itself may be missing.
            let complete = ends.iter().filter(|end| **end <= length + 1).count();
            assert_eq!(read(&path).unwrap(), events[..complete], "{length}");
        }
    }

    #[test]
    fn an_event_of_a_newer_wizard_is_unknown_and_no_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        let mut expected = written(&path);
        let mut log = std::fs::read(&path).unwrap();
        let newer = [
            r#"{"seq":7,"at":10,"event":"drilled","host":"h1"}"#,
            r#"{"seq":8,"at":11,"event":"step-ended","step":"a@h1","outcome":"postponed"}"#,
        ];
        for line in newer {
            log.extend_from_slice(line.as_bytes());
            log.push(b'\n');
        }
        std::fs::write(&path, log).unwrap();
        for (seq, at, kind) in [(7, 10, "drilled"), (8, 11, "step-ended")] {
            let kind = kind.to_owned();
            let what = What::Unknown { kind };
            expected.push(Event { seq, at, what });
        }
        assert_eq!(read(&path).unwrap(), expected);
    }

    /// Logs of version 0.1.0, which had no format yet, are in tests/fixtures.
    #[test]
    fn logs_without_a_format_are_read_whole() {
        for log in ["run.jsonl", "run-failed.jsonl", "lab-run.jsonl"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
            let events = read(&path.join(log)).unwrap();
            assert!(
                matches!(events[0].what, What::Started { format: 0, .. }),
                "{log}"
            );
            let unknown = |event: &Event| matches!(event.what, What::Unknown { .. });
            assert!(!events.iter().any(unknown), "{log}");
        }
    }

    #[test]
    fn the_times_of_earlier_runs_are_in_their_logs() {
        let dir = tempfile::tempdir().unwrap();
        let events = written(&dir.path().join("1.jsonl"));
        written(&dir.path().join("3.jsonl"));
        std::fs::write(dir.path().join("2.jsonl"), "no log").unwrap();
        let id = dir.path().join("20261124T215440Z-3f2a.jsonl");
        written(&id);
        let mut run = Progress::default();
        run.add(&events[0]);
        let left = |earlier: &EarlierRuns| {
            let estimate = earlier.estimate(&run, 0);
            estimate.map(|estimate| (estimate.left, estimate.runs))
        };
        let logs = ["1", "2", "3", "none"].map(|name| dir.path().join(format!("{name}.jsonl")));
        assert_eq!(left(&earlier_runs(&logs)), Some((4, 2)));
        assert_eq!(left(&earlier_runs(&logs[1..2])), None);
        // Only a log that is named by its run has neighbours that count: those before it.
        assert_eq!(left(&earlier_than(&id)), Some((4, 1)));
        assert_eq!(left(&earlier_than(&logs[2])), None);
    }

    #[test]
    fn what_is_no_log_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.jsonl");
        std::fs::write(&path, "hello\nworld\n").unwrap();
        let error = read(&path).unwrap_err();
        assert!(
            matches!(error, LogError::NoEvent { line: 1, .. }),
            "{error}"
        );
        let error = read(&dir.path().join("none")).unwrap_err();
        assert!(matches!(error, LogError::File { .. }), "{error}");
    }

    #[test]
    fn a_log_that_cannot_be_written_says_so_once() {
        // Writing to /dev/full fails as on a full disk.
        let file = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let log = RunLog {
            file,
            length: 0,
            outputs: HashMap::new(),
            most: MOST_OF_A_STEP,
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let mut sink = log.sink(move |error| sender.send(error.kind()).unwrap());
        for event in &events() {
            sink(event);
        }
        drop(sink);
        assert!(receiver.iter().eq([io::ErrorKind::StorageFull]));
    }
}
