//! The datastore's address as kine and pgx read it (docs/facts.md, "Address"): parsed as a URL by
//! Go's rules, with the three files of the datastore settings as `sslcert`, `sslkey` and
//! `sslrootcert`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a connection needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dsn {
    pub user: String,
    pub password: Option<String>,
    /// Hosts with their ports, in the order in which they are tried.
    pub hosts: Vec<(String, u16)>,
    pub database: String,
    /// The query's parameters, the three files among them.
    pub parameters: BTreeMap<String, String>,
    /// The whole as pgx prints it in its errors, the password hidden.
    pub shown: String,
}

/// The three datastore files of the settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    pub ca: Option<&'a str>,
    pub certificate: Option<&'a str>,
    pub key: Option<&'a str>,
}

impl Dsn {
    /// Parses `datastore-endpoint`.
    pub fn parse(endpoint: &str, files: Files) -> Result<Self, String> {
        let Some((scheme, rest)) = endpoint.split_once("://") else {
            return Err(
                "invalid datastore endpoint; endpoint should be a DSN URI in the format \
                        <scheme>://<authority>"
                    .into(),
            );
        };
        if scheme != "postgres" && scheme != "postgresql" {
            return Err("unknown driver".into());
        }
        let url = Url::parse(rest).map_err(|reason| {
            format!(
                "failed to parse datastore DSN URL; ensure that parameters containing special \
                 characters use percent-encoding: parse \"postgres://{rest}\": {reason}"
            )
        })?;
        let database = match url.path.trim_start_matches('/') {
            "" => "kubernetes".to_owned(),
            path => path.to_lowercase(),
        };
        let mut parameters = url.parameters.clone();
        let of_files = [
            ("sslcert", files.certificate),
            ("sslkey", files.key),
            ("sslrootcert", files.ca),
        ];
        for (name, file) in of_files {
            if let Some(file) = file {
                parameters
                    .entry(name.into())
                    .or_insert_with(|| file.to_owned());
            }
        }
        if of_files
            .iter()
            .any(|(name, _)| parameters.contains_key(*name))
        {
            parameters
                .entry("sslmode".into())
                .or_insert_with(|| "verify-full".into());
        }
        let hosts = hosts(&url, &parameters)?;
        let shown = shown(&url, &database, &parameters);
        Ok(Self {
            user: url.user,
            password: url.password,
            hosts,
            database,
            parameters,
            shown,
        })
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

fn hosts(url: &Url, parameters: &BTreeMap<String, String>) -> Result<Vec<(String, u16)>, String> {
    let listed = parameters
        .get("host")
        .cloned()
        .unwrap_or_else(|| url.host.clone());
    let ports: Vec<&str> = parameters
        .get("port")
        .map_or(Vec::new(), |ports| ports.split(',').collect());
    let mut hosts = Vec::new();
    for (index, entry) in listed.split(',').enumerate() {
        let (host, port) = split_port(entry);
        let port = ports
            .get(index)
            .or(ports.first())
            .copied()
            .or(port)
            .unwrap_or("5432");
        let port = port.parse().map_err(|_| format!("invalid port: {port}"))?;
        hosts.push((host.trim_matches(['[', ']']).to_owned(), port));
    }
    Ok(hosts)
}

/// Host and port of `host:port`; an IPv6 address is in brackets.
fn split_port(entry: &str) -> (&str, Option<&str>) {
    match entry.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            (host, Some(port).filter(|port| !port.is_empty()))
        }
        _ => (entry, None),
    }
}

fn shown(url: &Url, database: &str, parameters: &BTreeMap<String, String>) -> String {
    let mut text = format!("postgres://{}", url.user);
    if url.password.is_some() {
        text.push_str(":xxxxx");
    }
    let _ = write!(text, "@{}/{database}", url.host);
    for (index, (name, value)) in parameters.iter().enumerate() {
        text.push(if index == 0 { '?' } else { '&' });
        let _ = write!(text, "{name}={}", query_escape(value));
    }
    text
}

fn query_escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut escaped, byte| {
        match byte {
            b' ' => escaped.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) => {
                escaped.push(byte as char);
            }
            byte => {
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        escaped
    })
}

#[derive(Debug, Default)]
struct Url {
    user: String,
    password: Option<String>,
    host: String,
    path: String,
    parameters: BTreeMap<String, String>,
}

impl Url {
    /// What follows `postgres://`, by the rules of Go's `url.Parse`.
    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("net/url: invalid control character in URL".into());
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        unescape(fragment, false)?;
        let (text, query) = text.split_once('?').unwrap_or((text, ""));
        let (authority, path) = match text.find('/') {
            Some(slash) => text.split_at(slash),
            None => (text, ""),
        };
        let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if userinfo
            .chars()
            .any(|c| !c.is_ascii_alphanumeric() && !"-._:~!$&'()*+,;=%@".contains(c))
        {
            return Err("net/url: invalid userinfo".into());
        }
        let (user, password) = match userinfo.split_once(':') {
            Some((user, password)) => (user, Some(password)),
            None => (userinfo, None),
        };
        if let (_, Some(port)) = split_port(host)
            && !port.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(format!("invalid port \":{port}\" after host"));
        }
        if let Some(bad) = host.chars().find(|c| " \"<>\\^`{|}".contains(*c)) {
            return Err(format!(
                "invalid character {:?} in host name",
                bad.to_string()
            ));
        }
        let mut url = Self {
            user: unescape(user, false)?,
            password: password
                .map(|password| unescape(password, false))
                .transpose()?,
            host: host.to_owned(),
            path: unescape(path, false)?,
            parameters: BTreeMap::new(),
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            url.parameters
                .entry(unescape(name, true)?)
                .or_insert(unescape(value, true)?);
        }
        Ok(url)
    }
}

fn unescape(text: &str, query: bool) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let digits = tail
                    .get(..2)
                    .and_then(|digits| std::str::from_utf8(digits).ok());
                let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
                let Some(byte) = byte else {
                    let shown = String::from_utf8_lossy(&tail[..tail.len().min(2)]);
                    return Err(format!("invalid URL escape \"%{shown}\""));
                };
                bytes.push(byte);
                rest = &tail[2..];
            }
            b'+' if query => bytes.push(b' '),
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| "invalid UTF-8".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(endpoint: &str) -> Result<Dsn, String> {
        Dsn::parse(endpoint, Files::default())
    }

    #[test]
    fn what_the_wizard_writes() {
        let files = Files {
            ca: Some("/etc/rancher/k3s/datastore/missing.crt"),
            certificate: Some("/etc/rancher/k3s/datastore/c1.crt"),
            key: Some("/etc/rancher/k3s/datastore/c1.key"),
        };
        let dsn = Dsn::parse("postgres://k3s:p%40ss%2Fw@198.51.100.11:5432/K3S", files).unwrap();
        assert_eq!(
            (dsn.user.as_str(), dsn.password.as_deref()),
            ("k3s", Some("p@ss/w"))
        );
        assert_eq!(dsn.hosts, [("198.51.100.11".into(), 5432)]);
        assert_eq!(dsn.database, "k3s");
        assert_eq!(dsn.parameter("sslmode"), Some("verify-full"));
        let journal = include_str!("../../../../fixtures/real/journal/datastore-ca-missing.txt");
        assert!(
            journal.contains(&format!("cannot parse `{}`", dsn.shown)),
            "{}",
            dsn.shown
        );
    }

    #[test]
    fn a_password_that_is_not_encoded_becomes_a_host() {
        let dsn = parse("postgres://k3s:p@ss/w#rd@198.51.100.11:5432/k3s").unwrap();
        assert_eq!(dsn.hosts, [("ss".into(), 5432)]);
        assert_eq!(dsn.database, "w");
        let error = parse("postgres://k3s:100%@h/k3s").unwrap_err();
        assert!(error.ends_with("invalid URL escape \"%\""), "{error}");
    }

    #[test]
    fn defaults_lists_and_refusals() {
        let dsn = parse("postgresql://k3s@h1:5433,h2:5434").unwrap();
        assert_eq!(dsn.database, "kubernetes");
        assert_eq!(dsn.hosts, [("h1".into(), 5433), ("h2".into(), 5434)]);
        assert_eq!(dsn.parameter("sslmode"), None);
        let dsn = parse("postgres://k3s@x/k3s?host=a,b&port=1,2&sslmode=disable").unwrap();
        assert_eq!(dsn.hosts, [("a".into(), 1), ("b".into(), 2)]);
        assert_eq!(parse("mongo://x").unwrap_err(), "unknown driver");
        assert!(
            parse("postgres:/x")
                .unwrap_err()
                .starts_with("invalid datastore endpoint;")
        );
        assert_eq!(
            parse("postgres://k3s@[::1]:5432/k3s").unwrap().hosts,
            [("::1".into(), 5432)]
        );
    }
}
