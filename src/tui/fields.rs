//! Which fields the forms have, and how they and the answers become each other.

use std::path::PathBuf;

use crate::answers::{Answers, Host, HostKeys, Role, Secret, SecretText};

use super::form::{Field, Form, Kind};
use super::text::field as say;

const ROLES: &[&str] = &["postgres", "server", "load-balancer", "agent"];
const HOST_KEYS: &[&str] = &["strict", "accept-new"];

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn path(value: Option<&PathBuf>) -> String {
    value.map_or_else(String::new, |path| path.display().to_string())
}

pub fn of_host(host: &Host) -> Form {
    let fields = vec![
        Field::new("name", say::HOST_NAME, Kind::Text, host.name.as_str()),
        Field::new("role", say::ROLE, Kind::Choice(ROLES), host.role.as_str()),
        Field::new("address", say::ADDRESS, Kind::Text, host.address.as_str()),
        Field::new("node_ip", say::NODE_IP, Kind::Text, optional(host.node_ip)),
        Field::new("user", say::USER, Kind::Text, optional(host.user.as_ref())),
        Field::new("port", say::SSH_PORT, Kind::Number, optional(host.port)),
        Field::new("key", say::KEY, Kind::Text, path(host.key.as_ref())),
        Field::new(
            "host_key",
            say::HOST_KEY,
            Kind::Text,
            optional(host.host_key.as_ref()),
        ),
    ];
    Form::new(super::text::HOST, super::text::HOST_WHY, fields)
}

fn field(
    key: &'static str,
    words: (&'static str, &'static str),
    kind: Kind,
    value: impl Into<String>,
) -> Field {
    Field::new(key, words, kind, value)
}

/// The host that a form describes. What cannot be understood is a problem with its key.
pub fn to_host(form: &Form, before: &Host) -> (Host, Vec<(&'static str, String)>) {
    let mut problems = Vec::new();
    let text = |key| some(form.value(key));
    let node_ip = text("node_ip").and_then(|text| {
        let parsed = text.parse().ok();
        if parsed.is_none() {
            problems.push(("node_ip", say::NOT_AN_ADDRESS.to_owned()));
        }
        parsed
    });
    let port = number(form, "port", &mut problems);
    let role = Role::ALL
        .into_iter()
        .find(|role| role.as_str() == form.value("role"));
    let host = Host {
        name: form.value("name").trim().to_owned(),
        role: role.unwrap_or(before.role),
        address: form.value("address").trim().to_owned(),
        node_ip,
        user: text("user"),
        port,
        key: text("key").map(PathBuf::from),
        host_key: text("host_key"),
        ..before.clone()
    };
    (host, problems)
}

pub fn of_options(answers: &Answers) -> Form {
    let Answers {
        cluster,
        k3s,
        ssh,
        postgres,
        load_balancer,
        hosts: _,
    } = answers;
    let host_keys = match ssh.host_keys {
        HostKeys::Strict => HOST_KEYS[0],
        HostKeys::AcceptNew => HOST_KEYS[1],
    };
    let text = |key, words, value: &str| field(key, words, Kind::Text, value);
    let maybe = |key, words, value: &Option<String>| text(key, words, &optional(value.as_ref()));
    let hidden = |key, words, value: &Option<Secret>| {
        field(key, words, Kind::Secret, secret(value.as_ref()))
    };
    let port = |key, words, port: u16| field(key, words, Kind::Number, port.to_string());
    let ssh_port = field("ssh.port", say::SSH_PORT, Kind::Number, optional(ssh.port));
    let unknown_keys = Kind::Choice(HOST_KEYS);
    let fields = vec![
        text("cluster.name", say::CLUSTER, &cluster.name).under(say::OF_CLUSTER),
        maybe("ssh.user", say::USER, &ssh.user).under(say::OF_SSH),
        ssh_port,
        text("ssh.key", say::KEY, &path(ssh.key.as_ref())),
        field("ssh.host_keys", say::HOST_KEYS, unknown_keys, host_keys),
        text("postgres.database", say::DATABASE, &postgres.database).under(say::OF_POSTGRES),
        text("postgres.user", say::DB_USER, &postgres.user),
        hidden("postgres.password", say::DB_PASSWORD, &postgres.password),
        port("postgres.port", say::DB_PORT, postgres.port),
        maybe("postgres.name", say::DB_NAME, &postgres.name),
        text("k3s.version", say::VERSION, &k3s.version).under(say::OF_K3S),
        text("k3s.install_url", say::INSTALL_URL, &k3s.install_url),
        maybe("k3s.artifact_url", say::ARTIFACT_URL, &k3s.artifact_url),
        hidden("k3s.token", say::TOKEN, &k3s.token),
        hidden("k3s.agent_token", say::AGENT_TOKEN, &k3s.agent_token),
        text("k3s.tls_san", say::TLS_SAN, &k3s.tls_san.join(" ")),
        port("load_balancer.port", say::LB_PORT, load_balancer.port).under(say::OF_LOAD_BALANCER),
        text(
            "load_balancer.names",
            say::LB_NAMES,
            &load_balancer.names.join(" "),
        ),
    ];
    Form::new(super::text::OPTIONS, super::text::OPTIONS_WHY, fields)
}

/// Puts what a form says into the answers. What cannot be understood is a problem with its key, and
/// changes nothing.
pub fn to_options(form: &Form, answers: &mut Answers) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    let word = |key| form.value(key).trim().to_owned();
    let text = |key| some(form.value(key));
    let list = |key: &str| -> Vec<String> {
        let words = form.value(key).split([' ', ',']);
        words
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    answers.cluster.name = word("cluster.name");
    answers.ssh.user = text("ssh.user");
    answers.ssh.port = number(form, "ssh.port", &mut problems);
    answers.ssh.key = text("ssh.key").map(PathBuf::from);
    answers.ssh.host_keys = if form.value("ssh.host_keys") == HOST_KEYS[1] {
        HostKeys::AcceptNew
    } else {
        HostKeys::Strict
    };
    answers.postgres.database = word("postgres.database");
    answers.postgres.user = word("postgres.user");
    answers.postgres.password = to_secret(form.value("postgres.password"));
    match number(form, "postgres.port", &mut problems) {
        Some(port) => answers.postgres.port = port,
        None => missing("postgres.port", &mut problems),
    }
    answers.postgres.name = text("postgres.name");
    answers.k3s.version = word("k3s.version");
    answers.k3s.install_url = word("k3s.install_url");
    answers.k3s.artifact_url = text("k3s.artifact_url");
    answers.k3s.token = to_secret(form.value("k3s.token"));
    answers.k3s.agent_token = to_secret(form.value("k3s.agent_token"));
    answers.k3s.tls_san = list("k3s.tls_san");
    match number(form, "load_balancer.port", &mut problems) {
        Some(port) => answers.load_balancer.port = port,
        None => missing("load_balancer.port", &mut problems),
    }
    answers.load_balancer.names = list("load_balancer.names");
    problems
}

fn some(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(
    form: &Form,
    key: &'static str,
    problems: &mut Vec<(&'static str, String)>,
) -> Option<u16> {
    let text = some(form.value(key))?;
    let number = text.parse().ok();
    if number.is_none() {
        problems.push((key, say::NOT_A_PORT.to_owned()));
    }
    number
}

fn missing(key: &'static str, problems: &mut Vec<(&'static str, String)>) {
    if !problems.iter().any(|(other, _)| *other == key) {
        problems.push((key, say::NOT_A_PORT.to_owned()));
    }
}

/// A reference to a secret is shown as `env:NAME` or `file:PATH`; anything else is the secret.
fn secret(secret: Option<&Secret>) -> String {
    match secret {
        None => String::new(),
        Some(Secret::Inline(text)) => text.expose().to_owned(),
        Some(Secret::Env(name)) => format!("env:{name}"),
        Some(Secret::File(path)) => format!("file:{}", path.display()),
    }
}

fn to_secret(text: &str) -> Option<Secret> {
    if let Some(name) = text.strip_prefix("env:") {
        Some(Secret::Env(name.to_owned()))
    } else if let Some(path) = text.strip_prefix("file:") {
        Some(Secret::File(path.into()))
    } else if text.is_empty() {
        None
    } else {
        Some(Secret::Inline(SecretText::from(text.to_owned())))
    }
}

/// Hosts from pasted lines: a name, an address and a role in any order, `user@` in front of the
/// address where there is one. What is not said is guessed, and can be edited afterwards.
pub fn hosts_from(text: &str) -> Vec<Host> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(host_from)
        .collect()
}

fn host_from(line: &str) -> Option<Host> {
    let (mut name, mut address, mut role, mut user) = (None, None, None, None);
    let words = line.split([' ', '\t', ',', ';']);
    for word in words.filter(|word| !word.is_empty()) {
        if word.chars().any(char::is_control) {
            return None;
        }
        if role.is_none()
            && let Some(known) = role_named(word)
        {
            role = Some(known);
        } else if let Some((before, after)) = word.split_once('@') {
            user = Some(before.to_owned());
            address = Some(after.to_owned());
        } else if address.is_none()
            && (word.parse::<std::net::IpAddr>().is_ok() || word.contains('.'))
        {
            address = Some(word.to_owned());
        } else if name.is_none() {
            name = Some(word.to_owned());
        }
    }
    // A lone word is a name that SSH may know as well.
    let address = address.or_else(|| name.clone())?;
    let name = name.unwrap_or_else(|| name_of(&address));
    let role = role.unwrap_or_else(|| guess(&name));
    Some(Host {
        user,
        ..Host::new(name, role, address)
    })
}

fn role_named(word: &str) -> Option<Role> {
    match word.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "database" | "db" => Some(Role::Postgres),
        "server" | "control-plane" => Some(Role::Server),
        "load-balancer" | "loadbalancer" | "lb" | "nginx" => Some(Role::LoadBalancer),
        "agent" | "worker" => Some(Role::Agent),
        _ => None,
    }
}

fn guess(name: &str) -> Role {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["postgres", "pg", "db"]) {
        Role::Postgres
    } else if has(&["nginx", "lb", "balancer", "proxy"]) {
        Role::LoadBalancer
    } else if has(&["agent", "worker"]) {
        Role::Agent
    } else {
        Role::Server
    }
}

fn name_of(address: &str) -> String {
    if address.parse::<std::net::IpAddr>().is_ok() {
        format!("host-{}", address.replace(['.', ':'], "-"))
    } else {
        address.split('.').next().unwrap_or(address).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_say_the_answers_again() {
        let answers = Answers::from_toml(crate::answers::example()).unwrap();
        let mut again = answers.clone();
        again.postgres.database = "other".into();
        again.k3s.tls_san.clear();
        assert_eq!(to_options(&of_options(&answers), &mut again), []);
        assert_eq!(again, answers);
        for host in &answers.hosts {
            let (same, problems) = to_host(&of_host(host), host);
            assert_eq!((&same, problems), (host, vec![]));
        }
    }

    #[test]
    fn secrets_are_texts_or_references() {
        for text in ["", "env:TOKEN", "file:/run/token", "a-long-secret-text"] {
            assert_eq!(secret(to_secret(text).as_ref()), text);
        }
    }

    #[test]
    fn pasted_lines_become_hosts() {
        let text = "# my machines\n\
            k3s-postgres 10.0.0.5\n\
            10.0.0.11 k3s-server-1 root@10.0.0.11\n\
            s2, 10.0.0.12, server\n\n\
            admin@lb.example.com\r\n\
            10.0.0.20 worker\n";
        let hosts: Vec<_> = hosts_from(text)
            .into_iter()
            .map(|host| {
                let user = host.user.unwrap_or_default();
                format!("{} {} {user}@{}", host.name, host.role, host.address)
            })
            .collect();
        assert_eq!(
            hosts,
            [
                "k3s-postgres postgres @10.0.0.5",
                "k3s-server-1 server root@10.0.0.11",
                "s2 server @10.0.0.12",
                "lb load-balancer admin@lb.example.com",
                "host-10-0-0-20 agent @10.0.0.20",
            ]
        );
        assert!(hosts_from("a\u{1b}[31m b").is_empty());
    }
}
