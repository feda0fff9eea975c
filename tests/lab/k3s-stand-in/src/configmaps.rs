//! `ConfigMap`s: what a test writes through the load balancer to see that no write is lost.

use serde_json::{Value, json};

use crate::bootstrap::random_hex;
use crate::cluster::{Cluster, Failure};
use crate::log;
use crate::pods::uid;

fn key(namespace: &str, name: &str) -> String {
    format!("/registry/configmaps/{namespace}/{name}")
}

fn shown(value: &[u8], revision: i64) -> Result<Value, Failure> {
    let mut map: Value =
        serde_json::from_slice(value).map_err(|error| Failure::Datastore(error.to_string()))?;
    map["metadata"]["resourceVersion"] = json!(revision.to_string());
    Ok(map)
}

/// All of a namespace.
pub fn list(cluster: &Cluster, namespace: &str) -> Result<Vec<Value>, Failure> {
    let entries = cluster.kine.list(&key(namespace, ""))?;
    entries
        .iter()
        .map(|entry| shown(&entry.value, entry.revision))
        .collect()
}

/// One by its name.
pub fn get(cluster: &Cluster, namespace: &str, name: &str) -> Result<Value, Failure> {
    let entry = cluster
        .kine
        .get(&key(namespace, name))?
        .ok_or(Failure::NotFound)?;
    shown(&entry.value, entry.revision)
}

/// Puts one where there is none.
pub fn create(cluster: &Cluster, namespace: &str, mut map: Value) -> Result<Value, Failure> {
    let name = map["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    map["apiVersion"] = json!("v1");
    map["kind"] = json!("ConfigMap");
    map["metadata"]["namespace"] = json!(namespace);
    map["metadata"]["creationTimestamp"] = json!(log::stamp(log::now()));
    map["metadata"]["uid"] = json!(uid(&random_hex(16).map_err(Failure::Datastore)?));
    cluster
        .kine
        .create(&key(namespace, &name), map.to_string().as_bytes())?;
    get(cluster, namespace, &name)
}

/// Replaces the data of one.
pub fn replace(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    map: &Value,
) -> Result<Value, Failure> {
    let mut current = get(cluster, namespace, name)?;
    current["data"] = map["data"].clone();
    cluster
        .kine
        .put(&key(namespace, name), current.to_string().as_bytes())?;
    get(cluster, namespace, name)
}

/// Deletes one.
pub fn delete(cluster: &Cluster, namespace: &str, name: &str) -> Result<Value, Failure> {
    let key = key(namespace, name);
    let entry = cluster.kine.get(&key)?.ok_or(Failure::NotFound)?;
    cluster.kine.delete(&key, entry.revision)?;
    Ok(json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" }))
}
