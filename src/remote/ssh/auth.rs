//! Logging in: the named keys, the agent, the usual keys, the password.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, PublicKey, Session};

use super::key_file::KeyFile;
use super::wire::{Until, Wire};
use super::{Credentials, RemoteError, Target};
use crate::answers::{CredentialKind, CredentialRequest};
use crate::remote::trials::{PasswordPurpose, Turn};
use crate::secrets::SecretText;

/// For all attempts together: PAM waits 4 s after a wrong password (docs/ssh.md, "Keys and
/// passwords").
const LIMIT: Duration = Duration::from_secs(40);
/// One attempt less than sshd allows: `MaxAuthTries` is 6, and a given password needs one attempt.
const KEYS_BEFORE_PASSWORD: usize = 5;
/// What OpenSSH tries by itself.
const USUAL_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// libssh2's errors for a private key that it cannot parse, before and after the server accepts the
/// key; usually a wrong passphrase.
const UNREADABLE: [ErrorCode; 2] = [ErrorCode::Session(-16), ErrorCode::Session(-19)];
/// The server says no.
const REFUSED: ErrorCode = ErrorCode::Session(-18);

/// Logs in with the given secrets, the least harmful first: a wrong password counts towards a
/// lock-out, a wrong key does not.
pub fn log_in(wire: &Wire, target: &Target, credentials: &Credentials) -> Result<(), RemoteError> {
    let mut attempt = LoginAttempt {
        wire,
        target,
        credentials,
        until: Until::after(LIMIT),
        keys: 0,
        most: match credentials.password {
            Some(_) => KEYS_BEFORE_PASSWORD,
            None => usize::MAX,
        },
        ended: false,
        said: Vec::new(),
        remedy: None,
        wants: Vec::new(),
    };
    let methods = attempt
        .call(|session| session.auth_methods(&target.user).map(str::to_owned))?
        .unwrap_or_default();
    if attempt.is_in() || attempt.any_key(&methods)? || attempt.password(&methods)? {
        return Ok(());
    }
    attempt.wants_password(&methods)?;
    let advice = attempt.advice(&methods);
    let LoginAttempt {
        said: mut tried,
        wants,
        ..
    } = attempt;
    if tried.is_empty() {
        tried.push("no key, no agent and no password to try".to_owned());
    } else if takes_key(&methods) && target.keys.is_empty() && !has_agent() {
        tried.push("no ssh-agent is running (SSH_AUTH_SOCK is not set)".to_owned());
    }
    let tried = tried.join("; ");
    let why = format!("{tried} (the server accepts: {methods}). {advice}");
    Err(refused(target, why, wants))
}

fn refused(target: &Target, why: String, wants: Vec<CredentialRequest>) -> RemoteError {
    RemoteError::Auth {
        host: target.name.clone(),
        user: target.user.clone(),
        why,
        wants,
    }
}

struct LoginAttempt<'a> {
    wire: &'a Wire,
    target: &'a Target,
    credentials: &'a Credentials,
    until: Until,
    /// Public keys that were tried.
    keys: usize,
    /// The maximum.
    most: usize,
    /// The server allows no more attempts.
    ended: bool,
    /// The attempts and their results.
    said: Vec<String>,
    /// What would help, if one of the attempts almost succeeded.
    remedy: Option<String>,
    /// Which other secrets could help.
    wants: Vec<CredentialRequest>,
}

impl LoginAttempt<'_> {
    fn is_in(&self) -> bool {
        self.wire.session().authenticated()
    }

    fn call<T>(
        &self,
        call: impl FnMut(&Session) -> Result<T, ssh2::Error>,
    ) -> Result<Result<T, ssh2::Error>, RemoteError> {
        self.wire
            .retry(&self.until, call)
            .map_err(|error| match error {
                RemoteError::Timeout { limit, .. } => refused(
                    self.target,
                    format!("no answer within {} s", limit.as_secs()),
                    Vec::new(),
                ),
                other => other,
            })
    }

    /// Whether the attempt succeeded; if not, notes why.
    fn judge(&mut self, what: &str, result: Result<(), ssh2::Error>) -> bool {
        match result {
            Err(why) if is_end(&why) => {
                self.ended = true;
                self.said.push(format!(
                    "the server stopped after {} keys (MaxAuthTries): name the right one",
                    self.keys.saturating_sub(1)
                ));
            }
            Err(why) if why.code() == REFUSED => self.said.push(format!("{what}: refused")),
            Err(why) => self.said.push(format!("{what}: {}", why.message())),
            Ok(()) if !self.is_in() => {
                self.said
                    .push(format!("{what}: accepted, but more is required"));
                if self.credentials.password.is_none() {
                    let user = &self.target.user;
                    let give =
                        format!("Also give the password of {user} (password in the answers)");
                    self.remedy = Some(give);
                }
            }
            Ok(()) => {}
        }
        self.is_in()
    }

    /// What to do next.
    fn advice(&self, methods: &str) -> String {
        let user = &self.target.user;
        let asks = methods.is_empty() || takes_password(methods);
        let password = (asks && self.credentials.password.is_none())
            .then(|| format!("give the password of {user} (password in the answers)"));
        let key = || {
            format!(
                "Give a key that is in ~{user}/.ssh/authorized_keys there (key in the answers), or \
                 load one into ssh-agent"
            )
        };
        let first = self.remedy.clone();
        match (first.or_else(|| takes_key(methods).then(key)), password) {
            (Some(first), Some(password)) => format!("{first}, or {password}"),
            (Some(first), None) => first,
            (None, Some(password)) => password.replacen("give", "Give", 1),
            (None, None) => "Allow keys or passwords in its sshd_config".to_owned(),
        }
    }

    /// Named keys come first, as with OpenSSH; then the agent's, then those that OpenSSH tries by
    /// itself.
    fn any_key(&mut self, methods: &str) -> Result<bool, RemoteError> {
        if !takes_key(methods) {
            self.said
                .push("no key was tried: the server accepts none".to_owned());
            return Ok(false);
        }
        let usual = usual_keys(&self.target.keys);
        let (named, usual) = match self.target.keys.is_empty() {
            true if self.target.only_these_keys => (usual, Vec::new()),
            true => (Vec::new(), usual),
            false if self.target.only_these_keys => (self.named_keys(), Vec::new()),
            false => (self.named_keys(), usual),
        };
        Ok(self.files(&named)? || self.agent(&named)? || self.files(&usual)?)
    }

    fn named_keys(&mut self) -> Vec<KeyFile> {
        let (mut keys, target) = (Vec::new(), self.target);
        for path in &target.keys {
            match KeyFile::read(path) {
                Ok(key) => keys.push(key),
                Err(why) => {
                    let path = path.display();
                    self.said.push(format!("cannot read the key {path}: {why}"));
                }
            }
        }
        keys
    }

    fn files(&mut self, keys: &[KeyFile]) -> Result<bool, RemoteError> {
        for key in keys {
            if key.is_public() {
                // Its private half can only be in the agent.
            } else if key.is_encrypted() && self.credentials.passphrase.is_none() {
                let path = key.path.display();
                self.said.push(format!("the key {path} is encrypted"));
                self.remedy = Some(
                    "Give its passphrase (passphrase in the answers), or load the key into \
                     ssh-agent"
                        .to_owned(),
                );
                self.wants_passphrase(key, false);
            } else if self.file(key)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A key file: with the certificate next to it, and without.
    fn file(&mut self, key: &KeyFile) -> Result<bool, RemoteError> {
        let path = key.path.display();
        for public in key.certificate().map(Some).into_iter().chain([None]) {
            if !self.may_try(&format!("the key {path}")) {
                return Ok(false);
            }
            let phrase = self.credentials.passphrase.as_ref();
            let phrase = phrase.map(SecretText::expose);
            let user = &self.target.user;
            // Opening an encrypted key takes long, on purpose (docs/ssh.md, "Keys and passwords").
            // Offered by its public half, it is opened once, and only where the server takes it.
            let offer = public.is_none().then(|| key.offer()).flatten();
            let result = self.call(|session| match &offer {
                Some(offer) => {
                    session.userauth_pubkey_memory(user, Some(offer), key.text(), phrase)
                }
                None => session.userauth_pubkey_file(user, public.as_deref(), &key.path, phrase),
            })?;
            let unreadable = |why: &ssh2::Error| UNREADABLE.contains(&why.code()) && !is_end(why);
            if key.is_encrypted() && result.as_ref().is_err_and(unreadable) {
                // libssh2 reports an unknown format.
                self.said
                    .push(format!("the key {path}: this passphrase does not open it"));
                self.remedy = Some(
                    "Give the right one (passphrase in the answers), or load the key into ssh-agent"
                        .to_owned(),
                );
                self.wants_passphrase(key, true);
                return Ok(false);
            }
            if self.judge(&format!("the key {path}"), result) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wants_passphrase(&mut self, key: &KeyFile, wrong: bool) {
        let key = key.path.clone();
        let what = CredentialKind::Passphrase { key };
        self.wants.push(CredentialRequest { what, wrong });
    }

    /// A password can be asked for if the server accepts one and none succeeded.
    fn wants_password(&mut self, methods: &str) -> Result<(), RemoteError> {
        let wants =
            |wanted: &CredentialRequest| matches!(wanted.what, CredentialKind::Password { .. });
        if self.ended || self.wants.iter().any(wants) {
            return Ok(());
        }
        let given = self.credentials.password.is_some();
        // The methods after a key are only known then.
        let takes_it = takes_password(methods) || {
            let user = &self.target.user;
            let now = self.call(|session| session.auth_methods(user).map(str::to_owned))?;
            now.is_ok_and(|methods| takes_password(&methods))
        };
        if takes_it {
            self.password_wanted(String::new(), given);
        }
        Ok(())
    }

    fn password_wanted(&mut self, question: String, wrong: bool) {
        let user = self.target.user.clone();
        let what = CredentialKind::Password { user, question };
        self.wants.push(CredentialRequest { what, wrong });
    }

    /// The agent's identities: those of the named keys first, and with `IdentitiesOnly` no others.
    fn agent(&mut self, named: &[KeyFile]) -> Result<bool, RemoteError> {
        if self.ended || !has_agent() {
            return Ok(false);
        }
        let connected = self.wire.session().agent().and_then(|mut agent| {
            agent.connect()?;
            agent.list_identities()?;
            let identities = agent.identities()?;
            Ok((agent, identities))
        });
        let (agent, mut identities) = match connected {
            Ok(connected) => connected,
            Err(why) => {
                self.said.push(format!("ssh-agent: {}", why.message()));
                return Ok(false);
            }
        };
        if identities.is_empty() {
            self.said.push("ssh-agent: it has no keys".to_owned());
        }
        let public: Vec<_> = named.iter().flat_map(KeyFile::public).collect();
        let is_named = |identity: &PublicKey| public.iter().any(|key| key == identity.blob());
        if self.target.only_these_keys {
            let held = identities.len();
            identities.retain(is_named);
            let other = held - identities.len();
            if other > 0 {
                let text = format!("ssh-agent: {other} other keys, not tried (IdentitiesOnly)");
                self.said.push(text);
            }
        }
        identities.sort_by_key(|identity| !is_named(identity));
        for identity in identities {
            let what = format!("ssh-agent's key {}", identity.comment());
            if !self.may_try(&what) {
                break;
            }
            let result = self.call(|_| agent.userauth(&self.target.user, &identity))?;
            if self.judge(&what, result) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Counts another key, if one is allowed.
    fn may_try(&mut self, what: &str) -> bool {
        if self.ended {
            return false;
        }
        if self.keys >= self.most {
            let most = self.most;
            let text = format!(
                "{what}: not tried, the last attempt after {most} keys is for the \
                                password"
            );
            self.said.push(text);
            return false;
        }
        self.keys += 1;
        true
    }

    fn password(&mut self, methods: &str) -> Result<bool, RemoteError> {
        let credentials = self.credentials;
        let Some(password) = credentials.password.as_ref().filter(|_| !self.ended) else {
            return Ok(false);
        };
        let target = self.target;
        let (trials, cancel) = (&credentials.trials, self.wire.cancel());
        let trial = match trials.turn(&target.name, PasswordPurpose::Login, password, cancel)? {
            Turn::Try(trial) => trial,
            Turn::WrongOn(host) => {
                let text = format!("the password: not sent, because it was wrong on {host}");
                self.said.push(text);
                self.remedy = Some("Give the right one (password in the answers)".to_owned());
                self.password_wanted(String::new(), true);
                return Ok(false);
            }
        };
        // The wait for another host's attempt does not count.
        self.until = Until::after(LIMIT);
        let asks = takes_password(methods);
        let (in_, code, question) = self.send_password(password, methods)?;
        if !in_ && code == Some(REFUSED) && asks {
            self.password_wanted(question, true);
        }
        match code {
            _ if in_ => trial.was_right(),
            // Right, but more is required.
            None => trial.was_right(),
            // If the password was not requested, nothing is known about it.
            Some(REFUSED) if asks => {
                trial.was_wrong();
                let user = &target.user;
                self.remedy = Some(format!(
                    "Give the right password of {user} (password in the answers)"
                ));
            }
            Some(_) => drop(trial),
        }
        Ok(in_)
    }

    /// Whether it succeeded, the error if any, and the server's prompt.
    fn send_password(
        &mut self,
        password: &SecretText,
        methods: &str,
    ) -> Result<(bool, Option<ErrorCode>, String), RemoteError> {
        let user = &self.target.user;
        // What a server requires after a key is not in its first list.
        if takes(methods, "password") || !takes(methods, "keyboard-interactive") {
            let result = self.call(|session| session.userauth_password(user, password.expose()))?;
            let code = result.as_ref().err().map(ssh2::Error::code);
            // Never the same wrong password twice: it counts towards a lock-out.
            if self.judge("the password", result) || takes(methods, "password") {
                return Ok((self.is_in(), code, String::new()));
            }
        }
        let mut answers = PasswordPrompt {
            password,
            question: String::new(),
        };
        let result =
            self.call(|session| session.userauth_keyboard_interactive(user, &mut answers))?;
        let code = result.as_ref().err().map(ssh2::Error::code);
        Ok((
            self.judge("the password, asked for interactively", result),
            code,
            answers.question,
        ))
    }
}

/// Whether a comma-separated list of methods has this one.
fn takes(methods: &str, method: &str) -> bool {
    methods.split(',').any(|taken| taken == method)
}

/// A server that does not list its methods may accept any.
fn takes_key(methods: &str) -> bool {
    methods.is_empty() || takes(methods, "publickey")
}

fn takes_password(methods: &str) -> bool {
    takes(methods, "password") || takes(methods, "keyboard-interactive")
}

fn has_agent() -> bool {
    std::env::var_os("SSH_AUTH_SOCK").is_some()
}

/// The connection is lost: an sshd does that after too many attempts.
fn is_end(error: &ssh2::Error) -> bool {
    const SOCKET_SEND: i32 = -7;
    const SOCKET_DISCONNECT: i32 = -13;
    const SOCKET_RECV: i32 = -43;
    let gone = matches!(
        error.code(),
        ErrorCode::Session(SOCKET_SEND | SOCKET_DISCONNECT | SOCKET_RECV)
    );
    // libssh2 uses the code of a refusal for its failed wait.
    gone || error.message().starts_with("Waiting for ")
}

/// Those that exist, and were not named already.
fn usual_keys(named: &[PathBuf]) -> Vec<KeyFile> {
    let home = directories::BaseDirs::new();
    let folder = home.map(|dirs| dirs.home_dir().join(".ssh"));
    let paths = folder.iter().flat_map(|folder| {
        let path = |name: &&str| -> PathBuf { Path::new(folder).join(name) };
        USUAL_KEYS.iter().map(path)
    });
    paths
        .filter(|path| !named.contains(path))
        .filter_map(|path| KeyFile::read(&path).ok())
        .collect()
}

/// Answers every hidden prompt with the password.
struct PasswordPrompt<'a> {
    password: &'a SecretText,
    /// The last prompt.
    question: String,
}

impl KeyboardInteractivePrompt for PasswordPrompt<'_> {
    fn prompt(&mut self, _: &str, _: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        let hidden = prompts.iter().filter(|prompt| !prompt.echo);
        let words: Vec<_> = hidden.map(|prompt| prompt.text.trim()).collect();
        if !words.is_empty() {
            self.question = words.join(" ");
        }
        let answer = |prompt: &Prompt<'_>| {
            if prompt.echo {
                String::new()
            } else {
                self.password.expose().to_owned()
            }
        };
        prompts.iter().map(answer).collect()
    }
}
