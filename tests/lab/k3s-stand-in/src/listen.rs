//! The door on 6443: TLS with the serving certificate of the moment, a thread for every connection.

use std::io::{self, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::Duration;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::api::Api;
use crate::http::Request;
use crate::log;
use crate::tls;

/// A client that says nothing for so long is hung up on.
const SILENCE: Duration = Duration::from_secs(90);
const MOST_CONNECTIONS: usize = 500;

/// The serving certificate, which changes when a server joins.
#[derive(Debug)]
pub struct Serving(RwLock<Arc<CertifiedKey>>);

impl Serving {
    pub fn new(identity: tls::Identity) -> Arc<Self> {
        Arc::new(Self(RwLock::new(identity)))
    }

    pub fn replace(&self, identity: tls::Identity) {
        if let Ok(mut current) = self.0.write() {
            *current = identity;
        }
    }
}

impl ResolvesServerCert for Serving {
    fn resolve(&self, _: ClientHello) -> Option<Arc<CertifiedKey>> {
        self.0.read().ok().map(|current| Arc::clone(&current))
    }
}

/// Opens the door; who comes is served in the background.
pub fn start(bind: IpAddr, port: u16, api: &Arc<Api>, serving: Arc<Serving>) -> Result<(), String> {
    let listener = TcpListener::bind((bind, port)).map_err(|error| {
        format!(
            "listen tcp {}: bind: {}",
            SocketAddr::from((bind, port)),
            crate::go_words(&error)
        )
    })?;
    let config = config(serving)?;
    let api = Arc::clone(api);
    let open = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for socket in listener.incoming() {
            let Ok(socket) = socket else {
                thread::sleep(Duration::from_millis(50));
                continue;
            };
            if open.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
                continue;
            }
            open.fetch_add(1, Ordering::Relaxed);
            let (api, config, open) = (Arc::clone(&api), Arc::clone(&config), Arc::clone(&open));
            thread::spawn(move || {
                let _ = serve(socket, config, &api);
                open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    Ok(())
}

fn config(serving: Arc<Serving>) -> Result<Arc<ServerConfig>, String> {
    let config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls: {error}"))?
        .with_client_cert_verifier(tls::any_client())
        .with_cert_resolver(serving);
    Ok(Arc::new(config))
}

fn serve(socket: TcpStream, config: Arc<ServerConfig>, api: &Api) -> io::Result<()> {
    socket.set_read_timeout(Some(SILENCE))?;
    socket.set_write_timeout(Some(SILENCE))?;
    socket.set_nodelay(true)?;
    let peer = socket.peer_addr()?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    // A certificate that is not one of the cluster's counts as none, and gets the 401 of that.
    let known = tls::certificates_of(api.client_ca.certificate.as_bytes());
    let certificate = stream.conn.peer_certificates().and_then(|chain| {
        let (leaf, between) = chain.split_first()?;
        tls::is_client_of(&known, leaf, between).then(|| subject(leaf))?
    });
    let mut stream = BufReader::new(stream);
    while let Some(request) = Request::read(&mut stream)? {
        let caller = api.caller(
            certificate
                .as_ref()
                .map(|(name, groups)| (name.as_str(), groups.as_slice())),
            &request,
        );
        let answer = api.answer(&request, &caller);
        if answer.status == 503 {
            log::error(format!(
                "Sending HTTP/1.1 503 response to {peer}: runtime core not ready"
            ));
        }
        let keep = request.keeps();
        answer.write(stream.get_mut(), keep)?;
        if !keep {
            break;
        }
    }
    let stream = stream.get_mut();
    stream.conn.send_close_notify();
    stream.flush()
}

/// The common name and the organisations of a client's certificate.
fn subject(certificate: &[u8]) -> Option<(String, Vec<String>)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let text = |value: &x509_parser::x509::AttributeTypeAndValue| {
        value.as_str().ok().map(ToOwned::to_owned)
    };
    let name = certificate
        .subject()
        .iter_common_name()
        .next()
        .and_then(text)?;
    Some((
        name,
        certificate
            .subject()
            .iter_organization()
            .filter_map(text)
            .collect(),
    ))
}
