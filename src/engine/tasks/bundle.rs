//! What a host installs from the bundle is sent to it. What it has already is not sent again: not a
//! file, and not the part of a parcel that arrived before the connection was lost.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::time::Instant;

use super::{Site, Trouble};
use crate::bundle::{Bundle, Contents};
use crate::engine::printed;
use crate::events::{Outcome, Stream, What};
use crate::hash::sha256;
use crate::platform::SourceTrial;
use crate::platform::bundled::{BundleLook, Consignment, FOLDER, Needs, Origin};
use crate::remote::{Script, ScriptInput};

const RECEIVE: &str = include_str!("../../../assets/remote/receive.sh");
/// What its checksum does not fit ends with.
const DAMAGED: i32 = 9;
/// Files below this size, in bytes, are sent several at once: each parcel costs round trips.
const SMALL: u64 = 8 << 20;
/// How much is sent at once: what is told of it, and what a failure of the host costs.
const PORTION: u64 = 32 << 20;

pub(super) fn send(site: &mut Site<'_, '_>, needs: &Needs) -> Result<Outcome, Trouble> {
    let Some(bundle) = site.run.bundle else {
        return Err(Trouble::because("there is no bundle"));
    };
    let contents = &bundle.contents;
    let look = look(site, needs, contents)?;
    let why = match &look.packages {
        SourceTrial::Failed(why) => Some(why.clone()),
        SourceTrial::Untrusted(keys) => Some(format!("this host does not trust the key {keys}")),
        SourceTrial::Not | SourceTrial::Reached | SourceTrial::Later(_) => None,
    };
    if let Some(why) = why {
        let why = format!("its packages cannot be installed from the bundle: {why}");
        return Err(Trouble::because(why));
    }
    let files = needs
        .consignments(contents, &look)
        .map_err(Trouble::because)?;
    if files.is_empty() {
        return Ok(Outcome::Unchanged);
    }
    let step = &site.step.id;
    site.run
        .recorder
        .record(What::StepApplies { step: step.clone() });
    let began = Instant::now();
    let mut sent = Sent {
        all: files.iter().map(|file| file.size).sum(),
        done: 0,
        crossed: 0,
    };
    for parcel in parcels(files) {
        let has = look.parts.get(&parcel.name).copied().unwrap_or_default();
        if parcel.send(site, bundle, has.min(parcel.size), &mut sent)? == Arrived::Damaged
            && parcel.send(site, bundle, 0, &mut sent)? == Arrived::Damaged
        {
            let why = format!("{} arrived damaged, twice", parcel.listed());
            return Err(Trouble::because(why));
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let text = format!("sent {} bytes in {seconds:.1} s", sent.crossed);
    site.run
        .recorder
        .record(printed(&site.step.id, Stream::Out, &text));
    Ok(Outcome::Done)
}

fn look(
    site: &mut Site<'_, '_>,
    needs: &Needs,
    contents: &Contents,
) -> Result<BundleLook, Trouble> {
    let (mut lines, mut complaints) = (Vec::new(), Vec::new());
    let script = needs.script(contents);
    let limit = site.step.limit;
    let status = site.remote.run(&script, limit, &mut |stream, line| {
        match stream {
            Stream::Out => &mut lines,
            Stream::Err => &mut complaints,
        }
        .push(line.to_owned());
    })?;
    if status == 0 {
        return Ok(BundleLook::parse(&lines));
    }
    let why = "the host did not report what it needs from the bundle";
    Err(Trouble::because(why).with_lines(complaints))
}

/// What was sent of all.
struct Sent {
    all: u64,
    done: u64,
    /// Over the line.
    crossed: u64,
}

#[derive(PartialEq, Eq)]
enum Arrived {
    Whole,
    Damaged,
}

/// Files that are sent as one.
#[derive(Debug, PartialEq, Eq)]
struct Parcel {
    /// By its files, so that what there is of it fits.
    name: String,
    size: u64,
    files: Vec<Consignment>,
}

/// Each large file is one, small ones share some.
fn parcels(files: Vec<Consignment>) -> Vec<Parcel> {
    let (small, large): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| file.size < SMALL);
    let mut groups: Vec<Vec<_>> = large.into_iter().map(|file| vec![file]).collect();
    let mut group = Vec::new();
    let mut size = 0;
    for file in small {
        size += file.size;
        group.push(file);
        if size >= SMALL {
            groups.push(std::mem::take(&mut group));
            size = 0;
        }
    }
    groups.push(group);
    let groups = groups.into_iter().filter(|group| !group.is_empty());
    groups.map(Parcel::of).collect()
}

impl Parcel {
    fn of(files: Vec<Consignment>) -> Self {
        let sums: String = files.iter().map(|file| file.sha256.as_str()).collect();
        Self {
            name: sha256(sums.as_bytes()),
            size: files.iter().map(|file| file.size).sum(),
            files,
        }
    }

    /// The names of its files, for people.
    fn listed(&self) -> String {
        let names = self.files.iter().map(|file| file.name.as_str());
        names.collect::<Vec<_>>().join(", ")
    }

    fn send(
        &self,
        site: &mut Site<'_, '_>,
        bundle: &Bundle,
        from: u64,
        sent: &mut Sent,
    ) -> Result<Arrived, Trouble> {
        let mut offset = from;
        sent.done += from;
        loop {
            let portion = PORTION.min(self.size - offset);
            let script = self.script(offset);
            let bytes = &mut ParcelReader {
                parcel: self,
                bundle,
                offset,
            };
            let mut complaints = Vec::new();
            let limit = site.step.limit;
            let input = ScriptInput {
                bytes,
                size: portion,
            };
            let status = site.remote.feed(&script, input, limit, &mut |_, line| {
                complaints.push(line.to_owned());
            })?;
            offset += portion;
            sent.crossed += portion;
            sent.done += portion;
            match status {
                0 => {}
                DAMAGED => {
                    sent.done -= offset;
                    return Ok(Arrived::Damaged);
                }
                status => {
                    let last = complaints.last().cloned();
                    let why = last.unwrap_or_else(|| format!("status {status}"));
                    let why = format!("the host did not take {}: {why}", self.listed());
                    return Err(Trouble::because(why).with_lines(complaints));
                }
            }
            let text = format!("{} of {} MB", sent.done >> 20, sent.all >> 20);
            site.run
                .recorder
                .record(printed(&site.step.id, Stream::Out, &text));
            if offset == self.size {
                return Ok(Arrived::Whole);
            }
        }
    }

    fn script(&self, offset: u64) -> Script {
        let mut files = String::new();
        for file in &self.files {
            let _ = writeln!(files, "{} {} {}", file.sha256, file.size, file.name);
        }
        Script::new(RECEIVE)
            .input("BUNDLE", FOLDER)
            .input("PARCEL", self.name.as_str())
            .input("OFFSET", offset.to_string())
            .input("TOTAL", self.size.to_string())
            .input("FILES", files)
    }
}

struct ParcelReader<'a> {
    parcel: &'a Parcel,
    bundle: &'a Bundle,
    offset: u64,
}

impl Read for ParcelReader<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut at = self.offset;
        for file in &self.parcel.files {
            if at >= file.size {
                at -= file.size;
                continue;
            }
            let left = usize::try_from(file.size - at).unwrap_or(usize::MAX);
            let length = bytes.len().min(left);
            let bytes = &mut bytes[..length];
            match &file.from {
                Origin::Bundle(path) => self.bundle.read_at(path, at, bytes)?,
                Origin::Text(text) => {
                    let at = usize::try_from(at).unwrap_or(usize::MAX);
                    bytes.copy_from_slice(&text.as_bytes()[at..at + length]);
                }
            }
            self.offset += length as u64;
            return Ok(length);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests;
