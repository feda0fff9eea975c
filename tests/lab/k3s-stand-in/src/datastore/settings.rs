//! What `sslmode` and the three files make of a connection (the rules of pgx 5.9).

use std::sync::Arc;

use rustls::ClientConfig;

use super::dsn::Dsn;
use crate::tls::{self, Check};

/// Over what one attempt speaks.
#[derive(Debug, Clone)]
pub enum Transport {
    Plain,
    Tls(Arc<ClientConfig>),
}

/// The transports to try for every host, in order.
pub fn transports(dsn: &Dsn) -> Result<Vec<Vec<Transport>>, String> {
    let failed = |reason: String| format!("failed to configure TLS ({reason})");
    let mode = dsn.parameter("sslmode").unwrap_or("prefer");
    if mode == "disable" {
        return Ok(dsn.hosts.iter().map(|_| vec![Transport::Plain]).collect());
    }
    if !["allow", "prefer", "require", "verify-ca", "verify-full"].contains(&mode) {
        return Err(failed("sslmode is invalid".into()));
    }
    let roots = match dsn.parameter("sslrootcert") {
        Some(path) => {
            let pem =
                read(path).map_err(|reason| failed(format!("unable to read CA file: {reason}")))?;
            let roots = tls::certificates_of(&pem);
            if roots.is_empty() {
                return Err(failed("unable to add CA to cert pool".into()));
            }
            Some(roots)
        }
        None => None,
    };
    let identity = match (dsn.parameter("sslcert"), dsn.parameter("sslkey")) {
        (Some(certificate), Some(key)) => Some(identity(certificate, key).map_err(failed)?),
        (None, None) => None,
        _ => {
            return Err(failed(
                "both \"sslcert\" and \"sslkey\" are required".into(),
            ));
        }
    };
    dsn.hosts
        .iter()
        .map(|(host, _)| {
            let roots = roots.clone();
            let check = match (mode, roots) {
                ("verify-full", roots) => Check::Name(roots.unwrap_or_default(), host.clone()),
                ("verify-ca", roots) => Check::Authority(roots.unwrap_or_default()),
                ("require", Some(roots)) => Check::Authority(roots),
                _ => Check::Nothing,
            };
            let config =
                tls::client(check, identity.clone()).map_err(|error| failed(error.to_string()))?;
            let encrypted = Transport::Tls(config);
            Ok(match mode {
                "allow" => vec![Transport::Plain, encrypted],
                "prefer" => vec![encrypted, Transport::Plain],
                _ => vec![encrypted],
            })
        })
        .collect()
}

fn identity(certificate: &str, key: &str) -> Result<tls::Identity, String> {
    let key = read(key).map_err(|reason| format!("unable to read sslkey: {reason}"))?;
    let certificate =
        read(certificate).map_err(|reason| format!("unable to read cert: {reason}"))?;
    tls::identity(&certificate, &key).map_err(|reason| format!("unable to load cert: {reason}"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("open {path}: {}", crate::go_words(&error)))
}
