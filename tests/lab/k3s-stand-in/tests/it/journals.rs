//! What the stand-in prints when it is started with something wrong, against what the real K3s
//! printed (tests/fixtures/real/journal).

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::support::{Host, Postgres, free_port};

fn journal(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("../../fixtures/real/journal/{name}.txt"));
    fs::read_to_string(path)
        .unwrap()
        .lines()
        .map(ToOwned::to_owned)
        .collect()
}

/// A line without what differs from host to host: the time, addresses and their ports, hashes.
fn normal(line: &str) -> String {
    let line = match line.strip_prefix("time=\"") {
        Some(rest) => rest.split_once("\" ").map_or(rest, |(_, rest)| rest),
        None => line,
    };
    let mut words = String::new();
    let mut token = String::new();
    for c in line.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '.' {
            token.push(c);
            continue;
        }
        let address = token.split('.').count() == 4
            && token.split('.').all(|part| part.parse::<u8>().is_ok());
        let hash = token.len() == 64 && token.chars().all(|c| c.is_ascii_hexdigit());
        let port = token.len() >= 4 && words.ends_with("ADDRESS:") && token.parse::<u16>().is_ok();
        words.push_str(match (address, hash, port) {
            (true, ..) => "ADDRESS",
            (_, true, _) => "HASH",
            (.., true) => "PORT",
            _ => &token,
        });
        words.push(c);
        token.clear();
    }
    words.trim_end().to_owned()
}

/// What a host printed, in the real one's places, without the line that says what it is.
fn printed(host: &mut Host, count: usize, replaced: &[(&str, &str)]) -> Vec<String> {
    let lines = host.lines(count + 1);
    let note = "msg=\"this is the stand-in of the test lab, not K3s\"";
    let lines = lines.iter().filter(|line| !line.contains(note));
    let lines = lines.map(|line| {
        replaced
            .iter()
            .fold(line.clone(), |line, (ours, real)| line.replace(ours, real))
    });
    lines.map(|line| normal(&line)).collect()
}

#[track_caller]
fn same(name: &str, ours: &[String], count: usize) {
    let real: Vec<String> = journal(name)
        .iter()
        .take(count)
        .map(|line| normal(line))
        .collect();
    let ours: Vec<String> = ours.iter().take(count).cloned().collect();
    assert_eq!(ours, real, "{name}");
}

/// A case of a datastore: the real journal, the client's identity, the trusted CA, and what of the
/// usual configuration is replaced by what.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

/// These wait and say the same every second: start, warning, first error, second error.
const WAIT: &[Case] = &[
    (
        "datastore-client-certificate-expired",
        "expired",
        "ca.crt",
        &[],
    ),
    (
        "datastore-foreign-ca-client-certificate",
        "foreign",
        "ca.crt",
        &[],
    ),
    ("datastore-other-cn", "bob", "ca.crt", &[]),
    (
        "datastore-wrong-password",
        "c1",
        "ca.crt",
        &[(":pw@", ":wrong@")],
    ),
    (
        "datastore-server-certificate-unknown-authority",
        "c1",
        "foreign-ca.crt",
        &[],
    ),
    (
        "datastore-no-tls",
        "c1",
        "ca.crt",
        &[("/k3s\"", "/k3s?sslmode=disable\"")],
    ),
    ("datastore-no-client-certificate", "", "ca.crt", &[]),
    (
        "datastore-database-missing-no-createdb",
        "",
        "ca.crt",
        &[("k3s:pw", "r2:pw"), ("/k3s\"", "/nodb\"")],
    ),
    (
        "datastore-port-closed",
        "c1",
        "ca.crt",
        &[("PORT", "CLOSED")],
    ),
    (
        "datastore-name-unknown",
        "c1",
        "ca.crt",
        &[("127.0.0.1:PORT", "UNKNOWN:5432")],
    ),
];

/// These end at once.
const END: &[Case] = &[
    ("datastore-ca-missing", "c1", "missing.crt", &[]),
    (
        "datastore-key-missing",
        "c1",
        "ca.crt",
        &[("c1.key", "missing.key")],
    ),
    (
        "datastore-key-mismatch",
        "c1",
        "ca.crt",
        &[("c1.key", "foreign.key")],
    ),
    (
        "datastore-role-not-owner",
        "",
        "ca.crt",
        &[("k3s:pw", "r2:pw"), ("/k3s\"", "/d2\"")],
    ),
];

#[test]
fn a_datastore_that_refuses() {
    let postgres = Postgres::start();
    // No resolver is asked for a name that cannot be one.
    let unknown = format!("no-such-name-{}", "x".repeat(60));
    let closed = free_port().to_string();
    let start = |(_, identity, ca, replaced): &Case| {
        let mut host = Host::new();
        host.server_config(
            &postgres,
            if identity.is_empty() { "c1" } else { identity },
            ca,
            "",
        );
        let mut text = fs::read_to_string(host.path("etc/k3s/config.yaml")).unwrap();
        let port = postgres.port.to_string();
        text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:PORT");
        for (old, new) in *replaced {
            assert!(text.contains(old), "{old} in {text}");
            text = text.replace(old, new);
        }
        text = text
            .replace("PORT", &port)
            .replace("CLOSED", &closed)
            .replace("UNKNOWN", &unknown);
        if identity.is_empty() {
            let kept = text.lines().filter(|line| {
                !line.contains("datastore-certfile") && !line.contains("datastore-keyfile")
            });
            text = kept.collect::<Vec<_>>().join("\n");
        }
        host.config(&text);
        host.start("server");
        host
    };
    let tls = postgres.tls().display().to_string();
    let escaped = tls.replace('/', "%2F");
    let replaced = [
        (escaped.as_str(), "%2Fetc%2Francher%2Fk3s%2Fdatastore"),
        (tls.as_str(), "/etc/rancher/k3s/datastore"),
        (unknown.as_str(), "no-such-name"),
        ("foreign-ca.crt", "ca.crt"),
    ];
    let mut waiting: Vec<Host> = WAIT.iter().map(start).collect();
    let mut ending: Vec<Host> = END.iter().map(start).collect();
    for (host, (name, ..)) in ending.iter_mut().zip(END) {
        let lines = printed(host, 99, &replaced);
        same(name, &lines, lines.len().max(journal(name).len()));
        assert_eq!(host.wait_ended(), 1, "{name}");
    }
    for (host, (name, ..)) in waiting.iter_mut().zip(WAIT) {
        same(name, &printed(host, 4, &replaced), 4);
        host.signal("TERM");
    }
    thread::sleep(Duration::from_secs(1));
    for (host, (name, ..)) in waiting.iter_mut().zip(WAIT) {
        assert_eq!(
            host.ended(),
            None,
            "{name}: it ignores SIGTERM while it waits"
        );
        assert!(!host.ready(), "{name}");
    }
}

#[test]
fn a_certificate_for_another_name_and_a_host_that_does_not_answer() {
    let postgres = Postgres::start();
    postgres.sql(
        "postgres",
        &format!(
            "ALTER SYSTEM SET ssl_cert_file = '{}'",
            postgres.tls().join("nameless.crt").display()
        ),
    );
    postgres.sql(
        "postgres",
        &format!(
            "ALTER SYSTEM SET ssl_key_file = '{}'",
            postgres.tls().join("nameless.key").display()
        ),
    );
    postgres.down();
    postgres.up();
    let mut host = Host::new();
    host.server_config(&postgres, "c1", "ca.crt", "");
    host.start("server");
    let lines = printed(&mut host, 3, &[]);
    let real = "failed to write startup message: write failed: tls: failed to verify certificate: x509: certificate is valid for k3s-pg, not other-name";
    assert!(journal("datastore-name-not-in-server-certificate")[2].contains(real));
    let by_address = real.replace(
        "certificate is valid for k3s-pg, not other-name",
        "cannot validate certificate for ADDRESS because it doesn't contain any IP SANs",
    );
    assert!(lines[2].contains(&by_address), "{}", lines[2]);

    let deaf = Deaf::new();
    let mut silent = Host::new();
    silent.server_config(&postgres, "c1", "ca.crt", "");
    let text = fs::read_to_string(silent.path("etc/k3s/config.yaml")).unwrap();
    silent.config(&text.replace(
        &format!(":{}/", postgres.port),
        &format!(":{}/", deaf.port()),
    ));
    silent.start("server");
    same(
        "datastore-host-unreachable",
        &printed(&mut silent, 3, &[]),
        3,
    );
}

/// A port that takes no further connection: who tries waits in vain.
struct Deaf {
    listener: TcpListener,
    _queue: Vec<TcpStream>,
}

impl Deaf {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
        }
        Self {
            listener,
            _queue: queue,
        }
    }

    fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }
}

#[test]
fn a_configuration_that_is_none() {
    let mut host = Host::new();
    host.config("token: \"x\"\ntls-san:\n  - a\n node-name: [\n");
    host.start("server");
    assert_eq!(host.wait_ended(), 1);
    let real = normal(&journal("server-config-not-yaml")[0]).replace("line 11", "line N");
    assert_eq!(normal(&host.log()).replace("line 3", "line N"), real);

    let mut agent = Host::new();
    for (name, text) in [
        ("agent-without-server", "token: \"x\"\n"),
        (
            "agent-without-token",
            "server: \"https://127.0.0.1:6443\"\n",
        ),
        (
            "agent-unknown-key",
            "token: \"x\"\nserver: \"https://127.0.0.1:6443\"\ntls-san: [\"a\"]\n",
        ),
    ] {
        agent.config(text);
        agent.start("agent");
        assert_eq!(agent.wait_ended(), 1, "{name}");
        let count = journal(name).len();
        same(name, &printed(&mut agent, 1, &[]), count);
    }
    assert!(
        agent
            .log()
            .ends_with("level=fatal msg=\"Error: flag provided but not defined: -tls-san\"\n")
    );
}

#[test]
fn tokens_and_keys_that_do_not_fit() {
    let postgres = Postgres::start();
    let mut first = Host::new();
    first.server_config(&postgres, "c1", "ca.crt", "node-name: \"one\"\n");
    first.start("server");
    first.wait_ready();

    let second = |change: &dyn Fn(String) -> String| {
        let mut host = Host::new();
        host.server_config(&postgres, "c1", "ca.crt", "node-name: \"k3s-s2\"\n");
        let text = fs::read_to_string(host.path("etc/k3s/config.yaml")).unwrap();
        host.config(&change(text));
        host.start("server");
        host
    };
    let mut host = second(&|text| text.replace("\"secret\"", "\"other\""));
    same("server-wrong-token", &printed(&mut host, 99, &[]), 99);
    assert_eq!(host.wait_ended(), 1);

    // A file counts as newer when it is by three seconds.
    thread::sleep(Duration::from_secs(3));
    let mut host = second(&|text| text.replace("token: \"secret\"\n", ""));
    assert_eq!(host.wait_ended(), 1);
    same_kinds("server-without-token", &host.log());
    let last = host.log().lines().last().unwrap().to_owned();
    let reason = "bootstrap data already found and encrypted with different token";
    assert!(
        last.contains("level=fatal") && last.contains(reason),
        "{last}"
    );
    // What it made is in the way of the right token now.
    host.server_config(&postgres, "c1", "ca.crt", "");
    host.start("server");
    assert_eq!(host.wait_ended(), 1);
    let reason =
        "newer than datastore and could cause a cluster outage. Remove the file(s) from disk";
    assert!(host.log().contains(reason), "{}", host.log());

    let host = second(&|text| text + "not-a-flag: \"x\"\n");
    host.wait_ready();
    let real = normal(&journal("server-unknown-key")[0]);
    assert_eq!(host.log().lines().next().map(normal), Some(real));
    same_kinds("server-unknown-key", &host.log());
    drop(host);
    let host = second(&|text| text + "cluster-cidr: \"198.18.0.0/17\"\n");
    host.wait_ready();
    same_kinds("server-cidr-differs", &host.log());
}

/// What the stand-in has none of, and so says nothing of.
const NOT_HERE: &[&str] = &[
    "CN=system:kube-proxy",
    "CN=system:k3s-controller",
    "dynamiclistener",
    "Sending HTTP/1.1 503",
    "k3s-cert-monitor",
    "Connecting to proxy",
    "containerd",
    "Running kube",
    "Running cloud",
    "Handling backend",
    "Active TLS secret",
];

/// Every line of the real journal is there in kind: without numbers, names and places.
#[track_caller]
fn same_kinds(name: &str, log: &str) {
    let kind = |line: &str| {
        let line = normal(line).replace("/x/", "/");
        let line = line
            .split(" notBefore")
            .next()
            .unwrap_or_default()
            .to_owned();
        let line = match line.split_once(" available at /") {
            Some((head, tail)) => format!(
                "{head} available at {}",
                tail.rsplit('/').next().unwrap_or_default()
            ),
            None => line,
        };
        let line = line
            .split(" kubeconfig")
            .next()
            .unwrap_or_default()
            .to_owned();
        line.chars()
            .filter(|c| !c.is_ascii_digit())
            .collect::<String>()
            .replace("PORT", "")
    };
    let ours: Vec<String> = log.lines().map(kind).collect();
    for real in journal(name) {
        if NOT_HERE.iter().any(|absent| real.contains(absent)) {
            continue;
        }
        assert!(
            ours.contains(&kind(&real)),
            "{name}: {:?} is not in {ours:#?}",
            kind(&real)
        );
    }
}

#[test]
fn an_agent_that_is_refused() {
    let postgres = Postgres::start();
    let mut server = Host::new();
    server.server_config(&postgres, "c1", "ca.crt", "");
    server.start("server");
    server.wait_ready();
    let token = fs::read_to_string(server.path("data/server/agent-token"))
        .unwrap()
        .trim()
        .to_owned();
    let (hash, _) = token.trim_start_matches("K10").split_once("::").unwrap();
    let other = format!("K10{}{}::node:agents", "aaaa", &hash[4..]);
    let mut owner = Host::new();
    owner.agent_config(server.port, &token, "taken");
    owner.start("agent");
    owner.wait_ready();
    let deaf = Deaf::new();
    let cases = [
        ("agent-ca-hash-differs", server.port, other, 5),
        (
            "agent-wrong-password-in-token",
            server.port,
            token.replace(":agents", ":wrong"),
            4,
        ),
        (
            "agent-wrong-short-token",
            server.port,
            "wrong".to_owned(),
            5,
        ),
        (
            "agent-node-password-rejected",
            server.port,
            token.clone(),
            4,
        ),
        ("agent-server-refused", free_port(), token.clone(), 4),
        ("agent-server-unreachable", deaf.port(), token.clone(), 3),
    ];
    let mut agents: Vec<Host> = cases
        .iter()
        .map(|(_, port, token, _)| {
            let mut agent = Host::new();
            agent.agent_config(*port, token, "taken");
            agent.start("agent");
            agent
        })
        .collect();
    for (agent, (name, _, _, count)) in agents.iter_mut().zip(&cases) {
        let data = agent.path("data").display().to_string();
        let lines = printed(agent, *count, &[(data.as_str(), "/var/lib/rancher/k3s/x")]);
        // A connection that is refused ends in one of two ways, as the real journal shows.
        let lines: Vec<String> = lines.iter().map(|line| reset(line)).collect();
        let real: Vec<String> = journal(name)
            .iter()
            .take(*count)
            .map(|line| reset(&normal(line)))
            .collect();
        assert_eq!(lines[..*count], real, "{name}");
        assert_eq!(agent.ended(), None, "{name}: it waits");
        assert!(!agent.ready(), "{name}");
        if real
            .last()
            .is_some_and(|line| line.contains("Waiting to retrieve"))
        {
            agent.signal("TERM");
            assert_eq!(agent.wait_ended(), 1, "{name}");
            let last = normal(agent.log().lines().last().unwrap())
                .replace(&data, "/var/lib/rancher/k3s/x");
            assert_eq!(
                Some(last),
                journal(name).last().map(|line| normal(line)),
                "{name}"
            );
        }
    }
}

fn reset(line: &str) -> String {
    match line.split_once("/cacerts\\\": ") {
        Some((head, tail))
            if tail.starts_with("EOF") || tail.contains("connection reset by peer") =>
        {
            format!("{head}: cut")
        }
        _ => line.to_owned(),
    }
}
