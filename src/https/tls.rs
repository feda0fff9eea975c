//! TLS to a server, verified with one CA.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::IpAddr;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{
    self, HandshakeError, Ssl, SslContext, SslMethod, SslStream, SslVerifyMode, SslVersion,
};
use openssl::x509::verify::X509CheckFlags;
use openssl::x509::{X509, X509VerifyResult};

use crate::secrets::SecretText;

/// OpenSSL numbers the alerts of the other side from here on (`SSL_AD_REASON_OFFSET`).
const ALERTS: i32 = 1000;
/// OpenSSL 3's `SSL_R_UNEXPECTED_EOF_WHILE_READING`.
const UNEXPECTED_EOF: i32 = 294;

/// A certificate, with those between it and its CA if there are any, and its private key; both PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub cert_pem: String,
    pub key_pem: SecretText,
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsFailure {
    /// The other side sent a TLS alert: its number and name.
    Alert(u8, String),
    /// Any other reason.
    Broken(String),
}

impl fmt::Display for TlsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(_, name) => write!(f, "TLS alert \"{name}\""),
            Self::Broken(why) => f.write_str(why),
        }
    }
}

/// The handshake with a server whose certificate must have `host` (a DNS name or an IP address)
/// among its subject alternative names, as in Go, under one of the CAs in `ca_pem`. The system's
/// CAs do not count.
pub(crate) fn connect<S: Read + Write>(
    stream: S,
    host: &str,
    ca_pem: &str,
    identity: Option<&Identity>,
) -> Result<SslStream<S>, TlsFailure> {
    shake_hands(prepare(host, true, ca_pem, identity), stream, host)
}

/// The same with a server whose certificate may have any name.
pub(crate) fn connect_by_any_name<S: Read + Write>(
    stream: S,
    host: &str,
    ca_pem: &str,
    identity: Option<&Identity>,
) -> Result<SslStream<S>, TlsFailure> {
    shake_hands(prepare(host, false, ca_pem, identity), stream, host)
}

fn shake_hands<S: Read + Write>(
    prepared: Result<Ssl, ErrorStack>,
    stream: S,
    host: &str,
) -> Result<SslStream<S>, TlsFailure> {
    let setup = |error: ErrorStack| TlsFailure::Broken(format!("cannot prepare TLS: {error}"));
    prepared
        .map_err(setup)?
        .connect(stream)
        .map_err(|error| match error {
            HandshakeError::SetupFailure(error) => setup(error),
            HandshakeError::WouldBlock(_) => TlsFailure::Broken("no answer in time".into()),
            HandshakeError::Failure(middle) => match middle.ssl().verify_result() {
                X509VerifyResult::OK => why(middle.error()),
                unfit => TlsFailure::Broken(format!(
                    "the certificate of {host} is not valid for it: {}",
                    unfit.error_string()
                )),
            },
        })
}

fn prepare(
    host: &str,
    compares_name: bool,
    ca_pem: &str,
    identity: Option<&Identity>,
) -> Result<Ssl, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_verify(SslVerifyMode::PEER);
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    for authority in X509::stack_from_pem(ca_pem.as_bytes())? {
        context.cert_store_mut().add_cert(authority)?;
    }
    if let Some(Identity { cert_pem, key_pem }) = identity {
        let key = PKey::private_key_from_pem(key_pem.expose().as_bytes())?;
        let mut chain = X509::stack_from_pem(cert_pem.as_bytes())?.into_iter();
        if let Some(own) = chain.next() {
            context.set_certificate(&own)?;
        }
        for between in chain {
            context.add_extra_chain_cert(between)?;
        }
        context.set_private_key(&key)?;
    }
    let mut ssl = Ssl::new(&context.build())?;
    let ip = host.parse::<IpAddr>().ok();
    if ip.is_none() {
        ssl.set_hostname(host)?;
    }
    if !compares_name {
        return Ok(ssl);
    }
    if let Some(ip) = ip {
        ssl.param_mut().set_ip(ip)?;
    } else {
        let wanted = ssl.param_mut();
        wanted.set_hostflags(
            X509CheckFlags::NO_PARTIAL_WILDCARDS | X509CheckFlags::NEVER_CHECK_SUBJECT,
        );
        wanted.set_host(host)?;
    }
    Ok(ssl)
}

/// Why a read or a write failed, with or without TLS.
pub(crate) fn why_io(error: &io::Error) -> TlsFailure {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    match inner {
        Some(error) => why(error),
        None => TlsFailure::Broken(plain(error)),
    }
}

fn why(error: &ssl::Error) -> TlsFailure {
    if let Some(error) = error.io_error() {
        return TlsFailure::Broken(plain(error));
    }
    let errors = error.ssl_error().map(ErrorStack::errors);
    for error in errors.into_iter().flatten() {
        let reason = error.reason().unwrap_or("no reason given");
        if let Ok(alert @ 1..) = u8::try_from(error.reason_code() - ALERTS) {
            // "sslv3 alert certificate expired": the version is OpenSSL's, not the peer's.
            let name = reason.split_once("alert ").map_or(reason, |(_, name)| name);
            return TlsFailure::Alert(alert, name.to_owned());
        }
        if error.reason_code() != UNEXPECTED_EOF {
            return TlsFailure::Broken(format!("TLS failed: {reason}"));
        }
    }
    ended()
}

/// The connection was closed before an answer.
pub(crate) fn ended() -> TlsFailure {
    TlsFailure::Broken("the connection ended without an answer".into())
}

fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "no answer in time".into(),
        _ => format!("the connection broke: {error}"),
    }
}
