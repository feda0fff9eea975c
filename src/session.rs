//! What a run needs, put together: answers, state, secrets, certificates, hosts. Whoever shows the
//! run, lines or screens, starts here.
//!
//! * [`ways`]: how its hosts are reached; [`knock`]: one host alone, before there is a run

pub mod knock;
pub mod ways;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answers::{
    Answers, EnteredCredentials, Login, LoginSecretError, LoginSecrets, Problem, SshConfigError,
};
use crate::engine::control::Control;
use crate::engine::hosts::{self, Reached};
use crate::engine::surroundings::look_around;
use crate::engine::{Memory, Run, planned_files};
use crate::events::StepId;
use crate::events::log::RunLog;
use crate::events::recorder::{Recorder, Sink};
use crate::events::{End, FORMAT, What};
use crate::hash::sha256;
use crate::pki::{self, Pki, PkiError};
use crate::plan::{Plan, PlannedFile};
use crate::platform::preflight::{self, Grid, Looked, Wanted};
use crate::platform::sources::{self, Downloads};
use crate::procedures::install;
use crate::proof::scram;
use crate::redact::Redactor;
use crate::remote::Trials;
use crate::remote::lease::{Lease, LeaseError};
use crate::report::diff::FileChange;
use crate::report::lines::Context;
use crate::secrets::SecretText;
use crate::secrets::Secrets;
use crate::state::{Folder, LastRun, Lock, SecretsError, State, StateError, complete_secrets};
use crate::steps::{Given, StepError};
use crate::topology::{Topology, TopologyError};

/// One cluster's answers with everything that is remembered of it.
pub struct Session {
    pub answers: Answers,
    pub topology: Topology,
    pub folder: Folder,
    /// Names the run that this session may start.
    pub run: String,
    state: State,
    secrets: Secrets,
    /// Of every host, in their order. Kept nowhere else.
    logins: Vec<(Login, LoginSecrets)>,
    pki: Pki,
    /// What is known of passwords, and whether somebody can be asked for them.
    tried: Tried,
    /// What was made or renewed of the certificates.
    pub certificates: pki::Changes,
    /// Only a session that may change something holds it.
    lock: Option<Lock>,
}

#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    #[error("{}", list_of(.0))]
    Answers(Vec<Problem>),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Pki(#[from] PkiError),
    #[error(transparent)]
    Topology(#[from] TopologyError),
    #[error(transparent)]
    Steps(#[from] StepError),
    #[error("the answers have no host {0}")]
    NoHost(String),
    #[error(transparent)]
    SshConfig(#[from] SshConfigError),
    #[error(transparent)]
    LoginSecret(#[from] LoginSecretError),
    #[error("{} cannot be written: {error}", path.display())]
    Log { path: PathBuf, error: io::Error },
    #[error("no random numbers: {0}")]
    Random(#[from] openssl::error::ErrorStack),
}

/// What is known of secrets that answers do not hold.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// What the operator typed. Kept nowhere else.
    pub asked: EnteredCredentials,
    /// What came of passwords so far: a wrong one is not sent again.
    pub trials: Trials,
    /// Somebody is there to be asked.
    pub asks: bool,
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
        Self::open_with(answers, root, purpose, Tried::default())
    }

    /// As [`Session::open`], with secrets that the operator was asked for.
    pub fn open_with(
        answers: Answers,
        root: Option<PathBuf>,
        purpose: Purpose,
        tried: Tried,
    ) -> Result<Self, SessionError> {
        // Whatever they come from: their texts reach the shells and the SQL of hosts.
        let problems = answers.problems();
        if !problems.is_empty() {
            return Err(SessionError::Answers(problems));
        }
        let ssh_config = answers.ssh_config()?;
        let logins = answers.hosts.iter().map(|host| {
            let login = answers.login(host, &ssh_config)?;
            Ok((login, answers.login_secrets(host, &tried.asked)?))
        });
        let logins = logins.collect::<Result<_, SessionError>>()?;
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
        let secrets = complete_secrets(kept.as_ref(), &answers, begun, |password| {
            scram::scram_verifier(&password.to_owned().into())
        })?;
        let topology = Topology::of(&answers)?;
        let datastore = &topology.datastore;
        let members = datastore.members.iter();
        let wanted = pki::Wanted {
            cluster: topology.cluster.clone(),
            role: datastore.user.clone(),
            postgres: members
                .map(|member| (member.name.clone(), datastore.names(member)))
                .collect(),
            servers: topology
                .servers
                .iter()
                .map(|server| server.name.clone())
                .collect(),
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
            topology,
            folder,
            state,
            secrets,
            logins,
            pki,
            tried,
            certificates,
            lock,
        })
    }

    /// Connects to all hosts at once; but a password that several share is first proven on one.
    /// `told` hears of each as it is there.
    pub fn reach(
        &self,
        control: &Control,
        told: &(dyn Fn(&Reached) + Sync),
    ) -> Result<Vec<Reached>, Vec<LeaseError>> {
        // Who only looks takes no lease: somebody may be at work, also from this very folder.
        let lease = self.lock.is_some().then(|| self.lease());
        // Kept from an earlier run, the install script is not fetched again.
        let kept = matches!(self.folder.install_script(), Ok(Some(_)));
        let datastore = &self.topology.datastore;
        let results: Vec<_> = std::thread::scope(|scope| {
            let reaching: Vec<_> = self
                .answers
                .hosts
                .iter()
                .zip(&self.logins)
                .map(|(host, login)| {
                    let lease = lease.as_ref();
                    let own_known_hosts = self.folder.known_hosts();
                    let target = ways::target(&self.answers, host, &login.0, own_known_hosts);
                    let connector = ways::connector(target, login.1.clone(), &self.tried);
                    scope.spawn(move || {
                        let reached =
                            hosts::reach(&host.name, Some(datastore), connector, lease, control)?;
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
            self.ask_for_nodes(&mut reached);
            let wanted = sources::Wanted {
                topology: &self.topology,
                downloads: &Downloads::of(&self.answers.k3s),
                fetches: (!kept).then_some(&self.topology.server_1().name),
            };
            match look_around(&mut reached, wanted, self.lock.is_some()) {
                Ok(()) => return Ok(reached),
                Err(lost) => errors.extend(lost.into_iter().map(LeaseError::Remote)),
            }
        }
        hosts::release(&mut reached);
        Err(errors)
    }

    /// A host that has never joined may have been a node before: then its cluster is asked.
    fn ask_for_nodes(&self, reached: &mut [Reached]) {
        let is_new = |host: &&Reached| {
            let is_node = self.topology.nodes().any(|node| node.name == host.name);
            is_node && !host.facts.k3s.node_password
        };
        if reached.iter().find(is_new).is_none() {
            return;
        }
        let servers = &self.topology.servers;
        let is_server = |name: &str| servers.iter().any(|server| server.name == name);
        let running = |host: &&mut Reached| is_server(&host.name) && host.facts.runs_our_k3s();
        if let Some(server) = reached.iter_mut().find(running) {
            server.facts.k3s.known_nodes = hosts::known_nodes(server);
        }
    }

    /// Whether the hosts will do. Where it does not pass, there is nothing to plan.
    pub fn preflight(&self, reached: &[Reached]) -> Grid {
        let looked: Vec<_> = reached
            .iter()
            .filter_map(|reached| {
                Some(Looked {
                    host: self.answers.host(&reached.name)?,
                    facts: &reached.facts,
                    sources: &reached.sources,
                    links: &reached.links,
                    at_work: !reached.units.is_empty(),
                })
            })
            .collect();
        let wanted = Wanted {
            answers: &self.answers,
            topology: &self.topology,
            token: &short_hash(&self.secrets.token),
            agent_token: &short_hash(&self.secrets.agent_token),
        };
        preflight::grid(wanted, &looked)
    }

    pub fn plan(&self, reached: &[Reached]) -> Result<Plan, SessionError> {
        let platforms: BTreeMap<_, _> = reached
            .iter()
            .filter_map(|host| Some((host.name.clone(), host.platform?)))
            .collect();
        let running = reached.iter().filter(|host| host.facts.runs_our_k3s());
        let running = running.map(|host| host.name.clone()).collect();
        Ok(install::plan(Given {
            running: &running,
            answers: &self.answers,
            topology: &self.topology,
            platforms: &platforms,
            pki: &self.pki,
            secrets: &self.secrets,
        })?)
    }

    /// What the plan will change in files, for people: secrets are masked.
    pub fn file_changes(
        &self,
        plan: &Plan,
        reached: &mut [Reached],
    ) -> BTreeMap<StepId, Vec<FileChange>> {
        let memory = Memory::new(&self.folder, self.state.clone());
        let files = planned_files(plan, reached, &memory.late_values(&self.secrets));
        let redactor = self.redactor();
        let told = |files: Vec<PlannedFile>| {
            let changes = files.iter().map(|file| FileChange::of(file, &redactor));
            changes.collect()
        };
        files
            .into_iter()
            .map(|(step, files)| (step, told(files)))
            .collect()
    }

    /// Whether a server has made a cluster, in this run or an earlier one.
    pub fn has_cluster(&self) -> bool {
        let state = self.folder.state();
        matches!(state, Ok(Some(state)) if state.cluster_ca.is_some())
    }

    /// What the operator typed, and what came of passwords.
    pub fn tried(&self) -> &Tried {
        &self.tried
    }

    /// Everything that must not show in events.
    pub fn redactor(&self) -> Redactor {
        let keys = [&self.pki.ca]
            .into_iter()
            .chain(self.pki.postgres.values())
            .chain(self.pki.servers.values())
            .map(|identity| identity.key_pem.clone());
        let of_logins = self.logins.iter().flat_map(|(_, secrets)| {
            let given = [
                &secrets.passphrase,
                &secrets.password,
                &secrets.sudo_password,
            ];
            given.into_iter().flatten().cloned()
        });
        let secrets: Vec<_> = self
            .secrets
            .all()
            .into_iter()
            .cloned()
            .chain(keys)
            .chain(of_logins)
            .collect();
        Redactor::new(&secrets)
    }

    /// Where the things of a run are, and how it is begun again.
    pub fn context(&self, again: String, verbose: bool) -> Context {
        let kubeconfig = self.folder.kubeconfig();
        Context {
            log: self.folder.run_log(&self.run),
            next: vec![format!(
                "kubectl --kubeconfig {} get nodes",
                kubeconfig.display()
            )],
            kubeconfig,
            again,
            verbose,
        }
    }

    /// Carries the plan out on the hosts, and remembers how it ended. Every event goes into the
    /// run's log, then to `faces`; `log_lost` hears of it when the log cannot be written any more.
    pub fn carry_out(
        &self,
        plan: &Plan,
        mut reached: Vec<Reached>,
        control: &Control,
        log_lost: impl FnOnce(io::Error) + Send + 'static,
        faces: Vec<Sink>,
    ) -> Result<End, SessionError> {
        let path = self.folder.run_log(&self.run);
        let log = match RunLog::create(&path) {
            Ok(log) => log.sink(log_lost),
            Err(error) => {
                hosts::release(&mut reached);
                return Err(SessionError::Log { path, error });
            }
        };
        let sinks = [log].into_iter().chain(faces).collect();
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
            format: FORMAT,
            run: self.run.clone(),
            when: rfc_3339(now),
            operator: format!("{}@{}", user(), hostname()),
            version: env!("CARGO_PKG_VERSION").into(),
            plan: plan.outline(),
        });
        for text in self.answers.warnings() {
            recorder.record(What::Warned { host: None, text });
        }
        for (host, text) in self.preflight(&reached).warnings() {
            let host = Some(host);
            recorder.record(What::Warned { host, text });
        }
        let run = Run {
            id: &self.run,
            plan,
            pki: &self.pki,
            secrets: &self.secrets,
            memory: &memory,
            recorder: &recorder,
            control,
        };
        let end = run.carry_out(reached);
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
}

fn list_of(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl SessionError {
    /// Whether somebody else works with the state folder.
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::State(StateError::Locked { .. }))
    }
}

/// Whether somebody else works on the host.
pub fn is_leased(error: &LeaseError) -> bool {
    matches!(error, LeaseError::Held { .. })
}

/// By what K3s names its row in Postgres: the first 12 digits of the token's SHA-256 (facts 4.4).
fn short_hash(token: &SecretText) -> String {
    let mut hash = sha256(token.expose().as_bytes());
    hash.truncate(12);
    hash
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
