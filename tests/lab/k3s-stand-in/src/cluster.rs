//! What a server knows of the cluster: the datastore's nodes, leases and pods, read and changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::bootstrap::random_hex;
use crate::datastore::kine::{Entry, Kine, Refused};
use crate::log;
use crate::nodes;
use crate::pods::{self, Pod, Step};
use crate::token::sha256;

const NODES: &str = "/registry/minions/";
const LEASES: &str = "/registry/leases/kube-node-lease/";
const PODS: &str = "/registry/pods/kube-system/";
const SERVERS: &str = "/registry/masterleases/";
const PASSWORDS: &str = "/registry/secrets/kube-system/";
const CRASHES: &str = "/stand-in/crashes";
/// A server that has not renewed for so long is no endpoint any more.
const SERVER_LEASE: i64 = 15;

/// The cluster behind a datastore.
pub struct Cluster {
    pub kine: Kine,
    pub cluster_cidr: String,
}

/// Why something was not done.
#[derive(Debug)]
pub enum Failure {
    NotFound,
    Conflict,
    /// The node's name belongs to another host.
    PasswordRejected,
    Datastore(String),
}

impl From<crate::datastore::pg::Failed> for Failure {
    fn from(failed: crate::datastore::pg::Failed) -> Self {
        Self::Datastore(failed.to_string())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Conflict => Self::Conflict,
            Refused::Failed(reason) => Self::Datastore(reason),
        }
    }
}

impl Cluster {
    /// All nodes as the API shows them.
    pub fn nodes(&self) -> Result<Vec<Value>, Failure> {
        let now = log::now();
        let leases = self.kine.list(LEASES)?;
        let entries = self.kine.list(NODES)?;
        Ok(entries
            .into_iter()
            .filter_map(|entry| {
                let node: Value = serde_json::from_slice(&entry.value).ok()?;
                let lease = format!("{LEASES}{}", nodes::name(&node));
                let lease = leases.iter().find(|known| known.name == lease)?;
                Some(nodes::shown(
                    node,
                    entry.revision,
                    renewed(&lease.value),
                    now,
                ))
            })
            .collect())
    }

    /// One node.
    pub fn node(&self, name: &str) -> Result<Value, Failure> {
        let all = self.nodes()?;
        all.into_iter()
            .find(|node| nodes::name(node) == name)
            .ok_or(Failure::NotFound)
    }

    /// Registers a node.
    pub fn add_node(&self, node: Value) -> Result<Value, Failure> {
        let name = nodes::name(&node).to_owned();
        let uid = pods::uid(&random_hex(16).map_err(Failure::Datastore)?);
        let node = nodes::admit(node, &self.nodes()?, &self.cluster_cidr, &uid, log::now());
        self.kine
            .put(&format!("{LEASES}{name}"), lease().as_bytes())?;
        self.kine
            .create(&format!("{NODES}{name}"), node.to_string().as_bytes())?;
        self.node(&name)
    }

    /// Replaces a node by what its kubelet says.
    pub fn put_node(&self, name: &str, node: &Value) -> Result<Value, Failure> {
        self.kine
            .put(&format!("{LEASES}{name}"), lease().as_bytes())?;
        self.change_node(name, |_| nodes::kept(node.clone()))
    }

    /// Changes a node, against whoever else does.
    pub fn change_node(
        &self,
        name: &str,
        change: impl Fn(Value) -> Value,
    ) -> Result<Value, Failure> {
        let key = format!("{NODES}{name}");
        loop {
            let entry = self.kine.get(&key)?.ok_or(Failure::NotFound)?;
            let node = serde_json::from_slice(&entry.value)
                .map_err(|error| Failure::Datastore(error.to_string()))?;
            match self
                .kine
                .update(&key, entry.revision, change(node).to_string().as_bytes())
            {
                Ok(_) => return self.node(name),
                Err(Refused::Conflict) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
    }

    /// Deletes a node, its lease and its password, so that another host can have the name.
    pub fn delete_node(&self, name: &str) -> Result<Value, Failure> {
        let node = self.node(name)?;
        for key in [
            format!("{NODES}{name}"),
            format!("{LEASES}{name}"),
            password_key(name),
        ] {
            if let Some(entry) = self.kine.get(&key)? {
                self.kine.delete(&key, entry.revision)?;
            }
        }
        Ok(node)
    }

    /// Notes a node's sign of life.
    pub fn renew(&self, name: &str) -> Result<(), Failure> {
        self.kine
            .get(&format!("{NODES}{name}"))?
            .ok_or(Failure::NotFound)?;
        self.kine
            .put(&format!("{LEASES}{name}"), lease().as_bytes())?;
        Ok(())
    }

    /// Lets a host have a node's name: the first one, and later only the one with its password.
    pub fn admit_host(&self, name: &str, password: &str) -> Result<(), Failure> {
        let key = password_key(name);
        let hash = sha256(format!("{name}:{password}").as_bytes());
        match self.kine.get(&key)? {
            Some(entry) if entry.value == hash.as_bytes() => Ok(()),
            Some(_) => Err(Failure::PasswordRejected),
            None => match self.kine.create(&key, hash.as_bytes()) {
                Ok(_) | Err(Refused::Conflict) => Ok(()),
                Err(refused) => Err(refused.into()),
            },
        }
    }

    /// All pods as the API shows them.
    pub fn pods(&self) -> Result<Vec<Value>, Failure> {
        let nodes = self.nodes()?;
        let crashes = self.crashes()?;
        let now = log::now();
        let entries = self.kine.list(PODS)?;
        Ok(entries
            .iter()
            .filter_map(|entry| {
                let pod = Pod::read(&serde_json::from_slice(&entry.value).ok()?)?;
                let crash = crashes
                    .iter()
                    .find(|(prefix, _)| pod.name.starts_with(prefix));
                let since = crash.map(|(_, since)| *since);
                Some(pods::show::pod(&pod, &nodes, since, now, entry.revision))
            })
            .collect())
    }

    /// One pod.
    pub fn pod(&self, name: &str) -> Result<Value, Failure> {
        let mut pods = self.pods()?.into_iter();
        let found = pods.find(|pod| nodes::name(pod) == name);
        found.ok_or(Failure::NotFound)
    }

    /// Asks a pod to go.
    pub fn delete_pod(&self, name: &str) -> Result<(), Failure> {
        let key = format!("{PODS}{name}");
        let entry = self.kine.get(&key)?.ok_or(Failure::NotFound)?;
        let record = serde_json::from_slice(&entry.value).ok();
        let mut pod = record
            .and_then(|record| Pod::read(&record))
            .ok_or(Failure::NotFound)?;
        if pod.deleted.is_none() {
            pod.deleted = Some(log::now());
            self.kine
                .update(&key, entry.revision, pod.record().to_string().as_bytes())?;
        }
        Ok(())
    }

    /// One turn of the controllers: pods are made, placed and cleared away.
    pub fn control(&self, disabled: &BTreeSet<String>) -> Result<(), Failure> {
        let entries = self.kine.list(PODS)?;
        let read = |value: &[u8]| Pod::read(&serde_json::from_slice(value).ok()?);
        let known: Vec<Pod> = entries
            .iter()
            .filter_map(|entry| read(&entry.value))
            .collect();
        let nodes = self.nodes()?;
        let mut random = || random_hex(16).unwrap_or_default();
        for step in pods::steps(&known, &nodes, disabled, log::now(), &mut random) {
            match step {
                Step::Put(pod) => {
                    self.kine.put(
                        &format!("{PODS}{}", pod.name),
                        pod.record().to_string().as_bytes(),
                    )?;
                }
                Step::Remove(name) => {
                    let key = format!("{PODS}{name}");
                    if let Some(entry) = entries.iter().find(|entry| entry.name == key) {
                        self.kine.delete(&key, entry.revision)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Which pods a test makes crash, by the beginning of their names, and since when.
    fn crashes(&self) -> Result<Vec<(String, OffsetDateTime)>, Failure> {
        let entry = self.kine.get(CRASHES)?;
        let map: Option<Value> = entry.and_then(|entry| serde_json::from_slice(&entry.value).ok());
        let pairs = map
            .as_ref()
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Ok(pairs
            .filter_map(|(prefix, since)| Some((prefix.clone(), nodes::parse(since.as_str()?)?)))
            .collect())
    }

    /// Makes the pods whose names begin so crash from now on, or not any more.
    pub fn crash(&self, prefix: &str, on: bool) -> Result<(), Failure> {
        let mut crashes = self.crashes()?;
        crashes.retain(|(known, _)| known != prefix);
        if on {
            crashes.push((prefix.to_owned(), log::now()));
        }
        let mut map = json!({});
        for (prefix, since) in crashes {
            map[&prefix] = json!(log::stamp(since));
        }
        self.kine.put(CRASHES, map.to_string().as_bytes())?;
        Ok(())
    }

    /// Says that this server serves.
    pub fn serve_at(&self, address: &str) -> Result<(), Failure> {
        self.kine
            .put(&format!("{SERVERS}{address}"), lease().as_bytes())?;
        Ok(())
    }

    /// Takes this server out of the list of those that serve.
    pub fn leave(&self, address: &str) {
        let key = format!("{SERVERS}{address}");
        if let Ok(Some(entry)) = self.kine.get(&key) {
            let _ = self.kine.delete(&key, entry.revision);
        }
    }

    /// The servers that serve.
    pub fn servers(&self) -> Result<Vec<String>, Failure> {
        let now = log::now().unix_timestamp();
        let entries = self.kine.list(SERVERS)?;
        let live = entries.into_iter().filter(|entry| {
            renewed(&entry.value)
                .is_some_and(|renewed| now - renewed.unix_timestamp() <= SERVER_LEASE)
        });
        Ok(live
            .map(|entry| format!("{}:6443", &entry.name[SERVERS.len()..]))
            .collect())
    }
}

impl Cluster {
    /// The names of a namespace's secrets; what is in them is nobody's business here.
    pub fn secrets(&self, namespace: &str) -> Result<Vec<Value>, Failure> {
        let folder = format!("/registry/secrets/{namespace}/");
        let named = |entry: &Entry| {
            let name = entry.name.strip_prefix(&folder)?;
            Some(json!({ "metadata": { "name": name, "namespace": namespace } }))
        };
        let entries = self.kine.list(&folder)?;
        Ok(entries.iter().filter_map(named).collect())
    }
}

fn password_key(node: &str) -> String {
    format!("{PASSWORDS}{node}.node-password.k3s")
}

/// A lease renewed now.
fn lease() -> String {
    json!({ "renewTime": log::stamp(log::now()) }).to_string()
}

fn renewed(lease: &[u8]) -> Option<OffsetDateTime> {
    let lease: Value = serde_json::from_slice(lease).ok()?;
    nodes::parse(lease["renewTime"].as_str()?)
}
