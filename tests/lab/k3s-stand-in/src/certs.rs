//! The cluster's authorities and what they sign, under `<data>/server/tls` as K3s lays it out.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

use crate::log;

/// K3s dates its certificates from an hour ago.
const SKEW: Duration = Duration::hours(1);
const CA_LIFE: Duration = Duration::days(3650);
const LEAF_LIFE: Duration = Duration::days(365);
/// A certificate with less to live is made anew at a start.
const RENEW: Duration = Duration::days(120);

/// A certificate and its key, PEM both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// The authorities: file name below `tls/`, first part of the common name.
pub const AUTHORITIES: [(&str, &str); 5] = [
    ("client-ca", "k3s-client-ca"),
    ("server-ca", "k3s-server-ca"),
    ("request-header-ca", "k3s-request-header-ca"),
    ("etcd/server-ca", "etcd-server-ca"),
    ("etcd/peer-ca", "etcd-peer-ca"),
];

/// File name, common name, organisation.
type Signed = (&'static str, &'static str, &'static str);

/// What each authority signs for this server: file name, common name, organisation.
const SIGNED: [(&str, &[Signed]); 5] = [
    (
        "client-ca",
        &[
            ("client-admin", "system:admin", "system:masters"),
            (
                "client-supervisor",
                "system:k3s-supervisor",
                "system:masters",
            ),
            ("client-controller", "system:kube-controller-manager", ""),
            ("client-scheduler", "system:kube-scheduler", ""),
            (
                "client-kube-apiserver",
                "system:apiserver",
                "system:masters",
            ),
            (
                "client-k3s-cloud-controller",
                "k3s-cloud-controller-manager",
                "",
            ),
        ],
    ),
    (
        "server-ca",
        &[
            ("serving-kube-apiserver", "kube-apiserver", ""),
            ("kube-scheduler/kube-scheduler", "kube-scheduler", ""),
            (
                "kube-controller-manager/kube-controller-manager",
                "kube-controller-manager",
                "",
            ),
        ],
    ),
    (
        "request-header-ca",
        &[("client-auth-proxy", "system:auth-proxy", "")],
    ),
    ("etcd/server-ca", &[("etcd/client", "etcd-client", "")]),
    (
        "etcd/peer-ca",
        &[("etcd/peer-server-client", "etcd-peer", "")],
    ),
];

/// What a certificate says.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub common_name: &'a str,
    pub organisation: &'a str,
    pub names: &'a [String],
}

/// Makes what is missing of the authorities, and of what they sign for this server.
pub fn ensure(tls: &Path) -> Result<(), String> {
    let now = log::now();
    for (authority, signed) in SIGNED {
        let (_, common) = AUTHORITIES
            .iter()
            .find(|(file, _)| *file == authority)
            .ok_or("no such authority")?;
        let certificate = tls.join(format!("{authority}.crt"));
        if !certificate.exists() {
            let pair = authority_pair(&format!("{common}@{}", now.unix_timestamp()), now)?;
            write_pair(tls, authority, &pair)?;
        }
        let authority = read_pair(tls, authority)?;
        for (file, common_name, organisation) in signed {
            if !fit(&tls.join(format!("{file}.crt")), &authority, now) {
                let subject = Subject {
                    common_name,
                    organisation,
                    names: &[],
                };
                write_pair(tls, file, &sign(&authority, subject)?)?;
            }
        }
    }
    let server = read_pair(tls, "etcd/server-ca")?;
    if !fit(&tls.join("etcd/server-client.crt"), &server, now) {
        let subject = Subject {
            common_name: "etcd-server",
            organisation: "",
            names: &[],
        };
        write_pair(tls, "etcd/server-client", &sign(&server, subject)?)?;
    }
    Ok(())
}

/// Signs a certificate for a fresh key, and says so in the log.
pub fn sign(authority: &Pair, subject: Subject) -> Result<Pair, String> {
    let words = |error: rcgen::Error| format!("signing {}: {error}", subject.common_name);
    let now = log::now();
    let mut params = CertificateParams::new(subject.names.to_vec()).map_err(words)?;
    let mut name = DistinguishedName::new();
    if !subject.organisation.is_empty() {
        name.push(DnType::OrganizationName, subject.organisation);
    }
    name.push(DnType::CommonName, subject.common_name);
    params.distinguished_name = name;
    params.not_before = now - SKEW;
    params.not_after = now - SKEW + LEAF_LIFE;
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let issuer_key = KeyPair::from_pem(&authority.key).map_err(words)?;
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate, issuer_key).map_err(words)?;
    let key = KeyPair::generate().map_err(words)?;
    let certificate = params.signed_by(&key, &issuer).map_err(words)?;
    let organisation = match subject.organisation {
        "" => String::new(),
        organisation => format!(",O={organisation}"),
    };
    log::info(format!(
        "certificate CN={}{organisation} signed by CN={}: notBefore={} notAfter={}",
        subject.common_name,
        common_name(&authority.certificate).unwrap_or_default(),
        go_time(params.not_before, false),
        go_time(params.not_after, false)
    ));
    Ok(Pair {
        certificate: certificate.pem() + &authority.certificate,
        key: key.serialize_pem(),
    })
}

fn authority_pair(common_name: &str, now: OffsetDateTime) -> Result<Pair, String> {
    let words = |error: rcgen::Error| format!("making {common_name}: {error}");
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyCertSign,
    ];
    params.not_before = now - SKEW;
    params.not_after = now - SKEW + CA_LIFE;
    let key = KeyPair::generate().map_err(words)?;
    let certificate = params.self_signed(&key).map_err(words)?;
    log::info(format!(
        "generated self-signed CA certificate CN={common_name}: notBefore={} notAfter={}",
        go_time(params.not_before, true),
        go_time(params.not_after, true)
    ));
    Ok(Pair {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// A time as Go prints it.
fn go_time(moment: OffsetDateTime, nanoseconds: bool) -> String {
    let text = log::stamp(moment).replace('T', " ").replace('Z', "");
    let fraction = if nanoseconds {
        format!(".{:09}", moment.nanosecond())
    } else {
        String::new()
    };
    format!("{text}{fraction} +0000 UTC")
}

/// Whether a certificate is there, of this authority, and lives long enough.
fn fit(file: &Path, authority: &Pair, now: OffsetDateTime) -> bool {
    let Ok(pem) = fs::read(file) else {
        return false;
    };
    let Ok((_, pem)) = x509_parser::pem::parse_x509_pem(&pem) else {
        return false;
    };
    let Ok(certificate) = pem.parse_x509() else {
        return false;
    };
    let issuer = certificate
        .issuer()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok());
    issuer.map(ToOwned::to_owned) == common_name(&authority.certificate)
        && certificate.validity().not_after.timestamp() > (now + RENEW).unix_timestamp()
}

/// The common name of the first certificate in a PEM.
pub fn common_name(pem: &str) -> Option<String> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem.as_bytes()).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(ToOwned::to_owned)
}

/// The pair `<name>.crt` and `<name>.key` in a folder.
pub fn read_pair(folder: &Path, name: &str) -> Result<Pair, String> {
    let read = |extension| {
        let path = folder.join(format!("{name}.{extension}"));
        fs::read_to_string(&path)
            .map_err(|error| format!("open {}: {}", path.display(), crate::go_words(&error)))
    };
    Ok(Pair {
        certificate: read("crt")?,
        key: read("key")?,
    })
}

/// Writes a pair; keys are 0600.
pub fn write_pair(folder: &Path, name: &str, pair: &Pair) -> Result<(), String> {
    write(
        &folder.join(format!("{name}.crt")),
        &pair.certificate,
        0o644,
    )?;
    write(&folder.join(format!("{name}.key")), &pair.key, 0o600)
}

/// Writes a file with its mode, and the folders above it.
pub fn write(path: &Path, text: &str, mode: u32) -> Result<(), String> {
    let attempt = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let fresh = path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let mut options = fs::OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&fresh)?;
        file.write_all(text.as_bytes())?;
        fs::set_permissions(&fresh, std::os::unix::fs::PermissionsExt::from_mode(mode))?;
        fs::rename(&fresh, path)
    };
    attempt().map_err(|error| format!("open {}: {}", path.display(), crate::go_words(&error)))
}
