//! Answers with everything that is stored about their cluster.

use std::path::PathBuf;

use rustix::process::getuid;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ways::{StoredHostKeys, Tried};
use super::{RunError, ways};
use crate::answers::{AdminLogin, Answers, Registries, admin_problem};
use crate::bundle::{Bundle, BundleError};
use crate::engine::Memory;
use crate::engine::hosts::Connector;
use crate::hash::token_mark;
use crate::pki::{self, Pki};
use crate::plan::LateValues;
use crate::procedures::differences::{Difference, Handling, differences_but, of_secrets};
use crate::proof::scram;
use crate::redact::Redactor;
use crate::remote::Way;
use crate::remote::lease::Lease;
use crate::secrets::{SecretText, Secrets};
use crate::state::{Folder, Lock, SecretsError, State, complete_secrets};
use crate::topology::{Proxies, Proxy, Replacement, Topology};

/// The answers are valid; their state is locked, or only read; secrets and certificates exist.
pub struct Opened {
    pub(super) answers: Answers,
    pub(super) topology: Topology,
    /// Differences from the applied state; none of them is refused.
    pub(super) differences: Vec<Difference>,
    pub(super) purpose: Purpose,
    /// The part of a pair of Postgres hosts that is replaced.
    pub(super) replaced: Option<Replacement>,
    pub(super) folder: Folder,
    /// Names the run.
    pub(super) run: String,
    /// Its answers are those of the latest started run, not these ones.
    pub(super) state: State,
    pub(super) secrets: Secrets,
    pub(super) proxies: Proxies,
    /// With their passwords. Stored nowhere else, as those of proxies.
    pub(super) registries: Registries,
    /// What is installed from, where the answers name one; not for a comparison.
    pub(super) bundle: Option<Bundle>,
    /// Of every host, in their order.
    pub(super) connectors: Vec<Connector>,
    /// The secrets of all logins. Stored nowhere else.
    logins: Vec<SecretText>,
    /// Of an external Postgres, for this run alone.
    pub(super) admin: Option<AdminLogin>,
    pub(super) pki: Pki,
    /// Created and renewed certificates.
    pub(super) renewed: Vec<pki::Change>,
    /// Only held by a run that may change something.
    lock: Option<Lock>,
}

/// The purpose of opening answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something may be changed, on hosts and in the state folder.
    Run,
    /// The same, and changes that `install` refuses were made by hand.
    TakeOver,
    /// Nothing is changed anywhere.
    Look,
    /// Nothing is changed anywhere, and stored secrets and certificates are used unchanged: for a
    /// comparison.
    Compare,
    /// As for a comparison, but hosts are leased and the state folder is locked: for acts.
    Act,
}

impl Purpose {
    fn changes(self) -> bool {
        self.installs() || self == Self::Act
    }

    /// What is reached at the end is what is applied.
    pub(super) fn installs(self) -> bool {
        matches!(self, Self::Run | Self::TakeOver)
    }
}

impl Opened {
    /// Opens the state folder of the answers' cluster. For a run, it is locked, and every secret is
    /// written to disk first, so that an interruption loses none.
    pub fn open(
        answers: Answers,
        root: Option<PathBuf>,
        purpose: Purpose,
        tried: &Tried,
    ) -> Result<Self, RunError> {
        Self::open_for(answers, root, purpose, tried, None)
    }

    /// The same, to put a new machine in the place of a lost part of a pair.
    pub fn replacing(
        answers: Answers,
        replaced: Replacement,
        purpose: Purpose,
        tried: &Tried,
    ) -> Result<Self, RunError> {
        Self::open_for(answers, None, purpose, tried, Some(replaced))
    }

    fn open_for(
        answers: Answers,
        root: Option<PathBuf>,
        purpose: Purpose,
        tried: &Tried,
        replaced: Option<Replacement>,
    ) -> Result<Self, RunError> {
        // From any source: their texts reach shells and SQL on hosts.
        let problems = answers.problems();
        if !problems.is_empty() {
            return Err(RunError::Answers(problems));
        }
        let ssh_config = answers.ssh_config()?;
        if tried.read_only && purpose.changes() {
            return Err(RunError::ReadOnly);
        }
        let folder = if tried.read_only {
            Folder::open_to_read(root, &answers.cluster.name)?
        } else {
            Folder::open(root, &answers.cluster.name)?
        };
        let stored = StoredHostKeys::of(&folder);
        let hosts = answers.hosts.iter();
        let ways = hosts.map(|host| ways::way(&answers, host, &ssh_config, &stored, tried));
        let ways = ways.collect::<Result<Vec<_>, RunError>>()?;
        let logins = ways.iter().flat_map(Way::secrets).collect();
        let connectors = ways.into_iter().map(ways::connector).collect();
        let lock = purpose.changes().then(|| folder.lock()).transpose()?;
        let mut state = match folder.state()? {
            Some(state) => state,
            None => State::new(&answers)?,
        };
        // The answers of a run stay until the next run starts.
        if state.last_run.is_none() {
            state.answers = answers.without_secrets();
        }
        let kept = folder.secrets()?;
        let begun = state.last_run.is_some();
        let secrets = match &kept {
            // What is in the state folder is what the cluster runs with.
            Some(kept) if purpose == Purpose::Act => kept.clone(),
            kept => complete_secrets(kept.as_ref(), &answers, begun, |password| {
                scram::scram_verifier(&password.to_owned().into())
            })?,
        };
        let mut differences = match &state.applied {
            Some(applied) => differences_but(
                &applied.answers,
                &answers.without_secrets(),
                replaced.as_ref(),
            ),
            None => Vec::new(),
        };
        if let (Some(_), Some(kept)) = (&state.applied, &kept) {
            differences.extend(of_secrets(kept, &secrets));
        }
        let refused = |difference: &&Difference| matches!(difference.how, Handling::Refused(_));
        let refused: Vec<_> = differences.iter().filter(refused).cloned().collect();
        if purpose != Purpose::TakeOver && !refused.is_empty() {
            return Err(RunError::Refused(refused));
        }
        if state.applied.is_some() && kept.is_none() {
            return Err(SecretsError::Lost(folder.path().to_owned()).into());
        }
        let topology = Topology::of(&answers)?;
        let (proxies, registries) = match purpose {
            // They download nothing.
            Purpose::Act => Default::default(),
            _ => (Proxy::of_all(&answers, &topology)?, revealed(&answers)?),
        };
        let bundle = bundle(&answers, purpose)?;
        let admin = match purpose {
            Purpose::Compare | Purpose::Act => None,
            _ => administrator(&answers)?,
        };
        let now = OffsetDateTime::now_utc();
        let (pki, renewed) = certificates(&answers, &topology, &folder, purpose, now)?;
        if purpose.installs() {
            // A run recognises its own leases by the owner's name.
            folder.save(&state)?;
            folder.save_secrets(&secrets)?;
        }
        Ok(Self {
            run: run_id(now)?,
            answers,
            topology,
            differences,
            purpose,
            replaced,
            folder,
            state,
            secrets,
            proxies,
            registries,
            bundle,
            connectors,
            logins,
            admin,
            pki,
            renewed,
            lock,
        })
    }

    /// Results of earlier runs.
    pub(super) fn late_values(&self) -> LateValues {
        Memory::new(&self.folder, self.state.clone()).late_values(&self.secrets)
    }

    /// The names of the tokens' rows in Postgres: the first 12 digits of their SHA-256.
    pub(super) fn token_marks(&self) -> (String, String) {
        let Secrets {
            token, agent_token, ..
        } = &self.secrets;
        (token_mark(token), token_mark(agent_token))
    }

    /// Everything that must not appear in events.
    pub(super) fn redactor(&self) -> Redactor {
        let identities = self.pki.pair.values();
        let identities = identities
            .chain(self.pki.postgres.values())
            .chain(self.pki.servers.values());
        let keys = identities.map(|identity| identity.key_pem.clone());
        let keys = keys.chain(self.pki.ca_key.clone());
        let secrets: Vec<_> = self
            .secrets
            .all()
            .into_iter()
            .cloned()
            .chain(keys)
            .chain(self.logins.iter().cloned())
            .chain(self.admin.iter().map(|admin| admin.password.clone()))
            .chain(self.proxies.values().flat_map(Proxy::secrets))
            .chain(self.registries.passwords().cloned())
            .collect();
        Redactor::new(&secrets)
    }

    /// `None` for a run that only looks.
    pub(super) fn lease(&self) -> Option<Lease> {
        self.lock.as_ref().map(|_| Lease {
            owner: self.state.owner.clone(),
            run: self.run.clone(),
            cluster: self.answers.cluster.name.clone(),
            operator: user(),
            from: hostname(),
            since: rfc_3339(OffsetDateTime::now_utc()),
        })
    }
}

/// The certificates as they must be, and what was done to them.
fn certificates(
    answers: &Answers,
    topology: &Topology,
    folder: &Folder,
    purpose: Purpose,
    now: OffsetDateTime,
) -> Result<(Pki, Vec<pki::Change>), RunError> {
    let datastore = &topology.datastore;
    let servers = topology.servers.iter().map(|server| server.name.clone());
    let servers: Vec<_> = servers.collect();
    let looks_back = matches!(purpose, Purpose::Compare | Purpose::Act);
    if let Some(external) = &datastore.external {
        let kept = pki::load(&folder.external_pki_dir())?;
        let kept = pki::kept_external(&kept, external.certified, &servers);
        let pki = match kept.filter(|_| looks_back) {
            Some(kept) => kept,
            None => pki::given(&answers.postgres.external_files(), &servers, now)?,
        };
        return Ok((pki, Vec::new()));
    }
    let members = datastore.members.iter();
    let wanted = pki::CertificateRequest {
        cluster: topology.cluster.clone(),
        role: datastore.user.clone(),
        postgres: members
            .map(|member| (member.name.clone(), datastore.names(member)))
            .collect(),
        servers,
        pair: pki::PairUse::wanted(datastore),
    };
    let kept = pki::load(&folder.pki_dir())?;
    let as_kept = looks_back.then(|| pki::as_kept(&kept, &wanted)).flatten();
    Ok(match as_kept {
        Some(pki) => (pki, Vec::new()),
        None => pki::ensure(&kept, &wanted, now)?,
    })
}

/// The administrator of an external Postgres, if one is given.
fn administrator(answers: &Answers) -> Result<Option<AdminLogin>, SecretsError> {
    let key = "postgres.admin";
    let Some(admin) = &answers.postgres.admin else {
        return Ok(None);
    };
    let text = admin.reveal().map_err(|source| SecretsError::Unavailable {
        key: key.to_owned(),
        source,
    })?;
    match (
        admin_problem(text.expose()),
        AdminLogin::parse(text.expose()),
    ) {
        (Some(why), _) => Err(SecretsError::Unfit { key, why }),
        (None, admin) => Ok(admin),
    }
}

/// The bundle, where something may be installed from it, or a plan of that is asked for.
fn bundle(answers: &Answers, purpose: Purpose) -> Result<Option<Bundle>, BundleError> {
    match (answers.sources.bundle(), purpose) {
        (Some((path, sha256)), Purpose::Run | Purpose::TakeOver | Purpose::Look) => {
            let bundle = Bundle::open(&path, sha256)?;
            bundle.for_version(&answers.k3s.version).map(Some)
        }
        _ => Ok(None),
    }
}

/// The registries with their passwords.
fn revealed(answers: &Answers) -> Result<Registries, SecretsError> {
    let revealed = answers.registries.revealed();
    revealed.map_err(|(key, source)| SecretsError::Unavailable { key, source })
}

/// `20261124T215440Z-3f2a`
fn run_id(now: OffsetDateTime) -> Result<String, openssl::error::ErrorStack> {
    let mut random = [0; 2];
    openssl::rand::rand_bytes(&mut random)?;
    let [a, b] = random;
    Ok(format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z-{a:02x}{b:02x}",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    ))
}

pub(crate) fn rfc_3339(moment: OffsetDateTime) -> String {
    let seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    seconds.format(&Rfc3339).unwrap_or_default()
}

pub(super) fn user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .or_else(user_of_process)
        .unwrap_or_else(|| "unknown".into())
}

/// For a shell without the usual variables, as in a unit or a container.
fn user_of_process() -> Option<String> {
    let uid = getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let named = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    });
    Some(named.unwrap_or(format!("uid {uid}")))
}

pub(super) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}
