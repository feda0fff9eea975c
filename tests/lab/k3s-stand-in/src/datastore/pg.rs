//! A conversation with Postgres, with the errors that the real K3s prints for it (pgx 5.9, facts
//! 2.4).

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::backend::{ErrorResponseBody, Message};
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::dsn::Dsn;
use super::settings::{Transport, transports};
use crate::tls;

/// kine's dialer waits this long.
const DIAL: Duration = Duration::from_secs(5);
/// A Postgres that says nothing for so long is taken for gone.
const SILENCE: Duration = Duration::from_secs(10);

/// How to reach a Postgres; the certificates are read once.
#[derive(Debug, Clone)]
pub struct Target {
    pub dsn: Dsn,
    transports: Vec<Vec<Transport>>,
}

/// What Postgres says no with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerError {
    pub severity: String,
    pub code: String,
    pub message: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{}: {} (SQLSTATE {})",
            self.severity, self.message, self.code
        )
    }
}

/// Why a statement failed.
#[derive(Debug)]
pub enum Failed {
    /// Postgres refused it; the connection is as good as before.
    Refused(ServerError),
    /// The connection is lost.
    Lost(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Lost(reason) => reason.fmt(f),
        }
    }
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(buffer),
            Self::Tls(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A row: every value as text.
pub type Row = Vec<Option<String>>;

/// An open connection.
pub struct Connection {
    stream: Stream,
    input: BytesMut,
}

impl Target {
    /// Reads the certificates; refused in pgx's words.
    pub fn new(dsn: Dsn) -> Result<Self, String> {
        let transports =
            transports(&dsn).map_err(|reason| format!("cannot parse `{}`: {reason}", dsn.shown))?;
        Ok(Self { dsn, transports })
    }

    /// Connects to the datastore's database.
    pub fn connect(&self) -> Result<Connection, String> {
        self.connect_to(&self.dsn.database)
    }

    /// Connects to a database: every host, every address and every transport in turn.
    pub fn connect_to(&self, database: &str) -> Result<Connection, String> {
        let mut reasons = Vec::new();
        'hosts: for ((host, port), transports) in self.dsn.hosts.iter().zip(&self.transports) {
            let Ok(addresses) = (host.as_str(), *port).to_socket_addrs() else {
                reasons.push(format!(
                    "hostname resolving error: lookup {host}: no such host"
                ));
                continue;
            };
            for address in addresses {
                for transport in transports {
                    match self.attempt(address, host, transport, database) {
                        Ok(connection) => return Ok(connection),
                        Err((reason, last)) => {
                            reasons.push(format!("{address} ({host}): {reason}"));
                            if last {
                                break 'hosts;
                            }
                        }
                    }
                }
            }
        }
        let head = format!(
            "failed to connect to `user={} database={database}`:",
            self.dsn.user
        );
        Err(match reasons.as_slice() {
            [one] => format!("{head} {one}"),
            many => format!("{head}\n\t{}", many.join("\n\t")),
        })
    }

    /// One attempt; its failure says whether to try no further.
    fn attempt(
        &self,
        address: SocketAddr,
        host: &str,
        transport: &Transport,
        database: &str,
    ) -> Result<Connection, (String, bool)> {
        let socket = TcpStream::connect_timeout(&address, self.dial_time())
            .map_err(|error| (dial_words(address, &error), false))?;
        let timeouts = socket
            .set_read_timeout(Some(SILENCE))
            .and_then(|()| socket.set_write_timeout(Some(SILENCE)))
            .and_then(|()| socket.set_nodelay(true));
        timeouts.map_err(|error| (error.to_string(), false))?;
        let stream = match transport {
            Transport::Plain => Stream::Plain(socket),
            Transport::Tls(config) => {
                start_tls(socket, host, config).map_err(|reason| (reason, false))?
            }
        };
        let mut connection = Connection {
            stream,
            input: BytesMut::new(),
        };
        connection.log_in(&self.dsn, database)?;
        if self.dsn.parameter("target_session_attrs") == Some("read-write") {
            connection.must_be_writable()?;
        }
        Ok(connection)
    }

    /// `connect_timeout` is for each address.
    fn dial_time(&self) -> Duration {
        let seconds = self.dsn.parameter("connect_timeout");
        let seconds = seconds.and_then(|seconds| seconds.parse().ok());
        seconds.map_or(DIAL, |seconds| DIAL.min(Duration::from_secs(seconds)))
    }
}

fn dial_words(address: SocketAddr, error: &io::Error) -> String {
    if matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    ) {
        return format!("dial error: timeout: dial tcp {address}: i/o timeout");
    }
    format!(
        "dial error: dial tcp {address}: connect: {}",
        crate::go_words(error)
    )
}

fn start_tls(
    mut socket: TcpStream,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<Stream, String> {
    let tls_error = |error: io::Error| format!("tls error: {}", crate::go_words(&error));
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    socket.write_all(&request).map_err(tls_error)?;
    let mut answer = [0];
    socket.read_exact(&mut answer).map_err(tls_error)?;
    if answer != *b"S" {
        return Err("tls error: server refused TLS connection".into());
    }
    let name =
        ServerName::try_from(host.to_owned()).map_err(|error| format!("tls error: {error}"))?;
    let client = ClientConnection::new(Arc::clone(config), name)
        .map_err(|error| format!("tls error: {error}"))?;
    let mut stream = StreamOwned::new(client, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| {
            // An error of rustls comes wrapped once; ours and alerts are told apart by its words.
            let (words, ours) = tls::words(&error);
            let failed = if ours { "write failed: " } else { "" };
            format!("failed to write startup message: {failed}{words}")
        })?;
    }
    Ok(Stream::Tls(Box::new(stream)))
}

impl Connection {
    /// As pgx asks it for `target_session_attrs=read-write`.
    fn must_be_writable(&mut self) -> Result<(), (String, bool)> {
        let failed = |reason: String| (format!("ValidateConnect failed: {reason}"), false);
        let rows = self
            .query("SHOW transaction_read_only", &[])
            .map_err(|error| failed(error.to_string()))?;
        let answer = rows.first().and_then(|row| row.first().cloned().flatten());
        if answer.as_deref() == Some("off") {
            return Ok(());
        }
        Err(failed("read only connection".into()))
    }

    fn log_in(&mut self, dsn: &Dsn, database: &str) -> Result<(), (String, bool)> {
        let lost = |error: io::Error| {
            (
                format!("failed to receive message: {}", tls::words(&error).0),
                false,
            )
        };
        let mut output = BytesMut::new();
        let mut parameters = vec![
            ("user", dsn.user.as_str()),
            ("database", database),
            ("client_encoding", "UTF8"),
        ];
        if let Some(name) = dsn.parameter("application_name") {
            parameters.push(("application_name", name));
        }
        frontend::startup_message(parameters, &mut output).map_err(lost)?;
        self.send(&output).map_err(lost)?;
        let password = dsn.password.as_deref().unwrap_or_default().as_bytes();
        loop {
            let answer = match self.receive().map_err(lost)? {
                Message::ErrorResponse(body) => {
                    let error = server_error(&body);
                    let enough = ["28P01", "3D000", "42501"].contains(&error.code.as_str());
                    return Err((format!("server error: {error}"), enough));
                }
                Message::ReadyForQuery(_) => return Ok(()),
                Message::AuthenticationCleartextPassword => password.to_vec(),
                Message::AuthenticationMd5Password(body) => {
                    postgres_protocol::authentication::md5_hash(
                        dsn.user.as_bytes(),
                        password,
                        body.salt(),
                    )
                    .into_bytes()
                }
                Message::AuthenticationSasl(_) => {
                    self.scram(password)
                        .map_err(|reason| (format!("failed SASL auth: {reason}"), true))?;
                    continue;
                }
                _ => continue,
            };
            let mut output = BytesMut::new();
            frontend::password_message(&answer, &mut output).map_err(lost)?;
            self.send(&output).map_err(lost)?;
        }
    }

    fn scram(&mut self, password: &[u8]) -> Result<(), String> {
        let words = |error: io::Error| tls::words(&error).0;
        let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
        let mut output = BytesMut::new();
        frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut output)
            .map_err(words)?;
        self.send(&output).map_err(words)?;
        loop {
            match self.receive().map_err(words)? {
                Message::AuthenticationSaslContinue(body) => {
                    scram.update(body.data()).map_err(words)?;
                    let mut output = BytesMut::new();
                    frontend::sasl_response(scram.message(), &mut output).map_err(words)?;
                    self.send(&output).map_err(words)?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    return scram.finish(body.data()).map_err(words);
                }
                Message::ErrorResponse(body) => return Err(server_error(&body).to_string()),
                _ => return Err("unexpected message".into()),
            }
        }
    }

    /// Runs one statement; parameters and results travel as text.
    pub fn query(&mut self, sql: &str, parameters: &[&str]) -> Result<Vec<Row>, Failed> {
        let lost = |error: io::Error| Failed::Lost(tls::words(&error).0);
        let mut output = BytesMut::new();
        frontend::parse("", sql, [], &mut output).map_err(lost)?;
        let bound = frontend::bind(
            "",
            "",
            [],
            parameters,
            |parameter, buffer| {
                buffer.extend_from_slice(parameter.as_bytes());
                Ok(IsNull::No)
            },
            [],
            &mut output,
        );
        bound.map_err(|_| Failed::Lost("cannot bind parameters".into()))?;
        frontend::execute("", 0, &mut output).map_err(lost)?;
        frontend::sync(&mut output);
        self.send(&output).map_err(lost)?;
        let mut rows = Vec::new();
        let mut refused = None;
        loop {
            match self.receive().map_err(lost)? {
                Message::DataRow(body) => {
                    let ranges: Vec<_> = body.ranges().collect().map_err(lost)?;
                    let text = |range| String::from_utf8_lossy(&body.buffer()[range]).into_owned();
                    rows.push(ranges.into_iter().map(|range| range.map(text)).collect());
                }
                Message::ErrorResponse(body) => {
                    let error = server_error(&body);
                    if error.severity == "FATAL" {
                        return Err(Failed::Lost(error.to_string()));
                    }
                    refused = Some(error);
                }
                Message::ReadyForQuery(_) => {
                    return refused.map_or(Ok(rows), |error| Err(Failed::Refused(error)));
                }
                _ => {}
            }
        }
    }

    fn send(&mut self, output: &[u8]) -> io::Result<()> {
        self.stream.write_all(output)?;
        self.stream.flush()
    }

    fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(message) = Message::parse(&mut self.input)? {
                return Ok(message);
            }
            let mut buffer = [0; 8192];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Ok(length) => self.input.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut output = BytesMut::new();
        frontend::terminate(&mut output);
        let _ = self.send(&output);
    }
}

fn server_error(body: &ErrorResponseBody) -> ServerError {
    let mut error = ServerError {
        severity: String::new(),
        code: String::new(),
        message: String::new(),
    };
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'S' => error.severity = value,
            b'C' => error.code = value,
            b'M' => error.message = value,
            _ => {}
        }
    }
    error
}
