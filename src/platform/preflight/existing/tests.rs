use crate::answers::ExistingPostgres;
use crate::platform::preflight::tests::{
    AGENT, AGENT_TOKEN, BALANCER, DB, SERVER, TOKEN, found, lab, port, told,
};
use crate::platform::{BalancerFacts, Facts, PostgresCluster};

#[test]
fn a_k3s_of_others_is_refused() {
    let of = |k3s: crate::platform::K3sFacts| move |facts: &mut Facts| facts.k3s = k3s;
    let unit = |unit: &str, ours, token: Option<&str>| crate::platform::K3sFacts {
        units: vec![unit.into()],
        program: true,
        version: if ours { "" } else { "v1.30.1+k3s1" }.into(),
        ours,
        token: token.map(str::to_owned),
        ..Default::default()
    };
    let left = |path: &str| crate::platform::K3sFacts {
        leftovers: vec![format!("/var/lib/rancher/k3s/server/{path}")],
        ..Default::default()
    };
    let config = crate::platform::K3sFacts {
        further_configs: vec!["/etc/rancher/k3s/config.yaml.d/x.yaml".into()],
        ..Default::default()
    };
    let all = [
        found(SERVER, of(unit("k3s", false, None))),
        found(AGENT, of(unit("k3s", true, None))),
        found(SERVER, of(unit("k3s", true, Some("another one")))),
        found(AGENT, of(unit("k3s-agent", true, Some(TOKEN)))),
        found(SERVER, of(left("db/etcd"))),
        found(SERVER, of(left("db/state.db"))),
        found(SERVER, of(left("tls"))),
        found(AGENT, of(config)),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-server-1 existing FAIL: a K3s, v1.30.1+k3s1, that this wizard did not install is here (k3s.service) | Use another host, or: /usr/local/bin/k3s-uninstall.sh removes it, with its data
    k3s-agent existing FAIL: it already runs k3s, so it cannot have the role agent too | Use another host, or: /usr/local/bin/k3s-uninstall.sh removes it, with its data
    k3s-server-1 existing FAIL: it belongs to another cluster: its K3s has another token | Run the wizard on the machine with that cluster's state folder, or use another host, or: /usr/local/bin/k3s-uninstall.sh removes it, with its data
    k3s-agent existing FAIL: it belongs to another cluster: its K3s has another token | Run the wizard on the machine with that cluster's state folder, or use another host, or: /usr/local/bin/k3s-agent-uninstall.sh removes it, with its data
    k3s-server-1 existing FAIL: this host has the data of an embedded etcd, and K3s would use it instead of Postgres (/var/lib/rancher/k3s/server/db/etcd) | If it is not needed: mv /var/lib/rancher/k3s/server/db/etcd /var/lib/rancher/k3s/server/db/etcd.before
    k3s-server-1 existing warn: this host has the data of a K3s on SQLite; it stays unused (/var/lib/rancher/k3s/server/db/state.db) | If it is not needed: mv /var/lib/rancher/k3s/server/db/state.db /var/lib/rancher/k3s/server/db/state.db.before
    k3s-server-1 existing FAIL: this host has certificates of a removed K3s (/var/lib/rancher/k3s/server/tls) | If it is not needed: mv /var/lib/rancher/k3s/server/tls /var/lib/rancher/k3s/server/tls.before
    k3s-agent existing FAIL: /etc/rancher/k3s/config.yaml.d/x.yaml exists: K3s reads it last, so the servers would not have the same settings | Move its settings into the answers, and remove the file
    "#);
    for (host, k3s) in [
        (SERVER, unit("k3s", true, Some(TOKEN))),
        (AGENT, unit("k3s-agent", true, Some(AGENT_TOKEN))),
        (AGENT, left("tls")),
    ] {
        assert_eq!(found(host, of(k3s)), "");
    }
}

#[test]
fn a_host_that_lost_its_node_password_is_refused() {
    let mut world = lab();
    world.facts[SERVER].k3s.known_nodes = vec!["k3s-server-1".into(), "k3s-agent".into()];
    world.facts[SERVER].k3s.node_password = true;
    insta::assert_snapshot!(told(&world.grid()), @r#"
    k3s-agent existing FAIL: the cluster has a node k3s-agent, but this host was reinstalled and lost its node password: the cluster would refuse it | On a server: k3s kubectl delete node k3s-agent; k3s kubectl -n kube-system delete secret k3s-agent.node-password.k3s
    "#);
    world.facts[AGENT].k3s.node_password = true;
    assert_eq!(told(&world.grid()), "");
}

fn on_disk(port: u16, name: &str) -> PostgresCluster {
    PostgresCluster {
        port: Some(port),
        name: name.into(),
    }
}

/// A Postgres of another user, suitable for sharing.
fn postgres(facts: &mut Facts) {
    let setting = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    facts.postgres.clusters = vec![on_disk(5432, "15/main")];
    facts.postgres.asked = true;
    facts.postgres.version = 150_018;
    facts.postgres.settings = [
        ("listen_addresses", "localhost"),
        ("max_connections", "100"),
        ("ssl", "on"),
        ("ssl_cert_file", "/etc/ssl/certs/ssl-cert-snakeoil.pem"),
    ]
    .map(setting)
    .into();
}

fn set(facts: &mut Facts, name: &str, value: &str) {
    postgres(facts);
    let settings = &mut facts.postgres.settings;
    settings.insert(name.to_owned(), value.to_owned());
}

#[test]
fn a_postgres_that_cannot_serve_is_refused() {
    let with = |change: fn(&mut Facts)| {
        found(DB, move |facts| {
            postgres(facts);
            change(facts);
        })
    };
    let all = [
        with(|facts| facts.postgres.version = 100_023),
        with(|facts| facts.postgres.replica = true),
        with(|facts| facts.postgres.tokens = vec!["another one".into()]),
        with(|facts| set(facts, "ssl_cert_file", "/etc/ssl/wiki.crt")),
        with(|facts| set(facts, "ssl_ca_file", "/etc/ssl/wiki-ca.crt")),
        with(|facts| set(facts, "allow_alter_system", "off")),
        with(|facts| {
            facts.postgres.asked = false;
            facts.postgres.error = "peer authentication failed".into();
        }),
        with(|facts| {
            facts.postgres.asked = false;
            facts.postgres.clusters = vec![on_disk(5433, "15/main")];
        }),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-postgres existing FAIL: this is Postgres 10: before version 12, clientcert=verify-full silently means that no client certificate is needed | Upgrade it to 15 or later, or use another host
    k3s-postgres existing FAIL: this Postgres is a replica, which is read-only | Use the host of its primary, or SELECT pg_promote();
    k3s-postgres existing FAIL: the database k3s holds a cluster with another token: the servers could not read it | Set that cluster's token as token under [k3s], or another database under [postgres]; or, if it is not needed: DROP DATABASE k3s;
    k3s-postgres existing FAIL: this Postgres uses a TLS certificate that is not the wizard's (/etc/ssl/wiki.crt) | Use a separate Postgres for the cluster
    k3s-postgres existing FAIL: this Postgres trusts client certificates of another CA (/etc/ssl/wiki-ca.crt) | Use a separate Postgres for the cluster, or add the wizard's CA to that one with existing_postgres = "share" under [postgres]
    k3s-postgres existing FAIL: this Postgres refuses ALTER SYSTEM (allow_alter_system is off) | Set allow_alter_system = on in its configuration
    k3s-postgres existing FAIL: the Postgres on port 5432 does not answer its superuser: peer authentication failed | This command must work: runuser -u postgres -- psql -p 5432 -c 'SELECT 1'
    k3s-postgres existing FAIL: Postgres is installed, but not on port 5432: 15/main on port 5433 | Set its port under [postgres] in the answers
    "#);
    assert_eq!(with(|_| {}), "");
    assert_eq!(with(|facts| facts.postgres.tokens = vec![TOKEN.into()]), "");
    let ours = "/etc/postgresql-k3s/server.crt";
    let own_tls = found(DB, |facts| set(facts, "ssl_cert_file", ours));
    assert_eq!(own_tls, "");
}

#[test]
fn a_postgres_is_shared_on_the_operators_word() {
    let mut world = lab();
    postgres(&mut world.facts[DB]);
    world.facts[DB].postgres.databases = vec!["k3s".into(), "wiki".into(), "shop".into()];
    let refused = told(&world.grid());
    world.answers.postgres.existing_postgres = ExistingPostgres::Share;
    let shared = told(&world.grid());
    // Enough of everything: no restart.
    set(&mut world.facts[DB], "listen_addresses", "*");
    let settings = &mut world.facts[DB].postgres.settings;
    settings.insert("max_connections".into(), "200".into());
    let as_it_is = told(&world.grid());
    insta::assert_snapshot!([refused, shared, as_it_is].join("\n"), @r#"
    k3s-postgres existing FAIL: this Postgres also has other databases: wiki, shop; it would be restarted (to listen on its address) | Use a separate Postgres for the cluster, or allow sharing with existing_postgres = "share" under [postgres]
    k3s-postgres existing warn: this Postgres also has other databases: wiki, shop; it would be restarted (to listen on its address) | They keep their data, roles and rules
    k3s-postgres existing warn: this also changes for the other databases: the certificate in use, /etc/ssl/certs/ssl-cert-snakeoil.pem, is replaced by the cluster's; Postgres asks every client for a certificate | Clients without a certificate keep working. Clients with a certificate of another CA, and clients that verify the certificate of Postgres, must be reconfigured first
    k3s-postgres existing warn: this Postgres also has other databases: wiki, shop | They keep their data, roles and rules
    k3s-postgres existing warn: this also changes for the other databases: the certificate in use, /etc/ssl/certs/ssl-cert-snakeoil.pem, is replaced by the cluster's; Postgres asks every client for a certificate | Clients without a certificate keep working. Clients with a certificate of another CA, and clients that verify the certificate of Postgres, must be reconfigured first
    "#);
    // Installed by us, and used by others since: nothing is taken from them.
    world.answers.postgres.existing_postgres = ExistingPostgres::Refuse;
    world.facts[DB].postgres.ours = true;
    assert_eq!(told(&world.grid()), "");
}

#[test]
fn rules_that_a_new_address_opens_are_listed() {
    let with = |change: fn(&mut Facts)| {
        found(DB, move |facts| {
            postgres(facts);
            let rules = [
                "host all all 0.0.0.0 0.0.0.0 md5",
                "host wiki wiki all trust",
            ];
            facts.postgres.rules = rules.map(str::to_owned).into();
            change(facts);
        })
    };
    insta::assert_snapshot!(with(|_| {}), @r#"
    k3s-postgres existing warn: once this Postgres listens on 198.51.100.11, access rules that are not the wizard's let in other hosts: host all all 0.0.0.0 0.0.0.0 md5; host wiki wiki all trust | Narrow those that are for this host only, in the file that this prints: runuser -u postgres -- psql -p 5432 -c 'SHOW hba_file'
    "#);
    // Others come in from outside already, or there are no such rules.
    let listening = |facts: &mut Facts| {
        let settings = &mut facts.postgres.settings;
        settings.insert("listen_addresses".into(), "*".into());
    };
    assert_eq!(with(listening), "");
    assert_eq!(with(|facts| facts.postgres.rules.clear()), "");
}

#[test]
fn a_postgres_of_others_that_does_not_run_is_refused() {
    let stopped = |change: fn(&mut Facts)| {
        found(DB, move |facts| {
            facts.postgres.clusters = vec![on_disk(5432, "15/main"), on_disk(5433, "15/wiki")];
            change(facts);
        })
    };
    let hidden = |facts: &mut Facts| {
        let unit = "postgresql@15-main.service";
        facts.ports.push(port(5432, "postgres", unit));
    };
    insta::assert_snapshot!([stopped(|_| {}), stopped(hidden)].join("\n"), @r#"
    k3s-postgres existing FAIL: a Postgres that the wizard did not install, 15/main on port 5432, is not running: its content cannot be checked | Start it, so that the wizard can check it: pg_ctlcluster 15 main start; or, if it is not needed: pg_dropcluster 15 main
    k3s-postgres existing FAIL: a Postgres that the wizard did not install, 15/main, listens on port 5432, but has no socket in /run/postgresql: its content cannot be checked | Set unix_socket_directories = '/var/run/postgresql' in it, or use another host
    "#);
    // The wizard's, or checked by an earlier run: it is started again.
    assert_eq!(stopped(|facts| facts.postgres.ours = true), "");
    let marked = |facts: &mut Facts| facts.postgres.marks = vec!["lab".into()];
    assert_eq!(stopped(marked), "");
    assert_eq!(stopped(|facts| facts.postgres.cut_off = true), "");
    let of_another = |facts: &mut Facts| facts.postgres.marks = vec!["shop".into()];
    assert!(stopped(of_another).contains("is not running"));
}

#[test]
fn a_pooler_is_told_once() {
    let pooler = |facts: &mut Facts| {
        facts
            .ports
            .push(port(5432, "pgbouncer", "pgbouncer.service"));
        facts.postgres.clusters = vec![on_disk(5433, "15/main")];
        facts.postgres.error = "FATAL: no such user: postgres".into();
    };
    let text = found(DB, pooler);
    assert!(
        text.starts_with("k3s-postgres ports FAIL: a pooler, pgbouncer"),
        "{text}"
    );
    assert!(!text.contains("superuser"), "{text}");
}

#[test]
fn a_load_balancer_of_another_cluster_is_refused() {
    let leads = |cluster: &'static str, servers: &'static [&'static str]| {
        found(BALANCER, move |facts| {
            facts.balancer = BalancerFacts {
                cluster: cluster.into(),
                servers: servers.iter().map(|&server| server.to_owned()).collect(),
            };
        })
    };
    let others = &["192.0.2.1:6443", "192.0.2.2:6443"];
    let all = [
        leads("", others),
        leads("shop", others),
        leads("lab", others),
        leads("shop", &["198.51.100.12:6443"]),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    k3s-nginx existing FAIL: its load balancer (k3s-lb.service) belongs to another cluster: it forwards to 192.0.2.1:6443, 192.0.2.2:6443 | Use another host; or, if it is not needed: systemctl disable --now k3s-lb && rm -r /etc/k3s-lb
    k3s-nginx existing FAIL: its load balancer (k3s-lb.service) belongs to another cluster, shop: it forwards to 192.0.2.1:6443, 192.0.2.2:6443 | Use another host; or, if it is not needed: systemctl disable --now k3s-lb && rm -r /etc/k3s-lb
    k3s-nginx existing FAIL: its load balancer (k3s-lb.service) belongs to another cluster, lab: it forwards to 192.0.2.1:6443, 192.0.2.2:6443 | Use another host; or, if it is not needed: systemctl disable --now k3s-lb && rm -r /etc/k3s-lb
    k3s-nginx existing FAIL: its load balancer (k3s-lb.service) belongs to another cluster, shop: it forwards to 198.51.100.12:6443 | Use another host; or, if it is not needed: systemctl disable --now k3s-lb && rm -r /etc/k3s-lb
    "#);
    // A server has come, another one has gone.
    assert_eq!(leads("lab", &["198.51.100.12:6443", "192.0.2.1:6443"]), "");
    assert_eq!(leads("", &["198.51.100.13:6443"]), "");
}

#[test]
fn a_server_that_runs_is_not_pointed_at_a_database_without_its_data() {
    let with = |postgres: &dyn Fn(&mut Facts)| {
        let mut world = lab();
        let server = &mut world.facts[SERVER];
        server.k3s.ours = true;
        server.k3s.node_password = true;
        server.units = [("k3s.service".to_owned(), crate::platform::UnitState::Active)].into();
        postgres(&mut world.facts[DB]);
        told(&world.grid())
    };
    let asked = |tokens: Vec<String>| {
        move |facts: &mut Facts| {
            facts.postgres.ours = true;
            facts.postgres.asked = true;
            facts.postgres.tokens.clone_from(&tokens);
        }
    };
    let nothing = with(&|_| {});
    assert!(nothing.contains("has no data of it"), "{nothing}");
    let empty = with(&asked(Vec::new()));
    assert!(
        empty.contains("k3s-postgres existing FAIL: k3s-server-1 runs this"),
        "{empty}"
    );
    assert_eq!(with(&asked(vec!["other".into(), TOKEN.into()])), "");
}
