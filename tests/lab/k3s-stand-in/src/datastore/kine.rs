//! Keys and values in the table `kine`: every change is a row, the newest row of a name counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::pg::{Connection, Failed, Row, Target};
use crate::log;

/// The table and its indexes, as kine makes them.
const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS kine (id BIGSERIAL PRIMARY KEY, name text COLLATE \"C\", \
     created INTEGER, deleted INTEGER, create_revision BIGINT, prev_revision BIGINT, \
     lease INTEGER, value bytea, old_value bytea)",
    "CREATE INDEX IF NOT EXISTS kine_name_index ON kine (name)",
    "CREATE INDEX IF NOT EXISTS kine_name_id_index ON kine (name,id)",
    "CREATE INDEX IF NOT EXISTS kine_id_deleted_index ON kine (id,deleted)",
    "CREATE INDEX IF NOT EXISTS kine_prev_revision_index ON kine (prev_revision)",
    "CREATE UNIQUE INDEX IF NOT EXISTS kine_name_prev_revision_uindex ON kine (name, prev_revision)",
    "CREATE INDEX IF NOT EXISTS kine_list_query_index ON kine (name, id DESC, deleted)",
];

/// What a name held when its newest row was a deletion, or when it never had one.
const NOTHING: i64 = 0;

/// Connections kept open when nothing is asked, and for how long. The real one opens as many in its
/// first moments, and Postgres must have room for them.
const IDLE: usize = 20;
const IDLE_TIME: Duration = Duration::from_secs(120);

/// A value and the revision that it was read at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub revision: i64,
    pub value: Vec<u8>,
}

/// Why a change was not made.
#[derive(Debug)]
pub enum Refused {
    /// Another came first.
    Conflict,
    /// The datastore cannot be asked.
    Failed(String),
}

impl From<Failed> for Refused {
    fn from(failed: Failed) -> Self {
        match failed {
            // A row of this name with this predecessor is there already.
            Failed::Refused(error) if error.code == "23505" => Self::Conflict,
            failed => Self::Failed(failed.to_string()),
        }
    }
}

/// The revision of a name and its value, none when it was deleted.
type Newest = (i64, Option<Vec<u8>>);

/// Where the rows are.
enum Store {
    Postgres {
        target: Box<Target>,
        idle: Mutex<Vec<(Connection, Instant)>>,
    },
    /// What the real one keeps in `SQLite` or in its own etcd, where no datastore is named: a file.
    File {
        path: PathBuf,
        names: Mutex<BTreeMap<String, Newest>>,
    },
}

/// The datastore.
pub struct Kine {
    store: Store,
}

impl Kine {
    /// Takes the first connection and sees to the table.
    pub fn open(target: Target, mut first: Connection) -> Result<Self, Failed> {
        // Two that create the same table at the same moment get in each other's way, IF NOT EXISTS
        // or not.
        first.query("SELECT pg_advisory_lock(6443)::text", &[])?;
        for statement in SCHEMA {
            first.query(statement, &[])?;
        }
        first.query("SELECT pg_advisory_unlock(6443)::text", &[])?;
        let mut idle = vec![(first, Instant::now())];
        while idle.len() < IDLE {
            match target.connect() {
                Ok(connection) => idle.push((connection, Instant::now())),
                Err(reason) => {
                    log::error(format!("error in txn: {reason}"));
                    break;
                }
            }
        }
        let idle = Mutex::new(idle);
        Ok(Self {
            store: Store::Postgres {
                target: Box::new(target),
                idle,
            },
        })
    }

    /// Keeps everything in a file of this host.
    pub fn local(path: PathBuf) -> Self {
        let text = std::fs::read(&path).unwrap_or_default();
        let names = Mutex::new(serde_json::from_slice(&text).unwrap_or_default());
        Self {
            store: Store::File { path, names },
        }
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Result<Option<Entry>, Failed> {
        let (entry, _) = self.newest(name)?;
        Ok(entry)
    }

    /// Everything whose name begins so, in order.
    pub fn list(&self, prefix: &str) -> Result<Vec<Entry>, Failed> {
        if let Store::File { names, .. } = &self.store {
            let names = names.lock().map_err(|_| poisoned())?;
            let below = names.iter().filter(|(name, _)| name.starts_with(prefix));
            return Ok(below
                .filter_map(|(name, row)| row_entry(name, row))
                .collect());
        }
        let rows = self.query(
            "SELECT id, name, encode(value, 'base64'), deleted FROM (SELECT DISTINCT ON (name) * \
             FROM kine WHERE name >= $1 AND name < $2 ORDER BY name, id DESC) AS newest \
             WHERE deleted = 0 ORDER BY name",
            &[prefix, &format!("{prefix}\u{7f}")],
        )?;
        Ok(rows.iter().filter_map(entry).collect())
    }

    /// Puts a value where there is none.
    pub fn create(&self, name: &str, value: &[u8]) -> Result<i64, Refused> {
        let (entry, revision) = self.newest(name)?;
        if entry.is_some() {
            return Err(Refused::Conflict);
        }
        self.append(name, revision, value, (1, 0))
    }

    /// Replaces the value read at a revision.
    pub fn update(&self, name: &str, revision: i64, value: &[u8]) -> Result<i64, Refused> {
        self.append(name, revision, value, (0, 0))
    }

    /// Deletes the value read at a revision.
    pub fn delete(&self, name: &str, revision: i64) -> Result<i64, Refused> {
        self.append(name, revision, &[], (0, 1))
    }

    /// Puts a value whatever is there.
    pub fn put(&self, name: &str, value: &[u8]) -> Result<i64, Refused> {
        loop {
            let result = match self.newest(name)? {
                (Some(entry), _) => self.update(name, entry.revision, value),
                (None, _) => self.create(name, value),
            };
            if !matches!(result, Err(Refused::Conflict)) {
                return result;
            }
        }
    }

    fn newest(&self, name: &str) -> Result<(Option<Entry>, i64), Failed> {
        if let Store::File { names, .. } = &self.store {
            let names = names.lock().map_err(|_| poisoned())?;
            let row = names.get(name);
            let entry = row.and_then(|row| row_entry(name, row));
            return Ok((entry, row.map_or(NOTHING, |(revision, _)| *revision)));
        }
        let rows = self.query(
            "SELECT id, name, encode(value, 'base64'), deleted FROM kine WHERE name = $1 \
             ORDER BY id DESC LIMIT 1",
            &[name],
        )?;
        let Some(row) = rows.first() else {
            return Ok((None, NOTHING));
        };
        let revision = number(row, 0);
        Ok((entry(row).filter(|_| number(row, 3) == 0), revision))
    }

    /// Adds a row after the one of the revision, unless that is no longer the newest; what lies
    /// before both is not needed any more.
    fn append(
        &self,
        name: &str,
        after: i64,
        value: &[u8],
        flags: (i64, i64),
    ) -> Result<i64, Refused> {
        use base64::Engine as _;
        if let Store::File { path, names } = &self.store {
            let mut names = names.lock().map_err(|_| poisoned())?;
            if names.get(name).map_or(NOTHING, |(revision, _)| *revision) != after {
                return Err(Refused::Conflict);
            }
            let newest = names
                .values()
                .map(|(revision, _)| *revision)
                .max()
                .unwrap_or(NOTHING);
            names.insert(
                name.to_owned(),
                (newest + 1, (flags.1 == 0).then(|| value.to_vec())),
            );
            let text = serde_json::to_string(&*names)
                .map_err(|error| Refused::Failed(error.to_string()))?;
            crate::certs::write(path, &text, 0o600).map_err(Refused::Failed)?;
            return Ok(newest + 1);
        }
        let value = base64::engine::general_purpose::STANDARD.encode(value);
        let rows = self.query(
            "WITH gone AS (DELETE FROM kine WHERE name = $1 AND id < $2::bigint) \
             INSERT INTO kine (name, created, deleted, create_revision, prev_revision, lease, value) \
             SELECT $1, $3::integer, $4::integer, $2::bigint, $2::bigint, 0, decode($5, 'base64') \
             WHERE coalesce((SELECT max(id) FROM kine WHERE name = $1), 0) = $2::bigint RETURNING id",
            &[name, &after.to_string(), &flags.0.to_string(), &flags.1.to_string(), &value],
        )?;
        rows.first()
            .map(|row| number(row, 0))
            .ok_or(Refused::Conflict)
    }

    /// Runs a statement on a kept connection, and once more on a new one when that was lost.
    fn query(&self, sql: &str, parameters: &[&str]) -> Result<Vec<Row>, Failed> {
        if let Some(mut connection) = self.kept() {
            match connection.query(sql, parameters) {
                // Where one is lost the others most likely are.
                Err(Failed::Lost(_)) => self.forget(),
                result => {
                    self.keep(connection);
                    return result;
                }
            }
        }
        let Store::Postgres { target, .. } = &self.store else {
            return Err(Failed::Lost("not a database".into()));
        };
        let mut connection = target.connect().map_err(Failed::Lost)?;
        let result = connection.query(sql, parameters);
        if !matches!(result, Err(Failed::Lost(_))) {
            self.keep(connection);
        }
        result
    }

    fn kept(&self) -> Option<Connection> {
        let Store::Postgres { idle, .. } = &self.store else {
            return None;
        };
        idle.lock().ok()?.pop().map(|(connection, _)| connection)
    }

    fn forget(&self) {
        if let Store::Postgres { idle, .. } = &self.store
            && let Ok(mut idle) = idle.lock()
        {
            idle.clear();
        }
    }

    fn keep(&self, connection: Connection) {
        let Store::Postgres { idle, .. } = &self.store else {
            return;
        };
        if let Ok(mut idle) = idle.lock() {
            let now = Instant::now();
            idle.retain(|(_, since)| now.duration_since(*since) < IDLE_TIME);
            if idle.len() < IDLE {
                idle.push((connection, now));
            }
        }
    }
}

fn poisoned() -> Failed {
    Failed::Lost("the file is locked for ever".into())
}

fn row_entry(name: &str, (revision, value): &Newest) -> Option<Entry> {
    Some(Entry {
        name: name.to_owned(),
        revision: *revision,
        value: value.clone()?,
    })
}

fn number(row: &Row, index: usize) -> i64 {
    let text = row.get(index).and_then(Option::as_deref);
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn entry(row: &Row) -> Option<Entry> {
    use base64::Engine as _;
    let text: String = row.get(2)?.as_deref()?.split_whitespace().collect();
    Some(Entry {
        name: row.get(1)?.clone()?,
        revision: number(row, 0),
        value: base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?,
    })
}
