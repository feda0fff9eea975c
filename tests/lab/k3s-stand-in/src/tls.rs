//! TLS as Go's does it: which client certificate is sent, how a server's certificate is checked,
//! and in which words either side says no.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    AlertDescription, ClientConfig, DigitallySignedStruct, DistinguishedName, SignatureScheme,
};
use time::OffsetDateTime;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// How much of a server's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nothing: encrypted, and no more.
    Nothing,
    /// That one of these CAs signed it.
    Authority(Vec<CertificateDer<'static>>),
    /// That, and that it is for this name or address.
    Name(Vec<CertificateDer<'static>>, String),
}

/// A certificate, what stands below it, and its key.
pub type Identity = Arc<CertifiedKey>;

/// The cryptography of every connection.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The settings of a client.
pub fn client(
    check: Check,
    identity: Option<Identity>,
) -> Result<Arc<ClientConfig>, rustls::Error> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Checker {
            check,
            provider: provider(),
        }))
        .with_client_cert_resolver(Arc::new(Sender(identity)));
    Ok(Arc::new(config))
}

/// A client's identity from PEM, refused in the words of Go's `tls.X509KeyPair`.
pub fn identity(certificates: &[u8], key: &[u8]) -> Result<Identity, String> {
    let chain = certificates_of(certificates);
    if chain.is_empty() {
        return Err("tls: failed to find any PEM data in certificate input".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_| "tls: failed to find any PEM data in key input".to_owned())?;
    let key = provider()
        .key_provider
        .load_private_key(key)
        .map_err(|_| "tls: failed to parse private key".to_owned())?;
    let identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            Err("tls: private key does not match public key".into())
        }
        Err(rustls::Error::InvalidCertificate(_)) => Err("x509: malformed certificate".into()),
        _ => Ok(Arc::new(identity)),
    }
}

/// The certificates in a PEM.
pub fn certificates_of(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem)
        .filter_map(Result::ok)
        .collect()
}

/// Sends the certificate only to a server that asks for its issuer, or for none in particular.
#[derive(Debug)]
struct Sender(Option<Identity>);

impl ResolvesClientCert for Sender {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Identity> {
        let identity = self.0.as_ref()?;
        identity.key.choose_scheme(schemes)?;
        let wanted = issuers.is_empty()
            || identity.cert.iter().any(|certificate| {
                X509Certificate::from_der(certificate)
                    .is_ok_and(|(_, certificate)| issuers.contains(&certificate.issuer().as_raw()))
            });
        wanted.then(|| Arc::clone(identity))
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// Asks clients for a certificate and takes any, as K3s does (Go's `tls.RequestClientCert`): whose it
/// is matters only to what is asked.
pub fn any_client() -> Arc<dyn ClientCertVerifier> {
    Arc::new(AnyClient(Checker {
        check: Check::Nothing,
        provider: provider(),
    }))
}

/// Whether a client's certificate is valid now, for clients, and of one of these CAs.
pub fn is_client_of(
    roots: &[CertificateDer<'static>],
    leaf: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
) -> bool {
    let anchors: Vec<_> = roots
        .iter()
        .filter_map(|root| anchor_from_trusted_cert(root).ok())
        .collect();
    let usage = KeyUsage::client_auth();
    EndEntityCert::try_from(leaf).is_ok_and(|leaf| {
        let all = webpki::ALL_VERIFICATION_ALGS;
        let now = UnixTime::now();
        leaf.verify_for_usage(all, &anchors, between, now, usage, None, None)
            .is_ok()
    })
}

#[derive(Debug)]
struct AnyClient(Checker);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, leaf, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, leaf, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[derive(Debug)]
struct Checker {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Checker {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result = match &self.check {
            Check::Nothing => Ok(()),
            Check::Authority(roots) => verify(leaf, between, roots, None, now),
            Check::Name(roots, name) => verify(leaf, between, roots, Some(name), now),
        };
        result
            .map(|()| ServerCertVerified::assertion())
            .map_err(rustls::Error::General)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, leaf, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, leaf, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Checks a server's certificate in Go's order: dates, name, authority.
fn verify(
    leaf: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    roots: &[CertificateDer<'static>],
    name: Option<&str>,
    now: UnixTime,
) -> Result<(), String> {
    let malformed = || "x509: malformed certificate".to_owned();
    let (_, certificate) = X509Certificate::from_der(leaf).map_err(|_| malformed())?;
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let stamp = |seconds| {
        OffsetDateTime::from_unix_timestamp(seconds)
            .map(crate::log::stamp)
            .unwrap_or_default()
    };
    let validity = certificate.validity();
    for (wrong, limit, word) in [
        (
            seconds > validity.not_after.timestamp(),
            validity.not_after,
            "after",
        ),
        (
            seconds < validity.not_before.timestamp(),
            validity.not_before,
            "before",
        ),
    ] {
        if wrong {
            return Err(format!(
                "x509: certificate has expired or is not yet valid: current time {} is {word} {}",
                stamp(seconds),
                stamp(limit.timestamp())
            ));
        }
    }
    if let Some(name) = name {
        check_name(&certificate, name)?;
    }
    if roots.contains(leaf) {
        return Ok(());
    }
    let anchors: Vec<_> = roots
        .iter()
        .filter_map(|root| anchor_from_trusted_cert(root).ok())
        .collect();
    let leaf = EndEntityCert::try_from(leaf).map_err(|_| malformed())?;
    let result = leaf.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        between,
        now,
        KeyUsage::server_auth(),
        None,
        None,
    );
    match result {
        Ok(_) => Ok(()),
        Err(webpki::Error::RequiredEkuNotFoundContext(_)) => {
            Err("x509: certificate specifies an incompatible key usage".into())
        }
        Err(_) => Err(unknown_authority(&certificate, roots)),
    }
}

/// Go adds the reason when it knows an authority of that name with another key.
fn unknown_authority(certificate: &X509Certificate, roots: &[CertificateDer<'static>]) -> String {
    let unknown = "x509: certificate signed by unknown authority";
    let namesake = roots.iter().find_map(|root| {
        let (_, root) = X509Certificate::from_der(root).ok()?;
        let common = root
            .subject()
            .iter_common_name()
            .next()?
            .as_str()
            .ok()?
            .to_owned();
        (root.subject().as_raw() == certificate.issuer().as_raw()).then_some(common)
    });
    match namesake {
        Some(common) => format!(
            "{unknown} (possibly because of \"x509: ECDSA verification failure\" while trying to \
             verify candidate authority certificate \"{common}\")"
        ),
        None => unknown.to_owned(),
    }
}

fn check_name(certificate: &X509Certificate, wanted: &str) -> Result<(), String> {
    let alternatives = certificate.subject_alternative_name().ok().flatten();
    let names: &[GeneralName] = alternatives
        .as_ref()
        .map_or(&[], |names| &names.value.general_names);
    let addresses = names.iter().filter_map(|name| match name {
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    });
    if let Ok(wanted) = wanted.parse::<IpAddr>() {
        let addresses: Vec<IpAddr> = addresses.collect();
        if addresses.contains(&wanted) {
            return Ok(());
        }
        if addresses.is_empty() {
            return Err(format!(
                "x509: cannot validate certificate for {wanted} because it doesn't contain any IP SANs"
            ));
        }
        let valid: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        return Err(format!(
            "x509: certificate is valid for {}, not {wanted}",
            valid.join(", ")
        ));
    }
    let valid: Vec<&str> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    if valid.iter().any(|pattern| matches(pattern, wanted)) {
        return Ok(());
    }
    if names.is_empty() && certificate.subject().iter_common_name().next().is_some() {
        return Err(
            "x509: certificate relies on legacy Common Name field, use SANs instead".into(),
        );
    }
    if valid.is_empty() {
        return Err(format!(
            "x509: certificate is not valid for any names, but wanted to match {wanted}"
        ));
    }
    Err(format!(
        "x509: certificate is valid for {}, not {wanted}",
        valid.join(", ")
    ))
}

fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (
        pattern.to_lowercase(),
        name.trim_end_matches('.').to_lowercase(),
    );
    match pattern.strip_prefix("*.") {
        Some(domain) => name
            .split_once('.')
            .is_some_and(|(first, rest)| !first.is_empty() && rest == domain),
        None => pattern == name,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

/// An error of a connection in Go's words, and whether it was the other side's certificate.
pub fn words(error: &io::Error) -> (String, bool) {
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::General(reason)) => {
            (format!("tls: failed to verify certificate: {reason}"), true)
        }
        Some(rustls::Error::AlertReceived(alert)) => {
            (format!("remote error: tls: {}", alert_words(*alert)), false)
        }
        Some(other) => (format!("tls: {other}"), false),
        None => (crate::go_words(error), false),
    }
}

fn alert_words(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnexpectedMessage => "unexpected message",
        AlertDescription::BadRecordMac => "bad record MAC",
        AlertDescription::HandshakeFailure => "handshake failure",
        AlertDescription::BadCertificate => "bad certificate",
        AlertDescription::UnsupportedCertificate => "unsupported certificate",
        AlertDescription::CertificateRevoked => "revoked certificate",
        AlertDescription::CertificateExpired => "expired certificate",
        AlertDescription::CertificateUnknown => "unknown certificate",
        AlertDescription::IllegalParameter => "illegal parameter",
        AlertDescription::UnknownCA => "unknown certificate authority",
        AlertDescription::AccessDenied => "access denied",
        AlertDescription::DecodeError => "error decoding message",
        AlertDescription::DecryptError => "error decrypting message",
        AlertDescription::ProtocolVersion => "protocol version not supported",
        AlertDescription::InternalError => "internal error",
        AlertDescription::CertificateRequired => "certificate required",
        AlertDescription::UnrecognisedName => "unrecognized name",
        _ => "alert",
    }
}
