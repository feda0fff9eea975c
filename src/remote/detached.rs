//! Work that outlives the connection (docs/ssh.md, "How a command ends"): a transient systemd unit,
//! and a folder under /run that holds its script, what it printed and how it ended.
//!
//! ```text
//! /run/k3s-ha-wizard/<unit>/     0700
//!   script                       deleted by the runner once it has read it: it holds secrets
//!   runner, pid                  what the unit runs, and its process
//!   out, err                     what the script printed; followed by offset
//!   status                       the exit status, once there is one
//! ```
//!
//! The shell programs are in `assets/remote/detached-*.sh`.

use std::ops::ControlFlow;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::program::{HAS_ENDED, call, text_of};
use super::{LineSplitter, Remote, RemoteError, Script};
use crate::events::Stream;

const RUNNER: &str = include_str!("../../assets/remote/detached-runner.sh");
const START: &str = include_str!("../../assets/remote/detached-start.sh");
const FOLLOW: &str = include_str!("../../assets/remote/detached-follow.sh");
const STATE: &str = include_str!("../../assets/remote/detached-state.sh");
const STOP: &str = include_str!("../../assets/remote/detached-stop.sh");
const CLEAN: &str = include_str!("../../assets/remote/detached-clean.sh");

/// The time limit of the wizard's own programs on the host, without their waits.
const GRACE: Duration = Duration::from_secs(30);

/// How long a unit may run beyond its limit where no wizard is left to stop it.
const UNWATCHED: Duration = Duration::from_secs(10 * 60);

/// How often [`Detached::finish`] asks whether to go on.
const SLICE: Duration = Duration::from_secs(2);

/// The statuses with which the follower reports the unit's status. A shell that fails itself uses
/// none of them.
const TOLD: RangeInclusive<i32> = 60..=120;

/// How a script in a unit ended. The connection stays usable in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    Exit(i32),
    /// It was not started: its run does not have the lease of the host.
    Held,
    /// The unit ended without a status: killed, out of memory, or the host was restarted.
    Died {
        why: String,
    },
    /// It exceeded its time limit, and was stopped.
    TimedOut {
        limit: Duration,
    },
}

/// An invalid unit name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a valid unit name: letters, digits and _.:- are allowed, but no leading dot or \
     dash"
)]
pub struct BadName(String);

/// A script in a separate unit, and how much of its output was read. Kept across reconnects.
#[derive(Debug, Clone)]
pub struct Detached {
    unit: String,
    /// The run whose lease the host must have when it starts.
    run: Option<String>,
    /// When it was first started.
    since: Option<Instant>,
    /// It has been seen on the host: if it is gone, it must not be started again.
    seen: bool,
    /// Bytes of each output that were read.
    out: u64,
    err: u64,
    lines: LineSplitter,
}

impl Detached {
    /// `unit` is its name on the host, without `.service`. The same name is the same work: it is
    /// started once, until it is cleaned up.
    pub fn new(unit: &str) -> Result<Self, BadName> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
        if unit.is_empty()
            || unit.len() > 200
            || unit.starts_with(['.', '-'])
            || !unit.chars().all(allowed)
        {
            return Err(BadName(unit.to_owned()));
        }
        Ok(Self {
            unit: unit.to_owned(),
            run: None,
            since: None,
            seen: false,
            out: 0,
            err: 0,
            lines: LineSplitter::default(),
        })
    }

    /// It starts only while this run has the lease of the host. What a connection had sent when an
    /// abort cut it may come later than the next run of the same owner.
    #[must_use]
    pub fn under_lease(self, run: Option<&str>) -> Self {
        let run = run.map(str::to_owned);
        Self { run, ..self }
    }

    /// What [`Remote::apply`] does over a real connection.
    pub(super) fn apply<R: Remote + ?Sized>(
        &mut self,
        remote: &mut R,
        script: &Script,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Finished, RemoteError> {
        self.since.get_or_insert_with(Instant::now);
        if let Some(finished) = self.start(remote, script, limit)? {
            return Ok(finished);
        }
        self.seen = true;
        let finished = self.until_end(remote, limit, limit, &|| true, line)?;
        Ok(finished.unwrap_or(Finished::TimedOut { limit }))
    }

    /// Follows a unit that an earlier run or attempt has started, until it ends. `None` when `go_on`
    /// says no: then it is left running.
    pub fn finish<R: Remote + ?Sized>(
        &mut self,
        remote: &mut R,
        limit: Duration,
        go_on: &dyn Fn() -> bool,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Option<Finished>, RemoteError> {
        self.until_end(remote, limit, SLICE, go_on, line)
    }

    /// Follows the unit, for a slice of time after another; stops it at the limit.
    fn until_end<R: Remote + ?Sized>(
        &mut self,
        remote: &mut R,
        limit: Duration,
        slice: Duration,
        go_on: &dyn Fn() -> bool,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Option<Finished>, RemoteError> {
        let since = *self.since.get_or_insert_with(Instant::now);
        let left = || limit.saturating_sub(since.elapsed());
        while !left().is_zero() {
            if !go_on() {
                return Ok(None);
            }
            if let Some(finished) = self.follow(remote, left().min(slice), line)? {
                self.lines.finish(line);
                return Ok(Some(finished));
            }
        }
        stop(remote, &self.unit)?;
        // Its last output, and its status if it had just ended.
        let finished = self.follow(remote, Duration::ZERO, line)?;
        self.lines.finish(line);
        Ok(Some(match finished {
            Some(Finished::Exit(status)) => Finished::Exit(status),
            _ => Finished::TimedOut { limit },
        }))
    }

    /// Starts the unit if it was never started. `Some` when there is nothing to follow.
    fn start<R: Remote + ?Sized>(
        &mut self,
        remote: &mut R,
        script: &Script,
        limit: Duration,
    ) -> Result<Option<Finished>, RemoteError> {
        let most = limit.saturating_add(UNWATCHED).as_secs();
        let again = if self.seen { "yes" } else { "no" };
        let start = Script::new(START)
            .input("UNIT", self.unit.as_str())
            .input("AGAIN", again)
            .input("RUN", self.run.as_deref().unwrap_or_default())
            .input("MOST", most.to_string())
            .input("RUNNER", RUNNER)
            .input("SCRIPT", text_of(script, remote.host())?);
        let said = call(remote, "starting a unit", &start, GRACE)?;
        Ok(match said.as_str() {
            "held" => Some(Finished::Held),
            "gone" => Some(Finished::Died {
                why: format!(
                    "nothing of {} is left on the host: it was restarted meanwhile",
                    self.unit
                ),
            }),
            _ => None,
        })
    }

    /// Passes on the unit's output until it ends or the time is over. `Some` when it ended.
    fn follow<R: Remote + ?Sized>(
        &mut self,
        remote: &mut R,
        wait: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Option<Finished>, RemoteError> {
        let follow = Script::new(FOLLOW)
            .input("UNIT", self.unit.as_str())
            .input("OUT", (self.out + 1).to_string())
            .input("ERR", (self.err + 1).to_string())
            .input("TENTHS", (wait.as_millis() / 100).to_string());
        let (out, err, lines) = (&mut self.out, &mut self.err, &mut self.lines);
        let status = remote.stream(&follow, wait.saturating_add(GRACE), &mut |stream, bytes| {
            match stream {
                Stream::Out => *out += bytes.len() as u64,
                Stream::Err => *err += bytes.len() as u64,
            }
            lines.feed(stream, bytes, line);
            ControlFlow::Continue(())
        })?;
        if TOLD.contains(&status) {
            return Ok(Some(Finished::Exit(status - TOLD.start())));
        }
        let ask = about(&self.unit, STATE);
        let said = call(remote, "querying a unit", &ask, GRACE)?;
        Ok(match said.split_once(' ').unwrap_or((&said, "")) {
            ("exit", status) => status.parse().ok().map(Finished::Exit),
            ("died", why) => Some(Finished::Died {
                why: why.to_owned(),
            }),
            ("running", _) => None,
            _ => Some(Finished::Died {
                why: format!("the host says of it: {said}"),
            }),
        })
    }
}

/// Stops a unit with all its processes: SIGTERM, and SIGKILL 10 s later. No error if it is not
/// running.
pub fn stop<R: Remote + ?Sized>(remote: &mut R, unit: &str) -> Result<(), RemoteError> {
    call(remote, "stopping a unit", &about(unit, STOP), GRACE).map(drop)
}

/// Removes a unit's files from the host, once its result was used. A running unit is an error.
pub fn clean<R: Remote + ?Sized>(remote: &mut R, unit: &str) -> Result<(), RemoteError> {
    call(remote, "cleaning up", &about(unit, CLEAN), GRACE).map(drop)
}

fn about(unit: &str, program: &'static str) -> Script {
    Script::new(HAS_ENDED).then(program).input("UNIT", unit)
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Reply, Scripted};
    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    #[test]
    fn a_unit_that_no_wizard_watches_has_an_end() {
        let mut host = Scripted::new("h")
            .on("RUNNER=", Reply::exit(0).out("started"))
            .on("TENTHS=", Reply::exit(60));
        let told = host.told();
        let mut unit = Detached::new("u").unwrap();
        let script = Script::new("true");
        let ended = unit.apply(&mut host, &script, LIMIT, &mut |_, _| {});
        assert_eq!(ended, Ok(Finished::Exit(0)));
        assert_eq!(told.count("MOST='660'"), 1);
        assert_eq!(told.count("--property=RuntimeMaxSec=\"$MOST\""), 1);
    }

    #[test]
    fn an_earlier_unit_is_left_running_when_the_operator_stops() {
        let mut host = Scripted::new("h")
            .on("TENTHS=", Reply::exit(0).out("it works"))
            .on("UNIT=", Reply::exit(0).out("running"));
        let told = host.told();
        let asked = std::cell::Cell::new(0);
        let go_on = || {
            asked.set(asked.get() + 1);
            asked.get() <= 2
        };
        let mut lines = 0;
        let mut unit = Detached::new("u").unwrap();
        let ended = unit.finish(&mut host, LIMIT, &go_on, &mut |_, _| lines += 1);
        assert_eq!(ended, Ok(None));
        assert_eq!((lines, told.count("RUNNER=")), (2, 0));
        assert_eq!(told.count("systemctl stop"), 0);
    }

    #[test]
    fn a_host_that_cannot_tell_of_a_unit_is_not_asked_for_ever() {
        let mut host = Scripted::new("h").on("UNIT=", Reply::exit(0));
        let mut unit = Detached::new("u").unwrap();
        let ended = unit.finish(&mut host, LIMIT, &|| true, &mut |_, _| {});
        assert!(
            matches!(ended, Ok(Some(Finished::Died { .. }))),
            "{ended:?}"
        );
    }
}
