//! What a run needs, put together: answers, state, secrets, certificates, hosts. Whoever shows the
//! run, lines or screens, starts here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answers::Answers;
use crate::engine::control::Control;
use crate::engine::event::{End, What};
use crate::engine::hosts::{self, Connector, ReachError, Reached};
use crate::engine::recorder::{Recorder, Sink};
use crate::engine::{Memory, Run};
use crate::pki::{self, Pki, PkiError};
use crate::plan::{Given, Plan, PlanError};
use crate::proof::scram;
use crate::remote::lease::{Lease, LeaseError};
use crate::remote::{Credentials, Remote, Ssh, Target};
use crate::report::redact::Redactor;
use crate::state::{Folder, LastRun, Lock, Secrets, SecretsError, State, StateError};

/// One cluster's answers with everything that is remembered of it.
pub struct Session {
    pub answers: Answers,
    pub folder: Folder,
    /// Names the run that this session may start.
    pub run: String,
    state: State,
    secrets: Secrets,
    pki: Pki,
    /// What was made or renewed of the certificates.
    pub certificates: pki::Changes,
    /// Only a session that may change something holds it.
    lock: Option<Lock>,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("no random numbers: {0}")]
    Random(#[from] openssl::error::ErrorStack),
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something may be changed, on hosts and in the state folder.
    Run,
    /// Nothing is changed anywhere.
    Look,
}

impl Session {
    /// Opens the state folder of the answers' cluster. For a run, it is locked, and every secret is
    /// on the disk before anything else happens: none can be lost by an interruption.
    pub fn open(
        answers: Answers,
        root: Option<PathBuf>,
        purpose: Purpose,
    ) -> Result<Self, SessionError> {
        let folder = Folder::open(root, &answers.cluster.name)?;
        let lock = match purpose {
            Purpose::Run => Some(folder.lock()?),
            Purpose::Look => None,
        };
        let mut state = match folder.state()? {
            Some(state) => state,
            None => State::new(&answers)?,
        };
        state.answers = answers.without_secrets();
        let kept = folder.secrets()?;
        let begun = state.last_run.is_some();
        let secrets = Secrets::complete(kept.as_ref(), &answers, begun, |password| {
            scram::scram_verifier(&password.to_owned().into())
        })?;
        let wanted = pki::Wanted {
            cluster: answers.cluster.name.clone(),
            role: answers.postgres.user.clone(),
            postgres_names: postgres_names(&answers),
            servers: names(&answers),
        };
        let now = OffsetDateTime::now_utc();
        let kept = pki::load(&folder.pki_dir())?;
        let (pki, certificates) = pki::ensure(&kept, &wanted, now)?;
        if purpose == Purpose::Run {
            folder.save(&state)?;
            folder.save_secrets(&secrets)?;
        }
        Ok(Self {
            run: run_id(now)?,
            answers,
            folder,
            state,
            secrets,
            pki,
            certificates,
            lock,
        })
    }

    /// Connects to all hosts at once. `told` hears of each as it is there.
    pub fn reach(
        &self,
        control: &Control,
        told: &(dyn Fn(&Reached) + Sync),
    ) -> Result<Vec<Reached>, Vec<ReachError>> {
        // Who only looks takes no lease: somebody may be at work, also from this very folder.
        let lease = self.lock.is_some().then(|| self.lease());
        let results: Vec<_> = std::thread::scope(|scope| {
            let reaching: Vec<_> = self
                .answers
                .hosts
                .iter()
                .map(|host| {
                    let (lease, connector) = (lease.as_ref(), self.connector(host));
                    scope.spawn(move || {
                        let reached = hosts::reach(host, connector, lease, control)?;
                        told(&reached);
                        Ok(reached)
                    })
                })
                .collect();
            reaching
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .collect()
        });
        let (mut reached, mut errors) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(host) => reached.push(host),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() {
            return Ok(reached);
        }
        for host in &mut reached {
            host.connection.release();
        }
        Err(errors)
    }

    pub fn plan(&self, reached: &[Reached]) -> Result<Plan, SessionError> {
        let platforms: BTreeMap<_, _> = reached
            .iter()
            .map(|host| (host.name.clone(), host.platform))
            .collect();
        Ok(Plan::make(Given {
            answers: &self.answers,
            platforms: &platforms,
            pki: &self.pki,
            secrets: &self.secrets,
        })?)
    }

    /// Everything that must not show in events.
    pub fn redactor(&self) -> Redactor {
        let keys = [&self.pki.ca, &self.pki.postgres]
            .into_iter()
            .chain(self.pki.servers.values())
            .map(|identity| identity.key_pem.clone());
        let secrets: Vec<_> = self
            .secrets
            .all()
            .into_iter()
            .cloned()
            .chain(keys)
            .collect();
        Redactor::new(&secrets)
    }

    /// Carries the plan out on the hosts, and remembers how it ended.
    pub fn carry_out(
        &self,
        plan: &Plan,
        hosts: Vec<Reached>,
        control: &Control,
        sinks: Vec<Sink>,
    ) -> Result<End, SessionError> {
        let memory = Memory::new(&self.folder, self.state.clone());
        let recorder = Recorder::new(self.redactor(), sinks);
        let now = OffsetDateTime::now_utc();
        let last_run = |end| LastRun {
            run: self.run.clone(),
            when: rfc_3339(now),
            end,
        };
        memory.change(|state| state.last_run = Some(last_run(None)))?;
        recorder.record(What::Started {
            run: self.run.clone(),
            when: rfc_3339(now),
            operator: format!("{}@{}", user(), hostname()),
            version: env!("CARGO_PKG_VERSION").into(),
            plan: plan.outline(),
        });
        for text in self.answers.warnings() {
            recorder.record(What::Warned { host: None, text });
        }
        let run = Run {
            id: &self.run,
            answers: &self.answers,
            plan,
            pki: &self.pki,
            secrets: &self.secrets,
            memory: &memory,
            recorder: &recorder,
            control,
        };
        let end = run.carry_out(hosts);
        memory.change(|state| state.last_run = Some(last_run(Some(end.clone()))))?;
        Ok(end)
    }

    fn lease(&self) -> Lease {
        Lease {
            owner: self.state.owner.clone(),
            run: self.run.clone(),
            cluster: self.answers.cluster.name.clone(),
            operator: user(),
            from: hostname(),
            since: rfc_3339(OffsetDateTime::now_utc()),
        }
    }

    fn connector(&self, host: &crate::answers::Host) -> Connector {
        let target = Target {
            name: host.name.clone(),
            address: host.address.clone(),
            port: self.answers.ssh_port(host),
            user: self.answers.ssh_user(host),
            key: self.answers.ssh_key(host),
            known_hosts: self.answers.ssh_known_hosts(),
            own_known_hosts: self.folder.known_hosts(),
            policy: self.answers.ssh.host_keys,
            fingerprint: host.host_key.clone(),
        };
        let credentials = Credentials::default();
        Box::new(move |cancel| {
            let ssh = Ssh::connect(&target, &credentials, cancel)?;
            Ok(Box::new(ssh) as Box<dyn Remote>)
        })
    }
}

impl SessionError {
    /// Whether somebody else works with the state folder.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::State(StateError::Locked { .. }))
    }
}

/// Whether somebody else works on the host.
pub fn is_leased(error: &ReachError) -> bool {
    matches!(error, ReachError::Lease(LeaseError::Held { .. }))
}

/// Every name and address by which servers reach Postgres.
fn postgres_names(answers: &Answers) -> Vec<String> {
    let host = answers.postgres_host();
    let address = host.and_then(|host| Some(host.cluster_ip()?.to_string()));
    answers
        .postgres
        .name
        .clone()
        .into_iter()
        .chain(address)
        .collect()
}

fn names(answers: &Answers) -> Vec<String> {
    let servers = answers.servers().into_iter();
    servers.map(|host| host.name.clone()).collect()
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

fn rfc_3339(moment: OffsetDateTime) -> String {
    let seconds = moment.replace_nanosecond(0).unwrap_or(moment);
    seconds.format(&Rfc3339).unwrap_or_default()
}

fn user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
        .unwrap_or_else(|| "unknown".into())
}

fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map_or_else(|_| "unknown".into(), |name| name.trim().to_owned())
}
