//! The forms of the options: from the answers and back.

use std::path::PathBuf;

use super::reader::{Reader, checks, named, optional, path, paths, proxy_text, secret, settings};
use crate::answers::{
    Answers, ExistingPostgres, Failover, HostKeys, ManageFirewall, ProxyUrl, Secret, SslMode,
};
use crate::interview::form::{Field, Kind};
use crate::interview::section::Section;
use crate::interview::text::field::{self as say, Words};

const HOST_KEYS: &[&str] = &["strict", "accept-new"];
const EXISTING: &[&str] = &["refuse", "share"];
const FAILOVER: &[&str] = &["steady", "fast"];
const SSLMODE: &[&str] = &["verify-full", "verify-ca"];
const MANAGE: &[&str] = &["report", "open"];

pub fn fields(section: Section, answers: &Answers, is_known: bool) -> Vec<Field> {
    match section {
        Section::Cluster => cluster(answers),
        Section::Postgres => postgres(answers),
        Section::Certificates => Vec::new(),
        Section::Servers => servers(answers, is_known),
        Section::LoadBalancer => load_balancer(answers),
        Section::Agents => agents(answers),
    }
}

pub fn read(section: Section, read: &mut Reader<'_>, answers: &mut Answers) {
    match section {
        Section::Cluster => to_cluster(read, answers),
        Section::Postgres => to_postgres(read, answers),
        Section::Certificates => {}
        Section::Servers => to_servers(read, answers),
        Section::LoadBalancer => to_load_balancer(read, answers),
        Section::Agents => to_agents(read, answers),
    }
}

fn text(key: &'static str, words: Words, value: &str) -> Field {
    Field::new(key, words, Kind::Text, value)
}

fn maybe(key: &'static str, words: Words, value: Option<&String>) -> Field {
    text(key, words, value.map_or("", String::as_str))
}

fn proxy(key: &'static str, words: Words, value: Option<&ProxyUrl>) -> Field {
    text(key, words, &proxy_text(value))
}

fn number(key: &'static str, words: Words, value: Option<u16>) -> Field {
    Field::new(key, words, Kind::Number, optional(value))
}

fn lines(key: &'static str, words: Words, value: String) -> Field {
    Field::new(key, words, Kind::Lines, value)
}

/// Secrets for SSH and sudo: the wizard cannot generate them.
fn login(key: &'static str, words: Words, value: Option<&Secret>) -> Field {
    let kind = Kind::Secret { generates: false };
    Field::new(key, words, kind, secret(value))
}

fn made(key: &'static str, words: Words, value: Option<&Secret>) -> Field {
    let kind = Kind::Secret { generates: true };
    Field::new(key, words, kind, secret(value))
}

fn cluster(answers: &Answers) -> Vec<Field> {
    let (cluster, ssh) = (&answers.cluster, &answers.ssh);
    let host_keys = Kind::Choice(HOST_KEYS);
    vec![
        text("cluster.name", say::CLUSTER, &cluster.name),
        maybe("ssh.user", say::USER, ssh.user.as_ref()).under(say::OF_SSH),
        number("ssh.port", say::SSH_PORT, ssh.port),
        maybe("ssh.jump", say::JUMP, ssh.jump.as_ref()),
        text("ssh.key", say::KEY, &path(ssh.key.as_ref())),
        login("ssh.passphrase", say::PASSPHRASE, ssh.passphrase.as_ref()),
        login("ssh.password", say::PASSWORD, ssh.password.as_ref()),
        login(
            "ssh.sudo_password",
            say::SUDO_PASSWORD,
            ssh.sudo_password.as_ref(),
        ),
        Field::new(
            "ssh.host_keys",
            say::HOST_KEYS,
            host_keys,
            ssh.host_keys.as_str(),
        ),
        lines("ssh.known_hosts", say::KNOWN_HOSTS, paths(&ssh.known_hosts)),
        text("ssh.config", say::SSH_CONFIG, &path(ssh.config.as_ref())),
        text(
            "cluster.override",
            say::OVERRIDE,
            &checks(&cluster.overrides),
        )
        .under(say::OF_PREFLIGHT),
        Field::new(
            "firewall.manage",
            say::MANAGE_FIREWALL,
            Kind::Choice(MANAGE),
            answers.firewall.manage.as_str(),
        ),
        proxy("proxy.http", say::PROXY_HTTP, answers.proxy.http.as_ref()).under(say::OF_PROXY),
        proxy(
            "proxy.https",
            say::PROXY_HTTPS,
            answers.proxy.https.as_ref(),
        ),
        text(
            "proxy.no_proxy",
            say::NO_PROXY,
            &answers.proxy.no_proxy.join(" "),
        ),
        text(
            "sources.bundle",
            say::BUNDLE,
            &path(answers.sources.bundle.as_ref()),
        )
        .under(say::OF_BUNDLE),
        maybe(
            "sources.bundle_sha256",
            say::BUNDLE_SHA256,
            answers.sources.bundle_sha256.as_ref(),
        ),
    ]
}

fn to_cluster(read: &mut Reader<'_>, answers: &mut Answers) {
    let (cluster, ssh) = (&mut answers.cluster, &mut answers.ssh);
    cluster.name = read.word("cluster.name");
    read.checks("cluster.override", &mut cluster.overrides);
    ssh.user = read.text("ssh.user");
    read.port("ssh.port", &mut ssh.port);
    ssh.jump = read.text("ssh.jump");
    ssh.key = read.path("ssh.key");
    read.secret("ssh.passphrase", &mut ssh.passphrase);
    read.secret("ssh.password", &mut ssh.password);
    read.secret("ssh.sudo_password", &mut ssh.sudo_password);
    ssh.config = read.path("ssh.config");
    let chosen = read.word("ssh.host_keys");
    let mut all = HostKeys::ALL.into_iter();
    ssh.host_keys = all.find(|keys| keys.as_str() == chosen).unwrap_or_default();
    ssh.known_hosts = read.paths("ssh.known_hosts");
    let chosen = read.word("firewall.manage");
    let mut all = ManageFirewall::ALL.into_iter();
    let chosen = all.find(|word| word.as_str() == chosen);
    answers.firewall.manage = chosen.unwrap_or_default();
    read.proxy("proxy.http", &mut answers.proxy.http);
    read.proxy("proxy.https", &mut answers.proxy.https);
    answers.proxy.no_proxy = read.words("proxy.no_proxy");
    answers.sources.bundle = read.path("sources.bundle");
    answers.sources.bundle_sha256 = read.text("sources.bundle_sha256");
}

fn postgres(answers: &Answers) -> Vec<Field> {
    let postgres = &answers.postgres;
    let existing = Kind::Choice(EXISTING);
    let share = postgres.existing_postgres.as_str();
    let name = maybe("postgres.name", say::DB_NAME, postgres.name.as_ref());
    let mut fields = vec![
        text("postgres.database", say::DATABASE, &postgres.database),
        text("postgres.user", say::DB_USER, &postgres.user),
        made(
            "postgres.password",
            say::DB_PASSWORD,
            postgres.password.as_ref(),
        ),
        number("postgres.port", say::DB_PORT, Some(postgres.port)),
    ];
    if answers.is_pair() {
        let name = name.helped(say::PAIR_NAME).empty_means("");
        let failover = postgres.failover.as_str();
        fields.extend([
            name,
            Field::new(
                "postgres.failover",
                say::FAILOVER,
                Kind::Choice(FAILOVER),
                failover,
            ),
        ]);
    } else {
        fields.push(name);
    }
    let existing = Field::new("postgres.existing_postgres", say::EXISTING, existing, share);
    fields.push(existing);
    fields.push(
        text(
            "postgres.endpoints",
            say::ENDPOINTS,
            &postgres.endpoints.join(" "),
        )
        .under(say::OF_EXTERNAL),
    );
    if postgres.is_external() {
        fields.extend(external(answers));
    }
    fields
}

/// What belongs to the endpoints.
fn external(answers: &Answers) -> [Field; 5] {
    let postgres = &answers.postgres;
    let file = |key, words, file: Option<&PathBuf>| text(key, words, &path(file));
    [
        file("postgres.ca_file", say::CA_FILE, postgres.ca_file.as_ref()),
        file(
            "postgres.cert_file",
            say::CERT_FILE,
            postgres.cert_file.as_ref(),
        ),
        file(
            "postgres.key_file",
            say::KEY_FILE,
            postgres.key_file.as_ref(),
        ),
        Field::new(
            "postgres.sslmode",
            say::SSLMODE,
            Kind::Choice(SSLMODE),
            postgres.sslmode.as_str(),
        ),
        login("postgres.admin", say::ADMIN, postgres.admin.as_ref()),
    ]
}

fn to_postgres(read: &mut Reader<'_>, answers: &mut Answers) {
    let postgres = &mut answers.postgres;
    postgres.database = read.word("postgres.database");
    postgres.user = read.word("postgres.user");
    read.secret("postgres.password", &mut postgres.password);
    read.needed_port("postgres.port", &mut postgres.port);
    postgres.name = read.text("postgres.name");
    let chosen = read.word("postgres.existing_postgres");
    let mut all = ExistingPostgres::ALL.into_iter();
    postgres.existing_postgres = all.find(|word| word.as_str() == chosen).unwrap_or_default();
    postgres.endpoints = read.words("postgres.endpoints");
    let chosen = read.word("postgres.sslmode");
    let mut all = SslMode::ALL.into_iter();
    let chosen = all.find(|word| word.as_str() == chosen);
    postgres.sslmode = chosen.unwrap_or_default();
    postgres.ca_file = read.path("postgres.ca_file");
    postgres.cert_file = read.path("postgres.cert_file");
    postgres.key_file = read.path("postgres.key_file");
    read.secret("postgres.admin", &mut postgres.admin);
    if !postgres.is_external() {
        // What belongs to the endpoints goes with them.
        postgres.sslmode = SslMode::default();
        (postgres.ca_file, postgres.cert_file) = (None, None);
        (postgres.key_file, postgres.admin) = (None, None);
    }
    // One Postgres host has no such field.
    let chosen = read.word("postgres.failover");
    let mut all = Failover::ALL.into_iter();
    if let Some(failover) = all.find(|word| word.as_str() == chosen) {
        postgres.failover = failover;
    }
}

fn servers(answers: &Answers, is_known: bool) -> Vec<Field> {
    let (k3s, registries) = (&answers.k3s, &answers.registries);
    // The data of an existing cluster is encrypted with its token.
    let token = if is_known {
        login("k3s.token", say::TOKEN, k3s.token.as_ref())
            .helped(say::KEPT_TOKEN)
            .empty_means(say::KEPT)
    } else {
        made("k3s.token", say::TOKEN, k3s.token.as_ref())
    };
    vec![
        text("k3s.version", say::VERSION, &k3s.version),
        token,
        text("k3s.tls_san", say::TLS_SAN, &k3s.tls_san.join(" ")),
        lines(
            "k3s.server_config",
            say::SERVER_CONFIG,
            settings(&k3s.server_config),
        ),
        text("k3s.install_url", say::INSTALL_URL, &k3s.install_url).under(say::OF_DOWNLOADS),
        maybe(
            "k3s.install_sha256",
            say::INSTALL_SHA256,
            k3s.install_sha256.as_ref(),
        ),
        maybe(
            "k3s.artifact_url",
            say::ARTIFACT_URL,
            k3s.artifact_url.as_ref(),
        ),
        maybe(
            "k3s.channel_url",
            say::CHANNEL_URL,
            k3s.channel_url.as_ref(),
        ),
        maybe(
            "registries.system_default",
            say::SYSTEM_DEFAULT,
            registries.system_default.as_ref(),
        )
        .under(say::OF_IMAGES),
        lines(
            "registries.mirrors",
            say::MIRRORS,
            named(&registries.mirrors),
        ),
        lines(
            "registries.configs",
            say::CONFIGS,
            named(&registries.configs),
        ),
    ]
}

fn to_servers(read: &mut Reader<'_>, answers: &mut Answers) {
    let k3s = &mut answers.k3s;
    k3s.version = read.word("k3s.version");
    read.secret("k3s.token", &mut k3s.token);
    k3s.tls_san = read.words("k3s.tls_san");
    read.settings("k3s.server_config", &mut k3s.server_config);
    k3s.install_url = read.word("k3s.install_url");
    k3s.install_sha256 = read.text("k3s.install_sha256");
    k3s.artifact_url = read.text("k3s.artifact_url");
    k3s.channel_url = read.text("k3s.channel_url");
    let registries = &mut answers.registries;
    registries.system_default = read.text("registries.system_default");
    read.named("registries.mirrors", &mut registries.mirrors);
    read.named("registries.configs", &mut registries.configs);
}

fn load_balancer(answers: &Answers) -> Vec<Field> {
    let balancer = &answers.load_balancer;
    vec![
        number("load_balancer.port", say::LB_PORT, Some(balancer.port)),
        text(
            "load_balancer.names",
            say::LB_NAMES,
            &balancer.names.join(" "),
        ),
        text(
            "load_balancer.virtual_ip",
            say::LB_VIRTUAL_IP,
            &optional(balancer.virtual_ip),
        ),
        text(
            "load_balancer.endpoint",
            say::LB_ENDPOINT,
            balancer.endpoint.as_deref().unwrap_or_default(),
        ),
    ]
}

fn to_load_balancer(read: &mut Reader<'_>, answers: &mut Answers) {
    let balancer = &mut answers.load_balancer;
    read.needed_port("load_balancer.port", &mut balancer.port);
    balancer.names = read.words("load_balancer.names");
    read.address("load_balancer.virtual_ip", &mut balancer.virtual_ip);
    balancer.endpoint = read.text("load_balancer.endpoint");
}

fn agents(answers: &Answers) -> Vec<Field> {
    let k3s = &answers.k3s;
    let config = settings(&k3s.agent_config);
    vec![
        made(
            "k3s.agent_token",
            say::AGENT_TOKEN,
            k3s.agent_token.as_ref(),
        ),
        lines("k3s.agent_config", say::AGENT_CONFIG, config),
    ]
}

fn to_agents(read: &mut Reader<'_>, answers: &mut Answers) {
    let k3s = &mut answers.k3s;
    read.secret("k3s.agent_token", &mut k3s.agent_token);
    read.settings("k3s.agent_config", &mut k3s.agent_config);
}
