//! The mutual TLS matrix: Postgres accepts a client with the right certificate and password, and
//! refuses every other one for exactly that reason.

use std::fmt;
use std::io::{Read, Write};

use time::OffsetDateTime;

use super::login::{self, LoginStop, Session, Stage};
use crate::https::tls::{self, TlsFailure};
use crate::pki::{self, Identity, PkiError};
use crate::secrets::SecretText;

/// The datastore from the view of K3s.
#[derive(Debug, Clone, Copy)]
pub struct DatastoreTarget<'a> {
    /// The name or the address in the datastore endpoint: the certificate of Postgres must have it.
    pub host: &'a str,
    pub database: &'a str,
    /// The role; also the CN that Postgres must see.
    pub user: &'a str,
    pub password: &'a SecretText,
    /// The authority behind the certificate of Postgres.
    pub ca_pem: &'a str,
    pub kind: DatastoreKind,
}

/// Whose Postgres it is: what it must ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatastoreKind {
    /// The wizard's: a client certificate and the password.
    Own,
    /// Another's: what its operator has set.
    External {
        /// Its certificate has the name by which it is reached.
        by_name: bool,
    },
}

/// One case of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Case {
    Right,
    NoCertificate,
    ForeignAuthority,
    OtherName,
    Expired,
    WrongPassword,
    NoTls,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Passes,
    IsRefused,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CaseOutcome {
    Passes {
        /// What Postgres sees: `TLSv1.3, /CN=k3s`.
        seen: String,
        standby: bool,
    },
    /// For the expected reason, in the words of Postgres or its TLS.
    IsRefused { reason: String },
    /// Anything else: it proves neither.
    Broken { why: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseVerdict {
    pub case: Case,
    pub got: CaseOutcome,
}

/// The client certificates to try: the server's own, and those that must be refused.
#[derive(Debug, Clone)]
pub struct Identities {
    own: Option<Identity>,
    foreign: Option<Identity>,
    /// Signed by the CA of the clients: only where the wizard has its key.
    other_name: Option<Identity>,
    expired: Option<Identity>,
}

impl Identities {
    /// Creates the ones that must be refused; `own` is the server's, `role` the database role.
    pub fn new(
        ca: &Identity,
        own: &Identity,
        role: &str,
        now: OffsetDateTime,
    ) -> Result<Self, PkiError> {
        let other = if role == "other" { "another" } else { "other" };
        Ok(Self {
            own: Some(own.clone()),
            foreign: Some(pki::foreign(role, now)?),
            other_name: Some(pki::other_cn(ca, other, now)?),
            expired: Some(pki::expired(ca, role, now)?),
        })
    }

    /// For an external Postgres, which may want no certificate.
    pub fn external(
        own: Option<&Identity>,
        role: &str,
        now: OffsetDateTime,
    ) -> Result<Self, PkiError> {
        Ok(Self {
            own: own.cloned(),
            foreign: own.map(|_| pki::foreign(role, now)).transpose()?,
            other_name: None,
            expired: None,
        })
    }

    fn shown(&self, case: Case) -> Option<&Identity> {
        match case {
            Case::Right | Case::WrongPassword => self.own.as_ref(),
            Case::ForeignAuthority => self.foreign.as_ref(),
            Case::OtherName => self.other_name.as_ref(),
            Case::Expired => self.expired.as_ref(),
            Case::NoCertificate | Case::NoTls => None,
        }
    }

    /// Why a case cannot be tried; `None` if it can.
    pub fn untried(&self, case: Case) -> Option<&'static str> {
        match case {
            Case::Right | Case::WrongPassword | Case::NoTls => None,
            _ if self.own.is_none() => Some("K3s presents no client certificate"),
            Case::NoCertificate | Case::ForeignAuthority => None,
            Case::OtherName | Case::Expired => self
                .shown(case)
                .is_none()
                .then_some("only the key of its clients' CA can sign such a certificate"),
        }
    }
}

impl Case {
    pub const ALL: [Self; 7] = [
        Self::Right,
        Self::NoCertificate,
        Self::ForeignAuthority,
        Self::OtherName,
        Self::Expired,
        Self::WrongPassword,
        Self::NoTls,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Right => "right certificate and password",
            Self::NoCertificate => "no certificate",
            Self::ForeignAuthority => "certificate of a foreign authority",
            Self::OtherName => "certificate for another role",
            Self::Expired => "expired certificate",
            Self::WrongPassword => "wrong password",
            Self::NoTls => "no TLS",
        }
    }

    pub fn expected(self) -> Expected {
        match self {
            Self::Right => Expected::Passes,
            _ => Expected::IsRefused,
        }
    }
}

/// Tests one case over a stream to Postgres. In every case with TLS, the server's certificate must
/// be valid.
pub fn prove(
    case: Case,
    datastore: &DatastoreTarget<'_>,
    identities: &Identities,
    stream: impl Read + Write,
) -> CaseVerdict {
    let got = match attempt(case, datastore, identities, stream) {
        Ok(session) => let_in(case, datastore, &session),
        Err(stop) => stopped(case, stop),
    };
    CaseVerdict { case, got }
}

fn attempt(
    case: Case,
    datastore: &DatastoreTarget<'_>,
    identities: &Identities,
    mut stream: impl Read + Write,
) -> Result<Session, LoginStop> {
    let DatastoreTarget { host, ca_pem, .. } = *datastore;
    let wrong = SecretText::from("this is not the password".to_owned());
    let password = match case {
        // Without TLS the right one must not cross the network, should Postgres ask for it.
        Case::WrongPassword | Case::NoTls => &wrong,
        _ => datastore.password,
    };
    let (database, user) = (datastore.database, datastore.user);
    if case == Case::NoTls {
        return login::log_in(&mut stream, database, user, password);
    }
    login::ask_for_tls(&mut stream)?;
    let identity = identities.shown(case);
    let connected = match datastore.kind {
        DatastoreKind::External { by_name: false } => {
            tls::connect_by_any_name(stream, host, ca_pem, identity)
        }
        _ => tls::connect(stream, host, ca_pem, identity),
    };
    let mut stream = connected.map_err(LoginStop::Connection)?;
    // With TLS 1.3 the server checks the client certificate after the client's handshake: its
    // verdict comes with the first answer.
    login::log_in(&mut stream, database, user, password)
}

fn let_in(case: Case, datastore: &DatastoreTarget<'_>, session: &Session) -> CaseOutcome {
    let seen = match (&session.tls, &session.client_dn) {
        (None, _) => "without TLS".to_owned(),
        (Some(version), None) => format!("{version}, no client certificate"),
        (Some(version), Some(name)) => format!("{version}, {name}"),
    };
    let lacks = if session.tls.is_none() {
        Some("TLS")
    } else if datastore.kind == DatastoreKind::Own
        && session.client_dn.as_deref() != Some(&format!("/CN={}", datastore.user))
    {
        Some("the client certificate")
    } else if !session.password_asked
        && (datastore.kind == DatastoreKind::Own || session.client_dn.is_none())
    {
        Some("the password")
    } else {
        None
    };
    match (case, lacks) {
        (Case::Right, Some(what)) => CaseOutcome::Broken {
            why: format!("Postgres let the role in without checking {what} ({seen})"),
        },
        _ => CaseOutcome::Passes {
            seen,
            standby: session.standby,
        },
    }
}

fn stopped(case: Case, stop: LoginStop) -> CaseOutcome {
    // Then only the password stands between such a client and the data.
    if let (
        Case::NoTls,
        LoginStop::Error {
            stage: Stage::PasswordAsked,
            ..
        },
    ) = (case, &stop)
    {
        let seen = "without TLS, Postgres asks for the password".to_owned();
        return CaseOutcome::Passes {
            seen,
            standby: false,
        };
    }
    let its_reason = is_its_reason(case, &stop);
    let text = match stop {
        LoginStop::Error {
            stage: Stage::PasswordAccepted,
            message,
            ..
        } if its_reason => format!("{message} (the password was right: it is the certificate)"),
        LoginStop::Error { message, .. } if its_reason => message,
        LoginStop::Error {
            sqlstate, message, ..
        } => format!("Postgres answers {message} (SQLSTATE {sqlstate})"),
        LoginStop::Connection(TlsFailure::Alert(_, name)) => format!("TLS alert \"{name}\""),
        LoginStop::Connection(TlsFailure::Broken(why)) => why,
    };
    if its_reason {
        CaseOutcome::IsRefused { reason: text }
    } else {
        CaseOutcome::Broken { why: text }
    }
}

/// Whether Postgres refuses the case for its reason, and not because of another failure. Decided by
/// codes, because the texts are in the server's language (the alerts are those of RFC 8446, section
/// 6).
fn is_its_reason(case: Case, stop: &LoginStop) -> bool {
    use Stage::{Greeted, PasswordAccepted, PasswordAsked};
    // Postgres compares the CN with the role only after the password, and then blames the password
    // (docs/facts.md, "Error texts").
    let (stages, sqlstates, alerts): (&[Stage], &[&str], &[u8]) = match case {
        Case::Right => (
            &[Greeted, PasswordAsked, PasswordAccepted],
            &["28000", "28P01"],
            &[],
        ),
        // certificate_required
        Case::NoCertificate => (&[Greeted], &["28000"], &[116]),
        // bad_certificate, certificate_unknown, unknown_ca
        Case::ForeignAuthority => (&[Greeted], &["28000"], &[42, 46, 48]),
        Case::OtherName => (&[PasswordAccepted], &["28000", "28P01"], &[]),
        // certificate_expired
        Case::Expired => (&[], &[], &[45]),
        Case::WrongPassword => (&[PasswordAsked], &["28P01"], &[]),
        Case::NoTls => (&[Greeted], &["28000"], &[]),
    };
    match stop {
        LoginStop::Error {
            stage, sqlstate, ..
        } => stages.contains(stage) && sqlstates.contains(&sqlstate.as_str()),
        LoginStop::Connection(TlsFailure::Alert(number, _)) => alerts.contains(number),
        LoginStop::Connection(TlsFailure::Broken(_)) => false,
    }
}

impl CaseVerdict {
    /// For a case that could not be tested: Postgres was not reached.
    pub fn unreached(case: Case, why: &impl fmt::Display) -> Self {
        let got = CaseOutcome::Broken {
            why: format!("Postgres cannot be reached: {why}"),
        };
        Self { case, got }
    }

    pub fn holds(&self) -> bool {
        matches!(
            (self.case.expected(), &self.got),
            (Expected::Passes, CaseOutcome::Passes { .. })
                | (Expected::IsRefused, CaseOutcome::IsRefused { .. })
        )
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Passes => "passes",
            Self::IsRefused => "is refused",
        })
    }
}

impl fmt::Display for CaseOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes { seen, standby } => {
                let standby = if *standby { ", the standby" } else { "" };
                write!(f, "passes ({seen}{standby})")
            }
            Self::IsRefused { reason } => write!(f, "is refused: {reason}"),
            Self::Broken { why } => write!(f, "inconclusive: {why}"),
        }
    }
}

/// `no certificate: is refused: connection requires a valid client certificate`
impl fmt::Display for CaseVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.got)?;
        if self.holds() {
            return Ok(());
        }
        write!(f, " (expected: {})", self.case.expected())
    }
}
