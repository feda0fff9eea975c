//! An external Postgres, against a real one: what it says of itself, what an administrator creates, and
//! what is proven of it.

use std::collections::BTreeMap;

use k3s_ha_wizard::pki::{self, CertificateRequest, Identity, Kept, Pki};
use k3s_ha_wizard::platform::external::{ExternalLook, Unanswered};
use k3s_ha_wizard::proof::datastore::{Case, DatastoreKind, DatastoreTarget, Identities, prove};
use k3s_ha_wizard::proof::external::{ExternalLogin, RoleOrder};
use k3s_ha_wizard::proof::scram::scram_verifier;
use k3s_ha_wizard::secrets::SecretText;
use time::OffsetDateTime;

use support::postgres::Postgres;

const OPEN: &str = "hostssl all all 127.0.0.1/32 scram-sha-256";

struct External {
    postgres: Postgres,
    pki: Pki,
    password: SecretText,
    admin: SecretText,
}

impl External {
    /// With an administrator `dba`, who is no superuser.
    fn new() -> Self {
        let wanted = CertificateRequest {
            cluster: "theirs".into(),
            role: "somebody".into(),
            postgres: BTreeMap::from([("db".to_owned(), vec!["127.0.0.1".into()])]),
            servers: vec!["s1".into()],
            pair: BTreeMap::new(),
        };
        let made = pki::ensure(&Kept::default(), &wanted, OffsetDateTime::now_utc());
        let pki = made.expect("certificates").0;
        let postgres = Postgres::start(&pki.postgres["db"], &pki.ca_cert);
        let [password, admin] = [(); 2].map(|()| SecretText::random().expect("random"));
        let verifier = scram_verifier(&admin);
        postgres.set(OPEN, &[]);
        postgres.query(&format!(
            "create role dba login createrole createdb password '{verifier}'"
        ));
        Self {
            postgres,
            pki,
            password,
            admin,
        }
    }

    fn login<'a>(&'a self, user: &'a str, password: &'a SecretText) -> ExternalLogin<'a> {
        ExternalLogin {
            host: "127.0.0.1",
            by_name: true,
            ca_pem: &self.pki.ca_cert,
            identity: None,
            database: if user == "dba" { "postgres" } else { user },
            user,
            password,
        }
    }

    fn order(&self, user: &str) -> RoleOrder {
        RoleOrder {
            user: user.into(),
            database: user.into(),
            verifier: scram_verifier(&self.password).into(),
        }
    }

    fn creates(&self, order: &RoleOrder) -> Result<(), String> {
        let login = self.login("dba", &self.admin);
        let mut admin = login.begin(self.postgres.connect()).expect("let in");
        let created = order.carry_out(&mut admin);
        admin.end();
        created.map_err(|why| why.to_string())
    }

    fn look(&self) -> Result<ExternalLook, Unanswered> {
        let login = self.login("k3s", &self.password);
        let mut session = login.begin(self.postgres.connect())?;
        session.round_trip()?;
        let look = session.look();
        session.end();
        look
    }
}

#[test]
fn an_administrator_creates_what_k3s_needs() {
    let external = External::new();
    let refused = external.look().expect_err("there is no role");
    assert!(matches!(refused, Unanswered::Refused { sqlstate, .. } if sqlstate == "28P01"));
    external.creates(&external.order("k3s")).expect("created");
    let look = external.look().expect("let in");
    let most = |look: &ExternalLook| (look.connections, look.in_use);
    assert_eq!(most(&look), (97, 0));
    insta::assert_debug_snapshot!(
        (look.standby, look.writable, look.pooled, &*look.encoding, &look.no_table),
        @r#"
    (
        false,
        true,
        false,
        "UTF8",
        None,
    )
    "#
    );
    assert!(look.version > 120_000 && look.tokens.is_empty() && look.collation.is_none());

    // Again, with another password: nothing is in use.
    external.creates(&external.order("k3s")).expect("again");
    // The administrator is no member of the role afterwards.
    let member = "select count(*) from pg_auth_members where pg_get_userbyid(member) = 'dba' \
                  and pg_get_userbyid(roleid) = 'k3s' and not admin_option";
    assert_eq!(external.postgres.query(member), "0");
    let rights = "select count(*) from pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) \
                  as acl where datname = 'k3s' and acl.grantee = 0";
    assert_eq!(external.postgres.query(rights), "0");

    let session = external.login("k3s", &external.password);
    let in_use = session.begin(external.postgres.connect()).expect("let in");
    let why = external
        .creates(&external.order("k3s"))
        .expect_err("in use");
    assert!(why.contains("is in use"), "{why}");
    in_use.end();
    external.postgres.query("create database taken");
    let why = external
        .creates(&external.order("taken"))
        .expect_err("taken");
    assert!(
        why.contains("already exists and belongs to postgres"),
        "{why}"
    );
    external.postgres.query("create role wide login createrole");
    let why = external
        .creates(&external.order("wide"))
        .expect_err("too wide");
    assert!(why.contains("administers Postgres"), "{why}");
}

#[test]
fn what_it_says_of_itself_is_what_it_is() {
    let external = External::new();
    external.creates(&external.order("k3s")).expect("created");
    let set = |sql: &str| external.postgres.query(sql);
    set("alter role k3s connection limit 7");
    assert_eq!(external.look().expect("let in").room(), 7);
    set("alter role k3s connection limit -1");
    set("alter role k3s set default_transaction_read_only = on");
    let look = external.look().expect("let in");
    assert!(!look.writable && !look.standby);
    set("alter role k3s reset default_transaction_read_only");

    // What K3s has stored.
    let mut session = external
        .login("k3s", &external.password)
        .begin(external.postgres.connect())
        .expect("let in");
    let before = set("select pg_current_wal_lsn()");
    session.commit().expect("measured");
    assert_ne!(set("select pg_current_wal_lsn()"), before);
    session.end();
    for (collation, seen) in [("\"C\"", "C"), ("\"POSIX\"", "POSIX")] {
        let owner = external.login("k3s", &external.password);
        let mut owner = owner.begin(external.postgres.connect()).expect("let in");
        owner.round_trip().expect("answers");
        owner.end();
        let table = format!(
            "drop table if exists kine; create table kine (id int, name text collate {collation}); \
             insert into kine values (1, '/bootstrap/0123456789ab'), (2, '/registry/health')"
        );
        in_k3s(&external, &table);
        let look = external.look().expect("let in");
        assert_eq!(look.collation.as_deref(), Some(seen));
        assert_eq!(look.tokens, ["0123456789ab"]);
    }
}

/// As the role, in its database.
fn in_k3s(external: &External, sql: &str) {
    let port = external.postgres.port;
    let script = format!("set role k3s; {sql}");
    let output = std::process::Command::new("setpriv")
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "psql",
            "-XAtq",
        ])
        .args([
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "k3s",
            "-p",
            &port.to_string(),
        ])
        .arg("-h")
        .arg(external.postgres.socket())
        .args(["-c", &script])
        .output()
        .expect("psql runs");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn what_can_be_proven_is_and_the_rest_is_named() {
    let external = External::new();
    external.creates(&external.order("k3s")).expect("created");
    let told = |rules: &str, own: Option<&Identity>, by_name: bool| {
        external.postgres.set(rules, &[]);
        let now = OffsetDateTime::now_utc();
        let identities = Identities::external(own, "k3s", now).expect("certificates");
        let target = DatastoreTarget {
            host: if by_name { "127.0.0.1" } else { "db.example" },
            database: "k3s",
            user: "k3s",
            password: &external.password,
            ca_pem: &external.pki.ca_cert,
            kind: DatastoreKind::External { by_name },
        };
        let lines = Case::ALL.map(|case| match identities.untried(case) {
            Some(why) => format!("{case}: not tried: {why}"),
            None => prove(case, &target, &identities, external.postgres.connect()).to_string(),
        });
        lines.join("\n")
    };
    let own = &external.pki.servers["s1"];
    let all = [
        told(OPEN, None, true),
        told(OPEN, None, false),
        told(&format!("{OPEN} clientcert=verify-ca"), Some(own), true),
        // Its operator insists on nothing.
        told("host all all 127.0.0.1/32 scram-sha-256", Some(own), true),
        told("host all all 127.0.0.1/32 trust", None, true),
    ];
    insta::assert_snapshot!(all.join("\n--\n"));
}
