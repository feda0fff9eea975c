//! What the operator gives for an external Postgres: its CA, and a client certificate if it wants one.

use std::collections::BTreeMap;
use std::path::Path;

use openssl::pkey::PKey;
use openssl::x509::X509;
use time::OffsetDateTime;

use super::{Identity, Kept, Pki, PkiError, moment};
use crate::answers::ExternalFiles;
use crate::secrets::SecretText;

/// Reads them; every server gets the same client certificate.
pub fn given(
    files: &ExternalFiles,
    servers: &[String],
    now: OffsetDateTime,
) -> Result<Pki, PkiError> {
    let wrong = |key: &'static str, path: &Path, why: String| PkiError::Given {
        key,
        path: path.to_owned(),
        why,
    };
    let read = |key: &'static str, path: &Path| {
        std::fs::read_to_string(path).map_err(|error| wrong(key, path, error.to_string()))
    };
    let certificates = |key: &'static str, path: &Path, pem: &str| {
        let read = X509::stack_from_pem(pem.as_bytes()).unwrap_or_default();
        let none = || wrong(key, path, "it contains no PEM certificate".into());
        if read.is_empty() {
            Err(none())
        } else {
            Ok(read)
        }
    };
    let ca_cert = read("postgres.ca_file", &files.ca)?;
    certificates("postgres.ca_file", &files.ca, &ca_cert)?;
    let mut identities = BTreeMap::new();
    if let Some((cert_path, key_path)) = &files.client {
        let cert_pem = read("postgres.cert_file", cert_path)?;
        let chain = certificates("postgres.cert_file", cert_path, &cert_pem)?;
        let key_pem = SecretText::from(read("postgres.key_file", key_path)?);
        // Without a passphrase: K3s reads it at each start, and openssl must not ask for one here.
        let key = PKey::private_key_from_pem_passphrase(key_pem.expose().as_bytes(), b"");
        let key = key.map_err(|_| {
            let why = "it must be a PEM private key without a passphrase";
            wrong("postgres.key_file", key_path, why.into())
        })?;
        if !chain[0].public_key()?.public_eq(&key) {
            let why = "it is not the key of postgres.cert_file".to_owned();
            return Err(wrong("postgres.key_file", key_path, why));
        }
        let ends = moment(chain[0].not_after())?;
        if ends <= now {
            let why = format!("the certificate expired on {}", ends.date());
            return Err(wrong("postgres.cert_file", cert_path, why));
        }
        let identity = Identity { cert_pem, key_pem };
        let all = servers.iter().map(|name| (name.clone(), identity.clone()));
        identities = all.collect();
    }
    Ok(Pki {
        ca_cert,
        ca_key: None,
        postgres: BTreeMap::new(),
        servers: identities,
        pair: BTreeMap::new(),
    })
}

/// The same as the last run kept it; `None` if something is missing.
pub fn kept_external(kept: &Kept, certified: bool, servers: &[String]) -> Option<Pki> {
    let servers = servers.iter().filter(|_| certified);
    let servers = servers.map(|name| Some((name.clone(), kept.servers.get(name)?.clone())));
    Some(Pki {
        ca_cert: kept.ca_cert.clone()?,
        ca_key: None,
        postgres: BTreeMap::new(),
        servers: servers.collect::<Option<_>>()?,
        pair: BTreeMap::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::{CertificateRequest, ensure, load, save};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn what_is_given_is_kept_and_what_does_not_fit_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let servers = ["s1".to_owned(), "s2".to_owned()];
        let wanted = CertificateRequest {
            cluster: "lab".into(),
            role: "k3s".into(),
            postgres: BTreeMap::new(),
            servers: servers.to_vec(),
            pair: BTreeMap::new(),
        };
        let (made, _) = ensure(&Kept::default(), &wanted, NOW).unwrap();
        let write = |name: &str, text: &str| std::fs::write(path(name), text).unwrap();
        let [one, other] = ["s1", "s2"].map(|name| made.servers[name].clone());
        write("ca", &made.ca_cert);
        write("cert", &one.cert_pem);
        write("key", one.key_pem.expose());
        write("other-key", other.key_pem.expose());
        write("nothing", "-----BEGIN NOTHING-----");
        let files = |ca: &str, client: Option<(&str, &str)>| ExternalFiles {
            ca: path(ca),
            client: client.map(|(cert, key)| (path(cert), path(key))),
        };
        let good = files("ca", Some(("cert", "key")));
        let pki = given(&good, &servers, NOW).unwrap();
        assert_eq!(pki.servers["s2"], one);
        assert_eq!(pki.authority(), None);
        let kept_in = path("kept");
        save(&kept_in, &pki).unwrap();
        let kept = load(&kept_in).unwrap();
        assert!(kept.holds(&pki) && !kept_in.join("ca.key").exists());
        assert_eq!(kept_external(&kept, true, &servers), Some(pki));
        // Another CA replaces the one before.
        let only_ca = given(&files("cert", None), &servers, NOW).unwrap();
        save(&kept_in, &only_ca).unwrap();
        let kept = load(&kept_in).unwrap();
        assert_eq!(kept_external(&kept, false, &servers), Some(only_ca));

        let why = |files: ExternalFiles, now| {
            let error = given(&files, &servers, now).unwrap_err().to_string();
            error.replace(&format!("{}/", folder.path().display()), "")
        };
        let later = NOW + time::Duration::days(900);
        insta::assert_snapshot!(
            [
                why(files("gone", None), NOW),
                why(files("nothing", None), NOW),
                why(files("ca", Some(("cert", "other-key"))), NOW),
                why(files("ca", Some(("cert", "nothing"))), NOW),
                why(good, later),
            ]
            .join("\n")
        );
    }
}
