//! When the stored certificates expire, for people. No key is read.

use std::io;
use std::path::Path;

use serde::Serialize;
use time::OffsetDateTime;

use super::{PairUse, PkiError, RENEW, expiry};
use crate::topology::Topology;

/// A certificate without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// Its owner: a server's name, or a description.
    pub name: String,
    /// The day on which it expires, `2029-02-27`, UTC.
    pub ends: String,
    /// How many whole days are left; negative if it has expired.
    pub days: i64,
    /// What is wrong with it, and what to do.
    pub problem: Option<String>,
}

/// The certificates in a folder, of the members of a topology; those with a problem first. Missing
/// ones are left out.
pub fn certificates(
    dir: &Path,
    topology: &Topology,
    now: OffsetDateTime,
) -> Result<Vec<Certificate>, PkiError> {
    let members = &topology.datastore.members;
    let postgres = members.iter().map(|member| {
        let name = match members.len() {
            1 => "Postgres".to_owned(),
            _ => format!("Postgres on {}", member.name),
        };
        (name, format!("postgres-{}.crt", member.name))
    });
    let servers = topology.servers.iter();
    let servers =
        servers.map(|server| (server.name.clone(), format!("server-{}.crt", server.name)));
    let pair = PairUse::wanted(&topology.datastore).into_keys();
    let pair = pair.map(|(usage, name)| {
        let usage = usage.as_str();
        (format!("{usage} on {name}"), format!("{usage}-{name}.crt"))
    });
    let is_external = topology.datastore.external.is_some();
    let authority = if is_external {
        "the CA of Postgres"
    } else {
        "the CA"
    };
    let authority = (authority.to_owned(), "ca.crt".to_owned());
    let all = [authority].into_iter().chain(postgres).chain(servers);
    let mut found = Vec::new();
    for (name, file) in all.chain(pair) {
        let mut path = dir.join(&file);
        if file.starts_with("postgres-") && !path.exists() {
            path = dir.join(super::folder::ONLY_POSTGRES).with_extension("crt");
        }
        let pem = match std::fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(source) => return Err(PkiError::File { path, source }),
        };
        let ends = expiry(&pem)?;
        let left = ends - now;
        let is_authority = file == "ca.crt";
        let problem = (left <= RENEW).then(|| {
            let ended = !left.is_positive();
            match (is_authority, ended) {
                _ if is_external => {
                    "set its successor in the answers, under [postgres], and run install"
                }
                (true, _) => {
                    "it is not renewed automatically, because all hosts must get the new one at the same time: \
                     the next run prints how to renew it"
                }
                (false, true) => {
                    "it has expired, so connections with it are refused: the next run renews it"
                }
                (false, false) => "it expires soon: the next run renews it",
            }
            .to_owned()
        });
        found.push(Certificate {
            name,
            ends: ends.date().to_string(),
            days: left.whole_seconds().div_euclid(24 * 60 * 60),
            problem,
        });
    }
    found.sort_by_key(|certificate| certificate.problem.is_none());
    Ok(found)
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::super::{CertificateRequest, Kept, ensure, save};
    use super::*;
    use crate::answers::{Answers, Host, Role};

    #[test]
    fn what_ends_soon_comes_first_with_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("pki");
        let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let mut answers = Answers::default();
        for (name, role) in [
            ("db", Role::Postgres),
            ("s1", Role::Server),
            ("s2", Role::Server),
            ("lb", Role::LoadBalancer),
        ] {
            answers.hosts.push(Host::new(name, role, "10.0.0.5"));
        }
        let topology = Topology::of(&answers).expect("a topology");
        let told = |now| -> Vec<_> {
            let all = certificates(&dir, &topology, now).expect("read");
            let line = |it: Certificate| {
                let problem = it.problem.unwrap_or_else(|| "well".into());
                format!("{} {} {} {problem}", it.name, it.ends, it.days)
            };
            all.into_iter().map(line).collect()
        };
        assert_eq!(told(now), Vec::<String>::new());
        let wanted = CertificateRequest {
            cluster: "lab".into(),
            role: "k3s".into(),
            postgres: [("db".into(), vec!["10.0.0.5".into()])].into(),
            servers: vec!["s1".into(), "s2".into()],
            pair: std::collections::BTreeMap::new(),
        };
        let (pki, _) = ensure(&Kept::default(), &wanted, now).expect("made");
        save(&dir, &pki).expect("saved");
        // No key is needed to know when a certificate ends.
        for file in ["ca.key", "postgres-db.key", "server-s1.key"] {
            std::fs::remove_file(dir.join(file)).expect("removed");
        }
        std::fs::remove_file(dir.join("server-s2.crt")).expect("removed");
        // As version 0.1.0 named it.
        let renamed = std::fs::rename(dir.join("postgres-db.crt"), dir.join("postgres.crt"));
        renamed.expect("renamed");
        insta::assert_debug_snapshot!(
            [0, 764, 765, 826, 3600].map(|days| told(now + Duration::days(days)))
        );
    }
}
