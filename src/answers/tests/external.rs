//! A Postgres that others run.

use super::*;

/// Servers and a load balancer, and in `[postgres]` this.
fn with(postgres: &str) -> String {
    let hosts = smallest(&format!("[postgres]\n{postgres}"));
    let own = "    { name = \"db\", role = \"postgres\", address = \"10.0.0.5\" },\n";
    assert!(hosts.contains(own));
    hosts.replace(own, "")
}

/// Of [`super::everything`], whose Postgres is a host.
pub(super) fn own_postgres() -> Postgres {
    Postgres {
        database: "data".into(),
        user: "role".into(),
        password: Some(Secret::File("~/password".into())),
        port: 5433,
        name: Some("pg.example.com".into()),
        endpoints: Vec::new(),
        ca_file: None,
        cert_file: None,
        key_file: None,
        sslmode: SslMode::default(),
        admin: None,
        existing_postgres: ExistingPostgres::Share,
        failover: Failover::Fast,
    }
}

/// All that can be said of one.
pub(super) fn everything() -> Answers {
    read(&with(
        "endpoints = [\"db-1.example:5432\", \"10.0.0.6:5433\"]\n\
         ca_file = \"~/db/ca.pem\"\ncert_file = \"~/db/client.pem\"\nkey_file = \"~/db/client.key\"\n\
         sslmode = \"verify-ca\"\nuser = \"kine\"\npassword = { env = \"DB_PASSWORD\" }\n\
         admin = { env = \"DB_ADMIN\" }",
    ))
}

#[test]
fn an_external_postgres_takes_the_place_of_a_host() {
    let answers = everything();
    let topology = crate::topology::Topology::of(&answers).unwrap();
    assert_eq!(topology.datastore.members, []);
    assert_eq!(answers.warnings().len(), 2, "{:?}", answers.warnings());
    let plain = read(&with("endpoints = [\"db:5432\"]\nca_file = \"ca.pem\""));
    assert_eq!(plain.warnings().len(), 1);
    // Its password may be short: its length is decided there.
    let short = "endpoints = [\"db:5432\"]\nca_file = \"ca.pem\"\npassword = \"short\"";
    read(&with(short));
}

#[test]
fn an_administrator_is_never_stored() {
    let answers = everything();
    assert!(
        answers
            .secrets()
            .any(|secret| *secret == Secret::Env("DB_ADMIN".into()))
    );
    assert_eq!(answers.without_secrets().postgres.admin, None);
    assert!(
        !serde_json::to_string(&answers)
            .unwrap()
            .contains("DB_ADMIN")
    );
    let mut inline = answers.clone();
    inline.postgres.admin = Some(Secret::Inline("postgres://dba:hunter22@/postgres".into()));
    assert_eq!(inline.without_login_secrets().postgres.admin, None);
    assert!(!format!("{inline:?}").contains("hunter22"));
}

#[test]
fn what_does_not_fit_together_is_named() {
    insta::assert_snapshot!(problems(&with(
        "endpoints = [\"db\", \"db:5432\", \"db:5432\"]\nname = \"pg.example\"\n\
         key_file = \"k\"\nfailover = \"fast\"\nadmin = \"dba:hunter22@db\""
    )));
    insta::assert_snapshot!(problems(&smallest(
        "[postgres]\nendpoints = [\"db:5432\"]\nca_file = \"ca.pem\""
    )));
    insta::assert_snapshot!(problems(&smallest(
        "[postgres]\nca_file = \"ca.pem\"\nsslmode = \"verify-ca\""
    )));
    insta::assert_snapshot!(problems(&with("")));
}
