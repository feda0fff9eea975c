use std::collections::VecDeque;

use super::*;

/// A server in memory: what it sends, a piece at a time, whatever it is asked.
#[derive(Default)]
struct Server {
    pieces: VecDeque<Vec<u8>>,
    asked: Vec<u8>,
}

impl Read for Server {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return Ok(0);
        };
        let length = piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&piece[..length]);
        if length < piece.len() {
            self.pieces.push_front(piece.split_off(length));
        }
        Ok(length)
    }
}

impl Write for Server {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.asked.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection to a server that sends this, in pieces of so many bytes.
fn to(text: &str, size: usize) -> HttpConnection<Server> {
    let pieces = text.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
    let asked = Vec::new();
    HttpConnection::new(Server { pieces, asked }, "::1")
}

fn answers(text: &str) -> Result<(u16, String), HttpError> {
    let one = to(text, 1).get("/", 20);
    assert_eq!(
        one,
        to(text, 1000).get("/", 20),
        "in whatever pieces it comes"
    );
    one.map(|answer| (answer.status, String::from_utf8(answer.body).unwrap()))
}

fn ok(body: &str) -> (u16, String) {
    (200, body.to_owned())
}

const COUNTED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n\
    4;name=value\r\nfour\r\n6\r\n, more\r\n0\r\nTrailer: x\r\n\r\n";

#[test]
fn a_body_is_as_long_as_the_server_says() {
    assert_eq!(answers(COUNTED), Ok(ok("ok")));
    assert_eq!(answers(CHUNKED), Ok(ok("four, more")));
    assert_eq!(
        answers("HTTP/1.1 200 OK\r\n\r\nto the end"),
        Ok(ok("to the end"))
    );
    let none = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answers(none), Ok((401, String::new())));
}

#[test]
fn one_question_follows_another_until_the_server_closes() {
    let mut connection = to("", 1);
    connection.stream.pieces = [COUNTED, CHUNKED]
        .map(|text| text.as_bytes().to_vec())
        .into();
    assert_eq!(
        connection.get("/first", 20).map(|it| it.body),
        Ok(b"ok".to_vec())
    );
    let second = connection.get("/second", 20).map(|it| it.body);
    assert_eq!(second, Ok(b"four, more".to_vec()));
    let asked = String::from_utf8(connection.stream.asked.clone()).unwrap();
    let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: [::1]\r\n\r\n");
    assert_eq!(asked, request("/first") + &request("/second"));
    assert_eq!(connection.get("/", 20), Err(HttpError::Lost(tls::ended())));

    for last in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        // More than was asked for.
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
    ] {
        let mut connection = to(last, 1000);
        assert_eq!(
            connection.get("/", 20).map(|it| it.body),
            Ok(b"ok".to_vec())
        );
        assert_eq!(connection.get("/", 20), Err(HttpError::Closed), "{last}");
    }
}

#[test]
fn an_answer_that_is_cut_is_none() {
    for (text, parts) in [(COUNTED, "ok"), (CHUNKED, "four, more")] {
        for length in 1..text.len() {
            assert_eq!(
                answers(&text[..length]),
                Err(HttpError::Cut),
                "{parts} at {length}"
            );
        }
    }
    assert_eq!(answers(""), Err(HttpError::Lost(tls::ended())));
}

#[test]
fn nothing_is_longer_than_it_may_be() {
    let too_long = Err(HttpError::TooLong(20));
    assert_eq!(
        answers("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n"),
        too_long
    );
    let largest = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", u64::MAX);
    assert_eq!(answers(&largest), too_long);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(21));
    assert_eq!(answers(&endless), too_long);
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let many = format!("{chunks}{}", "5\r\nfive!\r\n".repeat(5));
    assert_eq!(answers(&many), too_long);
    assert_eq!(answers(&format!("{chunks}FFFFFFFFFFFFFFFF\r\n")), too_long);
    let head = format!("HTTP/1.1 200 OK\r\nField: {}", "x".repeat(LONGEST_HEAD));
    let answer = to(&head, 1000).get("/", 20);
    assert_eq!(answer, Err(HttpError::TooLong(LONGEST_HEAD)));
}

#[test]
fn what_cannot_be_trusted_is_no_answer() {
    for text in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nmore\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
    ] {
        let answer = answers(text);
        assert!(
            matches!(answer, Err(HttpError::Malformed(_))),
            "{text}: {answer:?}"
        );
    }
}
