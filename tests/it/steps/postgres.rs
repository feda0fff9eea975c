//! The steps of Postgres, most of them with a real one.

use std::fs;

use k3s_ha_wizard::pki::{self, CertificateRequest, Kept, Pki};
use k3s_ha_wizard::proof::scram::scram_verifier;
use support::postgres::Postgres;
use time::OffsetDateTime;

use super::{Host, USERS, asset, file};

/// An authority, and a certificate that Postgres has and one that it gets.
pub fn pki() -> Pki {
    let wanted = CertificateRequest {
        cluster: "test".into(),
        role: "k3s".into(),
        postgres: ["old", "new"]
            .map(|name| (name.to_owned(), vec!["127.0.0.1".into()]))
            .into(),
        servers: Vec::new(),
        pair: std::collections::BTreeMap::new(),
    };
    let (pki, _) = pki::ensure(&Kept::default(), &wanted, OffsetDateTime::now_utc()).unwrap();
    pki
}

#[test]
fn a_postgres_that_was_cut_off_before_its_new_port_is_restarted() {
    let host = Host::of(USERS[0]);
    let step = [
        file("src/platform/debian/functions.sh"),
        asset("steps/postgres/install.sh"),
    ]
    .concat();
    let world = "DB_PORT=5433 LISTENS= RESTARTED=$1/restarted
        postgres_installed() { :; }
        postgres_cluster() { echo 15 main; }
        ss() { printf %s \"$LISTENS\"; }
        timeout() { shift; \"$@\"; }
        systemctl() { say \"systemctl $*\"; [ \"$1\" != restart ] || : >\"$RESTARTED\"; }
        journalctl() { :; }
        sql() { [ ! -e \"$RESTARTED\" ] || echo 1; }";
    let world = format!("{step}\n{world}");
    let restarts = |before: &str| {
        let (done, said) = host.runs(&world, &format!("{before}; apply"));
        assert_eq!(done, said.contains("systemctl restart postgresql@15-main"));
        done
    };
    assert!(!restarts(":"), "it is not ours");
    assert!(!restarts("keep; : >\"$OURS\"; LISTENS=5433"), "it starts");
    assert!(restarts(":"));
}

#[test]
fn postgres_takes_a_new_certificate_in_the_place_of_plain_files() {
    let pki = pki();
    let (old, new) = (&pki.postgres["old"], &pki.postgres["new"]);
    let postgres = Postgres::start(old, &pki.ca_cert);
    let host = Host::of(USERS[0]);
    let folder = host.at("roots/tls");
    fs::create_dir(&folder).unwrap();
    host.put("roots/tls/server.crt", &old.cert_pem, 0o644, 0, 0);
    host.put("roots/tls/server.key", old.key_pem.expose(), 0o640, 0, 0);
    let (done, said) = host.sh("chown root:postgres \"$1/roots/tls/server.key\"");
    assert!(done, "{said}");
    let [crt, key] = ["cert crt", "key key"].map(|names| {
        let (setting, end) = names.split_once(' ').unwrap();
        format!("ssl_{setting}_file = '{}/server.{end}'", folder.display())
    });
    postgres.set("", &[&crt, &key]);

    let inputs = format!(
        "export PGHOST='{}'
        DB_PORT={} TLS_DIRECTORY='{}' EXISTING=share PACKAGE_CERTIFICATE=snakeoil CA_BEGIN='# BEGIN' CA_END='# END'
        CA_PEM='{}' CERT_PEM='{}' KEY_PEM='{}'",
        postgres.socket().display(),
        postgres.port,
        folder.display(),
        pki.ca_cert,
        new.cert_pem,
        new.key_pem.expose()
    );
    let step = [
        inputs,
        file("src/platform/debian/functions.sh"),
        asset("steps/postgres/tls.sh"),
    ]
    .join("\n");
    let shown = || {
        let (_, said) = host.sh(&format!(
            "openssl s_client -starttls postgres -connect 127.0.0.1:{} </dev/null 2>/dev/null |
            openssl x509",
            postgres.port
        ));
        said
    };
    assert_eq!(shown(), old.cert_pem);
    let (done, said) = host.runs(&step, "! check >/dev/null; apply; check");
    assert!(done, "{said}");
    assert_eq!(shown(), new.cert_pem);

    // A set that was put in place, and nothing else, is not loaded.
    let (_, said) = host.runs(
        &step,
        "folder=$TLS_DIRECTORY; point .current \"$(readlink \"$folder/.current\")\"; check",
    );
    assert_eq!(said, "Postgres has not loaded the current certificates\n");

    // Without it Postgres has what it had on its own.
    let (done, said) = host.runs(&step, "remove");
    assert!(done, "{said}");
    assert!(!folder.exists());
    assert_eq!(shown(), old.cert_pem);
    assert_eq!(postgres.query("show ssl_cert_file"), "server.crt");
}

#[test]
fn rules_are_put_and_removed() {
    let pki = pki();
    let postgres = Postgres::start(&pki.postgres["old"], &pki.ca_cert);
    let host = Host::of(USERS[0]);
    let step = [
        format!(
            "export PGHOST='{}'\nDB_PORT={} HBA_BEGIN='# BEGIN' HBA_END='# END'
            HBA_RULES='host all k3s all reject\n'",
            postgres.socket().display(),
            postgres.port
        ),
        file("src/platform/debian/functions.sh"),
        asset("steps/postgres/access.sh"),
    ]
    .join("\n");
    let rules = "select count(*) from pg_hba_file_rules where 'k3s' = any (user_name)";
    let (done, said) = host.runs(&step, "! check >/dev/null; apply; check");
    assert!(done, "{said}");
    assert_eq!(postgres.query(rules), "1");
    let (done, said) = host.runs(&step, "remove");
    assert!(done, "{said}");
    assert_eq!(postgres.query(rules), "0");
}

/// Rights that a role for K3s must not have: of one that was there before, or given to it since.
const RIGHTS: [&str; 6] = [
    "superuser",
    "createdb",
    "createrole",
    "replication",
    "bypassrls",
    "valid until '2100-01-01'",
];

#[test]
fn the_role_has_its_own_rights_and_no_others() {
    let pki = pki();
    let postgres = Postgres::start(&pki.postgres["old"], &pki.ca_cert);
    let host = Host::of(USERS[0]);
    let verifier = scram_verifier(&"a password of a test".into());
    let step = [
        format!(
            "export PGHOST='{}'\nDB_NAME=k3s DB_USER=k3s DB_PORT={} DB_VERIFIER='{verifier}'\n",
            postgres.socket().display(),
            postgres.port
        ),
        file("src/platform/debian/functions.sh"),
        asset("steps/postgres/role.sh"),
    ]
    .join("\n");
    let (done, said) = host.runs(&step, "! check >/dev/null; apply; check");
    assert!(done, "{said}");
    let collation = "select datcollate, datctype from pg_database where datname = 'k3s'";
    assert_eq!(postgres.query(collation), "C|C");
    for right in RIGHTS {
        postgres.query(&format!("alter role k3s {right}"));
        let (_, said) = host.runs(&step, "check || echo \"status $?\"");
        let wanted = "the role k3s has another password or other rights\nstatus 1\n";
        assert_eq!(said, wanted, "{right}");
        let (done, said) = host.runs(&step, "apply; check");
        assert!(done, "{right}: {said}");
    }
    // A role of others.
    postgres.query("drop database k3s");
    postgres.query("create role admins");
    postgres.query("grant admins to k3s");
    let (_, said) = host.runs(&step, "check || echo \"status $?\"");
    assert!(
        said.contains("has the rights of admins") && said.ends_with("status 3\n"),
        "{said}"
    );
}

/// What the settings step says to a Postgres, and its status.
fn settings(postgres: &Postgres, connections: u32) -> String {
    let host = Host::of(USERS[0]);
    let inputs = format!(
        "DB_NAME=k3s DB_PORT={} LISTEN_ADDRESS=127.0.0.1 MAX_CONNECTIONS={connections} EXISTING=share\n\
         export PGHOST='{}'\n",
        postgres.port,
        postgres.socket().display()
    );
    let step = [
        file("src/platform/debian/functions.sh"),
        asset("steps/postgres/settings.sh"),
    ]
    .concat();
    host.runs(&format!("{inputs}{step}"), "check || echo \"status $?\"")
        .1
}

#[test]
fn more_connections_than_standbys_allow_are_refused() {
    let pki = pki();
    let postgres = Postgres::start(&pki.postgres["old"], &pki.ca_cert);
    assert_eq!(settings(&postgres, 100), "");
    let raised = settings(&postgres, 101);
    assert_eq!(raised, "max_connections is 100; 101 are needed\nstatus 1\n");

    // One disconnected, and one connected.
    postgres.query("select pg_create_physical_replication_slot('berlin')");
    let refused = settings(&postgres, 101);
    assert!(
        refused.contains("has standbys") && refused.ends_with("status 3\n"),
        "{refused}"
    );
    assert!(
        refused.contains("lower: berlin, which is disconnected. "),
        "{refused}"
    );
    assert_eq!(settings(&postgres, 100), "", "nothing to raise");
    postgres.set("local replication postgres trust", &[]);
    let standby = postgres.standby("berlin");
    let refused = settings(&postgres, 101);
    assert!(refused.contains("lower: pg_receivewal. "), "{refused}");
    drop(standby);
}

#[test]
fn rules_for_connections_from_outside_are_facts() {
    let pki = pki();
    let postgres = Postgres::start(&pki.postgres["old"], &pki.ca_cert);
    let rules = "host all all 127.0.0.1/32 trust\nhost all all ::1/128 trust\n\
                 host all all localhost md5\nhost all all samehost md5\n\
                 hostssl k3s k3s 198.51.100.12/32 scram-sha-256\nhost all mallory all reject\n\
                 host wiki,shop wiki 198.51.100.0/24 md5\nhostssl all all all scram-sha-256";
    postgres.set(rules, &[]);
    let facts = asset("steps/facts.sh");
    let begin = facts.find("SELECT 'postgres.rule='").unwrap();
    let query = facts[begin..].split_once(';').unwrap().0;
    let told = postgres.query(&query.replace("$DB_NAME", "k3s"));
    let told: Vec<_> = told.lines().collect();
    assert_eq!(
        told,
        [
            "postgres.rule=host wiki,shop wiki 198.51.100.0 255.255.255.0 md5",
            "postgres.rule=hostssl all all all scram-sha-256",
        ]
    );
}

#[test]
fn a_postgres_that_is_starting_is_waited_for_before_it_is_asked() {
    let host = Host::of(USERS[0]);
    let facts = asset("steps/facts.sh");
    let begin = facts.find("# One query: ").unwrap();
    let end = facts.find("# --- The load balancer").unwrap();
    let asks = facts[begin..end].replace("/usr/lib/postgresql", "$1/roots");
    let asks = asks.replace("[ -S ", "[ -n ");
    fs::create_dir_all(host.at("roots/15/bin")).unwrap();
    let asked = |fails: u32, is_ready: &str| {
        let psql = format!(
            "#!/bin/sh\necho >>\"$0.asked\"\n[ \"$(wc -l <\"$0.asked\")\" -gt {fails} ] && \
             echo postgres.asked=yes || {{ echo FATAL; exit 2; }}\n"
        );
        host.put("roots/15/bin/psql", &psql, 0o755, 0, 0);
        let is_ready = format!("#!/bin/sh\nexit {is_ready}\n");
        host.put("roots/15/bin/pg_isready", &is_ready, 0o755, 0, 0);
        let _ = fs::remove_file(host.at("roots/15/bin/psql.asked"));
        let world = "DB_PORT=5432 DB_NAME=k3s; as_postgres() { \"$@\"; }; \
             fact() { echo \"$1=$2\"; }; sleep() { :; }";
        host.runs(world, &format!("set +eu\n{asks}")).1
    };
    assert_eq!(asked(2, "1"), "postgres.asked=yes\n");
    // It has started between the two questions.
    assert_eq!(asked(1, "0"), "postgres.asked=yes\n");
    // It answers, but not to its superuser.
    assert_eq!(asked(2, "0"), "postgres.error=FATAL\nFATAL\n");
}

#[test]
fn a_postgres_that_never_starts_is_not_waited_for_for_ever() {
    let host = Host::of(USERS[0]);
    let bin = host.at("roots/bin");
    fs::create_dir(&bin).unwrap();
    host.put(
        "roots/bin/systemctl",
        "#!/bin/sh\nsleep 100\n: >\"$0.ended\"\n",
        0o755,
        0,
        0,
    );
    let world = format!(
        "PATH={}:$PATH DB_PORT=5432
        property() {{ echo failed; }}
        journalctl() {{ echo its last words; }}
        log_of_postgres() {{ :; }}
        sql() {{ return 2; }}",
        bin.display()
    );
    let (done, said) = host.runs(
        &world,
        "POSTGRES_STARTS=1; bring_up restart postgresql@15-main",
    );
    assert!(!done && said.contains("its last words"), "{said}");
    assert!(!bin.join("systemctl.ended").exists(), "it was waited for");
}
