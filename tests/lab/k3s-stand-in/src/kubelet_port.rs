//! The kubelet's own port: it listens on all addresses, and lets nobody in.

use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certs;
use crate::http::{Request, Response};
use crate::listen::Serving;
use crate::tls;

const PORT: u16 = 10250;
/// A client that says nothing for so long is hung up on.
const SILENCE: Duration = Duration::from_secs(10);

/// Opens it, with the certificate that the node got from its server.
pub fn start(agent: &Path) -> Result<(), String> {
    let pair = certs::read_pair(agent, "serving-kubelet")?;
    let identity = tls::identity(pair.certificate.as_bytes(), pair.key.as_bytes())?;
    let config = ServerConfig::builder_with_provider(tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("tls: {error}"))?
        .with_no_client_auth()
        .with_cert_resolver(Serving::new(identity));
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT))
        .or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)))
        .map_err(|error| format!("listen tcp :{PORT}: bind: {}", crate::go_words(&error)))?;
    thread::spawn(move || {
        for socket in listener.incoming() {
            match socket {
                Ok(socket) => {
                    let config = Arc::clone(&config);
                    thread::spawn(move || refuse(socket, config));
                }
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    });
    Ok(())
}

fn refuse(socket: TcpStream, config: Arc<ServerConfig>) -> io::Result<()> {
    socket.set_read_timeout(Some(SILENCE))?;
    socket.set_write_timeout(Some(SILENCE))?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    if Request::read(&mut stream)?.is_some() {
        Response::text(401, "Unauthorized").write(stream.get_mut(), false)?;
    }
    let stream = stream.get_mut();
    stream.conn.send_close_notify();
    stream.flush()
}
