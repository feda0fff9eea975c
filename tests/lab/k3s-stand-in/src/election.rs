//! One server at a time leads: it holds a lease in the datastore and renews it. A leader that
//! cannot renew for ten seconds ends, as the real one does; systemd starts it again.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bootstrap::random_hex;
use crate::datastore::kine::{Entry, Kine, Refused};
use crate::log;
use crate::nodes;

const KEY: &str = "/registry/leases/kube-system/k3s";
/// Others take a lease that was not renewed for so long.
const LEASE: time::Duration = time::Duration::seconds(15);
/// A leader gives up after so long without renewing.
const DEADLINE: Duration = Duration::from_secs(10);

/// This server's part in the election.
pub struct Election {
    /// The node and a number of this process: a restarted server is another candidate.
    identity: String,
    /// When it renewed last, while it leads.
    renewed: Mutex<Option<Instant>>,
}

impl Election {
    pub fn new(node: &str) -> std::sync::Arc<Self> {
        let identity = format!("{node}_{}", random_hex(8).unwrap_or_default());
        std::sync::Arc::new(Self {
            identity,
            renewed: Mutex::new(None),
        })
    }

    /// Takes or renews the lease; whether this server leads.
    pub fn lead(&self, kine: &Kine) -> bool {
        let Ok(mut renewed) = self.renewed.lock() else {
            return false;
        };
        match self.attempt(kine) {
            Ok(true) => {
                *renewed = Some(Instant::now());
                return true;
            }
            Ok(false) if renewed.is_none() => return false,
            Ok(false) => log::fatal("leaderelection lost for k3s"),
            Err(reason) => log::error(format!(
                "error retrieving resource lock kube-system/k3s: {reason}"
            )),
        }
        if renewed.is_some_and(|since| since.elapsed() >= DEADLINE) {
            log::fatal("leaderelection lost for k3s");
        }
        false
    }

    /// Gives the lease up, so that another server need not wait.
    pub fn resign(&self, kine: &Kine) {
        if let Ok(Some(entry)) = kine.get(KEY)
            && self.holds(&entry)
        {
            let _ = kine.delete(KEY, entry.revision);
        }
    }

    fn attempt(&self, kine: &Kine) -> Result<bool, String> {
        let now = log::now();
        let record =
            json!({ "holderIdentity": self.identity, "renewTime": log::stamp(now) }).to_string();
        let result = match kine.get(KEY).map_err(|failed| failed.to_string())? {
            None => kine.create(KEY, record.as_bytes()),
            Some(entry) if self.holds(&entry) || stale(&entry, now) => {
                kine.update(KEY, entry.revision, record.as_bytes())
            }
            Some(_) => return Ok(false),
        };
        match result {
            Ok(_) => Ok(true),
            Err(Refused::Conflict) => Ok(false),
            Err(Refused::Failed(reason)) => Err(reason),
        }
    }

    fn holds(&self, entry: &Entry) -> bool {
        field(entry, "holderIdentity").is_some_and(|holder| holder == self.identity)
    }
}

fn stale(entry: &Entry, now: time::OffsetDateTime) -> bool {
    let renewed = field(entry, "renewTime").and_then(|text| nodes::parse(&text));
    renewed.is_none_or(|renewed| now - renewed > LEASE)
}

fn field(entry: &Entry, name: &str) -> Option<String> {
    let record: Value = serde_json::from_slice(&entry.value).ok()?;
    record[name].as_str().map(ToOwned::to_owned)
}
