//! Forms and answers say the same.

use std::collections::BTreeSet;

use super::*;
use crate::answers::{
    Check, ExistingPostgres, Failover, Host, HostKeys, ManageFirewall, Role, Secret, SslMode,
};
use crate::interview::form::{Field, Form};
use crate::interview::text;

fn inline(text: &str) -> Secret {
    Secret::Inline(text.to_owned().into())
}

/// With everything that can be said, and nothing that is a default.
fn full() -> Answers {
    let mut answers = Answers::from_toml(crate::answers::example()).unwrap();
    answers.cluster.name = "full".into();
    answers.cluster.overrides = vec![Check::Cpu, Check::Firewall];
    answers.firewall.manage = ManageFirewall::Open;
    answers.sources.bundle = Some("~/k3s.bundle".into());
    answers.sources.bundle_sha256 = Some("ab".repeat(32));
    let ssh = &mut answers.ssh;
    ssh.port = Some(2022);
    ssh.passphrase = Some(inline(" with spaces "));
    ssh.password = Some(inline("env:no-variable"));
    ssh.host_keys = HostKeys::AcceptNew;
    ssh.known_hosts = vec!["/one with space".into(), "~/two".into()];
    answers.postgres.database = "other".into();
    answers.postgres.user = "somebody".into();
    answers.postgres.password = Some(inline("a-good-password"));
    answers.postgres.port = 5433;
    answers.postgres.existing_postgres = ExistingPostgres::Share;
    answers.load_balancer.port = 443;
    answers.k3s.token = Some(inline("a-token-of-the-operator"));
    answers.k3s.version = "v1.35.1+k3s2".into();
    answers.k3s.install_url = "https://mirror.example.com/install.sh".into();
    let mut host = Host::new("agent-2", Role::Agent, "10.0.0.22");
    host.node_ip = Some("fd00::22".parse().unwrap());
    host.sudo_password = Some(inline("file:no-path"));
    host.overrides = vec![Check::Memory];
    answers.hosts.push(host);
    answers
}

/// With two Postgres hosts, their monitor and two load balancers.
fn pair() -> Answers {
    let mut answers = full();
    answers.hosts[0].site = Some("one".into());
    let mut balancers = answers.hosts.iter_mut();
    let balancer = balancers.find(|host| host.role() == Role::LoadBalancer);
    balancer.unwrap().roles.push(Role::Monitor);
    let second = Host::new("postgres-2", Role::Postgres, "10.0.0.6");
    answers.hosts.push(second);
    answers.postgres.failover = Failover::Fast;
    answers
}

#[test]
fn forms_say_the_answers_again() {
    for answers in [
        Answers::default(),
        Answers::from_toml(crate::answers::example()).unwrap(),
        full(),
        pair(),
        external(),
    ] {
        let mut again = Answers {
            hosts: answers.hosts.clone(),
            bastions: answers.bastions.clone(),
            ..Answers::default()
        };
        // Where a password begins like a reference, what was there decides.
        again.ssh.password.clone_from(&answers.ssh.password);
        for section in Section::ALL {
            let form = of_section(section, &answers, false);
            assert_eq!(to_section(section, &form, &mut again), []);
        }
        assert_eq!(again, answers);
        for host in &answers.hosts {
            let (same, errors) = to_host(&of_host(host), host);
            assert_eq!((&same, errors), (host, vec![]));
        }
    }
}

/// A Postgres that others run.
fn external() -> Answers {
    let mut answers = full();
    answers.hosts.retain(|host| host.role() != Role::Postgres);
    answers.postgres.name = None;
    answers.postgres.endpoints = vec!["a.example:5432".into(), "[2001:db8::1]:6000".into()];
    answers.postgres.ca_file = Some("~/ca.pem".into());
    answers.postgres.cert_file = Some("/client.pem".into());
    answers.postgres.key_file = Some("/client.key".into());
    answers.postgres.sslmode = SslMode::VerifyCa;
    answers.postgres.admin = Some(Secret::Env("ADMIN".into()));
    answers
}

#[test]
fn endpoints_bring_the_fields_that_belong_to_them() {
    let mut answers = Answers::default();
    let mut form = of_section(Section::Postgres, &answers, false);
    let own = form.fields.len();
    let mut type_endpoints = |text: &str, form: &mut Form| {
        let field = form
            .fields
            .iter_mut()
            .find(|it| it.key == "postgres.endpoints");
        field.unwrap().set(text);
        assert_eq!(to_section(Section::Postgres, form, &mut answers), []);
        refresh(Section::Postgres, form, &answers);
        form.fields.len()
    };
    assert_eq!(type_endpoints("d", &mut form), own + 5);
    form.fields[own].set("~/ca.pem");
    // What was typed there stays.
    type_endpoints("db:5432", &mut form);
    assert_eq!(form.value("postgres.ca_file"), "~/ca.pem");
    assert_eq!(type_endpoints("", &mut form), own);
}

#[test]
fn external_parts_have_texts_of_their_own() {
    let mut answers = external();
    answers
        .hosts
        .retain(|host| host.role() != Role::LoadBalancer);
    answers.load_balancer.endpoint = Some("lb.example".into());
    let told = Section::ALL.map(|section| {
        let form = of_section(section, &answers, false);
        let does: Vec<_> = form.does.iter().map(|line| format!("\n- {line}")).collect();
        format!("{}: {}{}", form.title, form.why, does.concat())
    });
    let parts = parts(&answers);
    let phases = ["certificates", "load-balancer"];
    let phases = phases.map(|id| format!("phase {id}: {}", text::phase::why(id, parts)));
    insta::assert_snapshot!([&told[..], &phases].concat().join("\n\n"));
}

/// Every key that a file of answers may have for its parts and hosts, as fields name it.
fn keys_of_the_schema() -> BTreeSet<String> {
    fn walk(properties: &serde_json::Value, path: &str, keys: &mut BTreeSet<String>) {
        for (key, value) in properties.as_object().into_iter().flatten() {
            let path = format!("{path}{key}");
            match value.get("properties") {
                Some(inner) => walk(inner, &format!("{path}."), keys),
                None => drop(keys.insert(path)),
            }
        }
    }
    let schema: serde_json::Value = serde_json::from_str(crate::answers::schema()).unwrap();
    let mut keys = BTreeSet::new();
    walk(&schema["properties"], "", &mut keys);
    // Bastions are written in the file, or come from a host key that is accepted.
    assert!(keys.remove("hosts") && keys.remove("bastions"));
    // Drills have no screen yet.
    assert!(keys.remove("drill.longest_gap"));
    let host = &schema["properties"]["hosts"]["items"]["properties"];
    walk(host, "hosts.", &mut keys);
    // One field for both.
    assert!(keys.remove("hosts.roles"));
    keys
}

#[test]
fn every_key_of_the_answers_has_a_field() {
    let answers = pair();
    let mut keys = BTreeSet::new();
    for section in Section::ALL {
        for field in of_section(section, &answers, false).fields {
            assert_eq!(Section::of_key(field.key), Some(section));
            assert!(keys.insert(field.key.to_owned()), "{}", field.key);
        }
    }
    // An external Postgres has more.
    let external = of_section(Section::Postgres, &external(), false).fields;
    keys.extend(external.iter().map(|field| field.key.to_owned()));
    for field in of_host(&answers.hosts[0]).fields {
        keys.insert(format!("hosts.{}", field.key));
    }
    assert_eq!(keys, keys_of_the_schema());
}

/// Nothing that guards SSH is ever made up by the wizard, nor a new token for an old cluster.
#[test]
fn secrets_are_made_only_where_the_wizard_hands_them_out() {
    let made = |is_known| -> Vec<&str> {
        let answers = Answers::default();
        let forms = Section::ALL.map(|section| of_section(section, &answers, is_known));
        let fields = forms.iter().flat_map(|form| &form.fields);
        let made = fields.filter(|field| field.generates());
        made.map(|field| field.key).collect()
    };
    assert_eq!(
        made(false),
        ["postgres.password", "k3s.token", "k3s.agent_token"]
    );
    assert_eq!(made(true), ["postgres.password", "k3s.agent_token"]);
    let host = of_host(&Host::new("h", Role::Agent, "h"));
    assert!(!host.fields.iter().any(Field::generates));
}
