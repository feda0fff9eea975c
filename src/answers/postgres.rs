//! What the answers say of Postgres.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Failover, Secret};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Postgres {
    pub database: String,
    /// The database role; also the CN of every client certificate.
    pub user: String,
    /// Generated if left out.
    pub password: Option<Secret>,
    pub port: u16,
    /// The DNS name in the datastore endpoint; if left out, the address is used.
    pub name: Option<String>,
    /// An external Postgres, `NAME:PORT` each, in place of hosts with this role.
    #[serde(
        alias = "endpoint",
        deserialize_with = "endpoints",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub endpoints: Vec<String>,
    /// On this machine, as PEM: the CAs of its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// On this machine, as PEM: the client certificate that K3s shows to it, and its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "SslMode::is_default")]
    pub sslmode: SslMode,
    /// A connection string of an administrator, who creates role and database. Used by one run and
    /// never stored.
    #[serde(skip_serializing)]
    pub admin: Option<Secret>,
    pub existing_postgres: ExistingPostgres,
    /// Of two Postgres hosts: how soon the standby takes over.
    pub failover: Failover,
}

impl Default for Postgres {
    fn default() -> Self {
        Self {
            database: "k3s".into(),
            user: "k3s".into(),
            password: None,
            port: 5432,
            name: None,
            endpoints: Vec::new(),
            ca_file: None,
            cert_file: None,
            key_file: None,
            sslmode: SslMode::default(),
            admin: None,
            existing_postgres: ExistingPostgres::default(),
            failover: Failover::default(),
        }
    }
}

/// What to do with a Postgres that already has other databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExistingPostgres {
    /// The run does not start.
    #[default]
    Refuse,
    /// Share it, and restart it if its settings require that.
    Share,
}

impl ExistingPostgres {
    pub const ALL: [ExistingPostgres; 2] = [ExistingPostgres::Refuse, ExistingPostgres::Share];

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            ExistingPostgres::Refuse => "refuse",
            ExistingPostgres::Share => "share",
        }
    }
}

/// How far the certificate of an external Postgres is verified, in Postgres's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SslMode {
    /// One of the CAs signed it, and it is for the name of the endpoint.
    #[default]
    VerifyFull,
    /// One of the CAs signed it.
    VerifyCa,
}

impl SslMode {
    pub const ALL: [SslMode; 2] = [SslMode::VerifyFull, SslMode::VerifyCa];

    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As it is written in the answers, and in connection strings.
    pub fn as_str(self) -> &'static str {
        match self {
            SslMode::VerifyFull => "verify-full",
            SslMode::VerifyCa => "verify-ca",
        }
    }
}

/// A list; of earlier versions, nothing or a text.
fn endpoints<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrSeveral {
        One(String),
        Several(Vec<String>),
    }
    Ok(match Option::deserialize(from)? {
        None => Vec::new(),
        Some(OneOrSeveral::One(one)) => vec![one],
        Some(OneOrSeveral::Several(several)) => several,
    })
}
