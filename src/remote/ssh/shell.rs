//! The root shell: opened once per connection, and kept.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use ssh2::Channel;
use zeroize::Zeroizing;

use super::frame::Frame;
use super::wire::{Pumped, Until, Wire};
use super::{Credentials, RemoteError, Script, ScriptInput, Stream, Target};
use crate::answers::{CredentialKind, CredentialRequest};
use crate::hash::hex;
use crate::remote::program::text_of;
use crate::remote::trials::{PasswordPurpose, Turn};
use crate::secrets::SecretText;

const LOGIN: &str = include_str!("../../../assets/remote/login.sh");
const ROOT: &str = include_str!("../../../assets/remote/root-shell.sh");
/// A command that every login shell understands, even fish and csh.
const START: &str = "exec /bin/sh";
/// At the end of every script: shows the root shell that the script is complete.
const END: &str = "#";

/// What banners, profiles and sudo may print on the way to root, in bytes.
const MOST_WORDS: usize = 1 << 20;

/// How much of an input is in memory at once, in bytes.
const PART: u64 = 256 * 1024;

/// For the way to root: sudo waits 2 s after a wrong password (docs/ssh.md, "sudo").
const LIMIT: Duration = Duration::from_secs(30);

/// The reason if the root shell ends.
pub const ENDED: &str = "the root shell on the host ended";

/// sudo's message after the last wrong password.
const WRONG: &str = "incorrect password";
/// sudo's message if it cannot ask; also to a user without any rights.
const NEEDED: &str = "a password is required";
/// sudo's message to an authenticated user without rights.
const NOT_ALLOWED: [&str; 2] = ["is not in the sudoers file", "is not allowed to"];

/// An unguessable mark.
pub fn nonce() -> Result<String, openssl::error::ErrorStack> {
    let mut random = [0; 16];
    openssl::rand::rand_bytes(&mut random)?;
    Ok(hex(&random))
}

/// Opens it: directly for root, through sudo for others.
pub fn open(
    wire: &Wire,
    target: &Target,
    credentials: &Credentials,
) -> Result<Channel, RemoteError> {
    let mut opening = Opening {
        wire,
        target,
        until: Until::after(LIMIT),
        asked: None,
        wants: None,
    };
    opening.open(credentials).map_err(|error| match error {
        RemoteError::Timeout { limit, .. } => {
            opening.no_root(&format!("no answer within {} s", limit.as_secs()))
        }
        other => other,
    })
}

struct Opening<'a> {
    wire: &'a Wire,
    target: &'a Target,
    until: Until,
    /// The user whose password sudo asked for, if it said so.
    asked: Option<String>,
    /// It asked for one, and got none or a wrong one.
    wants: Option<bool>,
}

impl Opening<'_> {
    fn open(&mut self, credentials: &Credentials) -> Result<Channel, RemoteError> {
        let random = || nonce().map_err(|why| self.no_root(&why.to_string()));
        let (mark, prompt, prompted, ready) = (random()?, random()?, random()?, random()?);
        let channel = self.wire.exec(START, &self.until)?;
        let mut channel = channel.map_err(|why| {
            self.no_root(&format!("sshd there starts no command: {}", why.message()))
        })?;

        // Nothing is sent before the other side is known to read it: a shell reads ahead, and if
        // sudo asks for no password, the password would become the first line of a script.
        let password = credentials.sudo_password.as_ref();
        let target = self.target;
        let login = format!("{}@{} {}", target.user, target.address, target.port);
        self.asked = credentials.trials.whose(&login);
        let asks = password.is_some() || (credentials.asks && self.asked.is_none());
        // sudo inserts the user whose password it asks for.
        let asks = if asks {
            format!("{prompt}%p{prompted}")
        } else {
            String::new()
        };
        let halves = mark.split_at(mark.len() / 2);
        let greeting = Script::new(LOGIN)
            .input("MARK1", halves.0)
            .input("MARK2", halves.1)
            .input("PROMPT", asks);
        let greeting = text_of(&greeting, &self.target.name)?;
        let marks = [&mark[..], &prompted[..]];
        let mut said = self.say(&mut channel, greeting.expose().as_bytes(), &marks)?;
        if let ShellOutput::Mark(1, text) = &said {
            let whose = text.rsplit_once(&prompt).map(|(_, whose)| whose);
            self.asked = whose
                .filter(|whose| !whose.contains('%'))
                .map(str::to_owned);
            if let Some(whose) = &self.asked {
                credentials.trials.asks_for(&login, whose);
            }
            let Some(password) = password else {
                self.wants = Some(false);
                return Err(self.no_root(&self.no_password()));
            };
            said = self.give(&mut channel, password, credentials, &marks)?;
        }
        match said {
            ShellOutput::Mark(0, _) => {}
            ShellOutput::Mark(..) => {
                self.wants = Some(true);
                return Err(self.no_root(&self.wrong_password()));
            }
            ShellOutput::End(text) => {
                if text.contains(WRONG) {
                    self.wants = Some(true);
                } else if text.contains(NEEDED) && password.is_none() {
                    self.wants = Some(false);
                }
                return Err(self.no_root(&self.explain(&text)));
            }
        }

        let root = Script::new(ROOT).input("READY", ready.as_str());
        let root = text_of(&root, &self.target.name)?;
        match self.say(&mut channel, root.expose().as_bytes(), &[&ready])? {
            ShellOutput::Mark(..) => Ok(channel),
            ShellOutput::End(text) => Err(self.no_root(&self.explain(&text))),
        }
    }

    /// Sends sudo the password once: more attempts may lock the account.
    fn give(
        &mut self,
        channel: &mut Channel,
        password: &SecretText,
        credentials: &Credentials,
        marks: &[&str],
    ) -> Result<ShellOutput, RemoteError> {
        let (trials, cancel) = (&credentials.trials, self.wire.cancel());
        let trial = match trials.turn(&self.target.name, PasswordPurpose::Sudo, password, cancel)? {
            Turn::Try(trial) => trial,
            Turn::WrongOn(host) => {
                self.wants = Some(true);
                return Err(self.no_root(&format!(
                    "sudo's password was not sent, because it was wrong on {host}"
                )));
            }
        };
        // The time in which another host proved it does not count.
        self.until = Until::after(LIMIT);
        let line = Zeroizing::new(format!("{}\n", password.expose()));
        let said = self.say(channel, line.as_bytes(), marks)?;
        match &said {
            ShellOutput::Mark(0, _) => trial.was_right(),
            ShellOutput::Mark(..) => trial.was_wrong(),
            ShellOutput::End(text) if text.contains(WRONG) => trial.was_wrong(),
            ShellOutput::End(text) if NOT_ALLOWED.iter().any(|words| text.contains(words)) => {
                trial.was_right();
            }
            ShellOutput::End(_) => drop(trial),
        }
        Ok(said)
    }

    fn wrong_password(&self) -> String {
        let user = &self.target.user;
        match self.asked.as_deref() {
            Some(whose) if whose == user => format!(
                "sudo refuses this password; it asks for that of {user}. Give that one \
                 (sudo_password in the answers)"
            ),
            Some(whose) => format!(
                "sudo refuses this password; it asks for that of {whose}, not of {user} (targetpw \
                 or rootpw in its settings). Give that one (sudo_password in the answers)"
            ),
            None => "sudo refuses this password. It needs the user's own, on SUSE root's: check \
                     which, and give that one (sudo_password in the answers)"
                .to_owned(),
        }
    }

    fn no_password(&self) -> String {
        match self.asked.as_deref() {
            Some(whose) => {
                format!("sudo needs the password of {whose} (sudo_password in the answers)")
            }
            None => "sudo needs a password (sudo_password in the answers)".to_owned(),
        }
    }

    fn no_root(&self, why: &str) -> RemoteError {
        let wanted = self.wants.map(|wrong| CredentialRequest {
            what: CredentialKind::SudoPassword {
                of: self.asked.clone(),
            },
            wrong,
        });
        RemoteError::NoRoot {
            host: self.target.name.clone(),
            user: self.target.user.clone(),
            why: why.to_owned(),
            wants: wanted.into_iter().collect(),
        }
    }

    /// Sends something, and waits for one of the marks on standard error. Other output, of a
    /// profile or sudo, is skipped, and kept as the reason if no mark comes.
    fn say(
        &self,
        channel: &mut Channel,
        mut input: &[u8],
        marks: &[&str],
    ) -> Result<ShellOutput, RemoteError> {
        let (mut text, mut err) = (Vec::new(), Vec::new());
        loop {
            let pumped = self.wire.pump(channel, &mut input, &mut |stream, bytes| {
                text.extend_from_slice(bytes);
                if stream == Stream::Err {
                    err.extend_from_slice(bytes);
                }
            })?;
            if text.len() > MOST_WORDS {
                return Err(self.no_root("it prints without an end"));
            }
            let so_far = String::from_utf8_lossy(&err);
            if let Some(at) = marks.iter().position(|mark| so_far.contains(mark)) {
                let text = so_far.split(marks[at]).next().unwrap_or_default();
                return Ok(ShellOutput::Mark(at, text.to_owned()));
            }
            match pumped {
                Pumped::Moved => self.wire.check(&self.until)?,
                Pumped::Idle => self.wire.wait(&self.until)?,
                Pumped::Ended => {
                    return Ok(ShellOutput::End(
                        String::from_utf8_lossy(&text).into_owned(),
                    ));
                }
            }
        }
    }

    /// Refusals of sudo or a shell, and what to do about them.
    fn explain(&self, text: &str) -> String {
        let user = &self.target.user;
        let has = |words: &str| text.contains(words);
        let last = || {
            let lines: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim().is_empty())
                .collect();
            lines[lines.len().saturating_sub(3)..].join("; ")
        };
        if has(NEEDED) {
            format!(
                "sudo needs a password, or {user} has no sudo rights. Give the password that it \
                 asks for (sudo_password in the answers: that of {user}, on SUSE root's), or allow \
                 {user} everything without a password, with a file in /etc/sudoers.d there: {user} \
                 ALL=(ALL) NOPASSWD: ALL"
            )
        } else if has(WRONG) {
            self.wrong_password()
        } else if has("must have a tty") {
            format!(
                "sudo there requires a terminal (requiretty). Add to a file in /etc/sudoers.d: \
                 Defaults:{user} !requiretty"
            )
        } else if NOT_ALLOWED.iter().any(|words| has(words)) {
            format!(
                "sudo refuses it. Add to a file in /etc/sudoers.d there: {user} ALL=(ALL) ALL ({})",
                last()
            )
        } else if has("sudo: not found") {
            "sudo is not installed. Install it there, or log in as root".to_owned()
        } else if text.trim().is_empty() || has("account is currently not available") {
            let word = match last() {
                word if word.is_empty() => "it ended without a message".to_owned(),
                word => word,
            };
            format!(
                "the login shell of {user} there runs no commands ({word}). Set another one \
                 (usermod --shell /bin/sh {user}), or log in as another user"
            )
        } else {
            format!("the host said: {}", last())
        }
    }
}

enum ShellOutput {
    /// The mark with this number, after this text.
    Mark(usize, String),
    /// It ended instead, with this output.
    End(String),
}

/// Runs a script in the root shell, with this on its standard input.
pub fn run(
    wire: &Wire,
    channel: &mut Channel,
    script: &str,
    feed: Option<ScriptInput<'_>>,
    limit: Duration,
    bytes: &mut dyn FnMut(Stream, &[u8]) -> ControlFlow<String>,
) -> Result<i32, RemoteError> {
    let until = Until::after(limit);
    let mark = nonce().map_err(|why| wire.lost(why.to_string()))?;
    let size = script.len() + END.len();
    let announced = match &feed {
        Some(input) => format!(" {}", input.size),
        None => String::new(),
    };
    let program = Zeroizing::new(format!("{mark} {size}{announced}\n{script}{END}"));
    let mut program = program.as_bytes();
    let mut feed = feed.map(Feed::new);
    let mut frame = Frame::new(&mark);
    let mut stopped = None;
    loop {
        // Nothing of its input is sent before the script reads it: a shell reads ahead.
        let mut feeding = feed.as_mut().filter(|_| frame.has_begun());
        let whole = match &mut feeding {
            Some(feed) => feed.next().map_err(|why| wire.stopped(why.to_string()))?,
            None => program,
        };
        let mut rest = whole;
        let pumped = wire.pump(channel, &mut rest, &mut |stream, part| {
            frame.feed(stream, part, &mut |stream, text| {
                if stopped.is_none() {
                    stopped = bytes(stream, text).break_value();
                }
            });
        })?;
        let sent = whole.len() - rest.len();
        match feeding {
            Some(feed) => feed.at += sent,
            None => program = &program[sent..],
        }
        if let Some(why) = stopped {
            return Err(wire.stopped(why));
        }
        if let Some(status) = frame.status() {
            return Ok(status);
        }
        match pumped {
            Pumped::Moved => wire.check(&until)?,
            // The script may still be running, with its outputs open; but its status will not be
            // reported.
            Pumped::Idle if is_dead(channel) => return Err(wire.lost(ENDED.to_owned())),
            Pumped::Idle => wire.wait(&until)?,
            Pumped::Ended => return Err(wire.lost(ENDED.to_owned())),
        }
    }
}

/// The input of a script, in parts.
struct Feed<'a> {
    input: ScriptInput<'a>,
    part: Vec<u8>,
    /// How much of the part is sent.
    at: usize,
}

impl<'a> Feed<'a> {
    fn new(input: ScriptInput<'a>) -> Self {
        let part = Vec::new();
        Self { input, part, at: 0 }
    }

    /// What is to be sent next; empty at the end.
    fn next(&mut self) -> io::Result<&[u8]> {
        if self.at == self.part.len() {
            let size = self.input.size.min(PART);
            self.part
                .resize(usize::try_from(size).unwrap_or_default(), 0);
            self.input.bytes.read_exact(&mut self.part)?;
            self.input.size -= size;
            self.at = 0;
        }
        Ok(&self.part[self.at..])
    }
}

/// Whether the host has reported the end of the root shell.
pub fn is_dead(channel: &Channel) -> bool {
    let signal = channel.exit_signal();
    signal.is_ok_and(|signal| signal.exit_signal.is_some())
        || channel.exit_status().is_ok_and(|status| status != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::process::{Command, Output, Stdio};

    const SHELLS: [&[&str]; 3] = [&["dash"], &["bash", "--posix"], &["busybox", "sh"]];

    /// What a shell as root shell makes of its input. Only root can try.
    fn root_shell(shell: &[&str], input: &[u8]) -> Output {
        let program = Script::new(ROOT).input("READY", "ready").text().unwrap();
        let mut child = Command::new("env")
            .args(["-i", "PATH=/usr/bin:/bin"])
            .args(shell)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(program.expose().as_bytes()).unwrap();
        // Shells read ahead; so does this, before it sends a script.
        let mut ready = [0; 6];
        let mut stderr = child.stderr.take().unwrap();
        std::io::Read::read_exact(&mut stderr, &mut ready).unwrap();
        stdin.write_all(input).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    #[test]
    fn half_a_script_is_not_run() {
        for shell in SHELLS {
            let whole = "echo one; echo two#";
            let all = format!("mark {}\n{whole}", whole.len());
            let output = root_shell(shell, all.as_bytes());
            let text = String::from_utf8(output.stdout).unwrap();
            assert_eq!(text, "\u{1e}mark+\none\ntwo\n\u{1e}mark 0\n", "{shell:?}");
            for length in 0..all.len() {
                let output = root_shell(shell, &all.as_bytes()[..length]);
                assert!(output.stdout.is_empty(), "{shell:?} ran {length} bytes");
            }
        }
    }

    #[test]
    fn a_script_reads_its_input_and_no_other_does() {
        let bytes: Vec<u8> = (0..=255).cycle().take(100_000).collect();
        for shell in SHELLS {
            for (script, out) in [
                ("wc -c", "100000\n"),
                // Not whole, or not at all: the next script is none of it.
                ("head -c 3 >/dev/null; exit 4", ""),
                ("exit 5", ""),
            ] {
                let first = format!("a {} {}\n{script}#", script.len() + 1, bytes.len());
                let second = "b 7\nexit 6#";
                let input = [first.as_bytes(), &bytes, second.as_bytes()].concat();
                let output = root_shell(shell, &input);
                let text = String::from_utf8(output.stdout).unwrap();
                let status = script.rsplit(' ').next().unwrap().parse().unwrap_or(0);
                assert_eq!(
                    text,
                    format!("\u{1e}a+\n{out}\u{1e}a {status}\n\u{1e}b+\n\u{1e}b 6\n"),
                    "{shell:?} {script:?}"
                );
            }
        }
    }

    #[test]
    fn a_script_may_end_in_anything() {
        for shell in SHELLS {
            for (script, status) in [
                ("exit 3", 3),
                ("(exit 3) # a comment", 3),
                ("(exit 3)\n\n", 3),
                ("cat <<E >/dev/null; (exit 3)\ntext\nE\n", 3),
                ("(exit 3) #", 3),
                ("# nothing but a comment", 0),
                ("", 0),
            ] {
                let input = format!("m {}\n{script}#", script.len() + 1);
                let output = root_shell(shell, input.as_bytes());
                let text = String::from_utf8(output.stdout).unwrap();
                assert_eq!(
                    text,
                    format!("\u{1e}m+\n\u{1e}m {status}\n"),
                    "{shell:?} {script:?}"
                );
            }
        }
    }
}
