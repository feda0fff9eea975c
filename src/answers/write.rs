//! From [`Answers`] to TOML.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::{
    Answers, Check, DrillSettings, Failover, FirewallSettings, Host, ProxySettings, ProxyUrl,
    Registries, Secret, SourceSettings,
};

/// Writes answers as `read` reads them, everything in the order of the types.
pub(super) fn to_toml(answers: &Answers) -> String {
    let Answers {
        cluster,
        k3s,
        ssh,
        postgres,
        load_balancer,
        firewall,
        drill,
        proxy,
        registries,
        sources,
        hosts,
        bastions,
        notices: _,
    } = answers;
    let mut file = Writer::default();
    file.head("[cluster]");
    file.text("name", Some(&cluster.name));
    file.checks("override", &cluster.overrides);

    file.head("[k3s]");
    file.text("version", Some(&k3s.version));
    file.text("install_url", Some(&k3s.install_url));
    file.text("artifact_url", k3s.artifact_url.as_ref());
    file.text("channel_url", k3s.channel_url.as_ref());
    file.text("install_sha256", k3s.install_sha256.as_ref());
    file.secret("token", k3s.token.as_ref());
    file.secret("agent_token", k3s.agent_token.as_ref());
    file.texts("tls_san", &k3s.tls_san);
    file.settings("[k3s.server_config]", &k3s.server_config);
    file.settings("[k3s.agent_config]", &k3s.agent_config);

    file.head("[ssh]");
    file.text("user", ssh.user.as_ref());
    file.number("port", ssh.port);
    file.text("jump", ssh.jump.as_ref());
    file.path("key", ssh.key.as_ref());
    file.secret("passphrase", ssh.passphrase.as_ref());
    file.secret("password", ssh.password.as_ref());
    file.secret("sudo_password", ssh.sudo_password.as_ref());
    file.path("config", ssh.config.as_ref());
    file.value("host_keys", ssh.host_keys.as_str());
    let known_hosts = ssh
        .known_hosts
        .iter()
        .map(|path| path.display().to_string());
    file.texts("known_hosts", &known_hosts.collect::<Vec<_>>());

    file.head("[postgres]");
    file.text("database", Some(&postgres.database));
    file.text("user", Some(&postgres.user));
    file.secret("password", postgres.password.as_ref());
    file.number("port", Some(postgres.port));
    file.text("name", postgres.name.as_ref());
    file.texts("endpoints", &postgres.endpoints);
    file.path("ca_file", postgres.ca_file.as_ref());
    file.path("cert_file", postgres.cert_file.as_ref());
    file.path("key_file", postgres.key_file.as_ref());
    if !postgres.sslmode.is_default() {
        file.value("sslmode", postgres.sslmode.as_str());
    }
    file.secret("admin", postgres.admin.as_ref());
    file.value("existing_postgres", postgres.existing_postgres.as_str());
    if postgres.failover != Failover::default() {
        file.value("failover", postgres.failover.as_str());
    }

    file.head("[load_balancer]");
    file.number("port", Some(load_balancer.port));
    file.texts("names", &load_balancer.names);
    let virtual_ip = load_balancer.virtual_ip.map(|ip| ip.to_string());
    file.text("virtual_ip", virtual_ip.as_ref());
    file.text("endpoint", load_balancer.endpoint.as_ref());

    if *firewall != FirewallSettings::default() {
        file.head("[firewall]");
        file.value("manage", firewall.manage.as_str());
    }

    if *drill != DrillSettings::default() {
        file.head("[drill]");
        file.number("longest_gap", Some(drill.longest_gap));
    }

    file.proxies(proxy);
    file.registries(registries);
    if *sources != SourceSettings::default() {
        file.head("[sources]");
        file.path("bundle", sources.bundle.as_ref());
        file.text("bundle_sha256", sources.bundle_sha256.as_ref());
    }

    for host in hosts {
        file.host(host);
    }
    for bastion in bastions {
        file.head("[[bastions]]");
        file.text("name", Some(&bastion.name));
        file.text("user", bastion.user.as_ref());
        file.number("port", bastion.port);
        file.path("key", bastion.key.as_ref());
        file.secret("passphrase", bastion.passphrase.as_ref());
        file.secret("password", bastion.password.as_ref());
        file.text("host_key", bastion.host_key.as_ref());
    }
    file.text
}

/// Writes only what is set. (Not serde: that writes no inline secret.)
#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn head(&mut self, head: &str) {
        let gap = if self.text.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.text, "{gap}{head}");
    }

    fn host(&mut self, host: &Host) {
        self.head("[[hosts]]");
        self.text("name", Some(&host.name));
        match &host.roles[..] {
            [role] => self.value("role", role.as_str()),
            roles => self.texts(
                "roles",
                &roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ),
        }
        self.text("site", host.site.as_ref());
        self.text("address", Some(&host.address));
        self.text("node_ip", host.node_ip.map(|ip| ip.to_string()).as_ref());
        self.text("jump", host.jump.as_ref());
        self.text("user", host.user.as_ref());
        self.number("port", host.port);
        self.path("key", host.key.as_ref());
        self.secret("passphrase", host.passphrase.as_ref());
        self.secret("password", host.password.as_ref());
        self.secret("sudo_password", host.sudo_password.as_ref());
        self.text("host_key", host.host_key.as_ref());
        self.proxy("proxy", host.proxy.as_ref());
        self.checks("override", &host.overrides);
    }

    fn value(&mut self, key: &str, value: impl Into<toml::Value>) {
        let _ = writeln!(self.text, "{key} = {}", value.into());
    }

    fn text(&mut self, key: &str, text: Option<&String>) {
        if let Some(text) = text {
            self.value(key, text.as_str());
        }
    }

    fn path(&mut self, key: &str, path: Option<&PathBuf>) {
        self.text(key, path.map(|path| path.display().to_string()).as_ref());
    }

    fn number(&mut self, key: &str, number: Option<u16>) {
        if let Some(number) = number {
            self.value(key, i64::from(number));
        }
    }

    fn texts(&mut self, key: &str, texts: &[String]) {
        if !texts.is_empty() {
            self.value(key, texts.to_vec());
        }
    }

    fn checks(&mut self, key: &str, checks: &[Check]) {
        let names: Vec<_> = checks.iter().map(ToString::to_string).collect();
        self.texts(key, &names);
    }

    fn secret(&mut self, key: &str, secret: Option<&Secret>) {
        let reference = |kind: &str, value: String| {
            toml::Table::from_iter([(kind.to_owned(), toml::Value::from(value))])
        };
        match secret {
            None => {}
            Some(Secret::Inline(text)) => self.value(key, text.expose()),
            Some(Secret::Env(name)) => self.value(key, reference("env", name.clone())),
            Some(Secret::File(path)) => {
                self.value(key, reference("file", path.display().to_string()));
            }
        }
    }

    fn proxy(&mut self, key: &str, url: Option<&ProxyUrl>) {
        match url {
            None => {}
            Some(ProxyUrl::Text(text)) => self.value(key, text.as_str()),
            Some(ProxyUrl::Elsewhere(secret)) => self.secret(key, Some(secret)),
        }
    }

    fn proxies(&mut self, proxy: &ProxySettings) {
        if *proxy != ProxySettings::default() {
            self.head("[proxy]");
            self.proxy("http", proxy.http.as_ref());
            self.proxy("https", proxy.https.as_ref());
            self.texts("no_proxy", &proxy.no_proxy);
        }
    }

    fn registries(&mut self, registries: &Registries) {
        if registries.system_default.is_some() {
            self.head("[registries]");
            self.text("system_default", registries.system_default.as_ref());
        }
        let head =
            |part: &str, name: &str| format!("[registries.{part}.{}]", toml::Value::from(name));
        for (name, mirror) in &registries.mirrors {
            self.head(&head("mirrors", name));
            self.texts("endpoint", &mirror.endpoint);
            if !mirror.rewrite.is_empty() {
                let texts = mirror.rewrite.iter();
                let texts = texts.map(|(from, to)| (from.clone(), toml::Value::from(to.as_str())));
                self.value("rewrite", texts.collect::<toml::Table>());
            }
        }
        for (name, access) in &registries.configs {
            self.head(&head("configs", name));
            self.text("username", access.username.as_ref());
            self.secret("password", access.password.as_ref());
            self.text("ca_file", access.ca_file.as_ref());
            self.text("cert_file", access.cert_file.as_ref());
            self.text("key_file", access.key_file.as_ref());
            if access.insecure_skip_verify {
                self.value("insecure_skip_verify", true);
            }
        }
    }

    fn settings(&mut self, head: &str, settings: &toml::Table) {
        if !settings.is_empty() {
            self.head(head);
            let _ = write!(self.text, "{settings}");
        }
    }
}
