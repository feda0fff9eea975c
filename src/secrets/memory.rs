//! Whether a secret is still in this process's memory.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use super::SecretText;

/// A secret that is looked for. It is kept with its bits inverted, so as not to be found here.
pub(crate) struct Trace(Vec<u8>);

/// A new secret, and its trace.
pub(crate) fn traced() -> (SecretText, Trace) {
    let secret = SecretText::random().unwrap();
    let trace = secret.expose().bytes().map(|byte| !byte).collect();
    (secret, Trace(trace))
}

impl Trace {
    /// How often it is in memory that can be written.
    pub(crate) fn copies(&self) -> usize {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr() as u64..buffer.as_ptr() as u64 + (1 << 20);
        let mut copies = 0;
        for (from, to) in maps.lines().filter_map(writable) {
            let mut at = from;
            while at < to {
                let Ok(read) = memory.read_at(&mut buffer, at) else {
                    break;
                };
                let read = read.min(usize::try_from(to - at).unwrap());
                let found = self.places(&buffer[..read]);
                copies += found.filter(|place| !own.contains(&(at + place))).count();
                // One that is on both sides of the end of the buffer is in the next one.
                let next = if read < buffer.len() {
                    read
                } else {
                    read - self.0.len()
                };
                at += next as u64;
            }
        }
        buffer.fill(0);
        copies
    }

    fn places<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = u64> + 'a {
        let first = !self.0[0];
        let begins = bytes
            .iter()
            .enumerate()
            .filter(move |(_, byte)| **byte == first);
        let is_it = |(at, _): &(usize, &u8)| {
            let rest = bytes[*at..].iter().zip(&self.0);
            bytes.len() - at >= self.0.len() && rest.clone().all(|(byte, masked)| *byte == !masked)
        };
        begins.filter(is_it).map(|(at, _)| at as u64)
    }
}

/// The addresses of a line of `/proc/self/maps`.
fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    let (from, to) = words.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    words
        .next()?
        .starts_with("rw")
        .then_some((address(from)?, address(to)?))
}

#[test]
fn what_is_freed_is_wiped() {
    let (secret, trace) = traced();
    // As libraries do.
    let mut growing = String::new();
    for _ in 0..100 {
        growing.push_str(secret.expose());
    }
    let boxed: Box<str> = secret.expose().into();
    assert_eq!(trace.copies(), 102);
    drop((growing, boxed, secret));
    assert_eq!(trace.copies(), 0);
}
