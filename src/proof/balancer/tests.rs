use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;
use time::OffsetDateTime;

use super::*;
use crate::pki::{self, CertificateRequest, Identity, Kept, Pki};

/// What nginx 1.22.1 wrote: both servers down, no server left to try, one server up, the other tried
/// first, and a client that said nothing.
const LOG: &str = r#"198.51.100.15 [24/Nov/2026:22:15:07 +0000] TCP 502 0 0 0.000 "198.51.100.12:6443, 198.51.100.13:6443" "-, -" "0, 0" "0, 0"
198.51.100.15 [24/Nov/2026:22:15:07 +0000] TCP 502 0 0 0.000 "k3s_api" "-" "0" "0"
198.51.100.15 [24/Nov/2026:22:15:10 +0000] TCP 200 5 2 0.001 "198.51.100.13:6443" "0.000" "2" "5"
198.51.100.1 [24/Nov/2026:22:15:10 +0000] TCP 200 5 2 0.000 "198.51.100.12:6443, 198.51.100.13:6443" "-, 0.000" "0, 2" "0, 5"
198.51.100.15 [24/Nov/2026:22:15:10 +0000] TCP 200 0 0 0.000 "198.51.100.13:6443" "0.000" "0" "0"
"#;

#[test]
fn the_log_says_which_servers_answered() {
    let server = |host| SocketAddr::from(([198, 51, 100, host], 6443));
    let shares = seen(LOG.lines().chain(["", "nonsense", "- [x] TCP 200"]));
    let share = |answered, failed| Share { answered, failed };
    let expected = [(server(12), share(0, 2)), (server(13), share(2, 1))];
    assert_eq!(shares, BTreeMap::from(expected));
    let passages: Vec<_> = LOG.lines().filter_map(Passage::parse).collect();
    assert_eq!(passages.len(), 5);
    assert_eq!(passages[3].client, IpAddr::from([198, 51, 100, 1]));
    assert_eq!(passages[3].failed, [server(12)]);
    assert_eq!(passages[3].answered, Some(server(13)));
    let six =
        r#"::1 [24/Nov/2026:22:15:10 +0000] TCP 200 5 2 0.1 "[2001:db8::c]:6443" "0.0" "2" "5""#;
    let passage = Passage::parse(six).expect("a passage");
    assert_eq!(passage.answered, "[2001:db8::c]:6443".parse().ok());
}

fn certificates(kept: &Kept, name: &str) -> Pki {
    let wanted = CertificateRequest {
        cluster: "lab".into(),
        role: "k3s".into(),
        postgres: BTreeMap::from([("db".to_owned(), vec![name.into()])]),
        servers: vec![],
        pair: BTreeMap::new(),
    };
    let now = OffsetDateTime::now_utc();
    pki::ensure(kept, &wanted, now).expect("certificates").0
}

/// A server for one connection: what it is asked, and what it answers.
fn serve(identity: &Identity, answer: &'static [u8]) -> TcpStream {
    let mut acceptor = SslAcceptor::mozilla_modern_v5(SslMethod::tls_server()).expect("TLS");
    let key = PKey::private_key_from_pem(identity.key_pem.expose().as_bytes()).expect("a key");
    let cert = X509::from_pem(identity.cert_pem.as_bytes()).expect("a certificate");
    acceptor.set_private_key(&key).expect("a key");
    acceptor.set_certificate(&cert).expect("a certificate");
    let acceptor = acceptor.build();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("somebody comes");
        let Ok(mut stream) = acceptor.accept(stream) else {
            return; // the client does not like our certificate
        };
        let mut request = [0; 512];
        let length = stream.read(&mut request).expect("a request");
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        assert!(
            request.starts_with("GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n"),
            "{request}"
        );
        stream.write_all(answer).expect("an answer");
        stream.get_ref().shutdown(Shutdown::Write).expect("ended");
        let _ = stream.get_mut().read(&mut [0; 512]);
    });
    let stream = TcpStream::connect(address).expect("it listens");
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).expect("a timeout");
    stream
}

const PONG: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\npong";

#[test]
fn the_cluster_answers_pong_or_the_reason_is_told() {
    let pki = certificates(&Kept::default(), "127.0.0.1");
    let verdict = |identity: &Identity, answer| {
        let stream = serve(identity, answer);
        prove("127.0.0.1", &pki.ca_cert, stream)
    };
    let right = verdict(&pki.postgres["db"], PONG);
    assert!(right.holds(), "{right}");
    assert_eq!(right.to_string(), "127.0.0.1: answers pong");

    let same_authority = Kept {
        ca_cert: Some(pki.ca_cert.clone()),
        ca_key: pki.ca_key.clone(),
        ..Kept::default()
    };
    let other_name = certificates(&same_authority, "elsewhere");
    let stranger = certificates(&Kept::default(), "127.0.0.1");
    let fails = |identity: &Identity, answer| {
        let verdict = verdict(identity, answer);
        assert!(!verdict.holds(), "{verdict}");
        verdict.got.to_string()
    };
    insta::assert_snapshot!(fails(&other_name.postgres["db"], PONG), @"the certificate of 127.0.0.1 is not valid for it: IP address mismatch");
    insta::assert_snapshot!(fails(&stranger.postgres["db"], PONG), @"the certificate of 127.0.0.1 is not valid for it: unable to get local issuer certificate");
    insta::assert_snapshot!(fails(&pki.postgres["db"], b"HTTP/1.1 503 Service Unavailable\r\n\r\nstarting\n"), @"answers 503 starting");
    insta::assert_snapshot!(fails(&pki.postgres["db"], b"HTTP/1.1 200 OK\r\n\r\nwelcome to nginx"), @"answers welcome to nginx");
    insta::assert_snapshot!(fails(&pki.postgres["db"], b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npo"), @"the server there is not K3s");
    insta::assert_snapshot!(fails(&pki.postgres["db"], b"SSH-2.0-OpenSSH_9.2\r\n"), @"the server there is not K3s");
    insta::assert_snapshot!(fails(&pki.postgres["db"], b""), @"the connection ended without an answer");
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, 1)).expect_err("nothing is there");
    insta::assert_snapshot!(BalancerVerdict::unreached("127.0.0.1", &refused), @"127.0.0.1: the load balancer cannot be reached: Connection refused (os error 111)");
}
