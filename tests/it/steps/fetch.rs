//! Downloads on a host: by curl, and by wget where there is no curl.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;

use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;

use super::asset;
use super::postgres::pki;

const SCRIPT: &str = "#!/bin/sh\n";

fn answer(stream: &mut (impl std::io::Read + Write), text: &str) {
    let mut request = [0; 4096];
    let _ = stream.read(&mut request);
    let _ = stream.write_all(text.as_bytes());
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A server that has a script, and says this before it.
fn plain(more: &str) -> String {
    let (listener, port) = listen();
    let text = format!("HTTP/1.0 200 OK\r\n{more}\r\n{SCRIPT}");
    thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&mut stream.unwrap(), &text);
        }
    });
    format!("http://127.0.0.1:{port}/")
}

/// An HTTPS server that leads to another address, or has the script itself, and its authority.
fn secure(to: Option<String>) -> (String, String) {
    let pki = pki();
    let identity = &pki.postgres["old"];
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls()).unwrap();
    let certificate = X509::from_pem(identity.cert_pem.as_bytes()).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    let key = PKey::private_key_from_pem(identity.key_pem.expose().as_bytes()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    let acceptor = acceptor.build();
    let (listener, port) = listen();
    let text = match to {
        Some(to) => format!("HTTP/1.0 302 Found\r\nLocation: {to}\r\n\r\n"),
        None => format!("HTTP/1.0 200 OK\r\n\r\n{SCRIPT}"),
    };
    thread::spawn(move || {
        for stream in listener.incoming() {
            if let Ok(mut stream) = acceptor.accept(stream.unwrap()) {
                answer(&mut stream, &text);
                let _ = stream.shutdown();
            }
        }
    });
    (format!("https://127.0.0.1:{port}/"), pki.ca_cert.clone())
}

#[test]
fn a_download_ends_neither_over_plain_http_nor_half_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::create_dir(path("bin")).unwrap();
    for program in ["wget", "timeout", "mktemp", "grep", "tail", "rm"] {
        let found = Command::new("which").arg(program).output().unwrap().stdout;
        let found = String::from_utf8(found).unwrap();
        symlink(found.trim(), path("bin").join(program)).unwrap();
    }
    let all = std::env::var("PATH").unwrap();
    let without_curl = path("bin").display().to_string();
    let fetch = |url: &str, ca: &str, programs: &str| {
        std::fs::write(path("ca"), ca).unwrap();
        let config = format!("ca_certificate = {}\n", path("ca").display());
        std::fs::write(path("wgetrc"), config).unwrap();
        let output = Command::new("/bin/sh")
            .args(["-c", &asset("remote/fetch.sh")])
            .env("URL", url)
            .env("LIMIT", "60")
            .env("PATH", programs)
            .env("LC_ALL", "C")
            .env("CURL_CA_BUNDLE", path("ca"))
            .env("WGETRC", path("wgetrc"))
            .env("no_proxy", "127.0.0.1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let got = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), got, said)
    };
    for programs in [&all, &without_curl] {
        let (url, ca) = secure(Some(plain("")));
        let (done, _, said) = fetch(&url, &ca, programs);
        assert!(!done, "{programs}: {said}");
        let (good, ca) = secure(None);
        let (done, got, said) = fetch(&good, &ca, programs);
        assert!(done && got == SCRIPT, "{programs}: {got:?} {said}");
        let (done, got, said) = fetch(&plain(""), &ca, programs);
        assert!(done && got == SCRIPT, "{programs}: {got:?} {said}");
        let cut = plain("Content-Length: 1000\r\n");
        let (done, _, said) = fetch(&cut, &ca, programs);
        assert!(!done, "{programs}: {said}");
    }
}
