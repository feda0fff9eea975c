//! What the operator's `~/.ssh/config` says about a host, by the rules of `ssh_config(5)`: the
//! first value wins.
//!
//! A keyword that changes the destination or the user and is not supported (`ProxyCommand`, `Match
//! exec` …) is an error that names the line. What the wizard decides itself (ciphers, agent
//! forwarding, host keys) is ignored.
//!
//! * `parse`: from files to lines; `pattern`: `Host` patterns and globs

mod parse;
mod pattern;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::jump;
use parse::{ConfigLine, ConfigReader};
use pattern::matches;

/// The lines of a configuration file and of all that it includes.
#[derive(Debug, Clone, Default)]
pub struct SshConfig {
    lines: Vec<ConfigLine>,
    home: PathBuf,
}

/// What a configuration says about one host; what it does not set is `None` or empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostSettings {
    /// The address to connect to.
    pub host_name: Option<String>,
    pub user: Option<String>,
    pub port: Option<u16>,
    /// As written: with `~` and tokens. `none` means no key.
    pub identity_files: Vec<Written>,
    pub identities_only: Option<bool>,
    /// The bastions, as written; without it, none.
    pub proxy_jump: Option<Written>,
    /// Why the host cannot be reached as the configuration says: it has a `ProxyCommand`.
    pub proxy_command: Option<SshConfigError>,
}

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub text: String,
    pub file: PathBuf,
    pub line: usize,
}

/// Why a configuration cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SshConfigError {
    #[error("{} cannot be read: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error("{}:{line}: {what}", file.display())]
    Wrong {
        file: PathBuf,
        line: usize,
        what: String,
    },
    #[error(
        "{}:{line}: {what}, which the wizard does not support. If {host} can be reached without \
         it, set config under [ssh] to another file, or to \"none\"",
        file.display()
    )]
    CannotDo {
        host: String,
        file: PathBuf,
        line: usize,
        what: String,
    },
}

impl SshConfig {
    /// Reads a file with all that it includes. A missing file is empty.
    pub fn load(file: &Path, home: &Path) -> Result<Self, SshConfigError> {
        Ok(Self {
            lines: ConfigReader { home }.of(file)?,
            home: home.to_owned(),
        })
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn of_text(text: &str, home: &Path) -> Result<Self, SshConfigError> {
        Ok(Self {
            lines: parse::lines(Path::new("config"), text)?,
            home: home.to_owned(),
        })
    }

    /// The settings for a host, by the name in the answers.
    pub fn of(&self, host: &str) -> Result<HostSettings, SshConfigError> {
        let mut reading = Reading {
            host,
            said: HostSettings::default(),
            decided: BTreeSet::new(),
            unknown: Vec::new(),
        };
        // Lines before the first Host apply to all.
        reading.lines(&self.lines, true, false)?;
        let mut said = reading.said;
        if let Some(name) = &said.host_name {
            let parts: Vec<_> = name
                .split("%%")
                .map(|part| part.replace("%h", host))
                .collect();
            said.host_name = Some(parts.join("%"));
        }
        Ok(said)
    }

    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The path of a key with `~`, tokens and variables filled in.
    pub(super) fn path(
        &self,
        written: &Written,
        token: impl Fn(char) -> Option<String>,
    ) -> Result<PathBuf, SshConfigError> {
        let wrong = |what: String| written.wrong(what);
        let mut text = String::new();
        let mut rest = match written.text.strip_prefix("~/") {
            Some(rest) => {
                text = format!("{}/", self.home.display());
                rest
            }
            None if written.text.starts_with('~') => {
                return Err(wrong(format!(
                    "{:?} is in another user's home, which the wizard does not look up",
                    written.text
                )));
            }
            None => &written.text,
        };
        while let Some(at) = rest.find(['%', '$']) {
            text.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let variable = after
                .strip_prefix('{')
                .and_then(|after| after.split_once('}'));
            match (rest[at..].chars().next(), variable) {
                (Some('$'), Some((name, after))) => {
                    let value = std::env::var(name).map_err(|_| {
                        wrong(format!("the environment variable {name} is not set"))
                    })?;
                    text.push_str(&value);
                    rest = after;
                }
                (Some('$'), None) => {
                    text.push('$');
                    rest = after;
                }
                _ => {
                    let letter = after.chars().next().unwrap_or(' ');
                    let value = token(letter)
                        .ok_or_else(|| wrong(format!("the token %{letter} is not supported")))?;
                    text.push_str(&value);
                    rest = &after[letter.len_utf8().min(after.len())..];
                }
            }
        }
        text.push_str(rest);
        Ok(text.into())
    }
}

impl Written {
    pub(super) fn wrong(&self, what: String) -> SshConfigError {
        SshConfigError::Wrong {
            file: self.file.clone(),
            line: self.line,
            what,
        }
    }
}

/// A configuration being read for one host.
struct Reading<'a> {
    host: &'a str,
    said: HostSettings,
    /// Keywords that already have a value: later ones do not count.
    decided: BTreeSet<&'static str>,
    /// Patterns of keywords to ignore (`IgnoreUnknown`).
    unknown: Vec<String>,
}

impl Reading<'_> {
    /// `never`: the Include does not apply to this host, so no Host line in it does.
    fn lines(
        &mut self,
        lines: &[ConfigLine],
        active: bool,
        never: bool,
    ) -> Result<(), SshConfigError> {
        let mut active = active;
        for line in lines {
            match &*line.keyword {
                "host" => active = !never && self.host_is_meant(line)?,
                "match" => {
                    let all =
                        matches!(&*line.arguments, [only] if only.eq_ignore_ascii_case("all"));
                    if !all && !never {
                        let what = format!("Match {}", line.arguments.join(" "));
                        return Err(self.cannot(line, &what));
                    }
                    active = !never;
                }
                "include" => {
                    for file in &line.included {
                        self.lines(file, active, !active)?;
                    }
                }
                _ if active => self.setting(line)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// One pattern that fits is enough, but none with a `!` may fit.
    fn host_is_meant(&self, line: &ConfigLine) -> Result<bool, SshConfigError> {
        let mut meant = false;
        for pattern in &line.arguments {
            match pattern.strip_prefix('!') {
                _ if pattern.is_empty() => return Err(line.wrong("a pattern is empty")),
                Some(pattern) if matches(self.host, pattern) => return Ok(false),
                None if matches(self.host, pattern) => meant = true,
                _ => {}
            }
        }
        Ok(meant)
    }

    fn setting(&mut self, line: &ConfigLine) -> Result<(), SshConfigError> {
        let keyword = &*line.keyword;
        let value = line.arguments.first().map_or("", String::as_str);
        let said = &mut self.said;
        if let "hostname" | "user" | "port" | "identityfile" | "identitiesonly" = keyword {
            if line.arguments.len() > 1 {
                return Err(line.wrong("there is more than one value"));
            }
            if value.is_empty() {
                return Err(line.wrong("the value is missing"));
            }
        }
        match keyword {
            "hostname" => {
                let plain = value.split("%%").map(|part| part.replace("%h", ""));
                if plain.into_iter().any(|part| part.contains('%')) {
                    return Err(line.wrong("only %h and %% are allowed here"));
                }
                said.host_name.get_or_insert_with(|| value.to_owned());
            }
            "user" => {
                said.user.get_or_insert_with(|| value.to_owned());
            }
            "port" => {
                let port = value.parse().ok().filter(|port| *port > 0);
                let port = port.ok_or_else(|| {
                    line.wrong(
                        "the port is not a number between 1 and \
                                                          65535",
                    )
                })?;
                said.port.get_or_insert(port);
            }
            "identityfile" => {
                if !said.identity_files.iter().any(|file| file.text == value) {
                    said.identity_files.push(Written {
                        text: value.to_owned(),
                        file: line.file.clone(),
                        line: line.number,
                    });
                }
            }
            "identitiesonly" => {
                let only = yes_or_no(value).ok_or_else(|| line.wrong("must be yes or no"))?;
                said.identities_only.get_or_insert(only);
            }
            "proxyjump" | "proxycommand" => self.proxy(line, value)?,
            "ignoreunknown" => {
                if self.unknown.is_empty() {
                    self.unknown = value.split(',').map(str::to_lowercase).collect();
                }
            }
            _ => self.other(line, keyword, value)?,
        }
        Ok(())
    }

    /// Of the two, the first one counts.
    fn proxy(&mut self, line: &ConfigLine, value: &str) -> Result<(), SshConfigError> {
        let what = format!("{} {}", line.written, line.arguments.join(" "));
        if !self.decided.insert("proxy") || value.eq_ignore_ascii_case("none") {
        } else if line.keyword == "proxycommand" {
            self.said.proxy_command = Some(self.cannot(line, &what));
        } else if value.contains('%') {
            return Err(self.cannot(line, &what));
        } else if line.arguments.len() > 1 || jump::hops(value).is_none() {
            return Err(line.wrong("must be [user@]name[:port], several separated by commas"));
        } else {
            self.said.proxy_jump = Some(Written {
                text: value.to_owned(),
                file: line.file.clone(),
                line: line.number,
            });
        }
        Ok(())
    }

    fn other(
        &mut self,
        line: &ConfigLine,
        keyword: &str,
        value: &str,
    ) -> Result<(), SshConfigError> {
        if let Some((kind, nothing)) = CANNOT
            .iter()
            .find(|(name, ..)| *name == keyword)
            .map(|(_, kind, nothing)| (kind, nothing))
        {
            let first = self.decided.insert(kind);
            if first && !nothing.iter().any(|word| word.eq_ignore_ascii_case(value)) {
                let what = format!("{} {}", line.written, line.arguments.join(" "));
                return Err(self.cannot(line, &what));
            }
            return Ok(());
        }
        let known = || {
            let unknown = self.unknown.iter();
            HARMLESS.contains(&keyword) || unknown.clone().any(|word| matches(keyword, word))
        };
        if known() {
            Ok(())
        } else {
            Err(self.cannot(line, &line.written))
        }
    }

    fn cannot(&self, line: &ConfigLine, what: &str) -> SshConfigError {
        SshConfigError::CannotDo {
            host: self.host.to_owned(),
            file: line.file.clone(),
            line: line.number,
            what: what.to_owned(),
        }
    }
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// Keywords that are not supported, what each counts as, and the values that mean "off".
const CANNOT: &[(&str, &str, &[&str])] = &[
    ("addressfamily", "addressfamily", &["any"]),
    ("bindaddress", "bindaddress", &[]),
    ("bindinterface", "bindinterface", &[]),
    ("canonicalizehostname", "canonicalizehostname", &["no"]),
    ("certificatefile", "certificatefile", &["none"]),
    ("hostkeyalias", "hostkeyalias", &[]),
    ("identityagent", "identityagent", &["SSH_AUTH_SOCK"]),
    ("pkcs11provider", "pkcs11provider", &["none"]),
    ("revokedhostkeys", "revokedhostkeys", &["none"]),
    ("smartcarddevice", "pkcs11provider", &["none"]),
];

/// Known to ssh, and irrelevant here.
const HARMLESS: &[&str] = &[
    "addkeystoagent",
    "afstokenpassing",
    "batchmode",
    "canonicaldomains",
    "canonicalizefallbacklocal",
    "canonicalizemaxdots",
    "canonicalizepermittedcnames",
    "casignaturealgorithms",
    "challengeresponseauthentication",
    "channeltimeout",
    "checkhostip",
    "cipher",
    "ciphers",
    "clearallforwardings",
    "compression",
    "compressionlevel",
    "connectionattempts",
    "connecttimeout",
    "controlmaster",
    "controlpath",
    "controlpersist",
    "dynamicforward",
    "enableescapecommandline",
    "enablesshkeysign",
    "escapechar",
    "exitonforwardfailure",
    "fallbacktorsh",
    "fingerprinthash",
    "forkafterauthentication",
    "forwardagent",
    "forwardx11",
    "forwardx11timeout",
    "forwardx11trusted",
    "gatewayports",
    "globalknownhostsfile",
    "gssapiauthentication",
    "gssapiclientidentity",
    "gssapidelegatecredentials",
    "gssapikexalgorithms",
    "gssapikeyexchange",
    "gssapirenewalforcesrekey",
    "gssapiserveridentity",
    "gssapitrustdns",
    "hashknownhosts",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "hostbasedkeytypes",
    "hostkeyalgorithms",
    "ipqos",
    "kbdinteractiveauthentication",
    "kbdinteractivedevices",
    "keepalive",
    "kexalgorithms",
    "knownhostscommand",
    "localcommand",
    "localforward",
    "loglevel",
    "logverbose",
    "macs",
    "nohostauthenticationforlocalhost",
    "numberofpasswordprompts",
    "obscurekeystroketiming",
    "passwordauthentication",
    "permitlocalcommand",
    "permitremoteopen",
    "preferredauthentications",
    "protocol",
    "proxyusefdpass",
    "pubkeyacceptedalgorithms",
    "pubkeyacceptedkeytypes",
    "pubkeyauthentication",
    "rekeylimit",
    "remotecommand",
    "remoteforward",
    "requesttty",
    "requiredrsasize",
    "rhostsauthentication",
    "rhostsrsaauthentication",
    "rsaauthentication",
    "securitykeyprovider",
    "sendenv",
    "serveralivecountmax",
    "serveraliveinterval",
    "sessiontype",
    "setenv",
    "skeyauthentication",
    "stdinnull",
    "streamlocalbindmask",
    "streamlocalbindunlink",
    "stricthostkeychecking",
    "syslogfacility",
    "tag",
    "tcpkeepalive",
    "tisauthentication",
    "tunnel",
    "tunneldevice",
    "updatehostkeys",
    "useprivilegedport",
    "userknownhostsfile",
    "usersh",
    "useroaming",
    "verifyhostkeydns",
    "versionaddendum",
    "visualhostkey",
    "warnweakcrypto",
    "xauthlocation",
];

#[cfg(test)]
mod tests;
