//! A table of an answers file that is being read: values of the wanted kinds, and what is wrong with the
//! others.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problems::{Problem, nearest};
use super::{ProxyUrl, Secret};

pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// What reading leaves behind.
#[derive(Default)]
pub(super) struct Notes {
    /// Each with its place in bytes, where that is not the place of its key's value.
    pub(super) problems: RefCell<Vec<(Option<usize>, Problem)>>,
    /// The first place of the key's old name.
    pub(super) old_override: Cell<Option<usize>>,
}

impl Notes {
    fn note_old_override(&self, byte: usize) {
        let first = self.old_override.get().unwrap_or(byte).min(byte);
        self.old_override.set(Some(first));
    }
}

/// A table that is being read. It remembers which keys were asked for: what is left over at the
/// end is unknown.
pub(super) struct TableReader<'a> {
    /// `None` if the file has no such table: every key is then missing.
    table: Option<&'a DeTable<'a>>,
    path: String,
    asked: RefCell<Vec<&'static str>>,
    notes: &'a Notes,
}

impl<'a> TableReader<'a> {
    pub(super) fn root(table: &'a DeTable<'a>, notes: &'a Notes) -> Self {
        Self::new(Some(table), String::new(), notes)
    }

    pub(super) fn new(table: Option<&'a DeTable<'a>>, path: String, notes: &'a Notes) -> Self {
        Self {
            table,
            path,
            asked: RefCell::default(),
            notes,
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// The table may have this key, although it is not read.
    pub(super) fn is_known(&self, key: &'static str) {
        self.asked.borrow_mut().push(key);
    }

    pub(super) fn note_old_override(&self, byte: usize) {
        self.notes.note_old_override(byte);
    }

    /// Where a key's name stands, if the table has the key.
    pub(super) fn byte_of(&self, key: &str) -> Option<usize> {
        let (name, _) = self.table?.get_key_value(key)?;
        Some(name.span().start)
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) {
        self.problem_at(None, key, message);
    }

    pub(super) fn problem_at(&self, byte: Option<usize>, key: &str, message: impl Into<String>) {
        let problem = Problem::new(join(&self.path, key), message);
        self.notes.problems.borrow_mut().push((byte, problem));
    }

    /// The value of a key, which becomes a known one.
    pub(super) fn value(&self, key: &'static str) -> Option<&'a DeValue<'a>> {
        self.asked.borrow_mut().push(key);
        self.table?.get(key).map(Spanned::get_ref)
    }

    /// A value of one kind; anything else is a problem.
    pub(super) fn typed<T>(
        &self,
        key: &'static str,
        wanted: &str,
        read: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let typed = read(value);
        if typed.is_none() {
            self.problem(key, format!("must be {wanted}, not {}", called(value)));
        }
        typed
    }

    pub(super) fn required<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(&Self, &'static str) -> Option<T>,
    ) -> Option<T> {
        let missing = self.table.is_some_and(|table| !table.contains_key(key));
        let value = read(self, key);
        if missing {
            self.problem(
                key,
                "is missing: every host needs a name, a role and an address",
            );
        }
        value
    }

    pub(super) fn text(&self, key: &'static str) -> Option<String> {
        self.typed(key, "a string in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(super) fn texts(&self, key: &'static str) -> Vec<String> {
        self.typed(
            key,
            "a list of strings, as in [\"one\", \"two\"]",
            |value| {
                value
                    .as_array()?
                    .iter()
                    .map(|item| item.get_ref().as_str().map(str::to_owned))
                    .collect()
            },
        )
        .unwrap_or_default()
    }

    pub(super) fn port(&self, key: &'static str) -> Option<u16> {
        self.typed(key, "a port, a number between 1 and 65535", |value| {
            let number = value.as_integer()?;
            let port = u16::from_str_radix(number.as_str(), number.radix()).ok()?;
            (port > 0).then_some(port)
        })
    }

    /// A number of seconds, at most ten minutes.
    pub(super) fn seconds(&self, key: &'static str) -> Option<u16> {
        self.typed(key, "a number of seconds from 1 to 600", |value| {
            let number = value.as_integer()?;
            let number = u16::from_str_radix(number.as_str(), number.radix()).ok()?;
            (1..=600).contains(&number).then_some(number)
        })
    }

    pub(super) fn address(&self, key: &'static str) -> Option<IpAddr> {
        self.typed(
            key,
            "an IP address in quotes, as in \"10.0.0.11\"",
            |value| value.as_str()?.parse().ok(),
        )
    }

    pub(super) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.chosen(key, self.value(key)?, choices)
    }

    pub(super) fn choices<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Vec<T> {
        let items = self.typed(key, "a list of strings, as in [\"one\"]", DeValue::as_array);
        items
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(number, item)| {
                self.chosen(&format!("{key}[{number}]"), item.get_ref(), choices)
            })
            .collect()
    }

    pub(super) fn chosen<T: Copy>(
        &self,
        key: &str,
        value: &DeValue<'_>,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let chosen = value
            .as_str()
            .and_then(|word| choices.iter().find(|(name, _)| *name == word));
        if chosen.is_none() {
            let names = choices.iter().map(|(name, _)| *name);
            let hint = did_you_mean(nearest(value.as_str().unwrap_or_default(), names.clone()));
            let names: Vec<_> = names.map(|name| format!("{name:?}")).collect();
            let given = called(value);
            self.problem(
                key,
                format!("must be one of {}, not {given}{hint}", names.join(", ")),
            );
        }
        chosen.map(|(_, choice)| *choice)
    }

    pub(super) fn secret(&self, key: &'static str) -> Option<Secret> {
        let wanted = "a string in quotes, { env = \"NAME\" } or { file = \"PATH\" }";
        let value = self.value(key)?;
        let secret = match value {
            DeValue::String(text) => Some(Secret::Inline(text.clone().into_owned().into())),
            DeValue::Table(table) if table.len() == 1 => {
                let text = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
                let env = text("env").map(|name| Secret::Env(name.to_owned()));
                env.or_else(|| text("file").map(|path| Secret::File(path.into())))
            }
            _ => None,
        };
        if secret.is_none() {
            // The value is not repeated: it may be the secret.
            self.problem(key, format!("must be {wanted}"));
        }
        secret
    }

    /// A URL in quotes, or a reference to a secret.
    pub(super) fn proxy(&self, key: &'static str) -> Option<ProxyUrl> {
        match self.value(key)? {
            DeValue::String(text) => Some(ProxyUrl::Text(text.clone().into_owned())),
            DeValue::Table(_) => self.secret(key).map(ProxyUrl::Elsewhere),
            _ => {
                let wanted = "a URL in quotes, { env = \"NAME\" } or { file = \"PATH\" }";
                self.problem(key, format!("must be {wanted}"));
                None
            }
        }
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        self.typed(key, "true or false", DeValue::as_bool)
    }

    /// A table of texts, by names of the operator's.
    pub(super) fn named_texts(&self, key: &'static str) -> BTreeMap<String, String> {
        let wanted = "a table of strings, as in { \"from\" = \"to\" }";
        let read = self.typed(key, wanted, |value| {
            let texts = value.as_table()?.iter().map(|(name, value)| {
                let name = name.get_ref().clone().into_owned();
                Some((name, value.get_ref().as_str()?.to_owned()))
            });
            texts.collect::<Option<_>>()
        });
        read.unwrap_or_default()
    }

    /// Tables, by names of the operator's.
    pub(super) fn named_sections(&self, key: &'static str) -> Vec<(String, TableReader<'a>)> {
        let path = join(&self.path, key);
        let wanted = format!("one or more tables, each headed [{path}.\"NAME\"]");
        let tables = self.typed(key, &wanted, |value| {
            let tables = value.as_table()?.iter().map(|(name, value)| {
                let name = name.get_ref().clone().into_owned();
                Some((name, value.get_ref().as_table()?))
            });
            tables.collect::<Option<Vec<_>>>()
        });
        let named = tables.into_iter().flatten().map(|(name, table)| {
            let path = join(&path, &name);
            (name, TableReader::new(Some(table), path, self.notes))
        });
        named.collect()
    }

    pub(super) fn section(&self, key: &'static str) -> TableReader<'a> {
        let table = self.typed(key, &format!("a table, as in [{key}]"), DeValue::as_table);
        TableReader::new(table, join(&self.path, key), self.notes)
    }

    pub(super) fn sections(&self, key: &'static str) -> Vec<TableReader<'a>> {
        let wanted = format!("one or more tables, each headed [[{key}]]");
        let tables = self.typed(key, &wanted, |value| {
            let items = value.as_array()?.iter();
            items
                .map(|item| item.get_ref().as_table())
                .collect::<Option<Vec<_>>>()
        });
        let path = join(&self.path, key);
        tables
            .into_iter()
            .flatten()
            .enumerate()
            .map(|(number, table)| {
                TableReader::new(Some(table), format!("{path}[{number}]"), self.notes)
            })
            .collect()
    }

    /// Settings that are passed on unchanged; `flags` checks the names later.
    pub(super) fn settings(&self, key: &'static str) -> toml::Table {
        let table = self.typed(
            key,
            &format!("a table, as in [k3s.{key}]"),
            DeValue::as_table,
        );
        let mut settings = toml::Table::new();
        for (name, value) in table.into_iter().flatten() {
            let deserializer = toml::de::ValueDeserializer::from(value.clone());
            match serde::Deserialize::deserialize(deserializer) {
                Ok(value) => {
                    settings.insert(name.get_ref().clone().into_owned(), value);
                }
                Err(error) => {
                    let error: toml::de::Error = error;
                    self.problem(&format!("{key}.{}", name.get_ref()), error.message());
                }
            }
        }
        settings
    }

    /// Reports every unknown key.
    pub(super) fn end(&self) {
        let asked = self.asked.borrow();
        for name in self.table.into_iter().flat_map(|table| table.keys()) {
            let key = name.get_ref().as_ref();
            if asked.contains(&key) {
                continue;
            }
            let hint = match nearest(key, asked.iter().copied()) {
                Some(known) => format!("did you mean {known:?}?"),
                None => format!("known keys: {}", asked.join(", ")),
            };
            let byte = Some(name.span().start);
            self.problem_at(byte, key, format!("there is no such key; {hint}"));
        }
    }
}

fn did_you_mean(word: Option<&str>) -> String {
    word.map_or_else(String::new, |word| format!("; did you mean {word:?}?"))
}

/// A value in words: short strings and numbers as they are, otherwise the kind.
fn called(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.chars().count() <= 60 => format!("{text:?}"),
        DeValue::String(_) => "a long string".into(),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Datetime(_) => "a date".into(),
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
    }
}
