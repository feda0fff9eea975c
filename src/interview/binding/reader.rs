//! Parses the texts of fields.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answers::{Check, ProxyUrl, Secret, nearest};
use crate::interview::form::Form;
use crate::interview::text::field as say;
use crate::secrets::SecretText;

/// A text that cannot be parsed: it stays in its field, and the answers do not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    pub key: &'static str,
    pub text: String,
    pub message: String,
}

/// Reads a form.
pub struct Reader<'a> {
    form: &'a Form,
    pub errors: Vec<ParseError>,
}

impl<'a> Reader<'a> {
    pub fn new(form: &'a Form) -> Self {
        Self {
            form,
            errors: Vec::new(),
        }
    }

    fn value(&self, key: &str) -> &'a str {
        self.form.value(key)
    }

    fn cannot(&mut self, key: &'static str, message: String) {
        let text = self.value(key).to_owned();
        self.errors.push(ParseError { key, text, message });
    }

    pub fn word(&self, key: &str) -> String {
        self.value(key).trim().to_owned()
    }

    /// `None` if empty.
    pub fn text(&self, key: &str) -> Option<String> {
        Some(self.word(key)).filter(|text| !text.is_empty())
    }

    pub fn path(&self, key: &str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    pub fn words(&self, key: &str) -> Vec<String> {
        let words = self.value(key).split([' ', ',']);
        let words = words.filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }

    pub fn paths(&self, key: &str) -> Vec<PathBuf> {
        let lines = self.value(key).lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty())
            .map(PathBuf::from)
            .collect()
    }

    pub fn port(&mut self, key: &'static str, port: &mut Option<u16>) {
        match self.text(key).map(|text| text.parse()) {
            None => *port = None,
            Some(Ok(number)) => *port = Some(number),
            Some(Err(_)) => self.cannot(key, say::NOT_A_PORT.to_owned()),
        }
    }

    /// A required one.
    pub fn needed_port(&mut self, key: &'static str, port: &mut u16) {
        match self.word(key).parse() {
            Ok(number) => *port = number,
            Err(_) => self.cannot(key, say::NOT_A_PORT.to_owned()),
        }
    }

    pub fn address(&mut self, key: &'static str, address: &mut Option<IpAddr>) {
        match self.text(key).map(|text| text.parse()) {
            None => *address = None,
            Some(Ok(ip)) => *address = Some(ip),
            Some(Err(_)) => self.cannot(key, say::NOT_AN_ADDRESS.to_owned()),
        }
    }

    /// `env:NAME` and `file:PATH` are references; anything else is the secret itself, also an
    /// unchanged password that begins like that.
    pub fn secret(&self, key: &str, to: &mut Option<Secret>) {
        let text = self.value(key);
        if secret(to.as_ref()) != text {
            *to = to_secret(text);
        }
    }

    pub fn checks(&mut self, key: &'static str, checks: &mut Vec<Check>) {
        let known = |word: &str| Check::ALL.into_iter().find(|check| check.as_str() == word);
        let words = self.words(key);
        match words.iter().find(|word| known(word).is_none()) {
            None => *checks = words.iter().filter_map(|word| known(word)).collect(),
            Some(word) => {
                let meant = nearest(word, Check::ALL.map(Check::as_str));
                self.cannot(key, say::not_a_check(word, meant));
            }
        }
    }

    /// A URL, `env:NAME` or `file:PATH`.
    pub fn proxy(&self, key: &str, to: &mut Option<ProxyUrl>) {
        *to = match to_secret(self.value(key).trim()) {
            Some(Secret::Inline(text)) => Some(ProxyUrl::Text(text.expose().to_owned())),
            secret => secret.map(ProxyUrl::Elsewhere),
        };
    }

    /// One table per line, as TOML, each under a name of the operator's.
    pub fn named<T: DeserializeOwned>(&mut self, key: &'static str, to: &mut BTreeMap<String, T>) {
        let before = self.errors.len();
        let mut tables = toml::Table::new();
        self.settings(key, &mut tables);
        if self.errors.len() > before {
            return;
        }
        let mut read = BTreeMap::new();
        for (name, table) in tables {
            match table.try_into() {
                Ok(table) => drop(read.insert(name, table)),
                Err(error) => {
                    let why = error.message().lines().next().unwrap_or_default();
                    return self.cannot(key, say::of_part(&name, why));
                }
            }
        }
        *to = read;
    }

    /// One setting per line, as TOML.
    pub fn settings(&mut self, key: &'static str, to: &mut toml::Table) {
        let mut settings = toml::Table::new();
        for (number, line) in self.value(key).lines().enumerate() {
            let number = number + 1;
            match line.trim().parse::<toml::Table>() {
                Ok(read) => {
                    for (name, value) in read {
                        if settings.contains_key(&name) {
                            return self.cannot(key, say::twice(number, &name));
                        }
                        settings.insert(name, value);
                    }
                }
                Err(error) => {
                    let why = error.message().lines().next().unwrap_or_default();
                    return self.cannot(key, say::not_a_setting(number, why));
                }
            }
        }
        *to = settings;
    }
}

pub fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

pub fn path(value: Option<&PathBuf>) -> String {
    value.map_or_else(String::new, |path| path.display().to_string())
}

pub fn paths(paths: &[PathBuf]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join("\n")
}

pub fn checks(checks: &[Check]) -> String {
    checks
        .iter()
        .map(|check| check.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

/// A reference to a secret is shown as `env:NAME` or `file:PATH`; anything else is the secret.
pub fn secret(secret: Option<&Secret>) -> String {
    match secret {
        None => String::new(),
        Some(Secret::Inline(text)) => text.expose().to_owned(),
        Some(Secret::Env(name)) => format!("env:{name}"),
        Some(Secret::File(path)) => format!("file:{}", path.display()),
    }
}

fn to_secret(text: &str) -> Option<Secret> {
    if let Some(name) = text.strip_prefix("env:") {
        Some(Secret::Env(name.to_owned()))
    } else if let Some(path) = text.strip_prefix("file:") {
        Some(Secret::File(path.into()))
    } else if text.is_empty() {
        None
    } else {
        Some(Secret::Inline(SecretText::from(text.to_owned())))
    }
}

pub fn proxy_text(url: Option<&ProxyUrl>) -> String {
    match url {
        None => String::new(),
        Some(ProxyUrl::Text(text)) => text.clone(),
        Some(ProxyUrl::Elsewhere(at)) => secret(Some(at)),
    }
}

/// One line per table.
pub fn named<T: Serialize>(tables: &BTreeMap<String, T>) -> String {
    let table = toml::Table::try_from(tables).unwrap_or_default();
    settings(&table)
}

/// One line per setting.
pub fn settings(settings: &toml::Table) -> String {
    let lines: Vec<_> = settings
        .iter()
        .map(|(key, value)| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if !key.is_empty() && key.bytes().all(plain) {
                format!("{key} = {}", one_line(value))
            } else {
                format!("{} = {}", quoted(key), one_line(value))
            }
        })
        .collect();
    lines.join("\n")
}

fn one_line(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => quoted(text),
        toml::Value::Array(items) => {
            let items: Vec<_> = items.iter().map(one_line).collect();
            format!("[{}]", items.join(", "))
        }
        toml::Value::Table(table) => {
            let pairs: Vec<_> = settings(table).lines().map(str::to_owned).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        value => value.to_string(),
    }
}

/// What JSON escapes, TOML understands; except for one letter that only TOML wants escaped.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interview::form::{Field, Kind};

    #[test]
    fn secrets_are_texts_or_references() {
        for text in ["", "env:TOKEN", "file:/run/token", "a-long-secret-text"] {
            assert_eq!(secret(to_secret(text).as_ref()), text);
        }
    }

    fn form(text: &str) -> Form {
        let field = Field::new("k", ("l", "h"), Kind::Lines, text);
        Form::new("t", "w", vec![field])
    }

    #[test]
    fn settings_are_lines_whatever_is_in_them() {
        let mut table = toml::Table::new();
        for (key, value) in [
            ("plain", toml::Value::from("a \"b\" \\ c")),
            ("with space", toml::Value::from(true)),
            ("lines", toml::Value::from("one\ntwo\t\u{7f}")),
            ("list", toml::Value::from(vec!["x=y", "z\n"])),
            ("number", toml::Value::from(-3)),
        ] {
            table.insert(key.into(), value);
        }
        let text = settings(&table);
        assert_eq!(text.lines().count(), table.len());
        let form = form(&text);
        let mut again = toml::Table::new();
        let mut reader = Reader::new(&form);
        reader.settings("k", &mut again);
        assert_eq!((again, reader.errors), (table, vec![]));
    }

    #[test]
    fn a_line_that_is_no_setting_changes_nothing_and_says_which() {
        let before: toml::Table = "disable = [\"traefik\"]".parse().unwrap();
        for (text, says) in [
            ("# why\na = 1\n\nb = traefik", "line 4: "),
            ("a = 1\na = 2", "line 2: a is already set above"),
            ("nothing", "line 1: "),
        ] {
            let form = form(text);
            let mut settings = before.clone();
            let mut reader = Reader::new(&form);
            reader.settings("k", &mut settings);
            assert_eq!(settings, before);
            let [error] = &reader.errors[..] else {
                panic!("{:?}", reader.errors);
            };
            assert!(error.message.starts_with(says), "{}", error.message);
            assert_eq!(error.text, text);
        }
    }
}
