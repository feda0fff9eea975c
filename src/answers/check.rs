//! Validation of answers from any source. Every function adds what it finds; none stops at the
//! first problem.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::checks::Check as Name;
use super::forms::{
    PORT, has_user, is_dns_name, is_fingerprint, is_label, is_login, is_sha256, is_url,
    name_or_address_problem,
};
use super::problems::Problem;
use super::{
    Answers, Host, HostKeys, Role, Secret, admin_problem, balancers, external,
    external_password_problem, flags, jump, pair, proxy, registries, sources,
};

/// Every problem that makes these answers invalid.
pub(super) fn answers(answers: &Answers) -> Vec<Problem> {
    let mut check = Validation::default();
    check.cluster(answers);
    check.k3s(answers);
    check.ssh(answers);
    check.postgres(answers);
    check.problems.extend(external::problems(answers));
    check.problems.extend(balancers::problems(answers));
    check.roles(answers);
    check.problems.extend(pair::problems(answers));
    check.not_yet(answers);
    for (number, host) in answers.hosts.iter().enumerate() {
        check.host(number, host);
    }
    check.sites(&answers.hosts);
    check.no_machine_twice(answers);
    check.bastions(answers);
    check.problems.extend(proxy::problems(answers));
    check.problems.extend(registries::problems(answers));
    check.problems.extend(sources::problems(answers));
    check.problems
}

/// What is allowed, but worth a warning before the run.
pub(super) fn warnings(answers: &Answers) -> Vec<String> {
    let mut warnings = answers.notices.clone();
    let mut warn = |text: &str| warnings.push(text.to_owned());
    if answers.with_role(Role::Server).count() == 1 {
        warn(
            "there is one server: fit for a trial, not for production. The cluster is not highly available: it stops when that \
             server does. Add a second host with role \"server\"",
        );
    }
    if answers.with_role(Role::Agent).next().is_none() {
        warn("there are no agents: everything you deploy runs on the servers");
    }
    if answers.is_pair() {
        pair::WARNINGS.into_iter().for_each(&mut warn);
    }
    external::warnings(answers).for_each(&mut warn);
    if answers.ssh.host_keys == HostKeys::AcceptNew {
        warn(
            "ssh.host_keys is \"accept-new\": the first key seen at an unknown host's address is \
             trusted. Set host_key or known_hosts to verify it",
        );
    }
    if answers.k3s.install_url.starts_with("http:") && answers.k3s.install_sha256.is_none() {
        warn(
            "k3s.install_url is fetched without TLS and run as root on every node: anyone on the \
             network path can change it. Use https, or set k3s.install_sha256",
        );
    }
    warnings
}

/// What is wrong with a token, wherever it came from; `None` if it will do (docs/facts.md,
/// "Tokens").
pub fn token_problem(token: &str) -> Option<&'static str> {
    let is_bootstrap_token = || {
        let lower = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        matches!(token.split_once('.'), Some((id, secret))
            if id.len() == 6 && secret.len() == 16 && lower(id) && lower(secret))
    };
    if token.starts_with("K10") || token.contains("::") {
        Some(
            "must be the short form, only the password: K3s derives the K10…:: form from it once \
             the cluster's CA exists",
        )
    } else if token.chars().count() < 16 {
        Some(
            "must have at least 16 characters: it protects the whole cluster and encrypts the \
             cluster's CA keys in Postgres. Leave it out to have one generated",
        )
    } else if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        Some("must be plain ASCII without spaces: it travels through URLs and HTTP headers")
    } else if is_bootstrap_token() {
        Some(
            "has the form of a kubeadm bootstrap token (six characters, a dot, sixteen), which K3s \
             does not accept as a server token. Use another one, or leave it out",
        )
    } else {
        None
    }
}

/// What is wrong with a database password; `None` if it is valid.
pub fn password_problem(password: &str) -> Option<&'static str> {
    if password.chars().count() < 12 {
        Some("must have at least 12 characters. Leave it out to have one generated")
    } else {
        external_password_problem(password)
    }
}

/// What is wrong with a secret for SSH or sudo; `None` if it is valid.
pub fn login_secret_problem(secret: &str) -> Option<&'static str> {
    if secret.is_empty() {
        Some("must not be empty")
    } else if secret.contains(['\n', '\r', '\0']) {
        Some("must be a single line: SSH and sudo read only the first")
    } else {
        None
    }
}

#[derive(Default)]
struct Validation {
    problems: Vec<Problem>,
}

impl Validation {
    fn problem(&mut self, key: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(key, message));
    }

    fn cluster(&mut self, answers: &Answers) {
        if !is_label(&answers.cluster.name) {
            self.problem("cluster.name", LABEL);
        }
        self.overrides("cluster", &answers.cluster.overrides);
    }

    fn k3s(&mut self, answers: &Answers) {
        let k3s = &answers.k3s;
        if !is_version(&k3s.version) {
            self.problem(
                "k3s.version",
                format!(
                    "must be a release of K3s, vX.Y.Z+k3sN, as in {}: every node gets exactly this \
                     version, so a channel like \"stable\" is not enough",
                    super::DEFAULT_K3S_VERSION
                ),
            );
        }
        let urls = [
            ("k3s.install_url", Some(&k3s.install_url)),
            ("k3s.artifact_url", k3s.artifact_url.as_ref()),
            ("k3s.channel_url", k3s.channel_url.as_ref()),
        ];
        for (key, url) in urls {
            if url.is_some_and(|url| has_user(url)) {
                self.problem(
                    key,
                    "must not contain a user or a password: it becomes an argument of programs on \
                     the hosts, which every user there can read",
                );
            } else if url.is_some_and(|url| !is_url(url)) {
                self.problem(
                    key,
                    "must be a URL that starts with https:// or http:// and has no spaces, \
                     quotes or backslashes",
                );
            }
        }
        if let Some(sum) = &k3s.install_sha256
            && !is_sha256(sum)
        {
            self.problem(
                "k3s.install_sha256",
                "must be a SHA-256, 64 hexadecimal digits, as sha256sum prints it",
            );
        }
        self.secret("k3s.token", k3s.token.as_ref(), token_problem);
        self.secret("k3s.agent_token", k3s.agent_token.as_ref(), token_problem);
        if k3s.token.is_some() && k3s.token == k3s.agent_token {
            self.problem(
                "k3s.agent_token",
                "must differ from k3s.token: otherwise agents would hold the key to the cluster's \
                 CA. Leave it out to have one generated",
            );
        }
        for (number, name) in k3s.tls_san.iter().enumerate() {
            if let Some(message) = name_or_address_problem(name) {
                self.problem(format!("k3s.tls_san[{number}]"), message);
            }
        }
        for (key, value) in &k3s.server_config {
            let problem = flags::server_problem(key);
            self.setting(&format!("k3s.server_config.{key}"), problem, value);
        }
        for (key, value) in &k3s.agent_config {
            let problem = flags::agent_problem(key);
            self.setting(&format!("k3s.agent_config.{key}"), problem, value);
        }
    }

    fn setting(&mut self, key: &str, problem: Option<String>, value: &toml::Value) {
        if let Some(problem) = problem {
            self.problem(key, problem);
        }
        let good = match value {
            toml::Value::String(_) | toml::Value::Boolean(_) | toml::Value::Integer(_) => true,
            toml::Value::Array(items) => items.iter().all(toml::Value::is_str),
            _ => false,
        };
        if !good {
            self.problem(
                key,
                "must be a string, an integer, true or false, or a list of strings",
            );
        }
    }

    /// Inline secrets are checked now; those that come from elsewhere when they are fetched.
    fn secret(
        &mut self,
        key: &str,
        secret: Option<&Secret>,
        problem: fn(&str) -> Option<&'static str>,
    ) {
        match secret {
            Some(Secret::Inline(text)) => {
                if let Some(message) = problem(text.expose()) {
                    self.problem(key, message);
                }
            }
            Some(Secret::Env(name)) if !is_variable(name) => {
                self.problem(key, "env must be the name of an environment variable");
            }
            Some(Secret::File(path)) if path.as_os_str().is_empty() => {
                self.problem(key, "file must be a path");
            }
            _ => {}
        }
    }

    fn ssh(&mut self, answers: &Answers) {
        let ssh = &answers.ssh;
        self.login("ssh", ssh.user.as_deref(), ssh.port);
        for (field, secret) in [
            ("passphrase", &ssh.passphrase),
            ("password", &ssh.password),
            ("sudo_password", &ssh.sudo_password),
        ] {
            let key = format!("ssh.{field}");
            self.secret(&key, secret.as_ref(), login_secret_problem);
        }
    }

    fn overrides(&mut self, key: &str, checks: &[Name]) {
        for (number, check) in checks.iter().enumerate() {
            if let Some(why) = check.stands() {
                self.problem(format!("{key}.override[{number}]"), why);
            }
        }
    }

    fn login(&mut self, key: &str, user: Option<&str>, port: Option<u16>) {
        if user.is_some_and(|user| !is_login(user)) {
            self.problem(
                format!("{key}.user"),
                "must be a user name, without spaces, colons or slashes",
            );
        }
        if port == Some(0) {
            self.problem(format!("{key}.port"), PORT);
        }
    }

    fn postgres(&mut self, answers: &Answers) {
        let postgres = &answers.postgres;
        if !is_identifier(&postgres.database) {
            self.problem("postgres.database", IDENTIFIER);
        } else if ["postgres", "template0", "template1"].contains(&postgres.database.as_str()) {
            self.problem(
                "postgres.database",
                "is one of Postgres's own databases: the cluster needs its own, for example \
                 \"k3s\"",
            );
        } else if ["all", "sameuser", "samerole", "samegroup", "replication"]
            .contains(&postgres.database.as_str())
        {
            self.problem("postgres.database", OWN_MEANING);
        }
        if !is_identifier(&postgres.user) {
            self.problem("postgres.user", IDENTIFIER);
        } else if postgres.user == "postgres" || postgres.user.starts_with("pg_") {
            self.problem(
                "postgres.user",
                "is one of Postgres's own roles: K3s needs a role that owns only its own database, \
                 for example \"k3s\"",
            );
        } else if [
            "public",
            "all",
            "none",
            "current_user",
            "session_user",
            "replication",
        ]
        .contains(&postgres.user.as_str())
        {
            self.problem("postgres.user", OWN_MEANING);
        }
        let is_external = postgres.is_external();
        let password_problem = if is_external {
            external_password_problem
        } else {
            password_problem
        };
        let password = postgres.password.as_ref();
        self.secret("postgres.password", password, password_problem);
        self.secret("postgres.admin", postgres.admin.as_ref(), admin_problem);
        if postgres.port == 0 {
            self.problem("postgres.port", PORT);
        }
        if let Some(name) = &postgres.name
            && !(is_dns_name(name) && name.parse::<IpAddr>().is_err())
        {
            self.problem(
                "postgres.name",
                "must be a DNS name; if left out, the address of the Postgres host is used",
            );
        }
    }

    /// At least one server; one Postgres host or two, and one load balancer, unless these are external.
    fn roles(&mut self, answers: &Answers) {
        for role in [Role::Postgres, Role::Server, Role::LoadBalancer] {
            let mut with_role = answers
                .hosts
                .iter()
                .enumerate()
                .filter(|(_, host)| host.roles.contains(&role));
            if with_role.next().is_none() {
                let or = match role {
                    Role::LoadBalancer if answers.load_balancer.endpoint.is_some() => continue,
                    Role::LoadBalancer => {
                        ". For an external load balancer, set load_balancer.endpoint instead"
                    }
                    Role::Postgres if answers.postgres.is_external() => continue,
                    Role::Postgres => ". For an external Postgres, set postgres.endpoints instead",
                    _ => "",
                };
                self.problem(
                    "hosts",
                    format!("no host has the role \"{role}\": at least one is needed{or}"),
                );
                continue;
            }
            for (number, _) in with_role.skip(1).filter(|_| role == Role::Postgres) {
                self.problem(
                    format!("hosts[{number}].role"),
                    "two hosts have the role \"postgres\" already, and there can be no third: leave \
                     one of them out",
                );
            }
        }
    }

    /// What answers may contain already although it is not built yet.
    fn not_yet(&mut self, answers: &Answers) {
        let mut refuse = |key: String, what: &str| self.problem(key, format!("{what} {NOT_YET}"));
        for (number, host) in answers.hosts.iter().enumerate() {
            let key = |field: &str| format!("hosts[{number}].{field}");
            let mut roles = host.roles.iter();
            let is_alone = |role: &Role| !matches!(role, Role::LoadBalancer | Role::Monitor);
            if host.roles.len() > 1 && roles.any(is_alone) {
                refuse(
                    key("roles"),
                    "roles other than load-balancer and monitor on one host are",
                );
            }
        }
    }

    /// All hosts have a site, or none has.
    fn sites(&mut self, hosts: &[Host]) {
        if hosts.iter().all(|host| host.site.is_none()) {
            return;
        }
        let without = hosts.iter().enumerate();
        for (number, _) in without.filter(|(_, host)| host.site.is_none()) {
            self.problem(
                format!("hosts[{number}].site"),
                "is missing: other hosts have a site, and what the loss of a site means is known only \
                 where every host has one",
            );
        }
    }

    fn host(&mut self, number: usize, host: &Host) {
        let key = |field: &str| format!("hosts[{number}].{field}");
        if host.roles.is_empty() {
            self.problem(key("roles"), "must name at least one role");
        }
        if !is_label(&host.name) {
            self.problem(key("name"), LABEL);
        }
        if host.site.as_deref().is_some_and(|site| !is_label(site)) {
            self.problem(key("site"), LABEL);
        }
        if host.address.parse::<IpAddr>().is_ok() {
        } else if let Some((user, _)) = host.address.split_once('@') {
            let message = format!("must not contain a user name: write user = {user:?}");
            self.problem(key("address"), message);
        } else if host.address.starts_with('[') {
            self.problem(key("address"), "must be a plain address, without brackets");
        } else if let Some((_, port)) = host.address.split_once(':') {
            let message = format!("must not contain a port: write port = {port}");
            self.problem(key("address"), message);
        } else if !is_dns_name(&host.address) {
            self.problem(key("address"), "must be an IP address or a DNS name");
        } else if host.node_ip.is_none() {
            self.problem(
                key("address"),
                "is a DNS name, so node_ip is needed too: access rules, certificates and nodes \
                 need an IP address. Write node_ip = \"…\", or an IP address here",
            );
        }
        if let Some(ip) = host.cluster_ip()
            && (ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
        {
            let field = if host.node_ip.is_some() {
                "node_ip"
            } else {
                "address"
            };
            self.problem(
                key(field),
                format!(
                    "the other hosts cannot reach this host at {ip}: set node_ip to its address in \
                     the cluster's network"
                ),
            );
        }
        self.login(&format!("hosts[{number}]"), host.user.as_deref(), host.port);
        for (field, secret) in [
            ("passphrase", &host.passphrase),
            ("password", &host.password),
            ("sudo_password", &host.sudo_password),
        ] {
            self.secret(&key(field), secret.as_ref(), login_secret_problem);
        }
        self.overrides(&format!("hosts[{number}]"), &host.overrides);
        self.host_key(key("host_key"), host.host_key.as_ref());
    }

    fn host_key(&mut self, key: String, host_key: Option<&String>) {
        if host_key.is_some_and(|host_key| !is_fingerprint(host_key)) {
            let form =
                "must be a fingerprint, SHA256: and 43 characters, as ssh-keygen -l prints it";
            self.problem(key, form);
        }
    }

    fn bastions(&mut self, answers: &Answers) {
        for (number, bastion) in answers.bastions.iter().enumerate() {
            let key = format!("bastions[{number}]");
            self.login(&key, bastion.user.as_deref(), bastion.port);
            let secrets = [
                ("passphrase", &bastion.passphrase),
                ("password", &bastion.password),
            ];
            for (field, secret) in secrets {
                self.secret(
                    &format!("{key}.{field}"),
                    secret.as_ref(),
                    login_secret_problem,
                );
            }
            self.host_key(format!("{key}.host_key"), bastion.host_key.as_ref());
        }
        self.problems.extend(jump::problems(answers));
    }

    /// Names, SSH addresses and cluster addresses belong to one host each, so that a machine
    /// is one host.
    fn no_machine_twice(&mut self, answers: &Answers) {
        const ONE_HOST: &str = "each machine is one host";
        let mut names = BTreeMap::new();
        let mut logins = BTreeMap::new();
        let mut addresses = BTreeMap::new();
        for (number, host) in answers.hosts.iter().enumerate() {
            let name = &host.name;
            if names.insert(name, number).is_some() {
                self.problem(
                    format!("hosts[{number}].name"),
                    format!("{name:?} is already the name of another host: names must be unique"),
                );
            }
            let port = answers.ssh_port(host);
            let login = (host.address.to_ascii_lowercase(), port);
            if let Some(other) = logins.insert(login, name) {
                self.problem(
                    format!("hosts[{number}].address"),
                    format!(
                        "{} is already the address of {other}: {ONE_HOST}",
                        host.address
                    ),
                );
            } else if let Some(ip) = host.cluster_ip()
                && let Some(other) = addresses.insert(ip, name)
            {
                let field = if host.node_ip.is_some() {
                    "node_ip"
                } else {
                    "address"
                };
                self.problem(
                    format!("hosts[{number}].{field}"),
                    format!("{ip} is already the address of {other}: {ONE_HOST}"),
                );
            }
        }
    }
}

const NOT_YET: &str = "not supported yet";
const LABEL: &str = "must be 1 to 63 characters of a-z, 0-9 and -, and start and end with a letter \
                     or digit, as Kubernetes and DNS require";
const IDENTIFIER: &str = "must be lower-case: a letter or _, then letters, digits and _, at most \
                          63 characters. K3s converts it to lower case";
const OWN_MEANING: &str = "has a special meaning in Postgres's access rules; use another name";

fn is_identifier(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0', '$', ' '])
}

/// `vX.Y.Z+k3sN`.
fn is_version(version: &str) -> bool {
    let number = |text: &str| {
        !text.is_empty() && text.len() <= 9 && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some((kubernetes, build)) = version
        .strip_prefix('v')
        .and_then(|rest| rest.split_once("+k3s"))
    else {
        return false;
    };
    kubernetes.split('.').count() == 3 && kubernetes.split('.').all(number) && number(build)
}
