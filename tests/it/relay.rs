//! Connections that a host makes, over a real sshd, as root.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::Duration;

use k3s_ha_wizard::address::Endpoint;
use k3s_ha_wizard::remote::{RelayTarget, Remote, RemoteError, Ssh};
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslConnector, SslMethod};
use openssl::x509::X509;
use support::sshd::{self, Sshd};

const LIMIT: Duration = Duration::from_secs(60);

fn start() -> Ssh {
    Sshd::start().connect()
}

/// What the root shell says, which stays open beside relays.
fn beside(ssh: &mut Ssh) -> String {
    let mut said = String::new();
    ssh.run(&sshd::script("echo beside"), LIMIT, &mut |_, line| {
        said += line;
    })
    .unwrap();
    said
}

#[test]
fn a_relay_leads_there_and_back_again() {
    let mut ssh = start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    // Echoes its input in capitals, until it is stopped.
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            connection.write_all(b"hello").unwrap();
            let mut bytes = vec![0; 65536];
            loop {
                let length = connection.read(&mut bytes).unwrap();
                let part = &mut bytes[..length];
                part.make_ascii_uppercase();
                if length == 0 || part.ends_with(b"STOP") {
                    break;
                }
                connection.write_all(part).unwrap();
            }
        }
    });
    // More often than sshd allows sessions at once.
    for turn in 0..15 {
        let mut relay = ssh.relay(&to.into(), LIMIT).unwrap();
        let mut answer = vec![0; 5];
        relay.read_exact(&mut answer).unwrap();
        assert_eq!(answer, b"hello");
        let text: Vec<u8> = (0..200_000).map(|n| b"abcdefg\0\n\xff"[n % 10]).collect();
        relay.write_all(&text).unwrap();
        let mut answer = vec![0; text.len()];
        relay.read_exact(&mut answer).unwrap();
        assert_eq!(answer, text.to_ascii_uppercase());
        if turn % 2 == 0 {
            relay.write_all(b"stop").unwrap();
            assert_eq!(
                relay.read(&mut answer).unwrap(),
                0,
                "the other side ended it"
            );
        }
        drop(relay);
        assert_eq!(beside(&mut ssh), "beside");
    }
}

#[test]
fn what_goes_nowhere_comes_back_and_names_are_resolved_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut ssh = start();
    let mut relay = ssh.relay_to(&RelayTarget::Back, LIMIT).unwrap();
    for _ in 0..20 {
        relay.write_all(b"there and back").unwrap();
        let mut back = [0; 14];
        relay.read_exact(&mut back).unwrap();
        assert_eq!(&back, b"there and back");
    }
    drop(relay);
    drop(
        ssh.relay(&Endpoint::parse("localhost", port).unwrap(), LIMIT)
            .unwrap(),
    );
    listener.accept().unwrap();
    let nowhere = Endpoint::parse("nowhere.invalid", port).unwrap();
    let unknown = ssh.relay(&nowhere, LIMIT).err().unwrap().to_string();
    assert!(unknown.contains("does not resolve"), "{unknown}");
    for hostile in ["$(reboot)", "a b", "-x", "", "a'b"] {
        assert_eq!(Endpoint::parse(hostile, port), None, "{hostile}");
    }
    assert_eq!(beside(&mut ssh), "beside");
}

#[test]
fn tls_goes_over_a_relay() {
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let cert = X509::from_pem(made.cert.pem().as_bytes()).unwrap();
    let key = PKey::private_key_from_pem(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let mut acceptor = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&cert).unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let mut stream = acceptor.accept(listener.accept().unwrap().0).unwrap();
        let mut text = [0; 5];
        stream.read_exact(&mut text).unwrap();
        stream.write_all(&text).unwrap();
        stream.shutdown().unwrap();
    });

    let mut ssh = start();
    let relay = ssh.relay(&to.into(), LIMIT).unwrap();
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.cert_store_mut().add_cert(cert).unwrap();
    let connector = connector.build();
    let Ok(mut stream) = connector.connect("127.0.0.1", relay) else {
        panic!("no TLS");
    };
    stream.write_all(b"hello").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello");
    server.join().unwrap();
    drop(stream);
    assert_eq!(beside(&mut ssh), "beside");
}

#[test]
fn an_sshd_that_allows_one_session_has_no_relays() {
    let mut ssh = Sshd::with("MaxSessions 1").connect();
    let to = Endpoint::parse("127.0.0.1", 1).unwrap();
    let refused = ssh.relay(&to, LIMIT).err().unwrap().to_string();
    assert!(refused.contains("MaxSessions"), "{refused}");
    assert_eq!(beside(&mut ssh), "beside");
}

#[test]
fn a_relay_tells_why_it_does_not_get_there() {
    let mut ssh = start();
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let why = |ssh: &mut Ssh, to: SocketAddr, limit| match ssh.relay(&to.into(), limit) {
        Ok(_) => panic!("connected to {to}"),
        Err(RemoteError::Unreachable { why, .. }) => why,
        Err(other) => panic!("{other}"),
    };
    assert_eq!(why(&mut ssh, closed, LIMIT), "connection refused");

    // The host resolves names by itself.
    let by_name = |name| Endpoint::parse(name, closed.port()).unwrap();
    let mut why_not = |name| match ssh.relay(&by_name(name), LIMIT) {
        Err(RemoteError::Unreachable { why, .. }) => why,
        _ => panic!("{name}"),
    };
    assert_eq!(why_not("localhost"), "connection refused");
    assert!(why_not("no.such.name.invalid").contains("does not resolve"));

    // No process accepts there: once the queue is full, the kernel stops answering.
    let full = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = full.local_addr().unwrap();
    let short = Duration::from_millis(200);
    let mut queue = Vec::new();
    while let Ok(connection) = std::net::TcpStream::connect_timeout(&to, short) {
        queue.push(connection);
    }
    let second = Duration::from_secs(1);
    assert_eq!(why(&mut ssh, to, second), "no answer within 1 s");
    assert_eq!(beside(&mut ssh), "beside");
}

#[test]
fn a_relay_that_says_nothing_ends_with_its_limit() {
    let mut ssh = start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = silent.local_addr().unwrap();
    let mut relay = ssh.relay(&to.into(), Duration::from_secs(1)).unwrap();
    match relay.read(&mut [0; 10]) {
        Ok(0) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::TimedOut),
        Ok(length) => panic!("{length} bytes"),
    }
    drop(relay);
    assert_eq!(beside(&mut ssh), "beside");
}
