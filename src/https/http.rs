//! As much of HTTP/1.1 (RFC 9112) as it takes to ask a server, question after question on one connection. What
//! comes back is hostile until it is read: no part of it is longer than it may be.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;

use httparse::Status;

use super::tls::{self, TlsFailure};

/// How many bytes may come before a body, and after one that came in chunks.
const LONGEST_HEAD: usize = 64 * 1024;
/// How long the line in front of a chunk may be.
const LONGEST_SIZE: usize = 1024;
const MOST_FIELDS: usize = 100;
/// How much is read at once.
const PIECE: usize = 16 * 1024;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HttpError {
    /// The connection broke, or ended before there was anything.
    #[error("{0}")]
    Lost(TlsFailure),
    #[error("the connection ended in the middle of an answer")]
    Cut,
    /// What came is no answer of HTTP/1.1, or not one that can be trusted.
    #[error("the answer is not valid HTTP: {0}")]
    Malformed(&'static str),
    #[error("the answer has more than {0} bytes")]
    TooLong(usize),
    /// The server has said before that it answers no more on this connection.
    #[error("the connection was closed before all requests were sent")]
    Closed,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A connection on which a server is asked.
pub(crate) struct HttpConnection<S> {
    stream: S,
    authority: String,
    /// What was read and not yet looked at.
    read: Vec<u8>,
    /// Nothing can be asked here any more.
    closed: bool,
}

/// How long a body is.
enum Length {
    Bytes(u64),
    Chunks,
    /// As long as the connection lasts.
    Rest,
}

struct Head {
    status: u16,
    length: Length,
    closes: bool,
}

impl<S: Read + Write> HttpConnection<S> {
    /// On a stream to `host`, a name or an address.
    pub(crate) fn new(stream: S, host: &str) -> Self {
        let authority = match host.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
            _ => host.to_owned(),
        };
        Self {
            stream,
            authority,
            read: Vec::new(),
            closed: false,
        }
    }

    /// Asks for a path, and reads the whole answer; its body may have `most` bytes.
    pub(crate) fn get(&mut self, path: &str, most: usize) -> Result<HttpAnswer, HttpError> {
        self.ask("GET", path, None, most)
    }

    /// Whether the connection ends while nothing is asked, within the time that its reads may take.
    pub(crate) fn ends(&mut self) -> bool {
        let mut byte = [0];
        match self.stream.read(&mut byte) {
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
            Ok(length) => {
                // What was not asked for belongs to no question.
                self.read.extend_from_slice(&byte[..length]);
                true
            }
        }
    }

    /// Any question, with a body in JSON if there is one. Neither method nor path may come from a host.
    pub(crate) fn ask(
        &mut self,
        method: &'static str,
        path: &str,
        json: Option<&str>,
        most: usize,
    ) -> Result<HttpAnswer, HttpError> {
        if self.closed {
            return Err(HttpError::Closed);
        }
        // Whatever goes wrong: what comes later belongs to no question.
        self.closed = true;
        let authority = &self.authority;
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\n");
        if let Some(json) = json {
            let length = json.len();
            request += "Content-Type: application/json\r\n";
            let _ = write!(request, "Content-Length: {length}\r\n");
        }
        request += "\r\n";
        request += json.unwrap_or_default();
        let sent = self.stream.write_all(request.as_bytes());
        sent.map_err(|error| lost(&error))?;
        let head = self.head()?;
        let (body, ended) = match head.length {
            Length::Bytes(length) => (self.counted(length, most)?, false),
            Length::Chunks => (self.chunks(most)?, false),
            Length::Rest => (self.rest(most)?, true),
        };
        // What follows was not asked for.
        self.closed = head.closes || ended || !self.read.is_empty();
        Ok(HttpAnswer {
            status: head.status,
            body,
        })
    }

    fn head(&mut self) -> Result<Head, HttpError> {
        loop {
            if let Some((length, head)) = parse_head(&self.read)? {
                self.read.drain(..length);
                return Ok(head);
            }
            if self.read.len() >= LONGEST_HEAD {
                return Err(HttpError::TooLong(LONGEST_HEAD));
            }
            let is_first = self.read.is_empty();
            if !self.more()? {
                return Err(if is_first {
                    HttpError::Lost(tls::ended())
                } else {
                    HttpError::Cut
                });
            }
        }
    }

    fn counted(&mut self, length: u64, most: usize) -> Result<Vec<u8>, HttpError> {
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= most);
        let length = length.ok_or(HttpError::TooLong(most))?;
        self.at_least(length)?;
        Ok(self.read.drain(..length).collect())
    }

    fn chunks(&mut self, most: usize) -> Result<Vec<u8>, HttpError> {
        let mut body = Vec::new();
        loop {
            let size = self.chunk_size()?;
            if size == 0 {
                self.trailer()?;
                return Ok(body);
            }
            let room = most - body.len();
            let size = usize::try_from(size).ok().filter(|size| *size <= room);
            let size = size.ok_or(HttpError::TooLong(most))?;
            self.at_least(size + 2)?;
            if &self.read[size..size + 2] != b"\r\n" {
                return Err(HttpError::Malformed("a chunk is longer than it says"));
            }
            body.extend_from_slice(&self.read[..size]);
            self.read.drain(..size + 2);
        }
    }

    fn chunk_size(&mut self) -> Result<u64, HttpError> {
        loop {
            match httparse::parse_chunk_size(&self.read) {
                Ok(Status::Complete((length, size))) => {
                    self.read.drain(..length);
                    return Ok(size);
                }
                Ok(Status::Partial) if self.read.len() < LONGEST_SIZE => self.must_read()?,
                _ => return Err(HttpError::Malformed("a chunk has no size")),
            }
        }
    }

    /// The fields after the last chunk, which say nothing here.
    fn trailer(&mut self) -> Result<(), HttpError> {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
            match httparse::parse_headers(&self.read, &mut fields) {
                Ok(Status::Complete((length, _))) => {
                    self.read.drain(..length);
                    return Ok(());
                }
                Ok(Status::Partial) if self.read.len() < LONGEST_HEAD => self.must_read()?,
                _ => return Err(HttpError::Malformed("the chunks do not end well")),
            }
        }
    }

    /// Over TLS, such a body may be cut without a sign of it: its parser sees that.
    fn rest(&mut self, most: usize) -> Result<Vec<u8>, HttpError> {
        loop {
            if self.read.len() > most {
                return Err(HttpError::TooLong(most));
            }
            match self.more() {
                Ok(true) => {}
                Ok(false) => return Ok(std::mem::take(&mut self.read)),
                Err(HttpError::Lost(failure)) if failure == tls::ended() => {
                    return Ok(std::mem::take(&mut self.read));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn at_least(&mut self, length: usize) -> Result<(), HttpError> {
        while self.read.len() < length {
            self.must_read()?;
        }
        Ok(())
    }

    fn must_read(&mut self) -> Result<(), HttpError> {
        match self.more() {
            Ok(true) => Ok(()),
            Ok(false) => Err(HttpError::Cut),
            Err(HttpError::Lost(failure)) if failure == tls::ended() => Err(HttpError::Cut),
            Err(error) => Err(error),
        }
    }

    /// Reads what is there; false at the end of the stream.
    fn more(&mut self) -> Result<bool, HttpError> {
        let mut piece = [0; PIECE];
        let length = self.stream.read(&mut piece).map_err(|error| lost(&error))?;
        self.read.extend_from_slice(&piece[..length]);
        Ok(length > 0)
    }
}

fn lost(error: &io::Error) -> HttpError {
    HttpError::Lost(tls::why_io(error))
}

/// The head of an answer and how many bytes it has, once it is whole.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, Head)>, HttpError> {
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut answer = httparse::Response::new(&mut fields);
    let not_http = |_| HttpError::Malformed("it does not speak HTTP");
    let Status::Complete(length) = answer.parse(bytes).map_err(not_http)? else {
        return Ok(None);
    };
    let (Some(status), Some(minor)) = (answer.code, answer.version) else {
        return Err(HttpError::Malformed("it does not speak HTTP"));
    };
    let says = |name: &'static str| {
        let fields = answer.headers.iter();
        let said = fields.filter(move |field| field.name.eq_ignore_ascii_case(name));
        said.map(|field| field.value.trim_ascii())
    };
    let length_of_body = match (
        &says("transfer-encoding").collect::<Vec<_>>()[..],
        &says("content-length").collect::<Vec<_>>()[..],
    ) {
        // Not found, unchanged or interim: none of these was asked for.
        _ if status < 200 || status == 204 || status == 304 => {
            return Err(HttpError::Malformed(
                "its status belongs to another question",
            ));
        }
        ([], []) => Length::Rest,
        ([], [number]) => Length::Bytes(decimal(number)?),
        ([encoding], []) if encoding.eq_ignore_ascii_case(b"chunked") => Length::Chunks,
        _ => return Err(HttpError::Malformed("the length of its body is unclear")),
    };
    let is_close = |option: &[u8]| option.trim_ascii().eq_ignore_ascii_case(b"close");
    let mut options = says("connection").flat_map(|said| said.split(|byte| *byte == b','));
    let closes = minor == 0 || options.any(is_close);
    let head = Head {
        status,
        length: length_of_body,
        closes,
    };
    Ok(Some((length, head)))
}

fn decimal(number: &[u8]) -> Result<u64, HttpError> {
    let digits = number.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(number).ok().filter(|_| digits);
    let number = number.and_then(|number| number.parse().ok());
    number.ok_or(HttpError::Malformed("the length of its body is unclear"))
}

#[cfg(test)]
mod tests;
