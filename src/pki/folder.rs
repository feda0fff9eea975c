//! The folder of the certificates on this machine.

use std::io;
use std::path::Path;

use super::{Identity, Kept, PairUse, Pki, PkiError, leaves};
use crate::secrets::SecretText;
use crate::state::files::{self, Existing};

// The folder: ca, postgres-<name>, server-<name> and those of a pair (`PairUse`), each with .crt
// and .key. Version 0.1.0 wrote
// one postgres.crt.
pub(super) const ONLY_POSTGRES: &str = "postgres";

/// Reads a folder; a missing folder counts as empty.
pub fn load(dir: &Path) -> Result<Kept, PkiError> {
    let read = |name: &str| -> Result<Option<String>, PkiError> {
        let path = dir.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PkiError::File { path, source }),
        }
    };
    // An incomplete pair is ignored: it is recreated.
    let pair = |name: &str| -> Result<Option<Identity>, PkiError> {
        let key = read(&format!("{name}.key"))?.map(SecretText::from);
        let cert = read(&format!("{name}.crt"))?;
        Ok(cert
            .zip(key)
            .map(|(cert_pem, key_pem)| Identity { cert_pem, key_pem }))
    };
    let mut kept = Kept {
        ca_cert: read("ca.crt")?,
        ca_key: read("ca.key")?.map(SecretText::from),
        only_postgres: pair(ONLY_POSTGRES)?,
        ..Kept::default()
    };
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    for entry in entries.map_err(|source| file(dir, source))? {
        let file_name = entry.file_name();
        let Some(stem) = file_name
            .to_str()
            .and_then(|name| name.strip_suffix(".crt"))
        else {
            continue;
        };
        let Some((kind, name)) = stem.split_once('-') else {
            continue;
        };
        let usage = PairUse::ALL
            .into_iter()
            .find(|usage| usage.as_str() == kind);
        if usage.is_none() && !["server", "postgres"].contains(&kind) {
            continue;
        }
        let Some(identity) = pair(stem)? else {
            continue;
        };
        let name = name.to_owned();
        match (usage, kind) {
            (Some(usage), _) => kept.pair.insert((usage, name), identity),
            (None, "server") => kept.servers.insert(name, identity),
            (None, _) => kept.postgres.insert(name, identity),
        };
    }
    Ok(kept)
}

/// Writes everything into a folder (0700, files 0600), each file whole or not at all, keys before
/// their certificates. The wizard's own CA is written once and never overwritten: if the folder has another one,
/// that is an error, and nothing is written.
pub fn save(dir: &Path, pki: &Pki) -> Result<(), PkiError> {
    files::private_dir(dir).map_err(|source| file(dir, source))?;

    match &pki.ca_key {
        Some(key) => {
            put(dir, "ca.key", key.expose(), Existing::MustBeSame)?;
            put(dir, "ca.crt", &pki.ca_cert, Existing::MustBeSame)?;
        }
        None => put(dir, "ca.crt", &pki.ca_cert, Existing::IsReplaced)?,
    }
    for (name, identity) in leaves(pki) {
        let (key, cert) = (identity.key_pem.expose(), &identity.cert_pem);
        put(dir, &format!("{name}.key"), key, Existing::IsReplaced)?;
        put(dir, &format!("{name}.crt"), cert, Existing::IsReplaced)?;
    }
    // Its successors exist now: unused keys are removed.
    for end in ["key", "crt"] {
        let path = dir.join(ONLY_POSTGRES).with_extension(end);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(file(&path, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn put(dir: &Path, name: &str, text: &str, existing: Existing) -> Result<(), PkiError> {
    let path = dir.join(name);
    files::write(&path, text.as_bytes(), existing).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => PkiError::OtherAuthority(path.clone()),
        _ => file(&path, source),
    })
}

fn file(path: &Path, source: io::Error) -> PkiError {
    let path = path.to_owned();
    PkiError::File { path, source }
}
