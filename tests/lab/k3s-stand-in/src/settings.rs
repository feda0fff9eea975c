//! What a server or an agent was told: config.yaml and its folder, then the command line, and the
//! environment where neither says anything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::flags::{self, Command, Kind};
use crate::yaml::{self, Value};

const CONFIG: &str = "k3s/config.yaml";

/// The settings, by their long names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    values: BTreeMap<&'static str, Vec<String>>,
    /// The arguments as if all had been typed, for the node's annotation.
    pub arguments: Vec<String>,
}

/// Why settings could not be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// config.yaml cannot be read or is no YAML.
    File(String),
    /// A setting that the command does not know, or a value that does not fit.
    Usage(String),
}

/// Settings, and what is to be said about them in the log before anything else.
pub type Read = Result<(Settings, Vec<String>), Refused>;

/// Reads the settings of a command from its arguments and from where they point.
pub fn read(command: Command, arguments: &[String]) -> Read {
    let explicit = config_argument(arguments).or_else(|| std::env::var("K3S_CONFIG_FILE").ok());
    let path = explicit
        .as_ref()
        .map_or_else(|| crate::host::etc().join(CONFIG), PathBuf::from);
    let pairs = files(&path, explicit.is_some()).map_err(Refused::File)?;
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    settle(command, &pairs, arguments, environment)
}

fn config_argument(arguments: &[String]) -> Option<String> {
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        for name in ["--config", "-c", "-config"] {
            if argument == name {
                return arguments.next().cloned();
            }
            if let Some(value) = argument
                .strip_prefix(name)
                .and_then(|a| a.strip_prefix('='))
            {
                return Some(value.to_owned());
            }
        }
    }
    None
}

/// The pairs of config.yaml and of config.yaml.d, merged: a later file's key replaces an earlier
/// one's, `key+` appends to it.
fn files(path: &Path, must_exist: bool) -> Result<Vec<(String, Value)>, String> {
    let mut merged: Vec<(String, Value)> = Vec::new();
    let mut folder = Vec::new();
    if let Ok(entries) = std::fs::read_dir(format!("{}.d", path.display())) {
        folder.extend(entries.flatten().map(|entry| entry.path()));
    }
    folder.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
    });
    folder.sort();
    for (index, file) in std::iter::once(path.to_owned()).chain(folder).enumerate() {
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error)
                if error.kind() == std::io::ErrorKind::NotFound && !(must_exist && index == 0) =>
            {
                continue;
            }
            Err(error) => {
                return Err(format!(
                    "open {}: {}",
                    file.display(),
                    crate::go_words(&error)
                ));
            }
        };
        for (key, value) in yaml::parse(&text)? {
            merge(&mut merged, key, value);
        }
    }
    Ok(merged)
}

fn merge(merged: &mut Vec<(String, Value)>, key: String, value: Value) {
    let (key, append) = match key.strip_suffix('+') {
        Some(key) => (key.to_owned(), true),
        None => (key, false),
    };
    let many = |value: Value| match value {
        Value::One(text) => vec![text],
        Value::Many(texts) => texts,
    };
    match merged.iter_mut().find(|(known, _)| *known == key) {
        Some((_, old)) if append => {
            let mut all = many(old.clone());
            all.extend(many(value));
            *old = Value::Many(all);
        }
        Some((_, old)) => *old = value,
        None => merged.push((key, value)),
    }
}

fn settle(
    command: Command,
    pairs: &[(String, Value)],
    arguments: &[String],
    environment: impl Fn(&str) -> Option<String>,
) -> Read {
    let mut settings = Settings::default();
    let mut warnings = Vec::new();
    for (key, value) in pairs {
        let dashes = if key.len() == 1 { "-" } else { "--" };
        if command == Command::Server && flags::find(command, key).is_none() {
            warnings.push(format!(
                "Unknown flag {dashes}{key} found in config.yaml, skipping\n"
            ));
            continue;
        }
        let values = match value {
            Value::One(text) => std::slice::from_ref(text),
            Value::Many(texts) => texts,
        };
        for value in values {
            settings.set(command, key, value)?;
            settings
                .arguments
                .extend([format!("{dashes}{key}"), value.clone()]);
        }
    }
    settings.command_line(command, arguments)?;
    for (key, variable) in flags::ENVIRONMENT {
        if settings.text(key).is_none()
            && flags::find(command, key).is_some()
            && let Some(value) = environment(variable)
        {
            settings.set(command, key, &value)?;
        }
    }
    Ok((settings, warnings))
}

impl Settings {
    fn command_line(&mut self, command: Command, arguments: &[String]) -> Result<(), Refused> {
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            self.arguments.push(argument.clone());
            let Some(flag) = argument
                .strip_prefix("--")
                .or_else(|| argument.strip_prefix('-'))
            else {
                continue;
            };
            let (name, given) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (flag, None),
            };
            let value = match (given, flags::find(command, name)) {
                (Some(value), _) => value.to_owned(),
                (None, Some((_, Kind::Switch))) => "true".to_owned(),
                (None, None) => return Err(undefined(name)),
                (None, Some(_)) => {
                    let value = arguments.next().cloned().ok_or_else(|| {
                        Refused::Usage(format!("flag needs an argument: {argument}"))
                    })?;
                    self.arguments.push(value.clone());
                    value
                }
            };
            self.set(command, name, &value)?;
        }
        Ok(())
    }

    fn set(&mut self, command: Command, name: &str, value: &str) -> Result<(), Refused> {
        let (name, kind) = flags::find(command, name).ok_or_else(|| undefined(name))?;
        let values = self.values.entry(name).or_default();
        match kind {
            Kind::Many => values.extend(value.split(',').map(|part| part.trim().to_owned())),
            Kind::Text => *values = vec![value.to_owned()],
            Kind::Switch => {
                let on = switch(value).ok_or_else(|| {
                    Refused::Usage(format!(
                        "invalid value {value:?} for flag -{name}: parse error"
                    ))
                })?;
                *values = vec![on.to_string()];
            }
        }
        Ok(())
    }

    /// The value of a setting, unless it is missing or empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)?
            .last()
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The values of a setting that can be given several times.
    pub fn many(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// A token given as itself or as a file.
    pub fn secret(&self, name: &str) -> Result<Option<String>, String> {
        if let Some(token) = self.text(name) {
            return Ok(Some(token.to_owned()));
        }
        let Some(path) = self.text(&format!("{name}-file")) else {
            return Ok(None);
        };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(error) => Err(format!("open {path}: {}", crate::go_words(&error))),
        }
    }

    /// The folder that holds everything.
    pub fn data_dir(&self) -> PathBuf {
        PathBuf::from(self.text("data-dir").unwrap_or("/var/lib/rancher/k3s"))
    }
}

fn switch(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn undefined(name: &str) -> Refused {
    Refused::Usage(format!("flag provided but not defined: -{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(command: Command, text: &str, arguments: &[&str]) -> Read {
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        settle(command, &yaml::parse(text).unwrap(), &arguments, |name| {
            (name == "K3S_URL").then(|| "https://from-environment:6443".to_owned())
        })
    }

    #[test]
    fn a_server_skips_what_it_does_not_know_and_an_agent_refuses_it() {
        let text = "not-a-flag: x\ntoken: \"t\"\ntls-san: [a, \"b,c\"]\n";
        let (settings, warnings) = settled(Command::Server, text, &[]).unwrap();
        assert_eq!(
            warnings,
            ["Unknown flag --not-a-flag found in config.yaml, skipping\n"]
        );
        assert_eq!(settings.text("token"), Some("t"));
        assert_eq!(settings.many("tls-san"), ["a", "b", "c"]);

        let refused = settled(Command::Agent, "token: t\ntls-san: [a]\n", &[]).unwrap_err();
        let journal = include_str!("../../../fixtures/real/journal/agent-unknown-key.txt");
        let Refused::Usage(reason) = refused else {
            panic!("{refused:?}")
        };
        assert!(journal.starts_with(&format!(
            "Incorrect Usage: {reason}\n\n{}",
            flags::agent_usage()
        )));
    }

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_environment() {
        let text = "server: https://file:6443\nnode-name: one\n";
        let (settings, _) =
            settled(Command::Agent, text, &["--node-name", "two", "--debug"]).unwrap();
        assert_eq!(settings.text("server"), Some("https://file:6443"));
        assert_eq!(settings.text("node-name"), Some("two"));
        assert_eq!(settings.text("debug"), Some("true"));
        let (settings, _) = settled(Command::Agent, "", &["-t=x"]).unwrap();
        assert_eq!(
            settings.text("server"),
            Some("https://from-environment:6443")
        );
        assert_eq!(settings.text("token"), Some("x"));
        let refused = settled(Command::Server, "", &["--nope"]).unwrap_err();
        assert_eq!(
            refused,
            Refused::Usage("flag provided but not defined: -nope".into())
        );
    }

    #[test]
    fn later_files_win_and_a_plus_appends() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.yaml");
        std::fs::write(&config, "node-name: a\nnode-label: [x=1]\n").unwrap();
        std::fs::create_dir(folder.path().join("config.yaml.d")).unwrap();
        let part = folder.path().join("config.yaml.d/50-more.yaml");
        std::fs::write(part, "node-name: b\nnode-label+: [y=2]\n").unwrap();
        std::fs::write(folder.path().join("config.yaml.d/60.txt"), "node-name: c\n").unwrap();
        let pairs = files(&config, true).unwrap();
        assert_eq!(
            pairs,
            [
                ("node-name".into(), Value::One("b".into())),
                (
                    "node-label".into(),
                    Value::Many(vec!["x=1".into(), "y=2".into()])
                ),
            ]
        );
        let missing = files(&folder.path().join("none.yaml"), true).unwrap_err();
        assert!(
            missing.ends_with("none.yaml: no such file or directory"),
            "{missing}"
        );
        assert_eq!(files(&folder.path().join("none.yaml"), false).unwrap(), []);
    }
}
