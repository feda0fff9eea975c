//! Host keys: known, changed, revoked, or named in the answers.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use k3s_ha_wizard::answers::HostKeys;
use k3s_ha_wizard::remote::RemoteError;
use support::sshd::{self, Sshd, connect};

use super::error;

#[test]
fn a_first_contact_is_refused_or_remembered_as_the_policy_says() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let refused = error(&target);
    let RemoteError::HostKeyUnknown {
        fingerprint, kind, ..
    } = &refused
    else {
        panic!("{refused}");
    };
    assert_eq!(*fingerprint, sshd.fingerprint("ed25519"));
    assert_eq!(kind, "ed25519");
    assert!(refused.to_string().contains(&sshd.address()), "{refused}");
    assert!(!target.own_known_hosts.exists());

    target.policy = HostKeys::AcceptNew;
    connect(&target).unwrap();
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("ed25519"));
    assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);

    target.policy = HostKeys::Strict;
    connect(&target).unwrap();
    assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);
}

#[test]
fn a_changed_key_is_refused_whatever_the_policy() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    // Another key of the same kind, and one of another kind alone.
    for (known, of) in [("user", "ssh-ed25519"), ("foreign", "ssh-rsa")] {
        if known == "foreign" {
            sshd::make_key(&sshd.path(known), "rsa", "");
        }
        let line = format!("{} {}\n", sshd.address(), sshd.public_key(known));
        assert!(line.contains(of));
        fs::write(&target.own_known_hosts, &line).unwrap();
        for policy in [HostKeys::Strict, HostKeys::AcceptNew] {
            target.policy = policy;
            let text = error(&target).to_string();
            assert!(text.contains(&sshd.fingerprint(known)), "{text}");
            assert!(text.contains("own_known_hosts:1"), "{text}");
            let shown = ["ed25519", "rsa"].map(|kind| sshd.fingerprint(kind));
            assert!(shown.iter().any(|shown| text.contains(shown)), "{text}");
        }
        assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);
    }
}

/// A port behind which these answer, one connection after another.
fn one_after_another(ports: [u16; 3]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (from, to) in listener.incoming().zip(ports) {
            let from = from.unwrap();
            let to = TcpStream::connect(("127.0.0.1", to)).unwrap();
            for (from, to) in [(&from, &to), (&to, &from)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    port
}

/// What a probe accepts it does not store; the run after it must not accept another key.
#[test]
fn a_key_that_was_accepted_is_the_only_one_for_the_session() {
    let (one, other) = (Sshd::start(), Sshd::start());
    let mut target = one.target();
    target.port = one_after_another([one.port, one.port, other.port]);
    target.own_known_hosts = "/dev/null".into();
    connect(&target).unwrap();
    target.own_known_hosts = one.path("stored");
    connect(&target).unwrap();
    let stored = fs::read_to_string(one.path("stored")).unwrap();
    assert!(stored.contains(&one.public_key("ed25519")), "{stored}");

    target.own_known_hosts = "/dev/null".into();
    let changed = error(&target).to_string();
    assert!(changed.contains(&other.fingerprint("ed25519")), "{changed}");
    assert!(changed.contains("an earlier connection"), "{changed}");
}

#[test]
fn a_host_known_by_rsa_alone_shows_its_rsa_key() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let list = sshd.path("given");
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("rsa"));
    fs::write(&list, line).unwrap();
    target.known_hosts = vec![list];
    connect(&target).unwrap();
}

#[test]
fn a_hashed_line_is_understood() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("ed25519"));
    fs::write(&target.own_known_hosts, line).unwrap();
    let hashed = Command::new("ssh-keygen")
        .arg("-qHf")
        .arg(&target.own_known_hosts)
        .output()
        .unwrap();
    assert!(hashed.status.success());
    let text = fs::read_to_string(&target.own_known_hosts).unwrap();
    assert!(text.starts_with("|1|"), "{text}");
    connect(&target).unwrap();
}

#[test]
fn a_revoked_key_is_refused_even_when_it_is_known_or_in_the_answers() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    let key = sshd.public_key("ed25519");
    let lines = format!("{} {key}\n@revoked * {key}\n", sshd.address());
    fs::write(&target.own_known_hosts, lines).unwrap();
    for fingerprint in [None, Some(sshd.fingerprint("ed25519"))] {
        target.fingerprint = fingerprint;
        let refused = error(&target);
        assert!(
            matches!(refused, RemoteError::HostKeyRevoked { .. }),
            "{refused}"
        );
    }
}

#[test]
fn a_fingerprint_in_the_answers_may_be_of_any_of_the_hosts_keys() {
    let sshd = Sshd::start();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let mut target = sshd.target();
        target.policy = HostKeys::Strict;
        target.own_known_hosts = sshd.path(&format!("own_{kind}"));
        target.fingerprint = Some(sshd.fingerprint(kind));
        connect(&target).unwrap();
        let kept = fs::read_to_string(&target.own_known_hosts).unwrap();
        assert!(kept.contains(&sshd.public_key(kind)), "{kept}");
    }
    let mut target = sshd.target();
    target.fingerprint = Some(sshd.fingerprint("user"));
    let refused = error(&target).to_string();
    assert!(refused.contains(&sshd.fingerprint("ed25519")), "{refused}");
    assert!(refused.contains("host_key in the answers"), "{refused}");
}
