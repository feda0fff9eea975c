//! A host in memory, for tests: it has a reply for each script, and records what it received.
//!
//! ```
//! use k3s_ha_wizard::remote::{Remote, Script, Scripted, scripted::Reply};
//! use std::time::Duration;
//!
//! let mut host = Scripted::new("k3s-server-1")
//!     .once("uname -r", Reply::lost())
//!     .on("uname -r", Reply::exit(0).out("6.1.0"));
//! let told = host.told();
//! let limit = Duration::from_secs(1);
//! let script = Script::new("uname -r");
//! assert!(host.run(&script, limit, &mut |_, _| {}).is_err());
//! assert_eq!(told.scripts(), ["uname -r"]);
//! ```

use std::io::Read as _;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::program::text_of;
use super::{Detached, Finished, Relay, RelayTarget, Remote, RemoteError, Script, ScriptInput};
use crate::address::Endpoint;
use crate::events::Stream;

/// The reply to a script: lines, and how it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    lines: Vec<(Stream, String)>,
    end: ScriptEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ScriptEnd {
    Exit(i32),
    Held,
    Died(String),
    Lost,
    TimedOut,
    Cancelled,
    Error(RemoteError),
}

impl Reply {
    fn new(end: ScriptEnd) -> Self {
        let lines = Vec::new();
        Self { lines, end }
    }

    pub fn exit(status: i32) -> Self {
        Self::new(ScriptEnd::Exit(status))
    }

    /// The unit of an apply ended without a status. A plain run takes it for killed.
    pub fn died(why: &str) -> Self {
        Self::new(ScriptEnd::Died(why.to_owned()))
    }

    /// An apply does not start: another run has the lease.
    pub fn held() -> Self {
        Self::new(ScriptEnd::Held)
    }

    /// The connection is lost for good.
    pub fn lost() -> Self {
        Self::new(ScriptEnd::Lost)
    }

    /// The limit is over. Ends the connection of a run, not that of an apply.
    pub fn timed_out() -> Self {
        Self::new(ScriptEnd::TimedOut)
    }

    pub fn cancelled() -> Self {
        Self::new(ScriptEnd::Cancelled)
    }

    pub fn error(error: RemoteError) -> Self {
        Self::new(ScriptEnd::Error(error))
    }

    /// A line on standard output; a text of several lines is several.
    #[must_use]
    pub fn out(mut self, text: &str) -> Self {
        let lines = text.lines().map(|line| (Stream::Out, line.to_owned()));
        self.lines.extend(lines);
        self
    }

    /// A line on standard error.
    #[must_use]
    pub fn err(mut self, text: &str) -> Self {
        let lines = text.lines().map(|line| (Stream::Err, line.to_owned()));
        self.lines.extend(lines);
        self
    }
}

/// What a [`Scripted`] received. The test keeps it when the host is moved.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Arc<Mutex<Vec<String>>>);

impl Transcript {
    /// Every script, in order.
    pub fn scripts(&self) -> Vec<String> {
        self.list().clone()
    }

    /// How many of the scripts contain this text.
    pub fn count(&self, text: &str) -> usize {
        let list = self.list();
        list.iter().filter(|script| script.contains(text)).count()
    }

    fn list(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type ReplyRule = Box<dyn FnMut(&str) -> Option<Reply> + Send>;
type Connect = Box<dyn FnMut(&RelayTarget) -> Result<Box<dyn Relay>, RemoteError> + Send>;

/// A host in memory.
pub struct Scripted {
    host: String,
    /// Asked in order; the first that has a reply gives it.
    answers: Vec<ReplyRule>,
    connect: Option<Connect>,
    told: Transcript,
    lost: bool,
}

impl Scripted {
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            answers: Vec::new(),
            connect: None,
            told: Transcript::default(),
            lost: false,
        }
    }

    /// For every script that contains this text. Earlier replies come first.
    #[must_use]
    pub fn on(self, text: &str, reply: Reply) -> Self {
        let text = text.to_owned();
        self.answer(move |script| script.contains(&text).then(|| reply.clone()))
    }

    /// For the first script that contains this text.
    #[must_use]
    pub fn once(self, text: &str, reply: Reply) -> Self {
        let text = text.to_owned();
        let mut reply = Some(reply);
        self.answer(move |script| reply.take_if(|_| script.contains(&text)))
    }

    /// Whatever the closure has a reply to.
    #[must_use]
    pub fn answer(mut self, answer: impl FnMut(&str) -> Option<Reply> + Send + 'static) -> Self {
        self.answers.push(Box::new(answer));
        self
    }

    /// The target of relays. Without this they are refused.
    #[must_use]
    pub fn relays(
        mut self,
        connect: impl FnMut(&RelayTarget) -> Result<Box<dyn Relay>, RemoteError> + Send + 'static,
    ) -> Self {
        self.connect = Some(Box::new(connect));
        self
    }

    /// The record of what it receives.
    pub fn told(&self) -> Transcript {
        self.told.clone()
    }

    fn reply(&mut self, script: &Script) -> Result<Reply, RemoteError> {
        self.keep_alive()?;
        let script = text_of(script, &self.host)?;
        let script = script.expose();
        self.told.list().push(script.to_owned());
        self.answers
            .iter_mut()
            .find_map(|answer| answer(script))
            .ok_or_else(|| RemoteError::Failed {
                host: self.host.clone(),
                what: "the test".to_owned(),
                status: 127,
                why: format!("no reply was prepared for the script {script:?}"),
            })
    }

    /// The error of a reply; `Ok` has its status.
    fn end(&mut self, end: ScriptEnd, limit: Duration) -> Result<Finished, RemoteError> {
        let host = self.host.clone();
        let error = match end {
            ScriptEnd::Exit(status) => return Ok(Finished::Exit(status)),
            ScriptEnd::Held => return Ok(Finished::Held),
            ScriptEnd::Died(why) => return Ok(Finished::Died { why }),
            ScriptEnd::TimedOut => return Ok(Finished::TimedOut { limit }),
            ScriptEnd::Lost => RemoteError::Lost {
                host,
                why: "cut by the test".to_owned(),
            },
            ScriptEnd::Cancelled => RemoteError::Cancelled { host },
            ScriptEnd::Error(error) => error,
        };
        self.lost |= error.ends_connection();
        Err(error)
    }
}

impl Remote for Scripted {
    fn host(&self) -> &str {
        &self.host
    }

    fn stream(
        &mut self,
        script: &Script,
        limit: Duration,
        bytes: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<String>,
    ) -> Result<i32, RemoteError> {
        let reply = self.reply(script)?;
        for (stream, line) in &reply.lines {
            let taken = bytes(*stream, format!("{line}\n").as_bytes());
            if let ControlFlow::Break(why) = taken {
                self.lost = true;
                let host = self.host.clone();
                return Err(RemoteError::Stopped { host, why });
            }
        }
        match self.end(reply.end, limit)? {
            Finished::Exit(status) => Ok(status),
            Finished::Held => panic!("a reply for applies alone"),
            Finished::Died { .. } => Ok(128 + libc::SIGKILL),
            Finished::TimedOut { limit } => {
                self.lost = true;
                let host = self.host.clone();
                Err(RemoteError::Timeout { host, limit })
            }
        }
    }

    /// The input is read, and recorded as a script of its own.
    fn feed(
        &mut self,
        script: &Script,
        input: ScriptInput<'_>,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<i32, RemoteError> {
        let mut text = Vec::new();
        let read = input.bytes.take(input.size).read_to_end(&mut text);
        read.expect("the test has this input");
        let status = self.run(script, limit, line)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        self.told.list().push(text);
        Ok(status)
    }

    /// Replies are looked up by the script itself: there is no systemd.
    fn apply(
        &mut self,
        _: &mut Detached,
        script: &Script,
        limit: Duration,
        line: &mut dyn FnMut(Stream, &str),
    ) -> Result<Finished, RemoteError> {
        let reply = self.reply(script)?;
        for (stream, text) in &reply.lines {
            line(*stream, text);
        }
        self.end(reply.end, limit)
    }

    fn relay_to(
        &mut self,
        to: &RelayTarget,
        _: Duration,
    ) -> Result<Box<dyn Relay + '_>, RemoteError> {
        self.keep_alive()?;
        match &mut self.connect {
            Some(connect) => connect(to).map(|relay| relay as Box<dyn Relay>),
            None => Err(RemoteError::Unreachable {
                host: self.host.clone(),
                to: to.to_string(),
                why: "connection refused".to_owned(),
            }),
        }
    }

    fn keep_alive(&mut self) -> Result<(), RemoteError> {
        if self.lost {
            return Err(RemoteError::Lost {
                host: self.host.clone(),
                why: "it ended earlier".to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn lines(host: &mut Scripted, script: &'static str) -> (Result<i32, RemoteError>, Vec<String>) {
        let mut lines = Vec::new();
        let end = host.run(&Script::new(script), LIMIT, &mut |stream, text| {
            lines.push(format!("{stream:?} {text}"));
        });
        (end, lines)
    }

    #[test]
    fn the_first_reply_that_fits_is_given() {
        let mut host = Scripted::new("h")
            .once("b", Reply::exit(1))
            .on("a", Reply::exit(2).out("x\ny").err("z"))
            .answer(|script| (script.len() == 3).then(|| Reply::exit(3)));
        assert_eq!(lines(&mut host, "a b").0, Ok(1));
        let printed = ["Out x", "Out y", "Err z"].map(String::from).to_vec();
        assert_eq!(lines(&mut host, "a b"), (Ok(2), printed));
        assert_eq!(lines(&mut host, "ccc").0, Ok(3));
        let unknown = lines(&mut host, "dd").0.unwrap_err();
        assert!(unknown.to_string().contains("no reply"), "{unknown}");
        assert_eq!(host.told().scripts(), ["a b", "a b", "ccc", "dd"]);
        assert_eq!(host.told().count("a"), 2);
    }

    #[test]
    fn a_lost_connection_stays_lost() {
        for end in [Reply::lost(), Reply::timed_out(), Reply::cancelled()] {
            let mut host = Scripted::new("h")
                .once("x", end)
                .on("x", Reply::exit(0))
                .relays(|_| panic!("must not get here"));
            assert!(lines(&mut host, "x").0.unwrap_err().ends_connection());
            let later = lines(&mut host, "x").0.unwrap_err();
            assert!(matches!(later, RemoteError::Lost { .. }), "{later}");
            assert!(host.keep_alive().is_err());
            assert!(
                host.relay(&Endpoint::parse("127.0.0.1", 1).unwrap(), LIMIT)
                    .is_err()
            );
        }
    }

    #[test]
    fn an_apply_is_looked_up_by_its_script() {
        let mut host = Scripted::new("h")
            .on("good", Reply::exit(0).out("done"))
            .on("bad", Reply::died("oom-kill"))
            .on("slow", Reply::timed_out());
        let mut unit = Detached::new("u").unwrap();
        let mut apply = |script: &'static str| {
            host.apply(&mut unit, &Script::new(script), LIMIT, &mut |_, _| {})
        };
        assert_eq!(apply("good"), Ok(Finished::Exit(0)));
        let why = "oom-kill".to_owned();
        assert_eq!(apply("bad"), Ok(Finished::Died { why }));
        assert_eq!(apply("slow"), Ok(Finished::TimedOut { limit: LIMIT }));
        assert_eq!(apply("good"), Ok(Finished::Exit(0)));
    }
}
