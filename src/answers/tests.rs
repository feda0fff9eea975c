use std::collections::{BTreeMap, BTreeSet};

mod external;
mod hostile;
mod hosts;
mod override_key;
mod pairs;
mod prepared;
mod refused_secrets;

use super::*;
use crate::secrets::SecretText;

const LAB: &str = include_str!("../../tests/lab/answers.toml");

/// Answers with the least in them, and something more at the end.
fn smallest(more: &str) -> String {
    format!(
        r#"hosts = [
    {{ name = "db", role = "postgres", address = "10.0.0.5" }},
    {{ name = "s1", role = "server", address = "10.0.0.11" }},
    {{ name = "s2", role = "server", address = "10.0.0.12" }},
    {{ name = "lb", role = "load-balancer", address = "10.0.0.10" }},
    {{ name = "a1", role = "agent", address = "10.0.0.21" }},
]
{more}"#
    )
}

fn read(text: &str) -> Answers {
    Answers::from_toml(text).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// The problems of answers that have some, one per line, without the file's name.
fn problems(text: &str) -> String {
    let problems = Answers::from_toml(text).expect_err("these answers have problems");
    let lines: Vec<_> = problems.list.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The only problem of the smallest answers with something more.
fn problem(more: &str) -> String {
    let text = problems(&smallest(more));
    assert_eq!(text.lines().count(), 1, "{text}");
    text
}

/// Of [`everything`].
fn registries() -> Registries {
    Registries {
        system_default: Some("registry.example.com:5000".into()),
        mirrors: BTreeMap::from([(
            "docker.io".into(),
            Mirror {
                endpoint: vec!["https://registry.example.com:5000".into()],
                rewrite: BTreeMap::from([("^rancher/(.*)".into(), "r/$1".into())]),
            },
        )]),
        configs: BTreeMap::from([(
            "registry.example.com:5000".into(),
            RegistryAccess {
                username: Some("kay".into()),
                password: Some(Secret::File("~/registry".into())),
                ca_file: Some("/etc/ssl/ca.crt".into()),
                cert_file: Some("/etc/ssl/client.crt".into()),
                key_file: Some("/etc/ssl/client.key".into()),
                insecure_skip_verify: true,
            },
        )]),
    }
}

/// Every field of every type is given: a new field does not compile until it is added here.
fn everything() -> Answers {
    Answers {
        cluster: ClusterSettings {
            name: "c".into(),
            overrides: vec![Check::Memory, Check::Clock],
        },
        k3s: K3s {
            version: "v1.30.1+k3s2".into(),
            install_url: "https://a.example/install.sh".into(),
            artifact_url: Some("https://a.example/releases".into()),
            channel_url: Some("https://a.example/channels".into()),
            install_sha256: Some("0f".repeat(32)),
            token: Some(Secret::Inline("sixteen-or-more-letters".to_owned().into())),
            agent_token: Some(Secret::Env("AGENT_TOKEN".into())),
            tls_san: vec!["k3s.example.com".into(), "2001:db8::1".into()],
            server_config: toml::toml! {
                cluster-cidr = "10.42.0.0/16"
                disable = ["traefik", "servicelb"]
                secrets-encryption = true
                v = 2
            },
            agent_config: toml::toml! { node-label = ["a=b"] },
        },
        ssh: SshSettings {
            user: Some("admin".into()),
            port: Some(2222),
            jump: Some("kay@gate:2222,inner".into()),
            key: Some("~/.ssh/id".into()),
            passphrase: Some(Secret::Inline("of the key".to_owned().into())),
            password: Some(Secret::Env("SSH_PASSWORD".into())),
            sudo_password: Some(Secret::File("~/sudo".into())),
            config: Some("none".into()),
            host_keys: HostKeys::AcceptNew,
            known_hosts: vec!["/etc/ssh/known \"hosts\"".into()],
        },
        postgres: external::own_postgres(),
        load_balancer: LoadBalancer {
            port: 443,
            names: vec!["lb.example.com".into()],
            virtual_ip: "10.0.0.40".parse().ok(),
            endpoint: None,
        },
        firewall: FirewallSettings {
            manage: ManageFirewall::Open,
        },
        drill: DrillSettings { longest_gap: 20 },
        proxy: ProxySettings {
            http: Some(ProxyUrl::Text("http://proxy.example.com:3128".into())),
            https: Some(ProxyUrl::Elsewhere(Secret::Env("PROXY_URL".into()))),
            no_proxy: vec![".example.com".into()],
        },
        registries: registries(),
        sources: super::sources::tests::given(),
        hosts: [
            Host {
                name: "db".into(),
                roles: vec![Role::Postgres],
                site: None,
                address: "db.example.com".into(),
                node_ip: Some("10.0.0.5".parse().expect("an address")),
                jump: Some("none".into()),
                user: Some("root".into()),
                port: Some(22),
                key: Some("/k".into()),
                passphrase: Some(Secret::File("/passphrase".into())),
                password: Some(Secret::Inline("of the host".to_owned().into())),
                sudo_password: Some(Secret::Env("SUDO_PASSWORD".into())),
                host_key: Some(format!("SHA256:{}", "A".repeat(43))),
                proxy: Some(ProxyUrl::Text("none".into())),
                overrides: vec![Check::Disk],
            },
            Host::new("s1", Role::Server, "10.0.0.11"),
            Host::new("lb", Role::LoadBalancer, "10.0.0.10"),
            Host::new("lb-2", Role::LoadBalancer, "10.0.0.9"),
        ]
        .map(|host| Host {
            site: Some("east".into()),
            ..host
        })
        .to_vec(),
        bastions: vec![Bastion {
            name: "gate".into(),
            user: Some("lee".into()),
            port: Some(22),
            key: Some("/gate".into()),
            passphrase: Some(Secret::Env("GATE_PASSPHRASE".into())),
            password: Some(Secret::File("/gate-password".into())),
            host_key: Some(format!("SHA256:{}", "B".repeat(43))),
        }],
        notices: Vec::new(),
    }
}

#[test]
fn the_smallest_answers_get_defaults() {
    let answers = read(&smallest(""));
    assert_eq!(answers.cluster.name, "k3s");
    assert_eq!(answers.k3s, K3s::default());
    assert_eq!(answers.k3s.version, DEFAULT_K3S_VERSION);
    assert_eq!(answers.k3s.install_url, "https://get.k3s.io");
    assert_eq!(answers.ssh.host_keys, HostKeys::Strict);
    assert_eq!(
        (answers.postgres.port, answers.load_balancer.port),
        (5432, 6443)
    );
    assert_eq!(answers.warnings(), Vec::<String>::new());
    let names = |role| -> Vec<_> { answers.with_role(role).map(|host| &*host.name).collect() };
    assert_eq!(names(Role::Postgres), ["db"]);
    assert_eq!(names(Role::LoadBalancer), ["lb"]);
    assert_eq!(names(Role::Server).len(), 2);
    let agent = answers.with_role(Role::Agent).next().expect("an agent");
    assert_eq!(answers.ssh_port(agent), 22);
    assert_eq!(agent.cluster_ip(), "10.0.0.21".parse().ok());
}

#[test]
fn a_host_overrides_what_is_said_for_all() {
    let answers = everything();
    let (db, s1) = (&answers.hosts[0], &answers.hosts[1]);
    let config = SshConfig::default();
    let login = |host| answers.login(host, &config).expect("a login");
    let (of_db, of_s1) = (login(db), login(s1));
    assert_eq!((&*of_db.user, of_db.port), ("root", 22));
    assert_eq!((&*of_s1.user, of_s1.port), ("admin", 2222));
    assert_eq!(of_db.keys, [PathBuf::from("/k")]);
    let key = &of_s1.keys[0];
    assert!(
        key.is_absolute() && key.ends_with(".ssh/id"),
        "{}",
        key.display()
    );
    assert_eq!(db.cluster_ip(), "10.0.0.5".parse().ok());
    assert!(answers.overrides(db, Check::Disk) && answers.overrides(db, Check::Clock));
    assert!(!answers.overrides(s1, Check::Disk) && answers.overrides(s1, Check::Clock));
}

#[test]
fn what_is_written_reads_the_same() {
    for answers in [
        everything(),
        read(LAB),
        read(example()),
        read(&smallest("")),
        external::everything(),
    ] {
        let text = answers.to_toml();
        assert_eq!(read(&text), answers, "{text}");
        // serde is what the state folder uses: the same, without inline secrets.
        let json = serde_json::to_string(&answers).expect("answers are JSON");
        let again: Answers = serde_json::from_str(&json).expect("and read back");
        assert_eq!(again, answers.without_secrets());
        assert_eq!(toml::from_str::<Answers>(&text), Ok(answers));
    }
}

#[test]
fn secrets_do_not_show() {
    let answers = everything();
    let without = answers.without_secrets();
    for secret in ["sixteen-or-more-letters", "of the key", "of the host"] {
        assert!(answers.to_toml().contains(secret));
        assert!(!without.to_toml().contains(secret));
        assert!(!format!("{answers:?}").contains(secret));
        let json = serde_json::to_string(&answers).expect("JSON");
        assert!(!json.contains(secret));
    }
    assert_eq!(without.ssh.sudo_password, answers.ssh.sudo_password);
    let (host, before) = (&without.hosts[0], &answers.hosts[0]);
    assert_eq!(host.sudo_password, before.sudo_password);
    assert_eq!(without.k3s.token, None);
    assert_eq!(without.k3s.agent_token, answers.k3s.agent_token);
    assert_eq!(without.postgres.password, answers.postgres.password);
    // Nor in complaints about them.
    let text = smallest("[k3s]\ntoken = \"K10secret\"\nagent_token = { text = \"K10secret\" }");
    assert!(!problems(&text).contains("secret"), "{}", problems(&text));
}

#[test]
fn secrets_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    let file = Secret::File(path.clone());
    let reveal = |secret: &Secret| secret.reveal().map(|text| text.expose().to_owned());

    std::fs::write(&path, "two lines\r\n \n").expect("written");
    assert_eq!(reveal(&file).expect("text"), "two lines\r\n ");
    std::fs::write(&path, "one line\r\n").expect("written");
    assert_eq!(reveal(&file).expect("text"), "one line");
    std::fs::write(&path, "\n").expect("written");
    assert!(
        reveal(&file)
            .expect_err("empty")
            .to_string()
            .contains("empty")
    );
    std::fs::remove_file(&path).expect("removed");
    assert!(
        reveal(&file)
            .expect_err("gone")
            .to_string()
            .contains("token")
    );

    assert_eq!(
        reveal(&Secret::Env("CARGO_PKG_NAME".into())).expect("set"),
        "k3s-ha-wizard"
    );
    let unset = reveal(&Secret::Env("K3S_HA_WIZARD_UNSET".into())).expect_err("unset");
    assert!(unset.to_string().contains("K3S_HA_WIZARD_UNSET is not set"));
}

#[test]
fn made_secrets_will_do() {
    let one = SecretText::random().expect("random");
    let other = SecretText::random().expect("random");
    assert_ne!(one, other);
    assert_eq!(one.expose().len(), 43);
    assert!(
        one.expose()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric())
    );
    assert_eq!(password_problem(one.expose()), None);
    assert_eq!(format!("{one:?}"), "[secret]");
}

#[test]
fn every_problem_is_reported_with_its_place() {
    let text = r#"
[cluster]
name = "My Cluster"
colour = "blue"

[k3s]
verison = "v1.36.2+k3s1"
version = "stable"
tls_san = "one"

[ssh]
host_keys = "accept"

[postgres]
database = "K3S"
port = 70000

[[hosts]]
name = "db"
role = "postgress"
address = "10.0.0.5"

[[hosts]]
name = "s1"
role = "server"
adress = "10.0.0.11"

[[hosts]]
name = "s1"
role = "server"
address = "server.example.com"
node_ip = "10.0.0"
"#;
    insta::assert_snapshot!(problems(text), @r#"
    3:8: cluster.name: must be 1 to 63 characters of a-z, 0-9 and -, and start and end with a letter or digit, as Kubernetes and DNS require
    4:1: cluster.colour: there is no such key; known keys: name, override
    7:1: k3s.verison: there is no such key; did you mean "version"?
    8:11: k3s.version: must be a release of K3s, vX.Y.Z+k3sN, as in v1.36.2+k3s1: every node gets exactly this version, so a channel like "stable" is not enough
    9:11: k3s.tls_san: must be a list of strings, as in ["one", "two"], not "one"
    12:13: ssh.host_keys: must be one of "strict", "accept-new", not "accept"
    15:12: postgres.database: must be lower-case: a letter or _, then letters, digits and _, at most 63 characters. K3s converts it to lower case
    16:8: postgres.port: must be a port, a number between 1 and 65535, not the number 70000
    20:8: hosts[0].role: must be one of "postgres", "monitor", "server", "load-balancer", "agent", not "postgress"; did you mean "postgres"?
    23:1: hosts[1].address: is missing: every host needs a name, a role and an address
    26:1: hosts[1].adress: there is no such key; did you mean "address"?
    29:8: hosts[2].name: "s1" is already the name of another host: names must be unique
    32:11: hosts[2].node_ip: must be an IP address in quotes, as in "10.0.0.11", not "10.0.0"
    "#);
}

#[test]
fn single_values_are_checked() {
    let found: Vec<_> = [
        "[k3s]\nversion = \"v1.36.2\"",
        "[k3s]\ninstall_url = \"get.k3s.io\"",
        "[k3s]\nartifact_url = \"ftp://x\"",
        "[k3s]\ninstall_sha256 = \"abc\"",
        "[k3s]\ntoken = \"short\"",
        "[k3s]\ntoken = \"K10aaaaaaaaaaaaaaaaaaaa\"",
        "[k3s]\ntoken = \"server::aaaaaaaaaaaaaaaa\"",
        "[k3s]\ntoken = \"abcdef.0123456789abcdef\"",
        "[k3s]\ntoken = \"a token with its spaces\"",
        "[k3s]\ntoken = \"the-same-for-both\"\nagent_token = \"the-same-for-both\"",
        "[k3s]\ntoken = { enf = \"NAME\" }",
        "[k3s]\ntls_san = [\"https://k3s.example.com\"]",
        "[k3s.server_config]\nnode-ip = \"10.0.0.1\"",
        "[k3s.server_config]\ncluster-cdir = \"10.0.0.0/8\"",
        "[k3s.server_config]\nv = 1.5",
        "[k3s.server_config.kubelet-arg]\nmax-pods = 200",
        "[k3s.agent_config]\ncluster-cidr = \"10.0.0.0/8\"",
        "[postgres]\ndatabase = \"template1\"",
        "[postgres]\nuser = \"postgres\"",
        "[postgres]\nuser = \"pg_monitor\"",
        "[postgres]\ndatabase = \"all\"",
        "[postgres]\npassword = \"pässword-of-length\"",
        "[postgres]\nname = \"10.0.0.5\"",
        "[postgres]\nport = 0",
        "[load_balancer]\nnames = [\"a b\"]",
        "[ssh]\nuser = \"-oProxyCommand\"",
        "[ssh]\npassword = \"\"",
        "[ssh]\npassphrase = \"two\\nlines\"",
        "[ssh]\nsudo_password = { env = \"$SUDO\" }",
        "[cluster]\noverride = \"memory\"",
        "[cluster]\noverride = [\"disk\", \"memroy\"]",
        "[cluster]\noverride = [\"existing\"]",
        "[postgres]\nexisting_postgres = \"shared\"",
        "[lod_balancer]\nport = 1",
    ]
    .into_iter()
    .map(problem)
    .collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    9:11: k3s.version: must be a release of K3s, vX.Y.Z+k3sN, as in v1.36.2+k3s1: every node gets exactly this version, so a channel like "stable" is not enough
    9:15: k3s.install_url: must be a URL that starts with https:// or http:// and has no spaces, quotes or backslashes
    9:16: k3s.artifact_url: must be a URL that starts with https:// or http:// and has no spaces, quotes or backslashes
    9:18: k3s.install_sha256: must be a SHA-256, 64 hexadecimal digits, as sha256sum prints it
    9:9: k3s.token: must have at least 16 characters: it protects the whole cluster and encrypts the cluster's CA keys in Postgres. Leave it out to have one generated
    9:9: k3s.token: must be the short form, only the password: K3s derives the K10…:: form from it once the cluster's CA exists
    9:9: k3s.token: must be the short form, only the password: K3s derives the K10…:: form from it once the cluster's CA exists
    9:9: k3s.token: has the form of a kubeadm bootstrap token (six characters, a dot, sixteen), which K3s does not accept as a server token. Use another one, or leave it out
    9:9: k3s.token: must be plain ASCII without spaces: it travels through URLs and HTTP headers
    10:15: k3s.agent_token: must differ from k3s.token: otherwise agents would hold the key to the cluster's CA. Leave it out to have one generated
    9:1: k3s.token: must be a string in quotes, { env = "NAME" } or { file = "PATH" }
    9:12: k3s.tls_san[0]: must be a DNS name or an IP address, without a port
    9:11: k3s.server_config.node-ip: every node gets the same settings, but this one differs from host to host: the wizard sets it from the host's name, address and node_ip
    9:16: k3s.server_config.cluster-cdir: K3s servers have no such setting (did you mean "cluster-cidr"?). A server skips an unknown setting with only a warning, so it would have no effect
    9:5: k3s.server_config.v: must be a string, an integer, true or false, or a list of strings
    8:20: k3s.server_config.kubelet-arg: must be a string, an integer, true or false, or a list of strings
    9:16: k3s.agent_config.cluster-cidr: only servers have this setting, and an agent exits at an unknown key: move it to k3s.server_config
    9:12: postgres.database: is one of Postgres's own databases: the cluster needs its own, for example "k3s"
    9:8: postgres.user: is one of Postgres's own roles: K3s needs a role that owns only its own database, for example "k3s"
    9:8: postgres.user: is one of Postgres's own roles: K3s needs a role that owns only its own database, for example "k3s"
    9:12: postgres.database: has a special meaning in Postgres's access rules; use another name
    9:12: postgres.password: must be plain ASCII without spaces: Postgres and its clients may encode other characters differently
    9:8: postgres.name: must be a DNS name; if left out, the address of the Postgres host is used
    9:8: postgres.port: must be a port, a number between 1 and 65535, not the number 0
    9:10: load_balancer.names[0]: must be a DNS name or an IP address, without a port
    9:8: ssh.user: must be a user name, without spaces, colons or slashes
    9:12: ssh.password: must not be empty
    9:14: ssh.passphrase: must be a single line: SSH and sudo read only the first
    9:1: ssh.sudo_password: env must be the name of an environment variable
    9:12: cluster.override: must be a list of strings, as in ["one"], not "memory"
    9:21: cluster.override[1]: must be one of "os", "arch", "address", "names", "clock", "cpu", "memory", "disk", "kernel", "ports", "existing", "datastore", "packages", "download", "network", "firewall", "sudo", not "memroy"; did you mean "memory"?
    9:13: cluster.override[0]: cannot be overridden: the steps never change what they did not install. To share a Postgres that has other databases, set existing_postgres = "share" under [postgres]
    9:21: postgres.existing_postgres: must be one of "refuse", "share", not "shared"; did you mean "share"?
    8:2: lod_balancer: there is no such key; did you mean "load_balancer"?
    "#);
}

#[test]
fn what_is_not_toml_is_reported_alone() {
    insta::assert_snapshot!(problems("[cluster\nname = k3s\n"), @r#"1:9: not TOML: unclosed table, expected `]`"#);
}

#[test]
fn warnings_tell_what_is_weak() {
    let mut answers = read(&smallest(""));
    answers
        .hosts
        .retain(|host| host.name != "s2" && host.name != "a1");
    answers.ssh.host_keys = HostKeys::AcceptNew;
    answers.k3s.install_url = "http://mirror.example.com/install.sh".into();
    assert_eq!(answers.problems(), []);
    let text = answers.warnings().join("\n");
    for word in [
        "not highly available",
        "no agents",
        "accept-new",
        "without TLS",
    ] {
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn files_are_named_in_problems() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("answers.toml");
    let missing = Answers::load(&path).expect_err("no such file");
    assert!(missing.to_string().contains("answers.toml: cannot be read"));
    std::fs::write(&path, smallest("[cluster]\nnmae = \"a\"")).expect("written");
    let wrong = Answers::load(&path).expect_err("a wrong key").to_string();
    assert!(
        wrong.contains("answers.toml:9:1: cluster.nmae: "),
        "{wrong}"
    );
}

/// The keys of a table and of the tables in it, a set for each.
fn keys(table: &toml::Table) -> BTreeMap<String, BTreeSet<String>> {
    let names = |table: &toml::Table| table.keys().cloned().collect::<BTreeSet<_>>();
    let mut keys = BTreeMap::from([(String::new(), names(table))]);
    for (name, value) in table {
        let tables = match value {
            toml::Value::Table(table) => vec![table],
            toml::Value::Array(items) => items.iter().filter_map(toml::Value::as_table).collect(),
            _ => vec![],
        };
        for table in tables {
            keys.entry(name.clone()).or_default().extend(names(table));
        }
    }
    keys
}

#[test]
fn example_schema_and_types_have_the_same_keys() {
    let mut written = keys(&everything().to_toml().parse().expect("TOML"));
    // It has two load balancers, so no external one.
    let with_balancer = |keys: &mut BTreeMap<String, BTreeSet<String>>| {
        let of_balancer = keys.get_mut("load_balancer").expect("a section");
        assert!(of_balancer.insert("endpoint".into()));
    };
    with_balancer(&mut written);
    // What serde sees of the types, with every secret a reference.
    let mut answers = everything();
    answers.k3s.token = Some(Secret::Env("TOKEN".into()));
    answers.ssh.passphrase = Some(Secret::Env("PASSPHRASE".into()));
    answers.hosts[0].password = Some(Secret::Env("PASSWORD".into()));
    let mut seen = keys(&toml::Table::try_from(&answers).expect("TOML"));
    // One role is written as a text.
    let of_hosts = seen.get_mut("hosts").expect("hosts");
    assert!(of_hosts.remove("roles") && of_hosts.insert("role".into()));
    with_balancer(&mut seen);
    assert_eq!(seen, written);
    // An external Postgres has keys that one of ours has not; who administers it is not stored.
    let external = external::everything();
    let of_external = keys(&external.to_toml().parse().expect("TOML"));
    let mut seen = keys(&toml::Table::try_from(&external).expect("TOML"));
    assert!(seen.get_mut("postgres").expect("it").insert("admin".into()));
    let new = &of_external["postgres"] - &written["postgres"];
    assert!(new.is_subset(&seen["postgres"]) && new.contains("endpoints"));
    written.get_mut("postgres").expect("it").extend(new.clone());

    // The example, with its commented defaults switched on, which must be the true defaults.
    let all = example()
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest
                    .split_once(" = ")
                    .is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                rest
            }
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert_ne!(all, example().trim_end());
    // It has one load balancer, which has no virtual address.
    let mut of_example = keys(&all.parse().expect("TOML"));
    let of_balancer = of_example.get_mut("load_balancer").expect("a section");
    assert!(example().contains("virtual_ip = ") && of_balancer.insert("virtual_ip".into()));
    assert!(example().contains("endpoint = \"lb."));
    with_balancer(&mut of_example);
    // And one site, which has no name.
    let of_hosts = of_example.get_mut("hosts").expect("hosts");
    assert!(example().contains("site = ") && of_hosts.insert("site".into()));
    // Its Postgres is a host.
    for key in new {
        assert!(example().contains(&format!("#   {key} = ")), "{key}");
        of_example.get_mut("postgres").expect("it").insert(key);
    }
    assert_eq!(of_example, written);
    assert_eq!(
        read(&all),
        Answers {
            sources: super::sources::tests::given(),
            ssh: SshSettings {
                port: Some(22),
                ..read(example()).ssh
            },
            ..read(example())
        }
    );

    let schema: serde_json::Value = serde_json::from_str(schema()).expect("JSON");
    let described = |object: &serde_json::Value| {
        assert_eq!(object["additionalProperties"], false);
        let properties = object["properties"].as_object().expect("properties");
        for (key, property) in properties {
            assert!(
                property["description"].is_string(),
                "{key} is not described"
            );
        }
        properties.keys().cloned().collect::<BTreeSet<_>>()
    };
    let mut keys = BTreeMap::from([(String::new(), described(&schema))]);
    for (name, section) in schema["properties"].as_object().expect("properties") {
        let section = if section["type"] == "array" {
            &section["items"]
        } else {
            section
        };
        keys.insert(name.clone(), described(section));
    }
    // One role or several.
    let of_hosts = keys.get_mut("hosts").expect("hosts");
    assert!(of_hosts.remove("roles"));
    assert_eq!(keys, written);

    // And the same defaults.
    let defaults = toml::Table::try_from(Answers::default()).expect("TOML");
    for (name, section) in &defaults {
        for (key, default) in section.as_table().into_iter().flatten() {
            let described = &schema["properties"][name]["properties"][key]["default"];
            let default = serde_json::to_value(default).expect("JSON");
            assert_eq!(described, &default, "{name}.{key}");
        }
    }
}
