//! Hosts behind bastions: real sshds on the loopback interface. Needs to be run by root.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use k3s_ha_wizard::answers::{CredentialKind, CredentialRequest, HostKeys};
use k3s_ha_wizard::events::Stream;
use k3s_ha_wizard::remote::{
    Bastions, Cancel, Credentials, Remote as _, RemoteError, Ssh, Target, Way,
};
use support::sshd::{self, Sshd, connect};

const LIMIT: Duration = Duration::from_secs(60);

/// The sshd as a bastion.
fn bastion(name: &str, sshd: &Sshd) -> Way {
    Way {
        target: Target {
            name: format!("bastion {name}"),
            ..sshd.target()
        },
        credentials: Credentials::default(),
    }
}

/// The sshd behind these bastions.
fn behind(sshd: &Sshd, via: Vec<Way>, bastions: &Bastions) -> Target {
    Target {
        via,
        bastions: bastions.clone(),
        ..sshd.target()
    }
}

fn error(target: &Target) -> RemoteError {
    match connect(target) {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}

fn run(ssh: &mut Ssh, script: &str) -> Result<String, RemoteError> {
    let mut out = String::new();
    let script = sshd::script(script);
    let status = ssh.run(&script, LIMIT, &mut |stream, line| {
        assert_eq!(stream, Stream::Out, "{line}");
        out += line;
    })?;
    assert_eq!(status, 0);
    Ok(out)
}

fn logins(sshd: &Sshd) -> usize {
    sshd.log().matches("Accepted publickey").count()
}

/// The second bastion is reached through the first one, and every key is remembered by its own
/// address. New keys are agreed on again and again while much goes both ways.
#[test]
fn a_host_is_reached_through_two_bastions() {
    let rekeys = "RekeyLimit 1M\nLogLevel DEBUG1\n";
    let (outer, inner, host) = (Sshd::with(rekeys), Sshd::with(rekeys), Sshd::start());
    let via = || vec![bastion("outer", &outer), bastion("inner", &inner)];
    let target = behind(&host, via(), &Bastions::default());
    let mut ssh = connect(&target).unwrap();
    assert_eq!(ssh.through(), ["bastion outer", "bastion inner"]);
    assert_eq!(run(&mut ssh, "echo here").unwrap(), "here");

    let line = format!("{:01000}", 7);
    let text = format!("{line}\n").repeat(4_000);
    let script = format!("cat <<'END' | wc -c\n{text}END\n");
    assert_eq!(run(&mut ssh, &script).unwrap(), text.len().to_string());
    let script = sshd::script("head -c 30000000 /dev/zero | tr '\\0' a");
    let mut bytes = 0;
    ssh.stream(&script, LIMIT, &mut |_, read| {
        bytes += read.len();
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(bytes, 30_000_000);
    assert!(outer.log().matches("rekey").count() > 8, "{}", outer.log());

    for (sshd, known) in [(&outer, &outer), (&inner, &inner), (&host, &host)] {
        let kept = fs::read_to_string(known.target().own_known_hosts).unwrap();
        let line = format!("{} {}\n", sshd.address(), sshd.public_key("ed25519"));
        assert_eq!(kept, line);
    }
    // The bastions only connect: they run nothing, and no agent is lent to them.
    for sshd in [&outer, &inner] {
        let log = sshd.log();
        assert!(log.contains("ctype direct-tcpip"), "{log}");
        for wrong in ["ctype session", "auth-agent-req"] {
            assert!(!log.contains(wrong), "{wrong}: {log}");
        }
    }
}

#[test]
fn the_operators_agent_logs_in_everywhere_and_is_lent_to_no_host() {
    let debug = "LogLevel DEBUG1\nAllowAgentForwarding yes\n";
    let (outer, host) = (Sshd::with(debug), Sshd::with(debug));
    let target = behind(&host, vec![bastion("outer", &outer)], &Bastions::default());
    let mut ssh = connect(&target).unwrap();
    let lent = run(&mut ssh, "echo \"[$SSH_AUTH_SOCK]\"").unwrap();
    assert_eq!(lent, "[]");
    for sshd in [&outer, &host] {
        let log = sshd.log();
        assert!(log.contains("Accepted publickey"), "{log}");
        assert!(!log.contains("auth-agent-req"), "{log}");
    }
}

#[test]
fn the_key_of_every_bastion_is_verified_before_anything_is_sent() {
    let (outer, inner, host) = (Sshd::start(), Sshd::start(), Sshd::start());
    let via = || vec![bastion("outer", &outer), bastion("inner", &inner)];
    for (at, sshd) in [&outer, &inner].into_iter().enumerate() {
        let bastions = Bastions::default();
        let name = ["bastion outer", "bastion inner"][at];
        let mut changed = via();
        let list: PathBuf = sshd.path("changed");
        let line = format!("{} {}\n", sshd.address(), sshd.public_key("user"));
        fs::write(&list, line).unwrap();
        changed[at].target.own_known_hosts = list;
        let refused = error(&behind(&host, changed, &bastions));
        let RemoteError::HostKeyChanged { host: of, .. } = refused.cause() else {
            panic!("{refused}");
        };
        assert_eq!(of, name);
        let text = format!("its {name}: the host key of {} is ", sshd.address());
        assert!(refused.to_string().contains(&text), "{refused}");

        let mut unknown = via();
        unknown[at].target.policy = HostKeys::Strict;
        unknown[at].target.own_known_hosts = sshd.path("none");
        let refused = error(&behind(&host, unknown, &bastions));
        assert!(
            matches!(refused.cause(), RemoteError::HostKeyUnknown { .. }),
            "{refused}"
        );
        assert!(
            refused.to_string().contains("for it under [[bastions]]"),
            "{refused}"
        );

        let mut named = via();
        named[at].target.fingerprint = Some(sshd.fingerprint("rsa"));
        named[at].target.own_known_hosts = sshd.path("named");
        connect(&behind(&host, named, &bastions)).unwrap();
        let refusals = sshd.log();
        assert_eq!(refusals.matches("Accepted").count(), at + 1, "{refusals}");
    }
}

#[test]
fn a_login_that_fails_is_that_of_the_bastion_by_its_name() {
    let (outer, inner, host) = (Sshd::start(), Sshd::start(), Sshd::start());
    let mut via = vec![bastion("outer", &outer), bastion("inner", &inner)];
    via[1].target.keys = vec![inner.path("locked")];
    let bastions = Bastions::default();
    let refused = error(&behind(&host, via.clone(), &bastions));
    let text = refused.to_string();
    assert!(
        text.starts_with("k3s-test: its bastion inner: cannot log in as "),
        "{text}"
    );
    assert!(text.contains("locked is encrypted"), "{text}");
    assert_eq!(refused.cause().host(), "bastion inner");
    let passphrase = |wanted: &CredentialRequest| matches!(&wanted.what, CredentialKind::Passphrase { key } if *key == inner.path("locked"));
    assert!(refused.wants().iter().any(passphrase), "{text}");
    assert_eq!(logins(&host), 0);

    // Given, and the same bastions are asked again.
    via[1].credentials.passphrase = Some("open sesame".to_owned().into());
    connect(&behind(&host, via, &bastions)).unwrap();
}

/// A port in front of an sshd whose first connection stays without an answer.
fn hesitant(sshd: &Sshd) -> (u16, mpsc::Receiver<TcpStream>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let (port, behind) = (listener.local_addr().unwrap().port(), sshd.port);
    let (keep, kept) = mpsc::channel();
    thread::spawn(move || {
        keep.send(listener.accept().unwrap().0).unwrap();
        for stream in listener.incoming() {
            let (mut from, mut to) = (
                stream.unwrap(),
                TcpStream::connect(("127.0.0.1", behind)).unwrap(),
            );
            let (mut back, mut forth) = (to.try_clone().unwrap(), from.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut to));
            thread::spawn(move || std::io::copy(&mut back, &mut forth));
        }
    });
    (port, kept)
}

#[test]
fn a_corrected_secret_does_not_wait_for_the_wrong_one() {
    let (gate, host) = (Sshd::start(), Sshd::start());
    let (port, first) = hesitant(&gate);
    let bastions = Bastions::default();
    let with = |passphrase: &str| {
        let mut way = bastion("gate", &gate);
        way.target.port = port;
        way.target.keys = vec![gate.path("locked")];
        way.target.only_these_keys = true;
        way.credentials.passphrase = Some(passphrase.to_owned().into());
        behind(&host, vec![way], &bastions)
    };
    let (wrong, right) = (with("wrong"), with("open sesame"));
    thread::scope(|scope| {
        let old = scope.spawn(|| error(&wrong));
        let unanswered = first.recv().unwrap();
        connect(&right).unwrap();
        assert!(!old.is_finished(), "the old login is still on its way");
        drop(unanswered);
        old.join().unwrap();
    });
    assert_eq!(logins(&gate), 1, "{}", gate.log());
}

#[test]
fn what_a_bastion_cannot_reach_is_said() {
    let (gate, host) = (Sshd::start(), Sshd::start());
    let via = || vec![bastion("gate", &gate)];
    let mut nowhere = behind(&host, via(), &Bastions::default());
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    nowhere.port = free.local_addr().unwrap().port();
    drop(free);
    let text = error(&nowhere).to_string();
    let begin = format!("k3s-test: cannot reach 127.0.0.1 port {}: ", nowhere.port);
    assert!(text.starts_with(&begin), "{text}");
    assert!(
        text.contains("its bastion gate: it cannot connect there"),
        "{text}"
    );

    let shut = Sshd::with("AllowTcpForwarding no\n");
    let via = vec![bastion("shut", &shut)];
    let text = error(&behind(&host, via, &Bastions::default())).to_string();
    assert!(
        text.contains("its bastion shut: it refuses to connect"),
        "{text}"
    );
    assert!(text.contains("AllowTcpForwarding"), "{text}");

    let gone = Sshd::start();
    let via = vec![bastion("gone", &gone)];
    let target = behind(&host, via, &Bastions::default());
    drop(gone);
    let text = error(&target).to_string();
    assert!(
        text.starts_with("k3s-test: its bastion gone: cannot reach 127.0.0.1"),
        "{text}"
    );
}

/// An sshd turns logins away that are too many at once.
#[test]
fn hosts_share_one_connection_to_their_bastion() {
    let gate = Sshd::with("MaxStartups 2:100:2\nMaxSessions 1\n");
    let hosts: Vec<_> = (0..5).map(|_| Sshd::start()).collect();
    let bastions = Bastions::default();
    let targets: Vec<_> = hosts
        .iter()
        .map(|host| behind(host, vec![bastion("gate", &gate)], &bastions))
        .collect();
    thread::scope(|scope| {
        let connecting: Vec<_> = targets
            .iter()
            .map(|target| scope.spawn(move || connect(target).unwrap()))
            .collect();
        let connected = connecting.into_iter().map(|host| host.join().unwrap());
        for mut ssh in connected.collect::<Vec<_>>() {
            run(&mut ssh, "echo here").unwrap();
        }
    });
    assert_eq!(logins(&gate), 1, "{}", gate.log());
    assert!(hosts.iter().all(|host| logins(host) == 1));

    // It ends with the last host.
    connect(&targets[0]).unwrap();
    assert_eq!(logins(&gate), 2, "{}", gate.log());
}

#[test]
fn a_bastion_that_is_cut_is_named_and_connected_to_again_once() {
    let gate = Sshd::start();
    let hosts = [Sshd::start(), Sshd::start()];
    let bastions = Bastions::default();
    let targets = hosts
        .each_ref()
        .map(|host| behind(host, vec![bastion("gate", &gate)], &bastions));
    let [mut one, mut other] = targets.each_ref().map(|target| connect(target).unwrap());
    let lost = thread::scope(|scope| {
        let waiting = scope.spawn(move || run(&mut one, "sleep 100").unwrap_err());
        thread::sleep(Duration::from_millis(500));
        gate.cut();
        waiting.join().unwrap()
    });
    let RemoteError::Lost { host, why } = &lost else {
        panic!("{lost}");
    };
    assert_eq!(host, "k3s-test");
    assert!(
        why.starts_with("its bastion gate: the connection was lost"),
        "{why}"
    );
    let lost = loop {
        match other.keep_alive() {
            Err(lost) => break lost,
            Ok(()) => thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(lost.to_string().contains("its bastion gate"), "{lost}");

    assert_eq!(logins(&gate), 1);
    let [mut one, mut other] = targets.each_ref().map(|target| connect(target).unwrap());
    run(&mut one, "echo here").unwrap();
    run(&mut other, "echo here").unwrap();
    assert_eq!(logins(&gate), 2);
}

/// A port that takes no connection and refuses none: its queue is full.
fn silent() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let wait = Duration::from_millis(500);
    let connect = || TcpStream::connect_timeout(&address, wait).ok();
    let queue = std::iter::from_fn(connect).collect();
    (listener, queue)
}

#[test]
fn a_host_that_does_not_answer_keeps_no_other_waiting() {
    let (gate, host) = (Sshd::start(), Sshd::start());
    let bastions = Bastions::default();
    let good = behind(&host, vec![bastion("gate", &gate)], &bastions);
    let (listener, _queue) = silent();
    let mut dead = good.clone();
    dead.port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let of_dead = tell.clone();
        scope.spawn(move || of_dead.send(Err(error(&dead).to_string())).unwrap());
        // The bastion is connected to, and busy with the other one.
        while logins(&gate) == 0 {
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(200));
        scope.spawn(move || tell.send(Ok(connect(&good).unwrap())).unwrap());
        let first = told.recv().unwrap();
        let mut good = first.expect("the one that answers is first");
        run(&mut good, "echo here").unwrap();
        let text = told.recv().unwrap().err().expect("it does not answer");
        assert!(
            text.contains("its bastion gate: it gets no answer there"),
            "{text}"
        );
    });
    assert_eq!(logins(&gate), 2);
}

#[test]
fn a_wait_for_a_bastion_is_interrupted() {
    let (listener, _queue) = silent();
    let (gate, host) = (Sshd::start(), Sshd::start());
    let mut via = vec![bastion("gate", &gate)];
    via[0].target.port = listener.local_addr().unwrap().port();
    let target = behind(&host, via, &Bastions::default());
    let cancel = Cancel::new().unwrap();
    thread::scope(|scope| {
        let connecting = scope.spawn(|| Ssh::connect(&target, &Credentials::default(), &cancel));
        thread::sleep(Duration::from_millis(300));
        cancel.cancel();
        let error = connecting.join().unwrap().err().expect("it is cancelled");
        assert!(matches!(error, RemoteError::Cancelled { .. }), "{error}");
    });
}
