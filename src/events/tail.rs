//! A log that may still grow: the run of another process.

use std::fs::File;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::log::{LogError, event};
use super::{Event, What};

/// How long to wait before a log is read again.
pub const PAUSE: Duration = Duration::from_millis(200);

/// Reads a log from its beginning, and on from where it ended.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: BufReader<File>,
    /// A last line that is not complete: the run was killed, or is writing it.
    rest: Vec<u8>,
    /// The number of complete lines.
    line: usize,
    ended: bool,
}

impl Tail {
    pub fn open(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(|source| failed(path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file: BufReader::new(file),
            rest: Vec::new(),
            line: 0,
            ended: false,
        })
    }

    /// The events that were written since the last call.
    pub fn read(&mut self) -> Result<Vec<Event>, LogError> {
        let mut events = Vec::new();
        loop {
            let read = self.file.by_ref().read_until(b'\n', &mut self.rest);
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(&self.path, error)),
            }
            let complete = self.rest.ends_with(b"\n");
            let line = self.rest.trim_ascii();
            if line.is_empty() && complete {
                // The end of a line that was read before.
                self.rest.clear();
                continue;
            }
            match event(line) {
                // No beginning of an event is an event: it is whole, and lacks the line end alone.
                Ok(event) => {
                    self.ended |= matches!(event.what, What::Ended { .. });
                    events.push(event);
                }
                Err(_) if !complete => break,
                Err(why) => {
                    return Err(LogError::NoEvent {
                        path: self.path.clone(),
                        line: self.line + 1,
                        why,
                    });
                }
            }
            self.line += 1;
            self.rest.clear();
        }
        Ok(events)
    }

    /// The end of the run was read.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// How long ago the log was written last.
    pub fn age(&self) -> Duration {
        let metadata = self.file.get_ref().metadata();
        let written = metadata.and_then(|metadata| metadata.modified());
        let age = written.ok().and_then(|written| written.elapsed().ok());
        age.unwrap_or_default()
    }
}

fn failed(path: &Path, source: std::io::Error) -> LogError {
    LogError::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::events::fixtures::{Tape, outline, step};
    use crate::events::log::line;
    use crate::events::{End, Outcome};

    #[test]
    fn every_event_comes_once_wherever_the_log_was_cut_meanwhile() {
        let mut tape = Tape::new(outline(&[("one", &[step("a@h1", &[])])]));
        tape.at(5).started("a@h1").output("a@h1", "µ\nand more");
        tape.at(9).ended("a@h1", Outcome::Done);
        tape.event(What::Ended { end: End::Done });
        let lines = tape.events.iter().map(|event| line(event).unwrap());
        let whole = lines.collect::<Vec<_>>().concat();
        let dir = tempfile::tempdir().unwrap();
        for cut in 0..=whole.len() {
            let path = dir.path().join(cut.to_string());
            std::fs::write(&path, &whole[..cut]).unwrap();
            let mut tail = Tail::open(&path).unwrap();
            let mut events = tail.read().unwrap();
            assert_eq!(events, crate::events::log::read(&path).unwrap(), "{cut}");
            assert!(tail.read().unwrap().is_empty());
            assert_eq!(tail.ended(), events.len() == tape.events.len());
            let mut log = std::fs::OpenOptions::new()
                .append(true)
                .open(&path)
                .unwrap();
            log.write_all(&whole[cut..]).unwrap();
            events.extend(tail.read().unwrap());
            assert_eq!(events, tape.events, "{cut}");
            assert!(tail.ended());
        }
    }

    #[test]
    fn what_is_no_event_is_named_by_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let first = Tape::new(outline(&[])).events.remove(0);
        let mut text = line(&first).unwrap();
        text.extend(b"no event\n");
        std::fs::write(&path, text).unwrap();
        let error = Tail::open(&path).unwrap().read().unwrap_err();
        assert!(
            matches!(error, LogError::NoEvent { line: 2, .. }),
            "{error}"
        );
    }
}
