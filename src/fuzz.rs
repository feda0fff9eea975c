//! The fuzz targets (tests/fuzz/README.md): what reads texts that come from outside. Each takes any
//! bytes. Those that need what a room keeps to itself are in its file `fuzz.rs`.

use std::io::{self, Read, Write};

use crate::https::http::HttpConnection;
use crate::platform::Facts;
use crate::redact::Redactor;
use crate::report::lines::plain;
use crate::report::sanitised::Sanitised;
use crate::secrets::SecretText;
use crate::{answers, cluster, events, frontends, letters, proof, remote};

/// A target, by its name: that of its corpus too.
type FuzzTarget = (&'static str, fn(&[u8]));

const TARGETS: [FuzzTarget; 13] = [
    ("answers", answers::fuzz::answers),
    ("api", cluster::fuzz::api),
    ("events", events::fuzz::events),
    ("facts", facts),
    ("frame", remote::fuzz::frame),
    ("http", http),
    ("known_hosts", remote::fuzz::known_hosts),
    ("kubeconfig", cluster::fuzz::kubeconfig),
    ("lines", remote::fuzz::lines),
    ("postgres", proof::fuzz::postgres),
    ("redactor", redactor),
    ("sanitiser", sanitiser),
    ("ssh_config", answers::fuzz::ssh_config),
];

/// Runs the target of this name: for tests/fuzz/target.rs.
#[cfg(fuzzing)]
pub fn run(name: &str, bytes: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(target, _)| *target == name).unwrap();
    target(bytes);
}

/// A host that says these bytes, however it is asked, a few at a time.
pub(crate) struct Says<'a>(pub &'a [u8]);

impl Read for Says<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = buffer.len().min(7);
        self.0.read(&mut buffer[..most])
    }
}

impl Write for Says<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Two answers of a server to a client that wants little.
fn http(bytes: &[u8]) {
    const MOST: usize = 512;
    let mut connection = HttpConnection::new(Says(bytes), "::1");
    for _ in 0..2 {
        if let Ok(answer) = connection.get("/", MOST) {
            assert!(answer.body.len() <= MOST);
            assert!(answer.status >= 200);
        }
    }
}

fn facts(bytes: &[u8]) {
    let lines: Vec<_> = String::from_utf8_lossy(bytes)
        .lines()
        .map(str::to_owned)
        .collect();
    let facts = Facts::parse(&lines);
    let _ = facts.summary();
    let _ = facts.disk("/var/lib");
}

/// The first line is a secret, the rest is a text.
fn redactor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (secret, text) = text.split_once('\n').unwrap_or((&text, &text));
    let redactor = Redactor::new([&SecretText::from(secret)]);
    let once = redactor.text(text).into_owned();
    // A mask may be a part of a secret that was made for it.
    let masks = secret.contains(['[', ']']) || "[secret]".contains(secret);
    assert!(secret.len() < 4 || masks || !once.contains(secret));
}

/// What reaches a terminal, on each of the ways to it.
fn sanitiser(bytes: &[u8]) {
    let written = |size: usize| {
        let mut out = Vec::new();
        let mut sanitised = Sanitised::new(&mut out);
        for piece in bytes.chunks(size) {
            let _ = sanitised.write_all(piece);
        }
        out
    };
    let whole = written(usize::MAX);
    assert_eq!(whole, written(1), "however it is cut");
    let unsafe_letter = |letter: char| {
        letter.is_control() && !matches!(letter, '\n' | '\t') || letters::misleads(letter)
    };
    assert!(std::str::from_utf8(&whole).is_ok_and(|text| !text.contains(unsafe_letter)));
    let text = String::from_utf8_lossy(bytes);
    assert!(!plain(&text).contains(unsafe_letter));
    frontends::tui::fuzz(&text);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn corpus(target: &str) -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        let files = fs::read_dir(folder.join(target)).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    }

    #[test]
    fn the_corpus_of_every_target_passes() {
        for (name, target) in TARGETS {
            let inputs = corpus(name);
            assert!(inputs.len() >= 5, "{name} has {} inputs", inputs.len());
            for input in inputs {
                println!("{}", input.display());
                target(&fs::read(input).unwrap());
            }
        }
    }

    #[test]
    fn the_corpus_is_small_and_of_targets_that_exist() {
        let mut size = 0;
        for folder in corpus("") {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name}");
            let length = |file: &PathBuf| fs::metadata(file).unwrap().len();
            size += corpus(&name).iter().map(length).sum::<u64>();
        }
        assert!(size <= 1 << 20, "{size} bytes");
    }
}
