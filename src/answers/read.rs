//! From TOML to [`Answers`].
//!
//! Reading is done by hand rather than by serde, because serde stops at the first problem and an
//! operator wants to see all of them. What cannot be read gets its default, so that everything else
//! can still be checked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

use super::problems::{Position, Problem};
use super::table_reader::{Notes, TableReader, join};
use super::{
    Answers, Bastion, Check, ClusterSettings, DrillSettings, ExistingPostgres, Failover,
    FirewallSettings, Host, HostKeys, K3s, LoadBalancer, ManageFirewall, Mirror, Postgres,
    ProxySettings, Registries, RegistryAccess, Role, SourceSettings, SshSettings, SslMode, check,
};

/// A file of another format has one in every line.
const MOST_SYNTAX_ERRORS: usize = 3;

/// Reads and validates; every problem has its position, and they come in the order of the file.
pub(super) fn answers(text: &str) -> Result<Answers, Vec<Problem>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // The meaning of a broken file is unknown: only these problems are reported.
        let problems = errors.iter().map(|error| Problem {
            at: error.span().map(|span| Position::of(text, span.start)),
            ..Problem::everywhere(format!("not TOML: {}", error.message()))
        });
        let mut problems: Vec<_> = problems.take(MOST_SYNTAX_ERRORS).collect();
        let more = errors.len() - problems.len();
        if more > 0 {
            problems.push(Problem::everywhere(format!(
                "not TOML: {more} more errors of this kind follow"
            )));
        }
        return Err(problems);
    }

    let notes = Notes::default();
    let mut answers = read(&TableReader::root(root.get_ref(), &notes));
    if let Some(byte) = notes.old_override.get() {
        let line = Position::of(text, byte).line;
        answers.notices.push(format!(
            "line {line}: the key {OLD_OVERRIDE} is now called {OVERRIDE}: rename it"
        ));
    }
    let unread = notes.problems.into_inner();
    // A value that could not be read is reported once, not again for its default.
    let checked = check::answers(&answers)
        .into_iter()
        .filter(|problem| {
            !unread
                .iter()
                .any(|(_, note)| covers(&note.key, &problem.key))
        })
        .map(|problem| (None, problem))
        .collect::<Vec<_>>();
    if unread.is_empty() && checked.is_empty() {
        return Ok(answers);
    }

    let mut places = BTreeMap::new();
    index(root.get_ref(), "", &mut places);
    let old = places.iter().filter(|(key, _)| key.contains(OLD_OVERRIDE));
    let renamed = old.map(|(key, byte)| (key.replace(OLD_OVERRIDE, OVERRIDE), *byte));
    places.extend(renamed.collect::<Vec<_>>());
    let mut found: Vec<_> = unread
        .into_iter()
        .chain(checked)
        .map(|(byte, problem)| {
            let byte = byte.unwrap_or_else(|| place(&places, &problem.key));
            let at = Some(Position::of(text, byte));
            (byte, Problem { at, ..problem })
        })
        .collect();
    found.sort_by_key(|(byte, _)| *byte);
    Err(found.into_iter().map(|(_, problem)| problem).collect())
}

/// Whether what could not be read explains a problem that was found afterwards.
fn covers(unread: &str, found: &str) -> bool {
    let hosts_are_unsure =
        unread.ends_with("].role") || unread.contains("].roles") || unread == "hosts";
    let host_has_node_ip = unread
        .strip_suffix(".node_ip")
        .is_some_and(|host| found.strip_suffix(".address") == Some(host));
    unread == found || (found == "hosts" && hosts_are_unsure) || host_has_node_ip
}

/// The place of every key's value, in bytes; of a table, that of its name.
fn index(table: &DeTable<'_>, path: &str, places: &mut BTreeMap<String, usize>) {
    for (key, value) in table {
        let path = join(path, key.get_ref());
        let is_section = matches!(value.get_ref(), DeValue::Table(_));
        let start = if is_section { key.span() } else { value.span() }.start;
        places.insert(path.clone(), start);
        match value.get_ref() {
            DeValue::Table(table) => index(table, &path, places),
            DeValue::Array(items) => {
                for (number, item) in items.iter().enumerate() {
                    let path = format!("{path}[{number}]");
                    places.insert(path.clone(), item.span().start);
                    if let DeValue::Table(table) = item.get_ref() {
                        index(table, &path, places);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The place of a key, or of the nearest existing table around it.
fn place(places: &BTreeMap<String, usize>, key: &str) -> usize {
    let mut key = key;
    loop {
        if let Some(byte) = places.get(key) {
            return *byte;
        }
        match key.rfind(['.', '[']) {
            Some(end) => key = &key[..end],
            None => return 0,
        }
    }
}

fn read(root: &TableReader<'_>) -> Answers {
    let answers = Answers {
        cluster: cluster(&root.section("cluster")),
        k3s: k3s(&root.section("k3s")),
        ssh: ssh(&root.section("ssh")),
        postgres: postgres(&root.section("postgres")),
        load_balancer: load_balancer(&root.section("load_balancer")),
        firewall: firewall(&root.section("firewall")),
        drill: drill(&root.section("drill")),
        proxy: proxy(&root.section("proxy")),
        registries: registries(&root.section("registries")),
        sources: sources(&root.section("sources")),
        hosts: root.sections("hosts").iter().map(host).collect(),
        bastions: root.sections("bastions").iter().map(bastion).collect(),
        notices: Vec::new(),
    };
    root.end();
    answers
}

const OVERRIDE: &str = "override";
/// What the key was called up to version 0.1.0.
const OLD_OVERRIDE: &str = "overrule";

/// The checks that may fail.
fn overrides(section: &TableReader<'_>) -> Vec<Check> {
    let known = Check::ALL.map(|check| (check.as_str(), check));
    let Some(byte) = section.byte_of(OLD_OVERRIDE) else {
        return section.choices(OVERRIDE, &known);
    };
    section.note_old_override(byte);
    let checks = section.choices(OLD_OVERRIDE, &known);
    if section.byte_of(OVERRIDE).is_none() {
        return checks;
    }
    section.problem_at(
        Some(byte),
        OLD_OVERRIDE,
        "is the old name of override: keep one of the two keys",
    );
    section.choices(OVERRIDE, &known)
}

fn cluster(section: &TableReader<'_>) -> ClusterSettings {
    let default = ClusterSettings::default();
    let cluster = ClusterSettings {
        name: section.text("name").unwrap_or(default.name),
        overrides: overrides(section),
    };
    section.end();
    cluster
}

fn k3s(section: &TableReader<'_>) -> K3s {
    let default = K3s::default();
    let k3s = K3s {
        version: section.text("version").unwrap_or(default.version),
        install_url: section.text("install_url").unwrap_or(default.install_url),
        artifact_url: section.text("artifact_url"),
        channel_url: section.text("channel_url"),
        install_sha256: section.text("install_sha256"),
        token: section.secret("token"),
        agent_token: section.secret("agent_token"),
        tls_san: section.texts("tls_san"),
        server_config: section.settings("server_config"),
        agent_config: section.settings("agent_config"),
    };
    section.end();
    k3s
}

fn ssh(section: &TableReader<'_>) -> SshSettings {
    let ssh = SshSettings {
        user: section.text("user"),
        port: section.port("port"),
        jump: jump(section),
        key: section.text("key").map(PathBuf::from),
        passphrase: section.secret("passphrase"),
        password: section.secret("password"),
        sudo_password: section.secret("sudo_password"),
        config: section.text("config").map(PathBuf::from),
        host_keys: section
            .choice(
                "host_keys",
                &HostKeys::ALL.map(|keys| (keys.as_str(), keys)),
            )
            .unwrap_or_default(),
        known_hosts: section
            .texts("known_hosts")
            .into_iter()
            .map(PathBuf::from)
            .collect(),
    };
    section.end();
    ssh
}

fn postgres(section: &TableReader<'_>) -> Postgres {
    let default = Postgres::default();
    let postgres = Postgres {
        database: section.text("database").unwrap_or(default.database),
        user: section.text("user").unwrap_or(default.user),
        password: section.secret("password"),
        port: section.port("port").unwrap_or(default.port),
        name: section.text("name"),
        endpoints: section.texts("endpoints"),
        ca_file: section.text("ca_file").map(PathBuf::from),
        cert_file: section.text("cert_file").map(PathBuf::from),
        key_file: section.text("key_file").map(PathBuf::from),
        sslmode: section
            .choice("sslmode", &SslMode::ALL.map(|word| (word.as_str(), word)))
            .unwrap_or_default(),
        admin: section.secret("admin"),
        existing_postgres: section
            .choice(
                "existing_postgres",
                &ExistingPostgres::ALL.map(|word| (word.as_str(), word)),
            )
            .unwrap_or_default(),
        failover: section
            .choice("failover", &Failover::ALL.map(|word| (word.as_str(), word)))
            .unwrap_or_default(),
    };
    section.end();
    postgres
}

fn load_balancer(section: &TableReader<'_>) -> LoadBalancer {
    let default = LoadBalancer::default();
    let load_balancer = LoadBalancer {
        port: section.port("port").unwrap_or(default.port),
        names: section.texts("names"),
        virtual_ip: section.address("virtual_ip"),
        endpoint: section.text("endpoint"),
    };
    section.end();
    load_balancer
}

fn firewall(section: &TableReader<'_>) -> FirewallSettings {
    let known = ManageFirewall::ALL.map(|word| (word.as_str(), word));
    let firewall = FirewallSettings {
        manage: section.choice("manage", &known).unwrap_or_default(),
    };
    section.end();
    firewall
}

fn drill(section: &TableReader<'_>) -> DrillSettings {
    let default = DrillSettings::default();
    let drill = DrillSettings {
        longest_gap: section
            .seconds("longest_gap")
            .unwrap_or(default.longest_gap),
    };
    section.end();
    drill
}

fn proxy(section: &TableReader<'_>) -> ProxySettings {
    let proxy = ProxySettings {
        http: section.proxy("http"),
        https: section.proxy("https"),
        no_proxy: section.texts("no_proxy"),
    };
    section.end();
    proxy
}

fn registries(section: &TableReader<'_>) -> Registries {
    let mirrors = section.named_sections("mirrors").into_iter();
    let configs = section.named_sections("configs").into_iter();
    let registries = Registries {
        system_default: section.text("system_default"),
        mirrors: mirrors
            .map(|(name, table)| (name, mirror(&table)))
            .collect(),
        configs: configs
            .map(|(name, table)| (name, access(&table)))
            .collect(),
    };
    section.end();
    registries
}

fn sources(section: &TableReader<'_>) -> SourceSettings {
    let sources = SourceSettings {
        bundle: section.text("bundle").map(PathBuf::from),
        bundle_sha256: section.text("bundle_sha256"),
    };
    section.end();
    sources
}

fn mirror(section: &TableReader<'_>) -> Mirror {
    let mirror = Mirror {
        endpoint: section.texts("endpoint"),
        rewrite: section.named_texts("rewrite"),
    };
    section.end();
    mirror
}

fn access(section: &TableReader<'_>) -> RegistryAccess {
    let access = RegistryAccess {
        username: section.text("username"),
        password: section.secret("password"),
        ca_file: section.text("ca_file"),
        cert_file: section.text("cert_file"),
        key_file: section.text("key_file"),
        insecure_skip_verify: section.flag("insecure_skip_verify").unwrap_or_default(),
    };
    section.end();
    access
}

fn host(section: &TableReader<'_>) -> Host {
    let host = Host {
        name: section
            .required("name", TableReader::text)
            .unwrap_or_default(),
        roles: roles(section),
        site: section.text("site"),
        address: section
            .required("address", TableReader::text)
            .unwrap_or_default(),
        node_ip: section.address("node_ip"),
        jump: jump(section),
        user: section.text("user"),
        port: section.port("port"),
        key: section.text("key").map(PathBuf::from),
        passphrase: section.secret("passphrase"),
        password: section.secret("password"),
        sudo_password: section.secret("sudo_password"),
        host_key: section.text("host_key"),
        proxy: section.proxy("proxy"),
        overrides: overrides(section),
    };
    section.end();
    host
}

fn bastion(section: &TableReader<'_>) -> Bastion {
    let bastion = Bastion {
        name: section.text("name").unwrap_or_default(),
        user: section.text("user"),
        port: section.port("port"),
        key: section.text("key").map(PathBuf::from),
        passphrase: section.secret("passphrase"),
        password: section.secret("password"),
        host_key: section.text("host_key"),
    };
    section.end();
    bastion
}

/// `"a,b"` as OpenSSH writes it, or a list.
fn jump(section: &TableReader<'_>) -> Option<String> {
    let wanted = "a string in quotes or a list of strings, as in [\"kay@gate\", \"inner:2222\"]";
    section.typed("jump", wanted, |value| {
        let Some(hops) = value.as_array() else {
            return value.as_str().map(str::to_owned);
        };
        let hops = hops.iter().map(|hop| hop.get_ref().as_str());
        Some(hops.collect::<Option<Vec<_>>>()?.join(","))
    })
}

/// `roles = ["…"]`, or `role = "…"` where there is one.
fn roles(section: &TableReader<'_>) -> Vec<Role> {
    let known = Role::ALL.map(|role| (role.as_str(), role));
    let has = |key: &str| section.has(key);
    if has("roles") {
        if has("role") {
            section.problem(
                "role",
                "must not be used together with roles: list all roles there",
            );
        }
        // Both are known keys.
        section.is_known("role");
        return section.choices("roles", &known);
    }
    let role = section.required("role", |section, key| section.choice(key, &known));
    section.is_known("roles");
    // Any role will do: `covers` hides the problems that follow from it.
    vec![role.unwrap_or(Role::Agent)]
}

/// One role, as in state folders of earlier versions, or a list.
pub(super) fn one_or_several<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Vec<Role>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum RoleOrRoles {
        One(Role),
        Several(Vec<Role>),
    }
    Ok(match serde::Deserialize::deserialize(from)? {
        RoleOrRoles::One(role) => vec![role],
        RoleOrRoles::Several(roles) => roles,
    })
}
