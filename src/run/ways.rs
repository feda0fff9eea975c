//! How hosts are reached: logins, host keys, and passwords tested so far.

use std::path::PathBuf;
use std::process::Command;

use super::RunError;
use crate::answers::{Answers, EnteredCredentials, Host, Login, Role, Secret, SshConfig};
use crate::engine::hosts::Connector;
use crate::engine::watch::PollTarget;
use crate::remote::{AcceptedKeys, Bastions, Credentials, Remote, Ssh, Target, Trials, Way};
use crate::state::Folder;

/// Secrets that are not in the answers.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    /// What the operator typed. Stored nowhere else.
    pub asked: EnteredCredentials,
    /// The results of passwords so far: a wrong one is not sent again.
    pub trials: Trials,
    /// Host keys that were trusted on first use so far.
    pub accepted: AcceptedKeys,
    /// The connections to bastions so far.
    pub bastions: Bastions,
    /// An operator can be asked.
    pub asks: bool,
    /// Nothing may be changed: no run starts, and no host key is stored.
    pub read_only: bool,
}

impl Tried {
    /// Where nothing may be stored, a host key that is trusted on first use is forgotten again; the
    /// known ones count.
    fn keeps(&self, mut target: Target) -> Target {
        if self.read_only {
            let none = PathBuf::from("/dev/null");
            let known = std::mem::replace(&mut target.own_known_hosts, none);
            target.known_hosts.extend(known.is_file().then_some(known));
        }
        target
    }
}

/// The hosts of a role, read-only: no lease is taken, and no other host is needed.
pub fn places(
    answers: &Answers,
    folder: &Folder,
    role: Role,
    tried: &Tried,
) -> Result<Vec<PollTarget>, RunError> {
    let ssh_config = answers.ssh_config()?;
    let hosts = answers.with_role(role);
    let stored = StoredHostKeys::of(folder);
    hosts
        .map(|host| {
            let way = way(answers, host, &ssh_config, &stored, tried)?;
            Ok(PollTarget {
                host: host.name.clone(),
                connector: connector(way),
            })
        })
        .collect()
}

/// How a host is reached, and with which secrets.
pub(super) fn way(
    answers: &Answers,
    host: &Host,
    config: &SshConfig,
    known_hosts: &StoredHostKeys,
    tried: &Tried,
) -> Result<Way, RunError> {
    let login = answers.login(host, config)?;
    let one = |host: &Host, login: &Login| -> Result<Way, RunError> {
        let secrets = answers.login_secrets(host, &tried.asked)?;
        Ok(Way {
            target: tried.keeps(target(answers, host, login, known_hosts, tried)),
            credentials: Credentials {
                passphrase: secrets.passphrase,
                password: secrets.password,
                sudo_password: secrets.sudo_password,
                asks: tried.asks,
                trials: tried.trials.clone(),
            },
        })
    };
    let mut way = one(host, &login)?;
    let via = login.via.iter().map(|(bastion, login)| one(bastion, login));
    way.target.via = via.collect::<Result<_, _>>()?;
    Ok(way)
}

/// Where host keys are read from and written to, besides the usual files.
pub(super) struct StoredHostKeys {
    /// Read only.
    pub earlier: Option<PathBuf>,
    pub own: PathBuf,
}

impl StoredHostKeys {
    pub fn of(folder: &Folder) -> Self {
        Self {
            earlier: None,
            own: folder.known_hosts(),
        }
    }
}

fn target(
    answers: &Answers,
    host: &Host,
    login: &Login,
    stored: &StoredHostKeys,
    tried: &Tried,
) -> Target {
    let mut known_hosts = answers.ssh_known_hosts();
    known_hosts.extend(stored.earlier.clone());
    Target {
        name: host.name.clone(),
        address: login.address.clone(),
        port: login.port,
        user: login.user.clone(),
        keys: login.keys.clone(),
        only_these_keys: login.only_these_keys,
        known_hosts,
        own_known_hosts: stored.own.clone(),
        policy: answers.ssh.host_keys,
        accepted: tried.accepted.clone(),
        fingerprint: host.host_key.clone(),
        via: Vec::new(),
        bastions: tried.bastions.clone(),
    }
}

pub(super) fn connector(way: Way) -> Connector {
    Box::new(move |cancel| {
        let ssh = Ssh::connect(&way.target, &way.credentials, cancel)?;
        Ok(Box::new(ssh) as Box<dyn Remote>)
    })
}

/// The command that opens a shell on a host for the operator: their own ssh, with the login from
/// the answers. ssh asks for secrets itself; the wizard passes none on.
pub fn shell(answers: &Answers, host: &str) -> Result<Command, RunError> {
    let config = answers.ssh_config()?;
    let host = answers
        .host(host)
        .ok_or_else(|| RunError::NoHost(host.to_owned()))?;
    let login = answers.login(host, &config)?;
    let folder = Folder::open_to_read(None, &answers.cluster.name)?;
    let usual = PathBuf::from("~/.ssh/known_hosts");
    let known_hosts = [usual]
        .into_iter()
        .chain(answers.ssh_known_hosts())
        .chain([folder.known_hosts()]);
    let files = known_hosts.fold(String::from("UserKnownHostsFile="), |files, file| {
        format!("{files}\"{}\" ", file.display())
    });
    let mut ssh = Command::new("ssh");
    if let Some(file) = answers.ssh_config_file() {
        ssh.arg("-F").arg(file);
    }
    for secret in answers.secrets() {
        if let Secret::Env(name) = secret {
            ssh.env_remove(name);
        }
    }
    ssh.args(["-o", files.trim_end()]);
    let jump = login.via.iter().map(|(bastion, login)| {
        // By its name: ssh has what else its configuration says.
        let name = match &bastion.address {
            address if address.contains(':') => format!("[{address}]"),
            name => name.clone(),
        };
        format!("{}@{name}:{}", login.user, login.port)
    });
    let jump = jump.collect::<Vec<_>>().join(",");
    let none = String::from("none");
    let jump = if jump.is_empty() { none } else { jump };
    ssh.arg("-o").arg(format!("ProxyJump={jump}"));
    ssh.args(["-p", &login.port.to_string(), "-l", &login.user]);
    for key in &login.keys {
        ssh.arg("-i").arg(key);
    }
    ssh.args(["--", &login.address]);
    Ok(ssh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Bastion, ProxyUrl, RegistryAccess};

    #[test]
    fn a_shell_is_the_operators_own_ssh_and_gets_no_secret() {
        let mut answers = Answers::from_toml(crate::answers::example()).unwrap();
        answers.ssh.config = Some("none".into());
        answers.ssh.user = Some("admin".into());
        answers.ssh.password = Some(Secret::Inline("hunter2hunter2".to_owned().into()));
        let name = answers.hosts[0].name.clone();
        let ssh = shell(&answers, &name).unwrap();
        let said: Vec<_> = ssh
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        let said = said.join(" ");
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.contains("\"~/.ssh/known_hosts\" "), "{said}");
        let end = format!("-- {}", answers.hosts[0].address);
        assert!(said.contains("-l admin") && said.ends_with(&end), "{said}");
        assert!(shell(&answers, "nobody").is_err());

        // It does not inherit them either, and finds the operator's configuration.
        answers.ssh.password = Some(Secret::Env("SSH_PASSWORD".into()));
        answers.postgres.password = Some(Secret::Env("DB_PASSWORD".into()));
        answers.proxy.https = Some(ProxyUrl::Elsewhere(Secret::Env("PROXY_PASSWORD".into())));
        answers.bastions.push(Bastion {
            password: Some(Secret::Env("GATE_PASSWORD".into())),
            ..Bastion::default()
        });
        let registry = RegistryAccess {
            password: Some(Secret::Env("REGISTRY_PASSWORD".into())),
            ..RegistryAccess::default()
        };
        answers
            .registries
            .configs
            .insert("docker.io".into(), registry);
        let ssh = shell(&answers, &name).unwrap();
        for of in ["SSH", "DB", "GATE", "REGISTRY", "PROXY"] {
            let name = format!("{of}_PASSWORD");
            assert!(ssh.get_envs().any(|set| set == (name.as_ref(), None)));
        }
        let home = directories::BaseDirs::new().unwrap().home_dir().to_owned();
        answers.ssh.config = Some("~/.ssh/of-work".into());
        let config = answers.ssh_config_file();
        assert_eq!(config, Some(home.join(".ssh/of-work")));
    }
}
