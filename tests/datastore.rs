//! The mutual TLS matrix against a real Postgres: it must come out, and every guard taken away must
//! be noticed.

#[path = "support/postgres.rs"]
mod postgres;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::Duration;

use k3s_ha_wizard::answers::SecretText;
use k3s_ha_wizard::pki::{self, Identity, Kept, Pki, Wanted};
use k3s_ha_wizard::proof::datastore::{Case, Datastore, Identities, Verdict, prove};
use k3s_ha_wizard::proof::scram::{scram_verifier, verifier_matches};
use time::OffsetDateTime;

use postgres::Postgres;

/// What the wizard writes for a server (facts 1, row 8b).
const GUARDED: &str = "hostssl k3s k3s 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
                       hostssl k3s k3s 0.0.0.0/0 reject\n\
                       hostnossl k3s k3s 0.0.0.0/0 reject";

fn certificates() -> Pki {
    let wanted = Wanted {
        cluster: "test".into(),
        role: "k3s".into(),
        postgres_names: vec!["postgres.lab.internal".into(), "127.0.0.1".into()],
        servers: vec!["s1".into()],
    };
    let now = OffsetDateTime::now_utc();
    pki::ensure(&Kept::default(), &wanted, now).expect("certificates").0
}

struct Lab {
    postgres: Postgres,
    pki: Pki,
    identities: Identities,
    password: SecretText,
}

impl Lab {
    fn new() -> Self {
        let pki = certificates();
        let postgres = Postgres::start(&pki.postgres, &pki.ca.cert_pem);
        let password = SecretText::random().expect("random");
        let verifier = scram_verifier(&password);
        postgres.query(&format!("create role k3s login password '{verifier}'"));
        postgres.query("create database k3s owner k3s");
        let kept = postgres.query("select rolpassword from pg_authid where rolname = 'k3s'");
        assert!(verifier_matches(&kept, &password), "Postgres keeps {kept}");
        let identities = identities(&pki, &pki.servers["s1"]);
        Self {
            postgres,
            pki,
            identities,
            password,
        }
    }

    fn datastore(&self) -> Datastore<'_> {
        Datastore {
            host: "127.0.0.1",
            database: "k3s",
            user: "k3s",
            password: &self.password,
            ca_pem: &self.pki.ca.cert_pem,
        }
    }

    fn prove(&self, case: Case) -> Verdict {
        prove(case, &self.datastore(), &self.identities, self.postgres.connect())
    }

    /// The whole matrix with other rules and settings: the cases that do not hold.
    fn noticed(&self, rules: &str, settings: &[&str]) -> String {
        self.postgres.set(rules, settings);
        let verdicts = Case::ALL.map(|case| self.prove(case));
        let bad = verdicts.iter().filter(|verdict| !verdict.holds());
        bad.map(|verdict| format!("{verdict}\n")).collect()
    }
}

fn identities(pki: &Pki, own: &Identity) -> Identities {
    Identities::new(&pki.ca, own, "k3s", OffsetDateTime::now_utc()).expect("certificates")
}

#[test]
fn the_matrix() {
    let lab = Lab::new();
    lab.postgres.set(GUARDED, &[]);
    let verdicts = Case::ALL.map(|case| lab.prove(case));
    let text: String = verdicts.iter().map(|verdict| format!("{verdict}\n")).collect();
    println!("{text}");
}
