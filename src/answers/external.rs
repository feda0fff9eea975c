//! A Postgres that others run: reached at its endpoints, without a host in the answers.

use std::path::PathBuf;

use super::{Answers, Failover, Postgres, Problem, Role, SslMode, paths};
use crate::address::Endpoint;

/// What is given for an external Postgres: files on this machine, as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalFiles {
    pub ca: PathBuf,
    /// A certificate and its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

impl Postgres {
    pub fn is_external(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// The files of an external Postgres; of validated answers.
    pub fn external_files(&self) -> ExternalFiles {
        let path = |path: &PathBuf| paths::expand(path);
        let client = self.cert_file.as_ref().zip(self.key_file.as_ref());
        ExternalFiles {
            ca: self.ca_file.as_ref().map(path).unwrap_or_default(),
            client: client.map(|(cert, key)| (path(cert), path(key))),
        }
    }

    /// The endpoints of an external Postgres that can be read; of validated answers all.
    pub fn addresses(&self) -> Vec<Endpoint> {
        let endpoints = self.endpoints.iter();
        endpoints
            .filter_map(|text| Endpoint::with_port(text))
            .collect()
    }
}

/// What the operator should know before the run.
pub(super) fn warnings(answers: &Answers) -> impl Iterator<Item = &'static str> {
    let wanted = &answers.postgres;
    let retries = wanted.is_external().then_some(
        "an external Postgres: the servers get the setting net.ipv4.tcp_retries2 = 3, because \
         connections to a lost Postgres would otherwise hang for 15 min; with it they end after about \
         3 s. It applies to all connections of these hosts",
    );
    let by_ca = wanted.is_external() && wanted.sslmode == SslMode::VerifyCa;
    let by_ca = by_ca.then_some(
        "postgres.sslmode is \"verify-ca\": any server with a certificate of that CA is accepted as the \
         datastore, whatever its name. Use it only if the certificate has no usable name, and if the CA \
         signs for this Postgres alone",
    );
    retries.into_iter().chain(by_ca)
}

/// Every problem of what is said of an external Postgres.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let wanted = &answers.postgres;
    let mut problems = Vec::new();
    let mut add =
        |key: &str, message: &str| problems.push(Problem::new(format!("postgres.{key}"), message));
    let given = [
        ("ca_file", wanted.ca_file.is_some()),
        ("cert_file", wanted.cert_file.is_some()),
        ("key_file", wanted.key_file.is_some()),
        ("admin", wanted.admin.is_some()),
        ("sslmode", !wanted.sslmode.is_default()),
    ];
    if !wanted.is_external() {
        for (key, _) in given.iter().filter(|(_, is_given)| *is_given) {
            add(
                key,
                "is for an external Postgres: set endpoints too, or leave it out",
            );
        }
        return problems;
    }
    let hosts = answers.hosts.iter();
    let own = hosts.filter(|host| {
        let roles = &host.roles;
        roles.contains(&Role::Postgres) || roles.contains(&Role::Monitor)
    });
    let own: Vec<_> = own.map(|host| host.name.as_str()).collect();
    if !own.is_empty() {
        let message = format!(
            "an external Postgres takes the place of hosts with the roles \"postgres\" and \"monitor\": \
             remove these roles from {}, or leave endpoints out",
            own.join(", ")
        );
        add("endpoints", &message);
    }
    for (number, text) in wanted.endpoints.iter().enumerate() {
        let key = format!("endpoints[{number}]");
        if Endpoint::with_port(text).is_none() {
            add(
                &key,
                "must be NAME:PORT or ADDRESS:PORT, as in \"db.example.com:5432\"",
            );
        } else if wanted.endpoints[..number].contains(text) {
            add(&key, "is named twice: remove one of the two");
        }
    }
    if wanted.name.is_some() {
        add(
            "name",
            "is for Postgres hosts: servers reach an external Postgres by its endpoints",
        );
    }
    if wanted.failover != Failover::default() {
        add(
            "failover",
            "is for two Postgres hosts: an external Postgres fails over by itself",
        );
    }
    if wanted.ca_file.is_none() {
        add(
            "ca_file",
            "is missing: a file on this machine with the CA that signed the certificate of Postgres, \
             as PEM. For RDS it is global-bundle.pem, for Cloud SQL the server CA of the instance",
        );
    }
    match (&wanted.cert_file, &wanted.key_file) {
        (Some(_), None) => add("key_file", "is missing: cert_file needs its private key"),
        (None, Some(_)) => add("cert_file", "is missing: key_file needs its certificate"),
        _ => {}
    }
    problems
}

/// What is wrong with the password of an external Postgres; `None` if it is valid. How long it must be
/// is decided there.
pub fn external_password_problem(password: &str) -> Option<&'static str> {
    // Outside of ASCII, Postgres and its clients normalise passwords in different ways (docs/facts.md,
    // "Passwords").
    let is_plain = password.bytes().all(|byte| byte.is_ascii_graphic());
    (!is_plain || password.is_empty()).then_some(
        "must be plain ASCII without spaces: Postgres and its clients may encode other characters \
         differently",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_name_and_a_port() {
        let told = |text: &str| Endpoint::with_port(text).map(|address| address.to_string());
        for good in ["db.example.com:5432", "10.0.0.5:5432", "[2001:db8::1]:6000"] {
            assert_eq!(told(good).as_deref(), Some(good));
        }
        for bad in [
            "db.example.com",
            "db:0",
            "db:65536",
            ":5432",
            "2001:db8::1:5432",
            "[db]:5432",
            "$(reboot):1",
            "a b:1",
            "kay@db:1",
        ] {
            assert_eq!(told(bad), None, "{bad}");
        }
    }

    #[test]
    fn answers_of_earlier_versions_are_read() {
        let read = |json: &str| serde_json::from_str::<Postgres>(json).map(|it| it.endpoints);
        assert_eq!(read("{\"endpoint\": null}").unwrap(), [""; 0]);
        assert_eq!(read("{\"endpoint\": \"db:1\"}").unwrap(), ["db:1"]);
        assert_eq!(
            read("{\"endpoints\": [\"a:1\", \"b:2\"]}").unwrap(),
            ["a:1", "b:2"]
        );
    }
}
