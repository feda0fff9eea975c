//! What a client of the API sees while a drill takes something down: one that writes and one that reads
//! four times a second, each time on a new connection, and one that reads on the connection it has.
//!
//! They ask through connections of their own, by a node that the drill leaves alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::api::{ServerApi, ask};
use super::control::Control;
use super::watch::PollTarget;
use crate::address::Endpoint;
use crate::cluster::api::ApiError;
use crate::cluster::kubeconfig::Access;
use crate::events::{Abort, DrillSample, millis};
use crate::plan::DrillProbe;
use crate::remote::{Remote, RemoteError};

/// From one question to the next.
const PAUSE: Duration = Duration::from_millis(250);
/// How long one question may take, as `kubectl --request-timeout` would limit it.
const QUESTION: Duration = Duration::from_secs(2);
/// How long the connection that is kept may last.
const KEPT: Duration = Duration::from_secs(30 * 60);
/// How long the clients wait for their first answers, and for the last ones.
const PATIENCE: Duration = Duration::from_secs(120);
/// How many answers in a row show that a client is served.
const SERVED: usize = 4;
/// The hosts that clients can ask through, and those that are asking.
#[derive(Default)]
pub struct Measuring {
    targets: Mutex<BTreeMap<String, Vec<PollTarget>>>,
    running: Mutex<Option<Clients>>,
}

impl Measuring {
    /// How many connections a drill takes to the host that it measures from.
    pub const CONNECTIONS: usize = 3;

    /// Starts the clients of a drill, through a host. Those of a drill that did not end are ended.
    pub(super) fn start(
        &self,
        probe: &DrillProbe,
        access: &Arc<Access>,
        host: &str,
        run: &str,
        told: impl Fn(DrillSample) + Send + 'static,
    ) -> Option<MutexGuard<'_, Option<Clients>>> {
        let targets = locked(&self.targets).remove(host)?;
        let mut running = locked(&self.running);
        let mut clients = Clients::start(probe, access, targets, run);
        clients.tell(told);
        *running = Some(clients);
        Some(running)
    }

    /// Nothing is told any more: the run ends.
    pub(super) fn stop(&self) {
        *locked(&self.running) = None;
    }

    /// The clients that are asking.
    pub(super) fn running(&self) -> Option<Clients> {
        locked(&self.running).take()
    }

    /// Ends clients, whose host can be measured from again.
    pub(super) fn end(&self, clients: Clients, host: &str) -> SeenByClients {
        let (seen, targets) = clients.end();
        locked(&self.targets).insert(host.to_owned(), targets);
        seen
    }

    /// With [`Self::CONNECTIONS`] to each host.
    pub fn through(targets: BTreeMap<String, Vec<PollTarget>>) -> Self {
        Self {
            targets: Mutex::new(targets),
            running: Mutex::default(),
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The clients of one drill.
pub(super) struct Clients {
    began: Instant,
    control: Arc<Control>,
    written: Arc<Mutex<Vec<(Instant, String)>>>,
    read: Arc<Mutex<Vec<Instant>>>,
    kept: Arc<Mutex<Vec<Instant>>>,
    /// Why the last question of each had no answer.
    why: Arc<Mutex<BTreeMap<&'static str, String>>>,
    threads: Vec<JoinHandle<(PollTarget, usize)>>,
    /// Tells what they see.
    teller: Option<JoinHandle<()>>,
}

/// What they saw.
pub(super) struct SeenByClients {
    /// The marks of acknowledged writes.
    pub written: Vec<String>,
    /// Reads that did not find what was acknowledged before.
    pub stale: usize,
    /// How often the connection that is kept broke.
    pub broken: usize,
    /// The longest times without an answer: writing, reading, on the connection that is kept.
    pub gaps: (Duration, Duration, Duration),
}

/// One client, with its own way to the endpoint.
struct ApiClient {
    name: &'static str,
    target: PollTarget,
    remote: Option<Box<dyn Remote>>,
    at: Endpoint,
    access: Arc<Access>,
    control: Arc<Control>,
    why: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Clients {
    fn start(
        probe: &DrillProbe,
        access: &Arc<Access>,
        targets: Vec<PollTarget>,
        run: &str,
    ) -> Self {
        let mut clients = Self {
            began: Instant::now(),
            control: Arc::default(),
            written: Arc::default(),
            read: Arc::default(),
            kept: Arc::default(),
            why: Arc::default(),
            threads: Vec::new(),
            teller: None,
        };
        let mut targets = targets.into_iter();
        let mut client = |name| {
            Some(ApiClient {
                name,
                target: targets.next()?,
                remote: None,
                at: probe.at.clone(),
                access: access.clone(),
                control: clients.control.clone(),
                why: clients.why.clone(),
            })
        };
        let (writer, reader, keeper) = (client("writes"), client("reads"), client("kept"));
        let (written, read, kept) = (
            clients.written.clone(),
            clients.read.clone(),
            clients.kept.clone(),
        );
        let marks = format!("{}-{}", run.to_lowercase(), probe.drill.replace('@', "-"));
        if let Some(writer) = writer {
            let written = written.clone();
            let work = move || writer.writes(&marks, &written);
            clients.threads.push(thread::spawn(work));
        }
        if let Some(reader) = reader {
            let work = move || reader.reads(&written, &read);
            clients.threads.push(thread::spawn(work));
        }
        if let Some(keeper) = keeper {
            clients
                .threads
                .push(thread::spawn(move || keeper.keeps(&kept)));
        }
        clients
    }

    /// Tells what they see until they end, once both have had an answer. No client waits for it.
    fn tell(&mut self, told: impl Fn(DrillSample) + Send + 'static) {
        let control = self.control.clone();
        let (written, read) = (self.written.clone(), self.read.clone());
        self.teller = Some(thread::spawn(move || {
            while !control.wait(PAUSE) {
                let written: Vec<_> = locked(&written).iter().map(|(at, _)| *at).collect();
                let sample = sample(&written, &locked(&read), Instant::now());
                if let Some(sample) = sample {
                    told(sample);
                }
            }
        }));
    }

    /// How long they are asking.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The number of acknowledged writes.
    pub fn writes(&self) -> usize {
        locked(&self.written).len()
    }

    /// Until the clients have new answers; else why not.
    pub fn wait_until_served(&self, control: &Control, since: usize) -> Result<(), String> {
        let began = Instant::now();
        let read = locked(&self.read).len();
        let served =
            || self.writes() >= since + SERVED && locked(&self.read).len() >= read.min(1) + SERVED;
        while !served() {
            if began.elapsed() > PATIENCE || control.wait(Duration::from_millis(50)) {
                let why = locked(&self.why);
                let why: Vec<_> = why
                    .iter()
                    .map(|(who, why)| format!("{who}: {why}"))
                    .collect();
                return Err(format!(
                    "the API does not serve a client: {}",
                    why.join("; ")
                ));
            }
        }
        Ok(())
    }

    fn end(mut self) -> (SeenByClients, Vec<PollTarget>) {
        let ended = Instant::now();
        self.stop();
        let mut counts = Vec::new();
        let mut targets = Vec::new();
        for thread in self.threads.drain(..) {
            if let Ok((target, count)) = thread.join() {
                targets.push(target);
                counts.push(count);
            }
        }
        let gap = |answers: &[Instant]| longest_gap(answers, ended);
        let written = locked(&self.written);
        let times: Vec<_> = written.iter().map(|(at, _)| *at).collect();
        let seen = SeenByClients {
            written: written.iter().map(|(_, mark)| mark.clone()).collect(),
            stale: counts.get(1).copied().unwrap_or_default(),
            broken: counts.get(2).copied().unwrap_or_default(),
            gaps: (
                gap(&times),
                gap(&locked(&self.read)),
                gap(&locked(&self.kept)),
            ),
        };
        drop(written);
        (seen, targets)
    }

    /// They ask no more, and nothing is told of them after this.
    fn stop(&mut self) {
        self.control.abort(Abort::Hard, "the drill is over");
        if let Some(teller) = self.teller.take() {
            // What it told before a panic stays told.
            let _ = teller.join();
        }
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What is seen now; nothing before the first answers.
fn sample(written: &[Instant], read: &[Instant], now: Instant) -> Option<DrillSample> {
    let since = |answers: &[Instant]| {
        answers
            .last()
            .map(|last| now.saturating_duration_since(*last))
    };
    Some(DrillSample {
        acknowledged: written.len(),
        without_write: millis(since(written)?),
        without_read: millis(since(read)?),
        longest_without_write: millis(longest_gap(written, now)),
        longest_without_read: millis(longest_gap(read, now)),
    })
}

/// The longest time from one answer to the next, and from the last one to the end.
fn longest_gap(answers: &[Instant], ended: Instant) -> Duration {
    let next = answers.iter().skip(1).chain([&ended]);
    let gaps = answers.iter().zip(next);
    let gaps = gaps.map(|(one, next)| next.saturating_duration_since(*one));
    gaps.max().unwrap_or_default()
}

impl ApiClient {
    /// Writes until the end.
    fn writes(
        mut self,
        marks: &str,
        written: &Mutex<Vec<(Instant, String)>>,
    ) -> (PollTarget, usize) {
        let mut count = 0;
        self.every_pause(|client| {
            count += 1;
            let mark = format!("{marks}-{count}");
            if client.once(|api| api.write_mark(&mark)).is_some() {
                locked(written).push((Instant::now(), mark));
            }
        });
        (self.target, count)
    }

    /// Reads what was acknowledged last. How many reads were stale.
    fn reads(
        mut self,
        written: &Mutex<Vec<(Instant, String)>>,
        read: &Mutex<Vec<Instant>>,
    ) -> (PollTarget, usize) {
        let mut stale = 0;
        self.every_pause(|client| {
            let last = locked(written).last().map(|(_, mark)| mark.clone());
            let Some(last) = last else { return };
            if let Some(found) = client.once(|api| api.has_mark(&last)) {
                locked(read).push(Instant::now());
                stale += usize::from(!found);
            }
        });
        (self.target, stale)
    }

    /// Reads on one connection, and makes another one only when it breaks. How often it broke.
    fn keeps(mut self, kept: &Mutex<Vec<Instant>>) -> (PollTarget, usize) {
        let mut broken = 0;
        let control = self.control.clone();
        while control.aborting().is_none() {
            let answered = |api: &mut ServerApi<'_>| -> Result<(), ApiError> {
                loop {
                    api.unready()?;
                    locked(kept).push(Instant::now());
                    if control.wait(PAUSE) {
                        return Ok(());
                    }
                }
            };
            let ended = self.connected(KEPT, answered);
            broken += usize::from(ended.is_none());
            control.wait(PAUSE);
        }
        (self.target, broken)
    }

    fn every_pause(&mut self, mut ask: impl FnMut(&mut Self)) {
        let control = self.control.clone();
        loop {
            let began = Instant::now();
            ask(self);
            if control.wait(PAUSE.saturating_sub(began.elapsed())) {
                return;
            }
        }
    }

    /// One question on a new connection; `None` without an answer.
    fn once<T>(
        &mut self,
        question: impl FnOnce(&mut ServerApi<'_>) -> Result<T, ApiError>,
    ) -> Option<T> {
        self.connected(QUESTION, question)
    }

    fn connected<T>(
        &mut self,
        limit: Duration,
        question: impl FnOnce(&mut ServerApi<'_>) -> Result<T, ApiError>,
    ) -> Option<T> {
        match self.asked(limit, question) {
            Ok(Ok(answer)) => Some(answer),
            Ok(Err(error)) => self.unanswered(&error),
            Err(error) => {
                if error.ends_connection() {
                    self.remote = None;
                }
                self.unanswered(&error)
            }
        }
    }

    fn unanswered<T>(&self, why: &dyn std::fmt::Display) -> Option<T> {
        locked(&self.why).insert(self.name, why.to_string());
        None
    }

    /// The outer error is that of the SSH connection.
    fn asked<T>(
        &mut self,
        limit: Duration,
        question: impl FnOnce(&mut ServerApi<'_>) -> Result<T, ApiError>,
    ) -> Result<Result<T, ApiError>, RemoteError> {
        let remote = match self.remote.take() {
            Some(remote) => remote,
            None => self.target.connect(&self.control)?,
        };
        let remote = self.remote.insert(remote);
        let name = self.at.name.to_string();
        ask(
            remote.as_mut(),
            &self.at,
            &name,
            &self.access,
            limit,
            question,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_counts_the_time_after_the_last_answer() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let answers = [at(0), at(1), at(4), at(5)];
        assert_eq!(longest_gap(&answers, at(6)), Duration::from_secs(3));
        assert_eq!(longest_gap(&answers, at(15)), Duration::from_secs(10));
        assert_eq!(longest_gap(&[], at(15)), Duration::ZERO);
    }

    #[test]
    fn a_sample_has_the_gap_of_now_and_the_longest_one() {
        let began = Instant::now();
        let at = |seconds| began + Duration::from_secs(seconds);
        let (written, read) = ([at(0), at(4), at(5)], [at(0), at(1), at(2)]);
        let expected = DrillSample {
            acknowledged: 3,
            without_write: 1_000,
            without_read: 4_000,
            longest_without_write: 4_000,
            longest_without_read: 4_000,
        };
        assert_eq!(sample(&written, &read, at(6)), Some(expected));
        assert_eq!(expected.longest_gap(), 4_000);
        assert_eq!(sample(&written, &[], at(6)), None);
    }
}
