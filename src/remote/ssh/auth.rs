//! Logging in: the key of the answers, the agent, the usual keys, the password.

use std::path::{Path, PathBuf};
use std::time::Duration;

use openssl::base64;
use ssh2::{ErrorCode, KeyboardInteractivePrompt, Prompt, Session};

use super::wire::{Until, Wire};
use super::{Credentials, RemoteError, Target};
use crate::answers::{SecretText, paths};

/// For all attempts together: PAM makes one wait 4 s after a wrong password (ssh.md 1).
const LIMIT: Duration = Duration::from_secs(40);
/// What sshd allows, one attempt less: `MaxAuthTries` is 6, and a password that was given must
/// still have its turn.
const KEYS_BEFORE_PASSWORD: usize = 5;
/// What OpenSSH tries by itself.
const USUAL_KEYS: [&str; 3] = ["id_ed25519", "id_ecdsa", "id_rsa"];

/// libssh2 on a private key that it cannot make sense of; a wrong passphrase, mostly.
const UNREADABLE: ErrorCode = ErrorCode::Session(-16);

/// Logs in with whatever was given, in the order in which it harms least: a wrong password counts
/// towards a lock-out, a wrong key does not.
pub fn log_in(wire: &Wire, target: &Target, credentials: &Credentials) -> Result<(), RemoteError> {
    let mut attempt = Attempt {
        wire,
        target,
        until: Until::after(LIMIT),
        keys: 0,
        most: match credentials.password {
            Some(_) => KEYS_BEFORE_PASSWORD,
            None => usize::MAX,
        },
        said: Vec::new(),
    };
    let methods = attempt
        .call(|session| session.auth_methods(&target.user).map(str::to_owned))?
        .unwrap_or_default();
    if attempt.is_in()
        || attempt.key_of_the_answers(credentials.passphrase.as_ref())?
        || attempt.agent()?
        || attempt.usual_keys(credentials.passphrase.as_ref())?
        || attempt.password(credentials.password.as_ref(), &methods)?
    {
        return Ok(());
    }
    let mut tried = attempt.said;
    if tried.is_empty() {
        tried.push("there is no key, no agent and no password to try".to_owned());
    }
    Err(refused(
        target,
        format!(
            "{} (the server takes: {methods}). Give the host a key that is in \
             ~{}/.ssh/authorized_keys there, load one into ssh-agent, or give its password",
            tried.join("; "),
            target.user
        ),
    ))
}

fn refused(target: &Target, why: String) -> RemoteError {
    RemoteError::Auth {
        host: target.name.clone(),
        user: target.user.clone(),
        why,
    }
}

struct Attempt<'a> {
    wire: &'a Wire,
    target: &'a Target,
    until: Until,
    /// Public keys that were tried.
    keys: usize,
    /// How many may be.
    most: usize,
    /// What was tried, and what came of it.
    said: Vec<String>,
}

impl Attempt<'_> {
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
                ),
                other => other,
            })
    }

    /// Whether the attempt got in; if not, notes why.
    fn judge(&mut self, what: &str, result: Result<(), ssh2::Error>) -> bool {
        if let Err(why) = result {
            self.said.push(format!("{what}: {}", why.message()));
        } else if !self.is_in() {
            self.said.push(format!("{what}: not enough by itself"));
        }
        self.is_in()
    }

    fn key_of_the_answers(&mut self, passphrase: Option<&SecretText>) -> Result<bool, RemoteError> {
        let Some(path) = self.target.key.as_deref().map(paths::expand) else {
            return Ok(false);
        };
        let text = std::fs::read(&path).map_err(|why| {
            let path = path.display();
            refused(self.target, format!("cannot read the key {path}: {why}"))
        })?;
        if is_encrypted(&text) && passphrase.is_none() {
            let path = path.display();
            self.said.push(format!(
                "the key {path} is encrypted: give its passphrase, or load it into ssh-agent"
            ));
            return Ok(false);
        }
        self.key(&path, &text, passphrase)
    }

    fn usual_keys(&mut self, passphrase: Option<&SecretText>) -> Result<bool, RemoteError> {
        let home = directories::BaseDirs::new();
        let folder = home.map(|dirs| dirs.home_dir().join(".ssh"));
        for path in USUAL_KEYS
            .iter()
            .filter_map(|key| Some(folder.as_ref()?.join(key)))
        {
            let Ok(text) = std::fs::read(&path) else {
                continue;
            };
            if is_encrypted(&text) && passphrase.is_none() {
                let path = path.display();
                self.said
                    .push(format!("{path}: encrypted, and no passphrase"));
            } else if self.key(&path, &text, passphrase)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A key file: with the certificate that lies beside it, and without.
    fn key(
        &mut self,
        path: &Path,
        text: &[u8],
        passphrase: Option<&SecretText>,
    ) -> Result<bool, RemoteError> {
        let mut certificate = path.as_os_str().to_owned();
        certificate.push("-cert.pub");
        let certificate = Some(PathBuf::from(certificate)).filter(|path| path.exists());
        let with: Vec<Option<PathBuf>> = certificate.map(Some).into_iter().chain([None]).collect();
        for public in with {
            if self.keys >= self.most {
                return Ok(false);
            }
            self.keys += 1;
            let phrase = passphrase.map(SecretText::expose);
            let result = self.call(|session| {
                session.userauth_pubkey_file(&self.target.user, public.as_deref(), path, phrase)
            })?;
            let what = match &result {
                Err(why) if why.code() == UNREADABLE && is_encrypted(text) => {
                    format!("the key {} with this passphrase", path.display())
                }
                _ => format!("the key {}", path.display()),
            };
            if self.judge(&what, result) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Every identity of the agent.
    fn agent(&mut self) -> Result<bool, RemoteError> {
        if std::env::var_os("SSH_AUTH_SOCK").is_none() {
            return Ok(false);
        }
        let connected = self.wire.session().agent().and_then(|mut agent| {
            agent.connect()?;
            agent.list_identities()?;
            let identities = agent.identities()?;
            Ok((agent, identities))
        });
        let (agent, identities) = match connected {
            Ok(connected) => connected,
            Err(why) => {
                self.said.push(format!("ssh-agent: {}", why.message()));
                return Ok(false);
            }
        };
        if identities.is_empty() {
            self.said.push("ssh-agent: it holds no key".to_owned());
        }
        for identity in identities {
            if self.keys >= self.most {
                self.said.push("ssh-agent: too many keys to try".to_owned());
                break;
            }
            self.keys += 1;
            let result = self.call(|_| agent.userauth(&self.target.user, &identity))?;
            let what = format!("ssh-agent's key {}", identity.comment());
            if self.judge(&what, result) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn password(
        &mut self,
        password: Option<&SecretText>,
        methods: &str,
    ) -> Result<bool, RemoteError> {
        let Some(password) = password else {
            return Ok(false);
        };
        let user = &self.target.user;
        let takes = |method: &str| methods.split(',').any(|taken| taken == method);
        // What a server asks for after a key is not in the list that it gave before.
        if takes("password") || !takes("keyboard-interactive") {
            let result = self.call(|session| session.userauth_password(user, password.expose()))?;
            if self.judge("the password", result) {
                return Ok(true);
            }
        }
        // Not the same wrong one twice: it counts towards a lock-out.
        if takes("password") {
            return Ok(false);
        }
        let mut answers = Answers(password);
        let result =
            self.call(|session| session.userauth_keyboard_interactive(user, &mut answers))?;
        Ok(self.judge("the password, asked for interactively", result))
    }
}

/// Answers every question that is not shown while it is answered with the password.
struct Answers<'a>(&'a SecretText);

impl KeyboardInteractivePrompt for Answers<'_> {
    fn prompt(&mut self, _: &str, _: &str, prompts: &[Prompt<'_>]) -> Vec<String> {
        let answer = |prompt: &Prompt<'_>| {
            if prompt.echo {
                String::new()
            } else {
                self.0.expose().to_owned()
            }
        };
        prompts.iter().map(answer).collect()
    }
}

/// Whether a private key needs a passphrase; libssh2 does not tell.
fn is_encrypted(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let Some((_, rest)) = text.split_once("-----BEGIN OPENSSH PRIVATE KEY-----") else {
        return text.contains("ENCRYPTED");
    };
    let body: String = rest
        .lines()
        .take_while(|line| !line.starts_with('-'))
        .collect();
    // `openssh-key-v1`, a NUL, and the name of the cipher behind its length.
    let plain = b"openssh-key-v1\0\0\0\0\x04none";
    base64::decode_block(body.trim()).is_ok_and(|key| !key.starts_with(plain))
}
