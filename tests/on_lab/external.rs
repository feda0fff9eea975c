//! A Postgres that others run, on a host to which the answers give no login. It needs root.

use std::time::{Duration, Instant};

use crate::install::must_change_nothing;
use crate::lab::{KEPT, Lab, Wizard, changes, flat, picture};

const DB: &str = "k3s-postgres";
const SERVER: &str = "k3s-server-1";
/// What the lab's answers say of it.
const OWN: &str = "endpoints = [\"198.51.100.11:5432\"]";
/// K3s must go on after a failover by then.
const RECOVERY: Duration = Duration::from_secs(120);

/// As the DBA, on one of its Postgres.
fn dba(lab: &Lab, port: u16, sql: &str) {
    let psql = "psql -X -q -A -t -v ON_ERROR_STOP=1";
    let script = format!("cd / && runuser -u postgres -- {psql} -p {port} <<'SQL'\n{sql}\nSQL");
    lab.must(DB, &script);
}

/// With other lines in `[postgres]` in place of the endpoints.
fn answering(lab: &Lab, postgres: &str) -> Wizard {
    let answers = lab.says(&["answers"]);
    assert!(answers.contains(OWN), "{answers}");
    let answers = answers.replace(OWN, postgres);
    Wizard::new().answering(|_| answers)
}

/// Role and database are the DBA's.
fn without_admin(lab: &Lab, postgres: &str) -> Wizard {
    answering(lab, postgres).answering(|text| {
        let lines = text.lines().filter(|line| !line.starts_with("admin = "));
        lines.collect::<Vec<_>>().join("\n")
    })
}

/// The plan is refused for this reason.
fn must_refuse(wizard: &Wizard, why: &str) {
    let (code, said) = wizard.plan();
    assert_eq!(code, Some(5), "{why}: {said}");
    assert!(flat(&said).contains(why), "{why}: {said}");
}

/// A pooler, with a role and a database of its own.
fn pooled(lab: &Lab) -> Wizard {
    let password = lab.must(DB, "cat /root/external/pooled");
    let password = password.trim();
    without_admin(
        lab,
        &format!(
            "endpoints = [\"198.51.100.11:6432\"]\nuser = \"pooled\"\ndatabase = \"pooled\"\n\
             password = \"{password}\""
        ),
    )
}

/// What K3s is configured with on a server.
fn config(lab: &Lab) -> String {
    lab.must(SERVER, "cat /etc/rancher/k3s/config.yaml")
}

/// Healthy, and this endpoint is the primary.
fn must_be_healthy(wizard: &Wizard, primary: &str) {
    let (code, json) = wizard.says(&["status", "--output", "json"]);
    assert_eq!(code, Some(0), "{json}");
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    let members = status["datastore"]["members"].as_array().unwrap();
    let found = members.iter().find(|member| member["role"] == "primary");
    assert_eq!(found.unwrap()["name"], primary, "{json}");
}

/// The DBA runs the SQL that the wizard writes; a pooler is refused.
#[test]
fn an_external_postgres_is_used_without_a_shell_on_it() {
    let lab = Lab::of_topology("external-postgres");
    must_refuse(&pooled(&lab), "a pooler such as PgBouncer answers");
    let wizard = without_admin(&lab, OWN);
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(5), "{}", run.text);
    assert!(
        flat(&run.text).contains("/lab/postgres.sql"),
        "{}",
        run.text
    );
    dba(&lab, 5432, &wizard.kept("postgres.sql"));
    wizard.run().good();
    must_change_nothing(&wizard.run().good());
    assert!(config(&lab).contains("@198.51.100.11:5432/k3s?target_session_attrs=read-write"));
    must_be_healthy(&wizard, "198.51.100.11:5432");
    let (code, said) = wizard.says(&["backup", "create"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("pg_dump -Fc"), "{said}");
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn what_does_not_fit_is_refused_before_anything_is_changed() {
    let lab = Lab::of_topology("external-postgres");
    let before = picture(&lab);
    let standby = "endpoints = [\"198.51.100.11:5433\"]";
    must_refuse(
        &answering(&lab, standby),
        "a standby, which follows another",
    );
    let unnamed = "endpoints = [\"198.51.100.11:5434\"]";
    must_refuse(
        &answering(&lab, unnamed),
        "is not valid for it: IP address mismatch",
    );
    let nobody = "endpoints = [\"198.51.100.11:5555\"]";
    must_refuse(
        &answering(&lab, nobody),
        "no connection: connection refused",
    );

    let wizard = without_admin(&lab, OWN);
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(5), "{}", run.text);
    let sql = wizard.kept("postgres.sql");
    dba(&lab, 5432, &sql);
    // It may be run again.
    dba(&lab, 5432, &sql);
    let wrong = without_admin(&lab, &format!("{OWN}\npassword = \"not-the-one\""));
    must_refuse(&wrong, "password authentication failed");
    dba(&lab, 5432, "ALTER ROLE k3s CONNECTION LIMIT 30");
    must_refuse(&wizard, "has room for 30 connections");
    dba(&lab, 5432, "ALTER ROLE k3s CONNECTION LIMIT -1");
    dba(
        &lab,
        5432,
        "ALTER ROLE k3s SET default_transaction_read_only = on",
    );
    must_refuse(&wizard, "set to be read only");
    dba(
        &lab,
        5432,
        "ALTER ROLE k3s RESET default_transaction_read_only",
    );
    assert_eq!(changes(&before, &picture(&lab)), [""; 0]);
    let (code, said) = wizard.plan();
    assert_eq!(code, Some(0), "{said}");
    let verdict = "well within what leader election tolerates";
    assert!(flat(&said).contains(verdict), "{said}");
}

/// An administrator creates role and database; Postgres asks for a client certificate, and has a
/// standby, which takes over.
#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_client_certificate_and_two_endpoints() {
    let lab = Lab::of_topology("external-postgres");
    let wizard = answering(
        &lab,
        &format!(
            "endpoints = [\"198.51.100.11:5432\", \"198.51.100.11:5433\"]\ndatabase = \"k3s_cert\"\n\
             cert_file = \"{KEPT}/external/client.pem\"\nkey_file = \"{KEPT}/external/client.key\""
        ),
    );
    let run = wizard.run().good();
    let changed = run.changed();
    assert!(
        changed.contains(&"postgres/role@k3s-server-1"),
        "{changed:?}"
    );
    for case in [
        "no certificate",
        "certificate of a foreign authority",
        "wrong password",
    ] {
        let refused = format!("\"case\":\"{case}\",\"expected\":\"is refused\"");
        assert!(run.text.contains(&refused), "{case}: {}", run.text);
    }
    assert!(
        run.text.contains("not tried: expired certificate"),
        "{}",
        run.text
    );
    must_change_nothing(&wizard.run().good());
    let config = config(&lab);
    assert!(config.contains("?host=198.51.100.11,198.51.100.11&port=5432,5433&target"));
    assert!(config.contains("datastore-keyfile"));
    let mode = "stat -L -c '%a %U' /etc/rancher/k3s/datastore/client.key";
    assert_eq!(lab.must(SERVER, mode).trim(), "600 root");
    must_be_healthy(&wizard, "198.51.100.11:5432");
    // The administrator is stored nowhere.
    let secret = lab.must(DB, "cat /root/external/admin.dsn");
    let password = secret.split(['@', ':']).nth(2).unwrap();
    assert!(!wizard.kept("state.json").contains("admin"));
    let look =
        format!("! grep -rqsF {password} /etc /root /var/lib/rancher /var/lib/k3s-ha-wizard");
    lab.must(SERVER, &look);

    lab.must(
        DB,
        "pg_ctlcluster 15 main stop -m immediate; pg_ctlcluster 15 standby promote",
    );
    let since = Instant::now();
    loop {
        let (code, said) = wizard.says(&["status", "--output", "json"]);
        // The former primary is down, which is a problem; all else is well.
        let status: serde_json::Value = serde_json::from_str(&said).unwrap();
        let problems = status["problems"].as_array().unwrap();
        let known = "198.51.100.11:5432";
        let others = problems.iter().filter(|it| !it.to_string().contains(known));
        let has_nodes = !status["nodes"].as_array().unwrap().is_empty();
        if code == Some(1) && others.count() == 0 && has_nodes {
            break;
        }
        assert!(since.elapsed() < RECOVERY, "{said}");
        std::thread::sleep(Duration::from_secs(2));
    }
    println!("healthy again after {:.1} s", since.elapsed().as_secs_f64());
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_certificate_without_a_name() {
    let lab = Lab::of_topology("external-postgres");
    let unnamed = "endpoints = [\"198.51.100.11:5434\"]\nsslmode = \"verify-ca\"";
    let wizard = answering(&lab, unnamed);
    let run = wizard.run().good();
    assert!(run.text.contains("postgres.sslmode is"), "{}", run.text);
    must_change_nothing(&wizard.run().good());
    assert!(config(&lab).contains("&sslmode=verify-ca"));
    must_be_healthy(&wizard, "198.51.100.11:5434");
}
