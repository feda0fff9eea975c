//! The certificates between K3s and its datastore: a private CA, a certificate for Postgres, and a
//! client certificate for every server. They are created and kept on this machine; the hosts need
//! no OpenSSL.
//!
//! [`load`] reads what exists, [`ensure`] creates what is missing, invalid or about to expire, and
//! [`save`] writes it. Each [`Change`] says what and why. Keys are P-256. Times are UTC.
//! [`certificates`] tells when they expire.

mod expiry;
mod external;
mod folder;
mod pair;
mod refused;

pub use crate::https::tls::Identity;
pub use expiry::{Certificate, certificates};
pub use external::{given, kept_external};
pub use folder::{load, save};
pub use pair::PairUse;
pub use refused::{expired, foreign, other_cn};

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::x509::X509;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::secrets::SecretText;

/// The validity of the CA: it should outlive the cluster.
const CA_LIFE: Duration = Duration::days(3652);
/// The validity of the others: the longest that TLS clients used to accept.
const LEAF_LIFE: Duration = Duration::days(825);
/// A run renews a certificate that expires within this time.
const RENEW: Duration = Duration::days(60);
/// Certificates are valid from shortly before their creation, for hosts whose clocks are behind.
const SKEW: Duration = Duration::hours(1);

/// All that a cluster needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pki {
    /// What servers trust for Postgres; of an external one, several where its operator says so.
    pub ca_cert: String,
    /// `None` for the CA of an external Postgres.
    pub ca_key: Option<SecretText>,
    /// The certificates of the datastore's members, by host name.
    pub postgres: BTreeMap<String, Identity>,
    /// The client certificates, by host name. An external Postgres may want none.
    pub servers: BTreeMap<String, Identity>,
    /// Of a pair of Postgres hosts, by [`PairUse`] and host name.
    pub pair: BTreeMap<(PairUse, String), Identity>,
}

impl Pki {
    /// What signs certificates; `None` where others do.
    pub fn authority(&self) -> Option<Identity> {
        Some(Identity {
            cert_pem: self.ca_cert.clone(),
            key_pem: self.ca_key.clone()?,
        })
    }
}

/// What an earlier run left in the folder: all, some or nothing. An interrupted [`save`] leaves a
/// key without its certificate, or with an older one; [`ensure`] handles both.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub ca_cert: Option<String>,
    pub ca_key: Option<SecretText>,
    /// By host name.
    pub postgres: BTreeMap<String, Identity>,
    /// The single certificate of older versions.
    pub only_postgres: Option<Identity>,
    pub servers: BTreeMap<String, Identity>,
    pub pair: BTreeMap<(PairUse, String), Identity>,
}

impl Kept {
    /// Whether everything of `pki` is saved already.
    pub fn holds(&self, pki: &Pki) -> bool {
        self.ca_cert.as_ref() == Some(&pki.ca_cert)
            && self.ca_key == pki.ca_key
            && holds(&self.postgres, &pki.postgres)
            && holds(&self.servers, &pki.servers)
            && holds(&self.pair, &pki.pair)
    }
}

fn holds<K: Ord>(kept: &BTreeMap<K, Identity>, wanted: &BTreeMap<K, Identity>) -> bool {
    let mut wanted = wanted.iter();
    wanted.all(|(name, identity)| kept.get(name) == Some(identity))
}

/// What the certificates must contain.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// The cluster's name, for people who read the certificates.
    pub cluster: String,
    /// The database role: the CN of every client certificate, which Postgres compares with it.
    pub role: String,
    /// The datastore's members by host name, each with every DNS name and IP address by which
    /// servers reach it.
    pub postgres: BTreeMap<String, Vec<String>>,
    /// The servers' host names.
    pub servers: Vec<String>,
    /// Of a pair of Postgres hosts: each use and host, with the addresses that the monitor's must
    /// have.
    pub pair: BTreeMap<(PairUse, String), Vec<String>>,
}

/// A certificate that was created or renewed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub certificate: String,
    pub why: String,
}

#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    #[error(
        "the cluster's certificate authority expires on {0}. It is not renewed automatically, \
         because every server and Postgres must get the new one at the same time: move the folder \
         with the certificates away, and the next run creates a new authority and restarts them \
         all"
    )]
    AuthorityEnds(time::Date),
    #[error(
        "the cluster's certificate authority is valid from {0} on, which is in the future: is \
         this machine's clock right?"
    )]
    AuthorityNotYet(time::Date),
    #[error(
        "the key of the cluster's certificate authority (ca.key) is missing, but its certificate \
         exists: restore the key from a backup, or move the folder away to start with a new \
         authority"
    )]
    AuthorityKeyLost,
    #[error("{0} does not belong to the stored certificate authority of the cluster")]
    OtherAuthority(PathBuf),
    #[error("ca.key is not the key of ca.crt: one of them was replaced; restore the right one")]
    AuthorityUnfit,
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// A file that the operator gave.
    #[error("{key}: {}: {why}", path.display())]
    Given {
        key: &'static str,
        path: PathBuf,
        why: String,
    },
    #[error("cannot create a certificate: {0}")]
    Make(#[from] rcgen::Error),
    #[error("cannot read a certificate: {0}")]
    Read(#[from] ErrorStack),
}

/// Creates what is missing, invalid or about to expire, and keeps the rest.
pub fn ensure(
    kept: &Kept,
    wanted: &CertificateRequest,
    now: OffsetDateTime,
) -> Result<(Pki, Vec<Change>), PkiError> {
    let mut changes = Vec::new();
    let (ca, authority) = authority(kept, wanted, now, &mut changes)?;

    let mut postgres = BTreeMap::new();
    for (name, names) in &wanted.postgres {
        let what = format!("certificate of Postgres on {name}");
        let existing = kept.postgres.get(name).or(kept.only_postgres.as_ref());
        let server = Leaf::Server(names);
        let identity = leaf(&authority, existing, server, &what, now, &mut changes)?;
        postgres.insert(name.clone(), identity);
    }

    let mut servers = BTreeMap::new();
    for name in &wanted.servers {
        let what = format!("client certificate of {name}");
        let existing = kept.servers.get(name);
        let client = Leaf::Client(&wanted.role);
        let identity = leaf(&authority, existing, client, &what, now, &mut changes)?;
        servers.insert(name.clone(), identity);
    }

    let mut pair = BTreeMap::new();
    for ((usage, name), names) in &wanted.pair {
        let what = format!("{} certificate of {name}", usage.as_str());
        let existing = kept.pair.get(&(*usage, name.clone()));
        let wanted = usage.role().map_or(Leaf::Server(names), Leaf::Client);
        let identity = leaf(&authority, existing, wanted, &what, now, &mut changes)?;
        pair.insert((*usage, name.clone()), identity);
    }
    let pki = Pki {
        ca_cert: ca.cert_pem,
        ca_key: Some(ca.key_pem),
        postgres,
        servers,
        pair,
    };
    Ok((pki, changes))
}

/// All stored certificates, also expired ones; `None` if one is missing.
pub fn as_kept(kept: &Kept, wanted: &CertificateRequest) -> Option<Pki> {
    let only = kept.only_postgres.as_ref();
    let postgres = wanted.postgres.keys().map(|name| {
        let identity = kept.postgres.get(name).or(only)?;
        Some((name.clone(), identity.clone()))
    });
    let servers = wanted.servers.iter();
    let servers = servers.map(|name| Some((name.clone(), kept.servers.get(name)?.clone())));
    let pair = wanted.pair.keys();
    let pair = pair.map(|key| Some((key.clone(), kept.pair.get(key)?.clone())));
    Some(Pki {
        pair: pair.collect::<Option<_>>()?,
        ca_cert: kept.ca_cert.clone()?,
        ca_key: Some(kept.ca_key.clone()?),
        postgres: postgres.collect::<Option<_>>()?,
        servers: servers.collect::<Option<_>>()?,
    })
}

/// The certificates signed by the authority, by file name without extension.
fn leaves(pki: &Pki) -> impl Iterator<Item = (String, &Identity)> {
    fn named<'a>((name, identity): (&String, &'a Identity), kind: &str) -> (String, &'a Identity) {
        (format!("{kind}-{name}"), identity)
    }
    let servers = pki.servers.iter().map(|one| named(one, "server"));
    let postgres = pki.postgres.iter().map(|one| named(one, "postgres"));
    let pair = pki.pair.iter();
    let pair = pair.map(|((usage, name), one)| named((name, one), usage.as_str()));
    servers.chain(postgres).chain(pair)
}

/// The serial numbers, by file name without extension: `server-s1`.
pub fn serials(pki: &Pki) -> Result<BTreeMap<String, String>, PkiError> {
    let authority = ("ca".to_owned(), &pki.ca_cert);
    let leaves = leaves(pki).map(|(name, identity)| (name, &identity.cert_pem));
    [authority]
        .into_iter()
        .chain(leaves)
        .map(|(name, cert_pem)| {
            let cert = X509::from_pem(cert_pem.as_bytes())?;
            Ok((
                name,
                cert.serial_number().to_bn()?.to_hex_str()?.to_string(),
            ))
        })
        .collect()
}

/// When a certificate (PEM) expires; of several, the last of them.
pub fn expiry(pem: &str) -> Result<OffsetDateTime, PkiError> {
    let mut last = moment(X509::from_pem(pem.as_bytes())?.not_after())?;
    for cert in X509::stack_from_pem(pem.as_bytes())? {
        last = last.max(moment(cert.not_after())?);
    }
    Ok(last)
}

/// A certificate signed by the CA. A server's is not valid for a client and vice versa, so that a
/// compromised machine cannot pose as the other kind.
#[derive(Clone, Copy)]
enum Leaf<'a> {
    /// DNS names and IP addresses.
    Server(&'a [String]),
    /// The CN.
    Client(&'a str),
}

impl Leaf<'_> {
    fn params(&self) -> Result<CertificateParams, PkiError> {
        let mut subject = DistinguishedName::new();
        let (mut params, purpose) = match self {
            Leaf::Server(names) => {
                // The CN is for people; the list of names is what counts. (`CertificateParams::new`
                // recognises IP addresses.)
                subject.push(DnType::CommonName, "postgres");
                let unique: BTreeSet<_> = names.iter().cloned().collect();
                let params = CertificateParams::new(unique.into_iter().collect::<Vec<_>>())?;
                (params, ExtendedKeyUsagePurpose::ServerAuth)
            }
            Leaf::Client(cn) => {
                subject.push(DnType::CommonName, *cn);
                let params = CertificateParams::default();
                (params, ExtendedKeyUsagePurpose::ClientAuth)
            }
        };
        params.distinguished_name = subject;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        Ok(params)
    }

    /// Whether a certificate has the wanted content.
    fn names_match(&self, cert: &X509) -> bool {
        match self {
            Leaf::Server(names) => {
                let wanted = names
                    .iter()
                    .map(|name| canonical(name))
                    .collect::<BTreeSet<_>>();
                wanted == names_of(cert)
            }
            Leaf::Client(cn) => {
                let entries = cert.subject_name().entries();
                let names = entries.map(|entry| entry.data().to_string().ok());
                names.eq([Some((*cn).to_owned())])
            }
        }
    }
}

/// The canonical form of a DNS name or an IP address.
fn canonical(name: &str) -> String {
    name.parse::<IpAddr>()
        .map_or_else(|_| name.to_ascii_lowercase(), |ip| ip.to_string())
}

fn names_of(cert: &X509) -> BTreeSet<String> {
    let ip = |bytes: &[u8]| -> Option<IpAddr> {
        let v4 = || <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let v6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
        v4().or_else(|_| v6()).ok()
    };
    cert.subject_alt_names()
        .iter()
        .flatten()
        .filter_map(|name| {
            name.dnsname()
                .map(canonical)
                .or_else(|| Some(ip(name.ipaddress()?)?.to_string()))
        })
        .collect()
}

/// The CA, ready to sign.
struct Authority {
    cert: X509,
    issuer: Issuer<'static, KeyPair>,
    ends: OffsetDateTime,
}

impl Authority {
    fn open(ca: &Identity) -> Result<Self, PkiError> {
        let cert = X509::from_pem(ca.cert_pem.as_bytes())?;
        if !fits(&cert, &ca.key_pem) {
            return Err(PkiError::AuthorityUnfit);
        }
        let key = KeyPair::from_pem(ca.key_pem.expose())?;
        Ok(Self {
            ends: moment(cert.not_after())?,
            issuer: Issuer::from_ca_cert_pem(&ca.cert_pem, key)?,
            cert,
        })
    }

    /// Signs a new key; no certificate outlives its CA.
    fn issue(
        &self,
        leaf: &Leaf<'_>,
        from: OffsetDateTime,
        to: OffsetDateTime,
    ) -> Result<Identity, PkiError> {
        let mut params = leaf.params()?;
        params.not_before = from - SKEW;
        params.not_after = to.min(self.ends);
        let key = KeyPair::generate()?;
        let cert = params.signed_by(&key, &self.issuer)?;
        Ok(identity(&cert, &key))
    }
}

fn identity(cert: &rcgen::Certificate, key: &KeyPair) -> Identity {
    Identity {
        cert_pem: cert.pem(),
        key_pem: key.serialize_pem().into(),
    }
}

fn ca_params(cluster: &str, now: OffsetDateTime) -> CertificateParams {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::OrganizationName, cluster);
    subject.push(DnType::CommonName, "K3s datastore CA");
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = now - SKEW;
    params.not_after = now + CA_LIFE;
    params
}

/// The existing CA, or a new one.
fn authority(
    kept: &Kept,
    wanted: &CertificateRequest,
    now: OffsetDateTime,
    changes: &mut Vec<Change>,
) -> Result<(Identity, Authority), PkiError> {
    let ca = match (&kept.ca_cert, &kept.ca_key) {
        (Some(cert_pem), Some(key_pem)) => Identity {
            cert_pem: cert_pem.clone(),
            key_pem: key_pem.clone(),
        },
        (Some(_), None) => return Err(PkiError::AuthorityKeyLost),
        // The key is saved first. What it has signed stays valid under a new certificate.
        (None, Some(key_pem)) => {
            let key = KeyPair::from_pem(key_pem.expose())?;
            let cert = ca_params(&wanted.cluster, now).self_signed(&key)?;
            changes.push(Change::new(
                "certificate authority",
                "created from its existing key",
            ));
            Identity {
                cert_pem: cert.pem(),
                key_pem: key_pem.clone(),
            }
        }
        (None, None) => {
            let key = KeyPair::generate()?;
            let cert = ca_params(&wanted.cluster, now).self_signed(&key)?;
            changes.push(Change::new("certificate authority", "created"));
            identity(&cert, &key)
        }
    };
    let authority = Authority::open(&ca)?;
    let starts = moment(authority.cert.not_before())?;
    if starts > now {
        return Err(PkiError::AuthorityNotYet(starts.date()));
    }
    if authority.ends - now <= RENEW {
        return Err(PkiError::AuthorityEnds(authority.ends.date()));
    }
    Ok((ca, authority))
}

/// The existing certificate if it is suitable, or a new one.
fn leaf(
    authority: &Authority,
    existing: Option<&Identity>,
    leaf: Leaf<'_>,
    what: &str,
    now: OffsetDateTime,
    changes: &mut Vec<Change>,
) -> Result<Identity, PkiError> {
    let why = match existing {
        None => "created".to_owned(),
        Some(identity) => match unfit(authority, identity, &leaf, now) {
            None => return Ok(identity.clone()),
            Some(why) => why,
        },
    };
    changes.push(Change::new(what, &why));
    authority.issue(&leaf, now, now + LEAF_LIFE)
}

/// Why a certificate is not suitable, and what is done about it; `None` if it is.
fn unfit(
    authority: &Authority,
    identity: &Identity,
    leaf: &Leaf<'_>,
    now: OffsetDateTime,
) -> Option<String> {
    let Ok(cert) = X509::from_pem(identity.cert_pem.as_bytes()) else {
        return Some("it cannot be read: recreated".into());
    };
    let signed = || cert.verify(authority.cert.public_key().ok()?.as_ref()).ok();
    let (Ok(starts), Ok(ends)) = (moment(cert.not_before()), moment(cert.not_after())) else {
        return Some("it cannot be read: recreated".into());
    };
    let left = ends - now;
    if !fits(&cert, &identity.key_pem) {
        Some("it does not match its key, an earlier run was interrupted: recreated".into())
    } else if signed() != Some(true) {
        Some("it was signed by another authority: recreated".into())
    } else if !leaf.names_match(&cert) {
        Some("its names changed: recreated".into())
    } else if left <= Duration::ZERO {
        Some(format!("it expired on {}: renewed", ends.date()))
    } else if left <= RENEW {
        Some(format!("it expires in {} days: renewed", left.whole_days()))
    } else if starts > now {
        Some("it is not valid yet: recreated".into())
    } else {
        None
    }
}

/// Whether a certificate matches a key.
fn fits(cert: &X509, key_pem: &SecretText) -> bool {
    let key = PKey::private_key_from_pem(key_pem.expose().as_bytes());
    match (key, cert.public_key()) {
        (Ok(key), Ok(public)) => public.public_eq(&key),
        _ => false,
    }
}

fn moment(time: &Asn1TimeRef) -> Result<OffsetDateTime, ErrorStack> {
    let since = Asn1Time::from_unix(0)?.diff(time)?;
    let days = Duration::days(since.days.into());
    Ok(OffsetDateTime::UNIX_EPOCH + days + Duration::seconds(since.secs.into()))
}

impl Change {
    fn new(certificate: &str, why: &str) -> Self {
        Self {
            certificate: certificate.to_owned(),
            why: why.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
