//! The part of the Postgres protocol that the wizard needs: request TLS, log in with SCRAM, query.

use std::io::{self, Read, Write};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::sasl::{self, ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::{self, DataRowBody, ErrorResponseBody, Message};
use postgres_protocol::message::frontend;

use crate::https::tls::{self, TlsFailure};
use crate::secrets::SecretText;

/// The maximum length of a message during a login: a longer one is not from Postgres.
const LONGEST_MESSAGE: i32 = 64 * 1024;
/// The most rows of an answer.
const MOST_ROWS: usize = 1000;
/// See docs/facts.md, "Connections with TLS".
const SEEN: &str = "select ssl, version, client_dn, pg_is_in_recovery() from pg_stat_ssl \
     where pid = pg_backend_pid()";

/// How Postgres sees a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// `TLSv1.3`; `None` without TLS.
    pub tls: Option<String>,
    /// The subject of the client certificate: `/CN=k3s`.
    pub client_dn: Option<String>,
    pub password_asked: bool,
    /// It only follows a primary.
    pub standby: bool,
}

/// How far a login came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Postgres knows the role, the address and the certificate.
    Greeted,
    PasswordAsked,
    /// Postgres has accepted the password, and proved that it knows it.
    PasswordAccepted,
    LoggedIn,
}

/// Why a login failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LoginStop {
    /// Postgres sent an error.
    Error {
        stage: Stage,
        sqlstate: String,
        message: String,
    },
    /// The connection failed, or TLS did.
    Connection(TlsFailure),
}

fn broken(why: impl Into<String>) -> LoginStop {
    LoginStop::Connection(TlsFailure::Broken(why.into()))
}

/// Requests TLS; if accepted, the handshake follows on the same stream.
pub(super) fn ask_for_tls(stream: &mut (impl Read + Write)) -> Result<(), LoginStop> {
    let mut talk = Talk::new(stream);
    talk.send(|buffer| {
        frontend::ssl_request(buffer);
        Ok(())
    })?;
    // Exactly one byte: unencrypted bytes after it must not count as encrypted.
    let mut answer = [0];
    if let Err(error) = talk.stream.read_exact(&mut answer) {
        return Err(talk.lost(&error));
    }
    match answer {
        [b'S'] => Ok(()),
        [b'N'] => Err(broken("Postgres offers no TLS (its setting ssl is off)")),
        [backend::ERROR_RESPONSE_TAG] => {
            talk.buffer.extend_from_slice(&answer);
            match talk.receive()? {
                Message::ErrorResponse(body) => Err(error(&body, Stage::Greeted)),
                _ => Err(unexpected()),
            }
        }
        _ => Err(broken("the server there is not Postgres")),
    }
}

/// Logs in, and queries how Postgres sees the connection.
pub(super) fn log_in(
    stream: &mut (impl Read + Write),
    database: &str,
    user: &str,
    password: &SecretText,
) -> Result<Session, LoginStop> {
    let mut talk = Conversation::begin(stream, database, user, password)?;
    let rows = talk.query(SEEN)?;
    let row = rows.into_iter().next().ok_or_else(unexpected)?;
    let [ssl, version, client_dn, standby] = row.try_into().map_err(|_| unexpected())?;
    talk.end();
    Ok(Session {
        tls: version.filter(|_| ssl.as_deref() == Some("t")),
        client_dn: client_dn.filter(|name| !name.is_empty()),
        password_asked: talk.password_asked,
        standby: standby.as_deref() == Some("t"),
    })
}

/// One row of an answer.
pub(super) type AnswerRow = Vec<Option<String>>;

/// A connection on which Postgres has let the role in.
pub(super) struct Conversation<S> {
    talk: Talk<S>,
    pub password_asked: bool,
    /// The number of the process that serves it, as was said at the login; a pooler says another one.
    pub process: Option<i32>,
}

impl<S: Read + Write> Conversation<S> {
    /// The password is only used with SCRAM-SHA-256, which does not reveal it. Without channel binding,
    /// as in K3s: TLS already authenticates the server.
    pub fn begin(
        stream: S,
        database: &str,
        user: &str,
        password: &SecretText,
    ) -> Result<Self, LoginStop> {
        let mut talk = Talk::new(stream);
        let parameters = [
            ("user", user),
            ("database", database),
            ("application_name", "k3s-ha-wizard"),
        ];
        talk.send(|buffer| frontend::startup_message(parameters, buffer))?;

        let (mut stage, mut process) = (Stage::Greeted, None);
        let mut scram: Option<ScramSha256> = None;
        let invalid =
            |error: io::Error| broken(format!("Postgres does not keep to SCRAM: {error}"));
        loop {
            match (talk.receive()?, scram.as_mut()) {
                (Message::AuthenticationSasl(body), None) => {
                    let mechanisms: Vec<_> = body.mechanisms().collect().map_err(invalid)?;
                    if !mechanisms.contains(&sasl::SCRAM_SHA_256) {
                        return Err(broken("Postgres does not offer SCRAM-SHA-256"));
                    }
                    let password = password.expose().as_bytes();
                    let first = ScramSha256::new(password, ChannelBinding::unsupported());
                    talk.send(|buffer| {
                        let mechanism = sasl::SCRAM_SHA_256;
                        frontend::sasl_initial_response(mechanism, first.message(), buffer)
                    })?;
                    scram = Some(first);
                    stage = Stage::PasswordAsked;
                }
                (Message::AuthenticationSaslContinue(body), Some(scram)) => {
                    scram.update(body.data()).map_err(invalid)?;
                    talk.send(|buffer| frontend::sasl_response(scram.message(), buffer))?;
                }
                (Message::AuthenticationSaslFinal(body), Some(scram)) => {
                    scram.finish(body.data()).map_err(invalid)?;
                    stage = Stage::PasswordAccepted;
                }
                (Message::AuthenticationOk, _) if stage != Stage::PasswordAsked => {
                    stage = Stage::LoggedIn;
                }
                (Message::ReadyForQuery(_), _) if stage == Stage::LoggedIn => break,
                (Message::ErrorResponse(body), _) => return Err(error(&body, stage)),
                (Message::BackendKeyData(body), _) => process = Some(body.process_id()),
                (Message::ParameterStatus(_) | Message::NoticeResponse(_), _) => {}
                (
                    Message::AuthenticationCleartextPassword
                    | Message::AuthenticationMd5Password(_),
                    _,
                ) => {
                    return Err(broken(
                        "Postgres asks for the password in a weaker form than SCRAM-SHA-256, which the \
                         wizard never sends: pg_hba.conf must say scram-sha-256",
                    ));
                }
                _ => return Err(unexpected()),
            }
        }
        Ok(Self {
            talk,
            password_asked: scram.is_some(),
            process,
        })
    }

    /// The rows of an answer; of several statements, those of all of them.
    pub fn query(&mut self, sql: &str) -> Result<Vec<AnswerRow>, LoginStop> {
        let talk = &mut self.talk;
        talk.send(|buffer| frontend::query(sql, buffer))?;
        let (mut rows, mut failed) = (Vec::new(), None);
        loop {
            match talk.receive()? {
                Message::DataRow(_) if rows.len() == MOST_ROWS => return Err(unexpected()),
                Message::DataRow(body) => rows.push(columns(&body).ok_or_else(unexpected)?),
                Message::ReadyForQuery(_) => break,
                // The connection is ready for the next one after it.
                Message::ErrorResponse(body) => failed = Some(error(&body, Stage::LoggedIn)),
                Message::RowDescription(_)
                | Message::CommandComplete(_)
                | Message::EmptyQueryResponse
                | Message::ParameterStatus(_)
                | Message::NoticeResponse(_) => {}
                _ => return Err(unexpected()),
            }
        }
        failed.map_or(Ok(rows), Err)
    }

    /// Says goodbye.
    pub fn end(&mut self) {
        // Whoever does not hear it sees the connection end.
        let _ = self.talk.send(|buffer| {
            frontend::terminate(buffer);
            Ok(())
        });
    }
}

fn unexpected() -> LoginStop {
    broken("Postgres sent an unexpected message during the login")
}

fn error(body: &ErrorResponseBody, stage: Stage) -> LoginStop {
    let (mut sqlstate, mut message) = (String::new(), String::new());
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let text = || String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => sqlstate = text(),
            b'M' => message = text(),
            _ => {}
        }
    }
    LoginStop::Error {
        stage,
        sqlstate,
        message,
    }
}

/// A stream with messages on it.
struct Talk<S> {
    stream: S,
    buffer: BytesMut,
    /// A message that could not be sent. Before closing, the other side often sent a reason, which
    /// must still be read.
    unsent: Option<TlsFailure>,
}

impl<S: Read + Write> Talk<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            unsent: None,
        }
    }

    fn send(
        &mut self,
        write: impl FnOnce(&mut BytesMut) -> io::Result<()>,
    ) -> Result<(), LoginStop> {
        let mut message = BytesMut::new();
        write(&mut message).map_err(|error| broken(format!("cannot be sent: {error}")))?;
        let sent = self.stream.write_all(&message);
        if let Err(error) = sent.and_then(|()| self.stream.flush()) {
            match tls::why_io(&error) {
                alert @ TlsFailure::Alert(..) => return Err(LoginStop::Connection(alert)),
                failure @ TlsFailure::Broken(_) => self.unsent = Some(failure),
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<Message, LoginStop> {
        let invalid = |error| broken(format!("the server there is not Postgres: {error}"));
        loop {
            let header = backend::Header::parse(&self.buffer).map_err(invalid)?;
            if header.is_some_and(|header| header.len() > LONGEST_MESSAGE) {
                return Err(broken("the server there is not Postgres"));
            }
            if let Some(message) = Message::parse(&mut self.buffer).map_err(invalid)? {
                return Ok(message);
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(self.end(tls::ended())),
                Ok(length) => self.buffer.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(&error)),
            }
        }
    }

    fn lost(&mut self, error: &io::Error) -> LoginStop {
        let failure = match error.kind() {
            io::ErrorKind::UnexpectedEof => tls::ended(),
            _ => tls::why_io(error),
        };
        self.end(failure)
    }

    fn end(&mut self, failure: TlsFailure) -> LoginStop {
        LoginStop::Connection(match failure {
            alert @ TlsFailure::Alert(..) => alert,
            broken @ TlsFailure::Broken(_) => self.unsent.take().unwrap_or(broken),
        })
    }
}

fn columns(body: &DataRowBody) -> Option<AnswerRow> {
    let text = |range| Some(String::from_utf8_lossy(body.buffer().get(range)?).into_owned());
    let row = body.ranges().map(|range| Ok(range.and_then(text)));
    row.collect().ok()
}
