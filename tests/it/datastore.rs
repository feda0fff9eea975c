//! The mutual TLS matrix against a real Postgres: it must come out, and every guard taken away must
//! be noticed.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use k3s_ha_wizard::pki::{self, CertificateRequest, Identity, Kept, Pki};
use k3s_ha_wizard::proof::datastore::{
    Case, CaseVerdict, DatastoreKind, DatastoreTarget, Identities, prove,
};
use k3s_ha_wizard::proof::scram::scram_verifier;
use k3s_ha_wizard::secrets::SecretText;
use time::OffsetDateTime;

use support::postgres::Postgres;

/// What the wizard writes for a server (docs/facts.md, "Access rules").
const GUARDED: &str = "hostssl k3s k3s 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n\
                       hostssl k3s k3s 0.0.0.0/0 reject\n\
                       hostnossl k3s k3s 0.0.0.0/0 reject";

fn certificates() -> Pki {
    let wanted = CertificateRequest {
        cluster: "test".into(),
        role: "k3s".into(),
        postgres: BTreeMap::from([(
            "db".to_owned(),
            vec!["postgres.lab.internal".into(), "127.0.0.1".into()],
        )]),
        servers: vec!["s1".into()],
        pair: BTreeMap::new(),
    };
    let now = OffsetDateTime::now_utc();
    pki::ensure(&Kept::default(), &wanted, now)
        .expect("certificates")
        .0
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
        let postgres = Postgres::start(&pki.postgres["db"], &pki.ca_cert);
        let password = SecretText::random().expect("random");
        let verifier = scram_verifier(&password);
        postgres.query(&format!("create role k3s login password '{verifier}'"));
        postgres.query("create database k3s owner k3s");
        let kept = postgres.query("select rolpassword from pg_authid where rolname = 'k3s'");
        assert_eq!(kept, verifier);
        let identities = identities(&pki, &pki.servers["s1"]);
        Self {
            postgres,
            pki,
            identities,
            password,
        }
    }

    fn datastore(&self) -> DatastoreTarget<'_> {
        DatastoreTarget {
            host: "127.0.0.1",
            database: "k3s",
            user: "k3s",
            password: &self.password,
            ca_pem: &self.pki.ca_cert,
            kind: DatastoreKind::Own,
        }
    }

    fn prove(&self, case: Case) -> CaseVerdict {
        prove(
            case,
            &self.datastore(),
            &self.identities,
            self.postgres.connect(),
        )
    }

    /// The whole matrix with other rules and settings: the cases that do not hold.
    fn noticed(&self, rules: &str, settings: &[&str]) -> String {
        self.postgres.set(rules, settings);
        let verdicts = Case::ALL.map(|case| self.prove(case));
        lines(verdicts.iter().filter(|verdict| !verdict.holds()))
    }
}

fn lines<'a>(verdicts: impl IntoIterator<Item = &'a CaseVerdict>) -> String {
    let lines = verdicts.into_iter().map(CaseVerdict::to_string);
    lines.collect::<Vec<_>>().join("\n")
}

fn identities(pki: &Pki, own: &Identity) -> Identities {
    let ca = pki.authority().expect("ours");
    Identities::new(&ca, own, "k3s", OffsetDateTime::now_utc()).expect("certificates")
}

#[test]
fn the_matrix_comes_out() {
    let lab = Lab::new();
    lab.postgres.set(GUARDED, &[]);
    let verdicts = Case::ALL.map(|case| lab.prove(case));
    insta::assert_snapshot!(lines(&verdicts), @r#"
    right certificate and password: passes (TLSv1.3, /CN=k3s)
    no certificate: is refused: connection requires a valid client certificate
    certificate of a foreign authority: is refused: TLS alert "unknown ca"
    certificate for another role: is refused: password authentication failed for user "k3s" (the password was right: it is the certificate)
    expired certificate: is refused: TLS alert "certificate expired"
    wrong password: is refused: password authentication failed for user "k3s"
    no TLS: is refused: pg_hba.conf rejects connection for host "127.0.0.1", user "k3s", database "k3s", no encryption
    "#);
    // TLS 1.2 says what it thinks of a certificate in the handshake, TLS 1.3 after it.
    assert_eq!(
        lab.noticed(GUARDED, &["ssl_max_protocol_version = 'TLSv1.2'"]),
        ""
    );
    // For a role with a SCRAM verifier, md5 means SCRAM too.
    assert_eq!(
        lab.noticed(&GUARDED.replace("scram-sha-256", "md5"), &[]),
        ""
    );
}

/// The other end of a relay, as an SSH connection's forwarding is one.
fn relayed(to: TcpStream) -> UnixStream {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    ours.set_read_timeout(Some(LONG)).expect("a timeout");
    let (mut up, mut back) = (theirs.try_clone().expect("a copy"), theirs);
    let (mut down, mut from) = (to.try_clone().expect("a copy"), to);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut up, &mut down);
        let _ = down.shutdown(Shutdown::Write);
    });
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut back);
        let _ = back.shutdown(Shutdown::Both);
    });
    ours
}

/// With TLS 1.3 Postgres refuses while we already say who we are, and closes the line: why it did
/// must not be lost, whichever comes first.
#[test]
fn a_refusal_is_never_mistaken_for_a_broken_line() {
    let lab = Lab::new();
    lab.postgres.set(GUARDED, &[]);
    let through_a_relay = |case| {
        let way = relayed(lab.postgres.connect());
        prove(case, &lab.datastore(), &lab.identities, way)
    };
    let verdicts = Case::ALL.map(through_a_relay);
    assert!(
        verdicts.iter().all(CaseVerdict::holds),
        "{}",
        lines(&verdicts)
    );
    for _ in 0..25 {
        for case in [Case::ForeignAuthority, Case::Expired] {
            let verdicts = [lab.prove(case), through_a_relay(case)];
            assert!(
                verdicts.iter().all(CaseVerdict::holds),
                "{}",
                lines(&verdicts)
            );
        }
    }
}

#[test]
fn every_guard_taken_away_is_noticed() {
    let lab = Lab::new();
    let scram = "k3s k3s 127.0.0.1/32 scram-sha-256";
    let mut found = Vec::new();
    let mut without = |what: &str, rule: &str, settings: &[&str]| {
        let rules = format!("{rule}\nhost all k3s 0.0.0.0/0 reject");
        found.push(format!("== {what}\n{}", lab.noticed(&rules, settings)));
    };
    without("clientcert", &format!("hostssl {scram}"), &[]);
    without(
        "the name",
        &format!("hostssl {scram} clientcert=verify-ca"),
        &[],
    );
    without(
        "a password",
        "hostssl k3s k3s 127.0.0.1/32 trust clientcert=verify-full",
        &[],
    );
    without(
        "a password, but a name",
        "hostssl k3s k3s 127.0.0.1/32 cert",
        &[],
    );
    without(
        "SCRAM",
        "hostssl k3s k3s 127.0.0.1/32 password clientcert=verify-full",
        &[],
    );
    without("hostssl", &format!("host {scram}"), &[]);
    without("ssl", &format!("host {scram}"), &["ssl = off"]);
    without(
        "an authority",
        &format!("host {scram}"),
        &["ssl_ca_file = ''"],
    );
    let guarded = format!("hostssl {scram} clientcert=verify-full");
    without(
        "an authority, but clientcert",
        &guarded,
        &["ssl_ca_file = ''"],
    );
    without("a rule for this server", "", &[]);
    insta::assert_snapshot!(found.join("\n"), @r#"
    == clientcert
    no certificate: passes (TLSv1.3, no client certificate) (expected: is refused)
    certificate for another role: passes (TLSv1.3, /CN=other) (expected: is refused)
    == the name
    certificate for another role: passes (TLSv1.3, /CN=other) (expected: is refused)
    == a password
    right certificate and password: inconclusive: Postgres let the role in without checking the password (TLSv1.3, /CN=k3s) (expected: passes)
    certificate for another role: inconclusive: Postgres answers "trust" authentication failed for user "k3s" (SQLSTATE 28000) (expected: is refused)
    wrong password: passes (TLSv1.3, /CN=k3s) (expected: is refused)
    == a password, but a name
    right certificate and password: inconclusive: Postgres let the role in without checking the password (TLSv1.3, /CN=k3s) (expected: passes)
    certificate for another role: inconclusive: Postgres answers certificate authentication failed for user "k3s" (SQLSTATE 28000) (expected: is refused)
    wrong password: passes (TLSv1.3, /CN=k3s) (expected: is refused)
    == SCRAM
    right certificate and password: inconclusive: Postgres asks for the password in a weaker form than SCRAM-SHA-256, which the wizard never sends: pg_hba.conf must say scram-sha-256 (expected: passes)
    certificate for another role: inconclusive: Postgres asks for the password in a weaker form than SCRAM-SHA-256, which the wizard never sends: pg_hba.conf must say scram-sha-256 (expected: is refused)
    wrong password: inconclusive: Postgres asks for the password in a weaker form than SCRAM-SHA-256, which the wizard never sends: pg_hba.conf must say scram-sha-256 (expected: is refused)
    == hostssl
    no certificate: passes (TLSv1.3, no client certificate) (expected: is refused)
    certificate for another role: passes (TLSv1.3, /CN=other) (expected: is refused)
    no TLS: passes (without TLS, Postgres asks for the password) (expected: is refused)
    == ssl
    right certificate and password: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: passes)
    no certificate: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: is refused)
    certificate of a foreign authority: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: is refused)
    certificate for another role: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: is refused)
    expired certificate: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: is refused)
    wrong password: inconclusive: Postgres offers no TLS (its setting ssl is off) (expected: is refused)
    no TLS: passes (without TLS, Postgres asks for the password) (expected: is refused)
    == an authority
    right certificate and password: inconclusive: Postgres let the role in without checking the client certificate (TLSv1.3, no client certificate) (expected: passes)
    no certificate: passes (TLSv1.3, no client certificate) (expected: is refused)
    certificate of a foreign authority: passes (TLSv1.3, no client certificate) (expected: is refused)
    certificate for another role: passes (TLSv1.3, no client certificate) (expected: is refused)
    expired certificate: passes (TLSv1.3, no client certificate) (expected: is refused)
    no TLS: passes (without TLS, Postgres asks for the password) (expected: is refused)
    == an authority, but clientcert
    right certificate and password: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: passes)
    no certificate: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: is refused)
    certificate of a foreign authority: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: is refused)
    certificate for another role: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: is refused)
    expired certificate: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: is refused)
    wrong password: inconclusive: Postgres answers client certificates can only be checked if a root certificate store is available (SQLSTATE F0000) (expected: is refused)
    == a rule for this server
    right certificate and password: is refused: pg_hba.conf rejects connection for host "127.0.0.1", user "k3s", database "k3s", SSL encryption (expected: passes)
    certificate for another role: inconclusive: Postgres answers pg_hba.conf rejects connection for host "127.0.0.1", user "k3s", database "k3s", SSL encryption (SQLSTATE 28000) (expected: is refused)
    wrong password: inconclusive: Postgres answers pg_hba.conf rejects connection for host "127.0.0.1", user "k3s", database "k3s", SSL encryption (SQLSTATE 28000) (expected: is refused)
    "#);
}

#[test]
fn postgres_must_prove_who_it_is_and_let_the_role_work() {
    let lab = Lab::new();
    lab.postgres
        .set(&GUARDED.replace(" k3s k3s ", " all k3s "), &[]);
    let right = |datastore: &DatastoreTarget<'_>, identities: &Identities| {
        prove(Case::Right, datastore, identities, lab.postgres.connect())
            .got
            .to_string()
    };
    let datastore = lab.datastore();
    let named = |host| right(&DatastoreTarget { host, ..datastore }, &lab.identities);
    insta::assert_snapshot!(named("postgres.lab.internal"), @"passes (TLSv1.3, /CN=k3s)");
    insta::assert_snapshot!(named("198.51.100.11"), @"inconclusive: the certificate of 198.51.100.11 is not valid for it: IP address mismatch");
    // That is the CN of its certificate, which does not count.
    insta::assert_snapshot!(named("postgres"), @"inconclusive: the certificate of postgres is not valid for it: hostname mismatch");

    let stranger = certificates();
    let ca_pem = &*stranger.ca_cert;
    insta::assert_snapshot!(right(&DatastoreTarget { ca_pem, ..datastore }, &lab.identities), @"inconclusive: the certificate of 127.0.0.1 is not valid for it: self-signed certificate in certificate chain");
    let theirs = identities(&stranger, &stranger.servers["s1"]);
    insta::assert_snapshot!(right(&datastore, &theirs), @r#"inconclusive: TLS alert "unknown ca""#);
    // A certificate for servers is none for clients.
    let posing = identities(&lab.pki, &lab.pki.postgres["db"]);
    insta::assert_snapshot!(right(&datastore, &posing), @r#"inconclusive: TLS alert "unsupported certificate""#);

    let database = "absent";
    insta::assert_snapshot!(right(&DatastoreTarget { database, ..datastore }, &lab.identities), @r#"inconclusive: Postgres answers database "absent" does not exist (SQLSTATE 3D000)"#);
    let user = "absent";
    insta::assert_snapshot!(right(&DatastoreTarget { user, ..datastore }, &lab.identities), @r#"is refused: no pg_hba.conf entry for host "127.0.0.1", user "absent", database "k3s", SSL encryption"#);
    let old = SecretText::from("an older password".to_owned());
    insta::assert_snapshot!(right(&DatastoreTarget { password: &old, ..datastore }, &lab.identities), @r#"is refused: password authentication failed for user "k3s""#);
    lab.postgres.query("alter role k3s nologin");
    insta::assert_snapshot!(right(&datastore, &lab.identities), @r#"inconclusive: Postgres answers role "k3s" is not permitted to log in (SQLSTATE 28000)"#);
    lab.postgres
        .query("alter role k3s login connection limit 0");
    insta::assert_snapshot!(right(&datastore, &lab.identities), @r#"inconclusive: Postgres answers too many connections for role "k3s" (SQLSTATE 53300)"#);
}

/// Longer than anything takes.
const LONG: Duration = Duration::from_secs(60);

/// What answers in Postgres's place, for one connection.
fn instead(patience: Duration, answer: impl FnOnce(TcpStream) + Send + 'static) -> TcpStream {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || answer(listener.accept().expect("somebody comes").0));
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    stream
}

#[test]
fn what_is_not_a_refusal_shows_nothing() {
    let pki = certificates();
    let identities = identities(&pki, &pki.servers["s1"]);
    let password = SecretText::random().expect("random");
    let datastore = DatastoreTarget {
        host: "127.0.0.1",
        database: "k3s",
        user: "k3s",
        password: &password,
        ca_pem: &pki.ca_cert,
        kind: DatastoreKind::Own,
    };
    let hear = |mut stream: &TcpStream| {
        let mut request = [0; 512];
        let _ = stream.read(&mut request).expect("a request");
    };
    let answers = |bytes: &'static [u8]| {
        move |mut stream: TcpStream| {
            hear(&stream);
            stream.write_all(bytes).expect("an answer");
            // The end of this side alone, so that the answer is not lost with the connection.
            stream.shutdown(Shutdown::Write).expect("ended");
            hear(&stream);
        }
    };
    for case in Case::ALL {
        let shown = |stream| {
            let verdict = prove(case, &datastore, &identities, stream);
            assert!(!verdict.holds(), "{verdict}");
            verdict.got.to_string()
        };
        assert_eq!(
            shown(instead(LONG, answers(b""))),
            "inconclusive: the connection ended without an answer"
        );
        assert_eq!(
            shown(instead(Duration::from_millis(50), move |stream| {
                hear(&stream);
                hear(&stream); // until the other side has had enough
            })),
            "inconclusive: no answer in time"
        );
        assert_eq!(
            shown(instead(
                LONG,
                answers(b"E\0\0\0\x1cSFATAL\0C53300\0Mfull up\0\0")
            )),
            "inconclusive: Postgres answers full up (SQLSTATE 53300)"
        );
        assert!(
            shown(instead(LONG, answers(b"HTTP/1.1 400 Bad Request\r\n\r\n")))
                .contains("not Postgres")
        );
        // More than it could ever say.
        let endless = shown(instead(LONG, answers(b"E\x7f\xff\xff\xff")));
        assert!(endless.contains("not Postgres"), "{endless}");
        if case != Case::NoTls {
            assert_eq!(
                shown(instead(LONG, answers(b"S"))),
                "inconclusive: the connection ended without an answer"
            );
            assert!(shown(instead(LONG, answers(b"Sno TLS at all, this"))).contains("TLS failed"));
        }
        let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).expect_err("nothing is there");
        let verdict = CaseVerdict::unreached(case, &refused);
        assert!(!verdict.holds());
        assert!(
            verdict
                .to_string()
                .contains("cannot be reached: Connection refused"),
            "{verdict}"
        );
    }
}
