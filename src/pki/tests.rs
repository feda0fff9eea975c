use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use time::macros::datetime;

use std::path::Path;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

fn names(wanted: &mut CertificateRequest) -> &mut Vec<String> {
    wanted.postgres.get_mut("db").unwrap()
}

fn wanted() -> CertificateRequest {
    CertificateRequest {
        cluster: "lab".into(),
        role: "k3s".into(),
        postgres: BTreeMap::from([(
            "db".to_owned(),
            vec![
                "postgres.lab.internal".into(),
                "198.51.100.11".into(),
                "2001:db8::b".into(),
            ],
        )]),
        servers: vec!["s1".into(), "s2".into()],
        pair: BTreeMap::new(),
    }
}

fn made(kept: &Kept, now: OffsetDateTime) -> (Pki, Vec<String>) {
    let (pki, changes) = ensure(kept, &wanted(), now).expect("certificates are made");
    (pki, lines(changes))
}

fn lines(changes: Vec<Change>) -> Vec<String> {
    let line = |change: Change| format!("{}: {}", change.certificate, change.why);
    changes.into_iter().map(line).collect()
}

fn kept(pki: &Pki) -> Kept {
    Kept {
        ca_cert: Some(pki.ca_cert.clone()),
        ca_key: pki.ca_key.clone(),
        postgres: pki.postgres.clone(),
        only_postgres: None,
        servers: pki.servers.clone(),
        pair: pki.pair.clone(),
    }
}

/// What the openssl command says of a certificate at a moment: its output, and whether it is fine.
fn openssl_verify(ca: &str, cert: &str, now: OffsetDateTime, options: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let (ca_file, cert_file) = (folder.path().join("ca"), folder.path().join("cert"));
    std::fs::write(&ca_file, ca).expect("written");
    std::fs::write(&cert_file, cert).expect("written");
    let output = Command::new("openssl")
        .args(["verify", "-x509_strict", "-attime"])
        .arg(now.unix_timestamp().to_string())
        .args(options)
        .arg("-CAfile")
        .args([&ca_file, &cert_file])
        .output()
        .expect("the openssl command");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

fn text_of(cert: &str) -> String {
    let cert = X509::from_pem(cert.as_bytes()).expect("a certificate");
    String::from_utf8(cert.to_text().expect("text")).expect("UTF-8")
}

#[test]
fn openssl_takes_every_certificate_for_its_purpose_and_for_no_other() {
    let (pki, changes) = made(&Kept::default(), NOW);
    insta::assert_snapshot!(changes.join("\n"), @r#"
    certificate authority: created
    certificate of Postgres on db: created
    client certificate of s1: created
    client certificate of s2: created
    "#);
    let fine = |cert: &str, options: &[&str]| {
        let (fine, text) = openssl_verify(&pki.ca_cert, cert, NOW, options);
        assert!(fine, "{options:?}: {text}");
    };
    let refused = |cert: &str, options: &[&str], why: &str| {
        let (fine, text) = openssl_verify(&pki.ca_cert, cert, NOW, options);
        assert!(!fine && text.contains(why), "{options:?}: {text}");
    };
    let server = &*pki.postgres["db"].cert_pem;
    let client = &*pki.servers["s1"].cert_pem;
    fine(
        server,
        &[
            "-purpose",
            "sslserver",
            "-verify_hostname",
            "postgres.lab.internal",
        ],
    );
    fine(
        server,
        &["-purpose", "sslserver", "-verify_ip", "198.51.100.11"],
    );
    fine(
        server,
        &["-purpose", "sslserver", "-verify_ip", "2001:db8::b"],
    );
    fine(client, &["-purpose", "sslclient"]);
    refused(
        server,
        &["-verify_ip", "198.51.100.12"],
        "IP address mismatch",
    );
    refused(
        server,
        &["-verify_hostname", "postgres"],
        "hostname mismatch",
    );
    refused(
        server,
        &["-purpose", "sslclient"],
        "unsuitable certificate purpose",
    );
    refused(
        client,
        &["-purpose", "sslserver"],
        "unsuitable certificate purpose",
    );

    let ends = |cert: &str| expiry(cert).expect("a time") - NOW;
    assert_eq!(ends(&pki.ca_cert).whole_days(), 3652);
    assert_eq!(ends(server), Duration::days(825));
    assert_eq!(ends(client), Duration::days(825));
}

#[test]
fn certificates_say_what_they_should() {
    let (pki, _) = made(&Kept::default(), NOW);
    let says = |cert: &str, words: &[&str]| {
        let text = text_of(cert);
        for word in words {
            assert!(text.contains(word), "no {word:?} in {text}");
        }
    };
    says(
        &pki.ca_cert,
        &[
            "Subject: O=lab, CN=K3s datastore CA",
            "CA:TRUE, pathlen:0",
            "Certificate Sign, CRL Sign",
            "prime256v1",
            "Not Before: Nov 23 11:00:00 2026 GMT",
        ],
    );
    says(
        &pki.postgres["db"].cert_pem,
        &[
            "Issuer: O=lab, CN=K3s datastore CA",
            "CA:FALSE",
            "TLS Web Server Authentication",
            "Authority Key Identifier",
            "DNS:postgres.lab.internal",
            "IP Address:198.51.100.11",
            "Not Before: Nov 23 11:00:00 2026 GMT",
        ],
    );
    says(
        &pki.servers["s2"].cert_pem,
        &[
            "Subject: CN=k3s",
            "TLS Web Client Authentication",
            "Digital Signature",
        ],
    );
    let serial = |cert: &str| {
        let cert = X509::from_pem(cert.as_bytes()).expect("a certificate");
        cert.serial_number().to_bn().expect("a number")
    };
    let (one, other) = (&pki.servers["s1"], &pki.servers["s2"]);
    assert_ne!(serial(&one.cert_pem), serial(&other.cert_pem));
    assert!(serial(&one.cert_pem).num_bits() > 100);
    assert!(
        one.key_pem
            .expose()
            .starts_with("-----BEGIN PRIVATE KEY-----")
    );
    assert_ne!(one.key_pem, other.key_pem);
    assert!(!format!("{pki:?}").contains("PRIVATE"));
}

#[test]
fn what_is_fit_stays() {
    let (pki, _) = made(&Kept::default(), NOW);
    let (again, changes) = made(&kept(&pki), NOW + Duration::days(825 - 61));
    assert_eq!((again, changes), (pki, vec![]));
}

#[test]
fn what_is_about_to_end_is_renewed() {
    let (pki, _) = made(&Kept::default(), NOW);
    let later = NOW + Duration::days(825 - 60);
    let (renewed, changes) = made(&kept(&pki), later);
    insta::assert_snapshot!(changes.join("\n"), @r#"
    certificate of Postgres on db: it expires in 60 days: renewed
    client certificate of s1: it expires in 60 days: renewed
    client certificate of s2: it expires in 60 days: renewed
    "#);
    assert_eq!(renewed.authority(), pki.authority());
    assert_ne!(renewed.postgres["db"].key_pem, pki.postgres["db"].key_pem);
    let (fine, text) = openssl_verify(&pki.ca_cert, &renewed.servers["s1"].cert_pem, later, &[]);
    assert!(fine, "{text}");
    let (_, changes) = made(&kept(&pki), NOW + Duration::days(900));
    assert_eq!(
        changes[0],
        "certificate of Postgres on db: it expired on 2029-02-25: renewed"
    );
}

#[test]
fn what_changed_is_made_anew_and_nothing_else() {
    let (pki, _) = made(&Kept::default(), NOW);
    let change = |change: fn(&mut CertificateRequest)| {
        let mut wanted = wanted();
        change(&mut wanted);
        let (_, changes) = ensure(&kept(&pki), &wanted, NOW).expect("certificates");
        lines(changes).join("\n")
    };
    assert_eq!(change(|wanted| names(wanted).reverse()), "");
    assert_eq!(
        change(|wanted| names(wanted).push("198.51.100.11".into())),
        ""
    );
    assert_eq!(change(|wanted| wanted.servers.truncate(1)), "");
    insta::assert_snapshot!(change(|wanted| names(wanted).truncate(2)), @"certificate of Postgres on db: its names changed: recreated");
    insta::assert_snapshot!(change(|wanted| wanted.role = "other".into()), @r"
    client certificate of s1: its names changed: recreated
    client certificate of s2: its names changed: recreated
    ");
    insta::assert_snapshot!(change(|wanted| wanted.servers.push("s3".into())), @r#"client certificate of s3: created"#);

    let (stranger, _) = made(&Kept::default(), NOW);
    let mut mixed = kept(&pki);
    mixed.postgres = stranger.postgres.clone();
    let swapped = mixed.servers.get_mut("s1").expect("s1");
    swapped.key_pem = stranger.ca_key.clone().expect("its key");
    let broken = mixed.servers.get_mut("s2").expect("s2");
    broken.cert_pem = "nonsense".into();
    insta::assert_snapshot!(made(&mixed, NOW).1.join("\n"), @r"
    certificate of Postgres on db: it was signed by another authority: recreated
    client certificate of s1: it does not match its key, an earlier run was interrupted: recreated
    client certificate of s2: it cannot be read: recreated
    ");
}

#[test]
fn the_authority_is_never_replaced_silently() {
    let (pki, _) = made(&Kept::default(), NOW);
    let error = |kept: &Kept, now| {
        ensure(kept, &wanted(), now)
            .expect_err("refused")
            .to_string()
    };
    let near = NOW + Duration::days(3652 - 60);
    assert!(
        error(&kept(&pki), near).contains("expires on 2036-11-22"),
        "{}",
        error(&kept(&pki), near)
    );
    assert!(error(&kept(&pki), NOW - Duration::hours(2)).contains("clock"));
    let mut lost = kept(&pki);
    lost.ca_key = None;
    assert!(error(&lost, NOW).contains("ca.key"));
    let mut swapped = kept(&pki);
    swapped.ca_key = Some(pki.postgres["db"].key_pem.clone());
    assert!(error(&swapped, NOW).contains("not the key of ca.crt"));
    // Nothing outlives it.
    let (late, _) = made(&kept(&pki), NOW + Duration::days(3000));
    let end = |identity: &Identity| expiry(&identity.cert_pem).expect("a time");
    assert_eq!(
        end(&late.postgres["db"]),
        end(&late.authority().expect("ours"))
    );
}

#[test]
fn identities_for_the_proofs_are_refused() {
    let (pki, _) = made(&Kept::default(), NOW);
    let client = ["-purpose", "sslclient"];
    let verify =
        |identity: &Identity| openssl_verify(&pki.ca_cert, &identity.cert_pem, NOW, &client);
    let (fine, text) = verify(&foreign("k3s", NOW).expect("made"));
    assert!(
        !fine && text.contains("unable to get local issuer"),
        "{text}"
    );
    let (fine, text) = verify(&expired(&pki.authority().expect("ours"), "k3s", NOW).expect("made"));
    assert!(!fine && text.contains("has expired"), "{text}");
    let other = other_cn(&pki.authority().expect("ours"), "mallory", NOW).expect("made");
    let (fine, text) = verify(&other);
    assert!(fine, "refused for its name alone: {text}");
    assert!(text_of(&other.cert_pem).contains("Subject: CN=mallory"));
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("state/pki");
    assert_eq!(load(&dir).expect("empty"), Kept::default());
    let (pki, _) = made(&Kept::default(), NOW);
    save(&dir, &pki).expect("saved");
    save(&dir, &pki).expect("saved again");
    assert_eq!(load(&dir).expect("loaded"), kept(&pki));
    assert_eq!(made(&load(&dir).expect("loaded"), NOW), (pki, vec![]));

    assert_eq!(mode(&dir), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&dir).expect("a folder") {
        let entry = entry.expect("a file");
        assert_eq!(mode(&entry.path()), 0o600, "{:?}", entry.path());
        names.push(entry.file_name().into_string().expect("UTF-8"));
    }
    names.sort();
    assert_eq!(
        names.join(" "),
        "ca.crt ca.key postgres-db.crt postgres-db.key server-s1.crt \
                                 server-s1.key server-s2.crt server-s2.key"
    );
}

#[test]
fn another_authority_is_not_saved_over_the_one_that_is_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let (pki, _) = made(&Kept::default(), NOW);
    save(folder.path(), &pki).expect("saved");
    let (other, _) = made(&Kept::default(), NOW);
    let error = save(folder.path(), &other)
        .expect_err("refused")
        .to_string();
    assert!(error.contains("ca.key"), "{error}");
    assert_eq!(load(folder.path()).expect("loaded"), kept(&pki));
}

/// A save can be interrupted between any two files. From the result, the next run must create
/// certificates that verify, under the existing authority.
#[test]
fn an_interrupted_save_is_mended() {
    let (old, _) = made(&Kept::default(), NOW);
    let later = NOW + Duration::days(800);
    let (new, _) = made(&kept(&old), later);
    // The order in which save writes.
    let order = [
        "ca.key",
        "ca.crt",
        "server-s1.key",
        "server-s1.crt",
        "server-s2.key",
        "server-s2.crt",
        "postgres-db.key",
        "postgres-db.crt",
    ];
    for first in [true, false] {
        for written in 0..=order.len() {
            let folder = tempfile::tempdir().expect("a folder");
            let whole = tempfile::tempdir().expect("a folder");
            save(whole.path(), &new).expect("saved");
            if !first {
                save(folder.path(), &old).expect("saved");
            }
            for name in &order[..written] {
                let target = folder.path().join(name);
                std::fs::copy(whole.path().join(name), target).expect("copied");
            }
            let (renewed, changes) = made(&load(folder.path()).expect("loaded"), later);
            save(folder.path(), &renewed).expect("saved");
            assert_eq!(
                made(&load(folder.path()).expect("loaded"), later),
                (renewed.clone(), vec![])
            );
            if written > 0 || !first {
                assert_eq!(renewed.ca_key, new.ca_key, "{written} {changes:?}");
            }
            for identity in renewed.servers.values().chain(renewed.postgres.values()) {
                let cert = &identity.cert_pem;
                let (fine, text) = openssl_verify(&renewed.ca_cert, cert, later, &[]);
                assert!(fine, "{written}: {text}");
            }
        }
    }
}

/// Version 0.1.0 kept one certificate for the only Postgres host: it stays in use.
#[test]
fn the_only_certificate_of_an_earlier_version_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (pki, _) = ensure(&Kept::default(), &wanted(), NOW).unwrap();
    save(folder.path(), &pki).unwrap();
    for end in ["crt", "key"] {
        let of = |name: &str| folder.path().join(format!("{name}.{end}"));
        std::fs::rename(of("postgres-db"), of("postgres")).unwrap();
    }
    let (again, changes) = ensure(&load(folder.path()).unwrap(), &wanted(), NOW).unwrap();
    assert_eq!(again, pki);
    assert!(changes.is_empty(), "{changes:?}");
    save(folder.path(), &again).unwrap();
    assert!(load(folder.path()).unwrap().holds(&again));
    // Nothing uses the old files any more.
    for end in ["crt", "key"] {
        assert!(!folder.path().join(format!("postgres.{end}")).exists());
    }
}

#[test]
fn what_is_compared_is_what_is_kept_however_near_its_end() {
    let (pki, _) = made(&Kept::default(), NOW);
    let late = NOW + Duration::days(800);
    assert_ne!(made(&kept(&pki), late).0, pki);
    assert_eq!(as_kept(&kept(&pki), &wanted()), Some(pki.clone()));
    let mut without = kept(&pki);
    without.only_postgres = without.postgres.remove("db");
    assert_eq!(as_kept(&without, &wanted()), Some(pki.clone()));
    without.servers.remove("s2");
    assert_eq!(as_kept(&without, &wanted()), None);
}
