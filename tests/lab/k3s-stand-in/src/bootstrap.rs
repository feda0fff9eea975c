//! What a server needs from the others before it can be one of them: the cluster's authorities,
//! kept in the datastore under the token, encrypted with it. The first server makes them under a
//! lock, the others wait for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::pbkdf2;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use crate::certs;
use crate::datastore::kine::{Entry, Kine, Refused};
use crate::log;
use crate::token::{hex, sha256};

const DIFFERENT: &str = "bootstrap data already found and encrypted with different token";
/// Between two looks at a locked key, and how many looks a lock outlives.
const WAIT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 5;
/// A file so much newer than the datastore's is not overwritten.
const NEWER: Duration = Duration::from_secs(3);

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing: the cluster is to be made, and saved under the token.
    Create,
    /// The cluster's files, now on disk.
    Loaded,
}

/// The key in the datastore that belongs to a token.
pub fn key(password: &str) -> String {
    format!("/bootstrap/{}", &sha256(password.as_bytes())[..12])
}

/// Loads the cluster's files, or takes the lock to make them.
pub fn load(kine: &Kine, password: &str, server: &Path) -> Result<Outcome, String> {
    let key = key(password);
    let mut attempts = 0;
    loop {
        attempts += 1;
        match find(kine, &key)? {
            None => match kine.create(&key, b"") {
                Ok(_) => {
                    log::info("Bootstrap key locked for initial create");
                    return Ok(Outcome::Create);
                }
                Err(Refused::Conflict) => log::info(
                    "Bootstrap key already locked - waiting for data to be populated by another server",
                ),
                Err(Refused::Failed(reason)) => return Err(reason),
            },
            Some(entry) if entry.value.is_empty() && attempts >= ATTEMPTS => {
                log::info("Bootstrap key lock timed out - deleting lock and retrying");
                attempts = 0;
                let _ = kine.delete(&key, entry.revision);
            }
            Some(entry) if entry.value.is_empty() => log::info(
                "Bootstrap key is locked - waiting for data to be populated by another server",
            ),
            Some(entry) => {
                let data = decrypt(password, &entry.value)?;
                log::info("Reconciling bootstrap data between datastore and disk");
                reconcile(&data, server)?;
                return Ok(Outcome::Loaded);
            }
        }
        thread::sleep(WAIT);
    }
}

/// Saves the files that are on disk, unless the datastore has them.
pub fn save(kine: &Kine, password: &str, server: &Path) -> Result<(), String> {
    log::info("Saving cluster bootstrap data to datastore");
    let key = key(password);
    let data = encrypt(password, &collect(server)?)?;
    let saved = match find(kine, &key)? {
        None => kine.create(&key, data.as_bytes()),
        Some(entry) if entry.value.is_empty() => kine.update(&key, entry.revision, data.as_bytes()),
        Some(_) => {
            log::warning("bootstrap key already exists");
            return Ok(());
        }
    };
    match saved {
        Ok(_) => Ok(()),
        Err(Refused::Conflict) => Err("key exists".into()),
        Err(Refused::Failed(reason)) => Err(reason),
    }
}

/// The entry of this token; that there are only those of others is an error.
fn find(kine: &Kine, key: &str) -> Result<Option<Entry>, String> {
    let entries = kine
        .list("/bootstrap/")
        .map_err(|failed| failed.to_string())?;
    if entries.len() > 1 {
        log::warning("found multiple bootstrap keys in storage");
    }
    let none = entries.is_empty();
    match entries.into_iter().find(|entry| entry.name == key) {
        None if !none => Err(DIFFERENT.into()),
        entry => Ok(entry),
    }
}

/// The names under which the datastore keeps the files, and where they lie below `server/`.
fn files() -> Vec<(String, PathBuf)> {
    let names = [
        "ClientCA",
        "ServerCA",
        "RequestHeaderCA",
        "ETCDServerCA",
        "ETCDPeerCA",
    ];
    let mut files = vec![
        ("PasswdFile".to_owned(), PathBuf::from("cred/passwd")),
        ("ServiceKey".to_owned(), PathBuf::from("tls/service.key")),
        ("IPSECKey".to_owned(), PathBuf::from("cred/ipsec.psk")),
    ];
    for (name, (file, _)) in names.iter().zip(certs::AUTHORITIES) {
        files.push((
            (*name).to_owned(),
            Path::new("tls").join(format!("{file}.crt")),
        ));
        files.push((
            format!("{name}Key"),
            Path::new("tls").join(format!("{file}.key")),
        ));
    }
    files
}

fn collect(server: &Path) -> Result<Value, String> {
    let mut all = BTreeMap::new();
    for (name, file) in files() {
        let path = server.join(file);
        let failed = |error| format!("open {}: {}", path.display(), crate::go_words(&error));
        let content = fs::read(&path).map_err(failed)?;
        let changed = fs::metadata(&path)
            .and_then(|metadata| metadata.modified())
            .map_err(failed)?;
        let stamp = log::stamp(changed.into());
        all.insert(
            name,
            json!({ "Timestamp": stamp, "Content": STANDARD.encode(content) }),
        );
    }
    Ok(json!(all))
}

/// Brings the files on disk to what the datastore says, but never over a newer one.
fn reconcile(data: &Value, server: &Path) -> Result<(), String> {
    let mut newer = Vec::new();
    for (name, file) in files() {
        let path = server.join(&file);
        let wanted = data[&name]["Content"]
            .as_str()
            .and_then(|text| STANDARD.decode(text).ok());
        let Some(wanted) = wanted else { continue };
        let wanted = String::from_utf8(wanted).map_err(|_| format!("{name} is no text"))?;
        let stored = data[&name]["Timestamp"].as_str().and_then(parse_stamp);
        match fs::read_to_string(&path) {
            Ok(text) if text == wanted => continue,
            Ok(_) => {
                let changed = fs::metadata(&path)
                    .and_then(|metadata| metadata.modified())
                    .ok();
                let ahead = match (changed, stored) {
                    (Some(changed), Some(stored)) => {
                        changed.duration_since(stored).unwrap_or_default()
                    }
                    _ => Duration::ZERO,
                };
                if ahead >= NEWER && file.extension().is_some() {
                    newer.push(path.display().to_string());
                    continue;
                }
                log::warning(format!(
                    "{} will be updated from datastore.",
                    path.display()
                ));
            }
            Err(_) => {}
        }
        let public = file.extension().is_some_and(|extension| extension == "crt");
        certs::write(&path, &wanted, if public { 0o644 } else { 0o600 })?;
    }
    if newer.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{} newer than datastore and could cause a cluster outage. Remove the file(s) from disk and \
         restart to be recreated from datastore.",
        newer.join(", ")
    ))
}

fn parse_stamp(text: &str) -> Option<SystemTime> {
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text, format)
        .ok()
        .map(SystemTime::from)
}

fn cipher(password: &str, salt: &str) -> Result<LessSafeKey, String> {
    let mut key = [0; 32];
    let rounds = std::num::NonZeroU32::new(4096).ok_or("no rounds")?;
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA1,
        rounds,
        salt.as_bytes(),
        password.as_bytes(),
        &mut key,
    );
    let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_| "cipher: no key")?;
    Ok(LessSafeKey::new(key))
}

/// Random bytes in hexadecimal.
pub fn random_hex(bytes: usize) -> Result<String, String> {
    let mut random = vec![0; bytes];
    SystemRandom::new()
        .fill(&mut random)
        .map_err(|_| "no random numbers")?;
    Ok(hex(&random))
}

/// `salt:base64(nonce, ciphertext)`, as K3s keeps it.
fn encrypt(password: &str, data: &Value) -> Result<String, String> {
    let salt = random_hex(8)?;
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new()
        .fill(&mut nonce)
        .map_err(|_| "no random numbers")?;
    let mut text = data.to_string().into_bytes();
    cipher(password, &salt)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text)
        .map_err(|_| "cipher: cannot seal")?;
    Ok(format!(
        "{salt}:{}",
        STANDARD.encode([nonce.as_slice(), &text].concat())
    ))
}

fn decrypt(password: &str, data: &[u8]) -> Result<Value, String> {
    let invalid = || "invalid cipher text, not : delimited".to_owned();
    let text = std::str::from_utf8(data).map_err(|_| invalid())?;
    let (salt, text) = text.split_once(':').ok_or_else(invalid)?;
    let mut text = STANDARD.decode(text).map_err(|error| error.to_string())?;
    if text.len() < NONCE_LEN {
        return Err(invalid());
    }
    let mut sealed = text.split_off(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(&text).map_err(|_| invalid())?;
    let open = cipher(password, salt)?
        .open_in_place(nonce, Aad::empty(), &mut sealed)
        .map_err(|_| "cipher: message authentication failed".to_owned())?;
    serde_json::from_slice(open).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_opens_what_it_closed() {
        let data = json!({ "ServerCA": { "Content": "eA==" } });
        let sealed = encrypt("token", &data).unwrap();
        assert_eq!(decrypt("token", sealed.as_bytes()).unwrap(), data);
        assert_eq!(
            decrypt("other", sealed.as_bytes()).unwrap_err(),
            "cipher: message authentication failed"
        );
        assert!(!sealed.contains("ServerCA"));
        assert_eq!(
            key("token"),
            format!("/bootstrap/{}", &sha256(b"token")[..12])
        );
    }

    #[test]
    fn a_newer_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let server = folder.path();
        for (_, file) in files() {
            certs::write(&server.join(file), "old", 0o600).unwrap();
        }
        let mut data = collect(server).unwrap();
        assert_eq!(reconcile(&data, server), Ok(()));
        data["ServerCA"]["Content"] = json!(STANDARD.encode("another"));
        data["ServerCA"]["Timestamp"] = json!("2001-01-01T00:00:00Z");
        let path = server.join("tls/server-ca.crt");
        let error = reconcile(&data, server).unwrap_err();
        assert_eq!(
            error,
            format!(
                "{} newer than datastore and could cause a cluster outage. Remove the file(s) from \
                 disk and restart to be recreated from datastore.",
                path.display()
            )
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(reconcile(&data, server), Ok(()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }
}
