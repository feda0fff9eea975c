//! The certificate that all servers serve with: every server adds its own names and addresses and
//! what `tls-san` says, and the newest is kept in the datastore for all.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::certs::{self, Pair, Subject};
use crate::datastore::kine::{Kine, Refused};
use crate::log;
use crate::settings::Settings;
use crate::tls;
use crate::token::sha256;

const KEY: &str = "/registry/secrets/kube-system/k3s-serving";

/// The names and addresses that a server brings in.
pub fn own_names(settings: &Settings, node: &str, address: IpAddr) -> BTreeSet<String> {
    let service = settings
        .many("service-cidr")
        .first()
        .map_or("10.43.0.0/16", String::as_str);
    let mut names: BTreeSet<String> = [
        "127.0.0.1",
        "::1",
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
    ]
    .map(ToOwned::to_owned)
    .into();
    names.insert(format!(
        "kubernetes.default.svc.{}",
        settings.text("cluster-domain").unwrap_or("cluster.local")
    ));
    names.insert(first_address(service));
    names.insert(node.to_owned());
    names.insert(address.to_string());
    names.extend(settings.many("tls-san").iter().cloned());
    names.extend(settings.text("advertise-address").map(ToOwned::to_owned));
    names
}

/// The first address of a range.
fn first_address(range: &str) -> String {
    let base = range.split('/').next().unwrap_or_default();
    match base.rsplit_once('.') {
        Some((prefix, last)) => format!(
            "{prefix}.{}",
            last.parse::<u8>().unwrap_or_default().saturating_add(1)
        ),
        None => base.to_owned(),
    }
}

/// A certificate for these names, before the datastore may be written to.
pub fn offer(authority: &Pair, names: &BTreeSet<String>) -> Result<Pair, String> {
    let list: Vec<String> = names.iter().cloned().collect();
    let subject = Subject {
        common_name: "k3s",
        organisation: "k3s",
        names: &list,
    };
    let pair = certs::sign(authority, subject)?;
    announce(&list, &pair);
    Ok(pair)
}

/// The certificate that covers these names and all that other servers brought in: the one in the
/// datastore, or the one offered, or a new one for the names of both.
pub fn agree(
    kine: &Kine,
    authority: &Pair,
    names: &BTreeSet<String>,
    offered: &Pair,
) -> Result<(Pair, i64), String> {
    loop {
        let entry = kine.get(KEY).map_err(|failed| failed.to_string())?;
        let kept = entry.as_ref().and_then(|entry| read(&entry.value));
        let mut all = names.clone();
        if let (Some((pair, known)), Some(entry)) = (kept, &entry)
            && fit(&pair, authority)
        {
            if known.is_superset(names) {
                return Ok((pair, entry.revision));
            }
            all.extend(known);
        }
        let pair = if all == *names {
            offered.clone()
        } else {
            offer(authority, &all)?
        };
        let record =
            json!({ "names": all, "certificate": pair.certificate, "key": pair.key }).to_string();
        let result = match entry {
            Some(entry) => kine.update(KEY, entry.revision, record.as_bytes()),
            None => kine.create(KEY, record.as_bytes()),
        };
        match result {
            Ok(revision) => return Ok((pair, revision)),
            Err(Refused::Conflict) => {}
            Err(Refused::Failed(reason)) => return Err(reason),
        }
    }
}

/// The certificate in the datastore, when it is newer than this revision.
pub fn newer(kine: &Kine, authority: &Pair, revision: i64) -> Option<(Pair, i64)> {
    let entry = kine
        .get(KEY)
        .ok()
        .flatten()
        .filter(|entry| entry.revision > revision)?;
    let (pair, _) = read(&entry.value)?;
    fit(&pair, authority).then_some((pair, entry.revision))
}

/// The pair as TLS uses it.
pub fn identity(pair: &Pair) -> Result<tls::Identity, String> {
    tls::identity(pair.certificate.as_bytes(), pair.key.as_bytes())
}

fn read(record: &[u8]) -> Option<(Pair, BTreeSet<String>)> {
    let record: Value = serde_json::from_slice(record).ok()?;
    let names = record["names"]
        .as_array()?
        .iter()
        .filter_map(|name| name.as_str().map(ToOwned::to_owned));
    let text = |key: &str| record[key].as_str().map(ToOwned::to_owned);
    Some((
        Pair {
            certificate: text("certificate")?,
            key: text("key")?,
        },
        names.collect(),
    ))
}

/// Whether it was signed by this cluster's authority: a datastore can be of an older one.
fn fit(pair: &Pair, authority: &Pair) -> bool {
    pair.certificate.ends_with(&authority.certificate)
}

fn announce(names: &[String], pair: &Pair) {
    let mut entries: Vec<String> = names
        .iter()
        .map(|name| {
            let key = if name == "::1" { "__1-f16284" } else { name };
            format!("listener.cattle.io/cn-{key}:{name}")
        })
        .collect();
    entries.sort();
    let fingerprint = &sha256(pair.certificate.as_bytes())[..40].to_uppercase();
    log::info(format!(
        "Active TLS secret / (ver=) (count {}): map[{} listener.cattle.io/fingerprint:SHA1={fingerprint}]",
        names.len(),
        entries.join(" ")
    ));
}
