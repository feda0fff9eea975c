//! As much of HTTP/1.1 as servers, agents and kubectl need between themselves and for `curl`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde_json::{Value, json};

use crate::tls;

const MOST_HEADERS: usize = 100;
const MOST_BODY: usize = 4 << 20;
/// The longest body whose length Go's server says, where the handler does not.
const LONGEST_WHOLE: usize = 2048;
const CHUNK: usize = 32 << 10;
/// K3s' own clients wait this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client asks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    /// By lower-case names.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// Reads one; none when the client has hung up.
    pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let Some(first) = line(stream)? else {
            return Ok(None);
        };
        let bad = || io::Error::from(io::ErrorKind::InvalidData);
        let mut words = first.split(' ');
        let (Some(method), Some(target), Some(_)) = (words.next(), words.next(), words.next())
        else {
            return Err(bad());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = headers(stream)?;
        let length = content_length(&headers).unwrap_or_default();
        if length > MOST_BODY {
            return Err(bad());
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        Ok(Some(Self {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers,
            body,
        }))
    }

    /// The user and the password of basic authentication.
    pub fn basic(&self) -> Option<(String, String)> {
        let encoded = self.headers.get("authorization")?.strip_prefix("Basic ")?;
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// Whether the query has this parameter, with any value but `false`.
    pub fn asks(&self, name: &str) -> bool {
        self.query.split('&').any(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            key == name && value != "false"
        })
    }

    /// The value of a parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find_map(|(key, value)| (key == name).then(|| decoded(value)))
    }

    /// Whether the client wants the connection kept.
    pub fn keeps(&self) -> bool {
        self.headers
            .get("connection")
            .is_none_or(|value| !value.eq_ignore_ascii_case("close"))
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub kind: &'static str,
    pub body: Vec<u8>,
}

impl Response {
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            kind: "text/plain; charset=utf-8",
            body: body.into().into_bytes(),
        }
    }

    /// What programs printed, as the API hands it on.
    pub fn plain(body: impl Into<String>) -> Self {
        Self {
            kind: "text/plain",
            ..Self::text(200, body)
        }
    }

    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            kind: "application/json",
            body: (body.to_string() + "\n").into_bytes(),
        }
    }

    /// The API's own way to say no.
    pub fn refusal(status: u16, reason: &str, message: &str) -> Self {
        Self::json(
            status,
            &json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": message, "reason": reason, "code": status
            }),
        )
    }

    /// Writes it, what is long in chunks, as Go does.
    pub fn write(&self, stream: &mut impl Write, keep: bool) -> io::Result<()> {
        let length = self.body.len();
        let length = if length > LONGEST_WHOLE {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {length}")
        };
        let mut head = format!(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\n{length}\r\n",
            self.status,
            reason(self.status),
            self.kind,
        );
        head.push_str(if keep {
            "\r\n"
        } else {
            "Connection: close\r\n\r\n"
        });
        stream.write_all(head.as_bytes())?;
        if self.body.len() > LONGEST_WHOLE {
            for chunk in self.body.chunks(CHUNK) {
                write!(stream, "{:x}\r\n", chunk.len())?;
                stream.write_all(chunk)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        } else {
            stream.write_all(&self.body)?;
        }
        stream.flush()
    }
}

/// What percent signs stand for (RFC 3986).
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(place) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..place]);
        let digits = rest.get(place + 1..place + 3);
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(byte.unwrap_or(b'%'));
        let length = if byte.is_some() { 3 } else { 1 };
        rest = &rest[place + length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The words that belong to a status.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut text = String::new();
    if stream.by_ref().take(64 << 10).read_line(&mut text)? == 0 {
        return Ok(None);
    }
    text.truncate(text.trim_end().len());
    Ok(Some(text))
}

fn headers(stream: &mut impl BufRead) -> io::Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for _ in 0..MOST_HEADERS {
        let text = line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if text.is_empty() {
            return Ok(headers);
        }
        if let Some((name, value)) = text.split_once(':') {
            headers.insert(name.to_lowercase(), value.trim().to_owned());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

fn content_length(headers: &BTreeMap<String, String>) -> Option<usize> {
    headers.get("content-length")?.parse().ok()
}

/// One who asks: where, over which TLS, as whom.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub tls: Arc<ClientConfig>,
    pub basic: Option<(String, String)>,
}

impl Client {
    /// Asks once, on a connection of its own; what goes wrong is told as Go's client tells it.
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, String> {
        let mut local = None;
        self.attempt(method, path, headers, body, &mut local)
            .map_err(|error| {
                let verb = format!("{}{}", &method[..1], method[1..].to_lowercase());
                let url = format!("https://{}{path}", self.address);
                format!("{verb} \"{url}\": {}", self.words(&error, local))
            })
    }

    fn words(&self, error: &io::Error, local: Option<SocketAddr>) -> String {
        use io::ErrorKind::{ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
        match (error.kind(), local) {
            (UnexpectedEof, _) => "EOF".into(),
            (TimedOut | WouldBlock, Some(_)) => "net/http: TLS handshake timeout".into(),
            (TimedOut | WouldBlock, None) => format!("dial tcp {}: i/o timeout", self.address),
            (ConnectionReset, Some(local)) => {
                format!(
                    "read tcp {local}->{}: read: connection reset by peer",
                    self.address
                )
            }
            (_, None) => format!(
                "dial tcp {}: connect: {}",
                self.address,
                crate::go_words(error)
            ),
            _ => tls::words(error).0,
        }
    }

    fn attempt(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        local: &mut Option<SocketAddr>,
    ) -> io::Result<Response> {
        let socket = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        *local = socket.local_addr().ok();
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let name = ServerName::IpAddress(self.address.ip().into());
        let client =
            ClientConnection::new(Arc::clone(&self.tls), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(client, socket);
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n",
            self.address
        );
        if let Some((user, password)) = &self.basic {
            let _ = write!(
                head,
                "Authorization: Basic {}\r\n",
                STANDARD.encode(format!("{user}:{password}"))
            );
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        stream.flush()?;
        read_response(&mut BufReader::new(stream))
    }
}

fn read_response(stream: &mut impl BufRead) -> io::Result<Response> {
    let first = line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let headers = self::headers(stream)?;
    let is_chunked = headers
        .get("transfer-encoding")
        .is_some_and(|it| it == "chunked");
    let body = if is_chunked {
        read_chunks(stream)?
    } else {
        let mut body = vec![0; content_length(&headers).unwrap_or_default().min(64 << 20)];
        stream.read_exact(&mut body)?;
        body
    };
    Ok(Response {
        status,
        kind: "",
        body,
    })
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let size = usize::from_str_radix(&size, 16)
            .ok()
            .filter(|size| *size <= CHUNK);
        let size = size.ok_or(io::ErrorKind::InvalidData)?;
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(&mut body[start..])?;
        line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_and_an_answer_written() {
        let text = "GET /readyz?verbose&x=false HTTP/1.1\r\nHost: a\r\nAuthorization: Basic bm9kZTp4OnkK\r\n\
                    Content-Length: 3\r\n\r\nabcGET";
        let request = Request::read(&mut text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("GET", "/readyz")
        );
        assert!(request.asks("verbose") && !request.asks("x") && request.keeps());
        assert_eq!(request.basic(), Some(("node".into(), "x:y\n".into())));
        assert_eq!(request.body, b"abc");
        assert_eq!(Request::read(&mut "".as_bytes()).unwrap(), None);

        let mut written = Vec::new();
        Response::text(200, "pong")
            .write(&mut written, false)
            .unwrap();
        let read = read_response(&mut written.as_slice()).unwrap();
        assert_eq!(
            (read.status, read.body.as_slice()),
            (200, b"pong".as_slice())
        );
    }

    #[test]
    fn what_is_long_goes_in_chunks() {
        let long = "x".repeat(CHUNK + 1);
        let mut written = Vec::new();
        Response::text(200, long.clone())
            .write(&mut written, true)
            .unwrap();
        assert!(written.windows(9).any(|part| part == b"chunked\r\n"));
        let read = read_response(&mut written.as_slice()).unwrap();
        assert_eq!(read.body, long.into_bytes());
    }

    #[test]
    fn a_refusal_is_the_status_of_the_api() {
        let refusal = Response::refusal(401, "Unauthorized", "Unauthorized");
        let status: Value = serde_json::from_slice(&refusal.body).unwrap();
        assert_eq!(
            (&status["kind"], &status["code"]),
            (&json!("Status"), &json!(401))
        );
        assert_eq!(
            (&status["status"], &status["reason"]),
            (&json!("Failure"), &json!("Unauthorized"))
        );
    }
}
