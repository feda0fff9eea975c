//! The login for a host: first the host's own answers, then those for all hosts, then
//! `~/.ssh/config`, then the defaults. For a bastion, `~/.ssh/config` comes before the answers for
//! all hosts, which are about other machines.

use std::path::{Path, PathBuf};

use super::ssh_config::{HostSettings, SshConfig, SshConfigError};
use super::{
    Answers, Bastion, CredentialKind, EnteredCredentials, Host, LoginSecrets, Secret, SecretError,
    jump, login_secret_problem, paths,
};
use crate::secrets::SecretText;

/// More bastions in a row than there are: their `ProxyJump`s lead in a circle.
const MOST_HOPS: usize = 8;

/// Address, port, user, and the way there.
#[derive(Debug, Clone, PartialEq)]
pub struct Login {
    /// An IP address or a DNS name.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// Named private keys, in order; if empty, the SSH agent and the usual ones.
    pub keys: Vec<PathBuf>,
    /// Only these keys are tried, also from the agent.
    pub only_these_keys: bool,
    /// The bastions in front of it, in the order of the way there, each with its login.
    pub via: Vec<(Host, Login)>,
}

/// Why a secret for a login is not available.
#[derive(Debug, thiserror::Error)]
pub enum LoginSecretError {
    #[error("{host}: {key}: {source}")]
    Unavailable {
        host: String,
        key: &'static str,
        source: SecretError,
    },
    #[error("{host}: {key} {why}")]
    Unfit {
        host: String,
        key: &'static str,
        why: &'static str,
    },
}

impl LoginSecretError {
    pub fn host(&self) -> &str {
        let (Self::Unavailable { host, .. } | Self::Unfit { host, .. }) = self;
        host
    }

    /// The secret that takes its place.
    pub fn wants(&self) -> Option<CredentialKind> {
        let (Self::Unavailable { key, .. } | Self::Unfit { key, .. }) = self;
        match *key {
            "passphrase" => Some(CredentialKind::Passphrase {
                key: PathBuf::new(),
            }),
            "password" => Some(CredentialKind::Password {
                user: String::new(),
                question: String::new(),
            }),
            "sudo_password" => Some(CredentialKind::SudoPassword { of: None }),
            _ => None,
        }
    }
}

impl Answers {
    /// The operator's SSH configuration, where these answers have it.
    pub fn ssh_config(&self) -> Result<SshConfig, SshConfigError> {
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let home = home.unwrap_or_else(|| PathBuf::from("/"));
        match &self.ssh.config {
            Some(file) if file == Path::new("none") => Ok(SshConfig::default()),
            // A configuration that the answers name must exist.
            Some(file) => {
                let file = paths::expand(file);
                if file.exists() {
                    return SshConfig::load(&file, &home);
                }
                let why = "the file does not exist (config under [ssh])".to_owned();
                Err(SshConfigError::Unreadable { file, why })
            }
            None => SshConfig::load(&home.join(".ssh/config"), &home),
        }
    }

    /// The login for a host.
    pub fn login(&self, host: &Host, config: &SshConfig) -> Result<Login, SshConfigError> {
        let said = config.of(&host.address)?;
        let via = match host.jump.as_ref().or(self.ssh.jump.as_ref()) {
            Some(jump) => self.hops(jump, config, 0)?,
            None => self.hops_of_config(&said, config, 0)?,
        };
        let all = &self.ssh;
        let given = Given {
            user: host
                .user
                .as_ref()
                .or(all.user.as_ref())
                .or(said.user.as_ref()),
            port: host.port.or(all.port).or(said.port),
            key: host.key.as_ref().or(all.key.as_ref()),
        };
        login(host, &said, config, &given, via)
    }

    /// Where the configuration has a `ProxyCommand`, the host cannot be reached.
    fn hops_of_config(
        &self,
        said: &HostSettings,
        config: &SshConfig,
        depth: usize,
    ) -> Result<Vec<(Host, Login)>, SshConfigError> {
        if let Some(error) = &said.proxy_command {
            return Err(error.clone());
        }
        match &said.proxy_jump {
            Some(jump) if depth >= MOST_HOPS => {
                Err(jump.wrong(format!("ProxyJump {} forms a loop", jump.text)))
            }
            Some(jump) => self.hops(&jump.text, config, depth),
            None => Ok(Vec::new()),
        }
    }

    /// As with OpenSSH, the first bastion is reached as the configuration says for it.
    fn hops(
        &self,
        jump: &str,
        config: &SshConfig,
        depth: usize,
    ) -> Result<Vec<(Host, Login)>, SshConfigError> {
        let mut via = Vec::new();
        // Answers are validated, and so is the configuration.
        for hop in jump::hops(jump).unwrap_or_default() {
            let hop = self.bastion(&hop);
            let said = config.of(&hop.address)?;
            if via.is_empty() {
                via = self.hops_of_config(&said, config, depth + 1)?;
            }
            let all = &self.ssh;
            let named = !said.identity_files.is_empty();
            let given = Given {
                user: hop
                    .user
                    .as_ref()
                    .or(said.user.as_ref())
                    .or(all.user.as_ref()),
                port: hop.port.or(said.port),
                key: hop.key.as_ref().or(all.key.as_ref().filter(|_| !named)),
            };
            let login = login(&hop, &said, config, &given, Vec::new())?;
            via.push((hop, login));
        }
        Ok(via)
    }

    /// A bastion with what the answers say of it.
    fn bastion(&self, hop: &jump::WrittenHop) -> Host {
        let written = hop.host();
        let mut bastions = self.bastions.iter();
        let Some(bastion) = bastions.find(|bastion| bastion.name == hop.name) else {
            return written;
        };
        Host {
            user: written.user.clone().or_else(|| bastion.user.clone()),
            port: written.port.or(bastion.port),
            key: bastion.key.clone(),
            passphrase: bastion.passphrase.clone(),
            password: bastion.password.clone(),
            host_key: bastion.host_key.clone(),
            ..written
        }
    }

    /// The host or the bastion with this name, as errors name it.
    pub fn login_place(&self, name: &str) -> Option<Host> {
        if let Some(host) = self.host(name) {
            return Some(host.clone());
        }
        let config = self.ssh_config().ok()?;
        let logins = self
            .hosts
            .iter()
            .filter_map(|host| self.login(host, &config).ok());
        let mut hops = logins.flat_map(|login| login.via).map(|(hop, _)| hop);
        hops.find(|hop| hop.name == name)
    }

    /// Accepts a host key, of a host or of a bastion, by the name that errors use.
    pub fn accept_key(&mut self, name: &str, key: String) {
        if let Some(host) = self.hosts.iter_mut().find(|host| host.name == name) {
            host.host_key = Some(key);
        } else if let Some(hop) = self.login_place(name) {
            let mut bastions = self.bastions.iter();
            let place = bastions.position(|bastion| bastion.name == hop.address);
            let place = place.unwrap_or_else(|| {
                self.bastions.push(Bastion::new(&hop.address));
                self.bastions.len() - 1
            });
            self.bastions[place].host_key = Some(key);
        }
    }

    /// The secrets for a host, fetched now. Order: typed for it, in its answers, typed for all, in
    /// the answers for all.
    pub fn login_secrets(
        &self,
        host: &Host,
        asked: &EnteredCredentials,
    ) -> Result<LoginSecrets, LoginSecretError> {
        let typed = asked.of(host);
        let get = |key,
                   typed: &Option<SecretText>,
                   own: &Option<Secret>,
                   typed_for_all: &Option<SecretText>,
                   all: &Option<Secret>| {
            if typed.is_some() {
                return Ok(typed.clone());
            }
            let secret = match (own, typed_for_all, all) {
                (Some(own), _, _) => own,
                (None, Some(typed), _) => return Ok(Some(typed.clone())),
                (None, None, Some(all)) => all,
                (None, None, None) => return Ok(None),
            };
            let host = host.name.clone();
            let text = secret
                .reveal()
                .map_err(|source| LoginSecretError::Unavailable {
                    host: host.clone(),
                    key,
                    source,
                })?;
            match login_secret_problem(text.expose()) {
                None => Ok(Some(text)),
                Some(why) => Err(LoginSecretError::Unfit { host, key, why }),
            }
        };
        let (ssh, for_all) = (&self.ssh, asked.of_all());
        Ok(LoginSecrets {
            passphrase: get(
                "passphrase",
                &typed.passphrase,
                &host.passphrase,
                &for_all.passphrase,
                &ssh.passphrase,
            )?,
            password: get(
                "password",
                &typed.password,
                &host.password,
                &for_all.password,
                &ssh.password,
            )?,
            sudo_password: get(
                "sudo_password",
                &typed.sudo_password,
                &host.sudo_password,
                &for_all.sudo_password,
                &ssh.sudo_password,
            )?,
        })
    }
}

/// What comes before the configuration and the defaults.
struct Given<'a> {
    user: Option<&'a String>,
    port: Option<u16>,
    key: Option<&'a PathBuf>,
}

fn login(
    host: &Host,
    said: &HostSettings,
    config: &SshConfig,
    given: &Given<'_>,
    via: Vec<(Host, Login)>,
) -> Result<Login, SshConfigError> {
    let address = said.host_name.as_ref().unwrap_or(&host.address).clone();
    let me = operator();
    let user = given.user.unwrap_or(&me).clone();
    let port = given.port.unwrap_or(22);
    let keys = if let Some(key) = given.key {
        vec![paths::expand(key)]
    } else {
        let token = |letter| match letter {
            '%' => Some("%".to_owned()),
            'd' => Some(config.home().display().to_string()),
            'h' => Some(address.clone()),
            'n' => Some(host.address.clone()),
            'p' => Some(port.to_string()),
            'r' => Some(user.clone()),
            'u' => Some(me.clone()),
            _ => None,
        };
        let files = said.identity_files.iter();
        files
            .filter(|file| !file.text.eq_ignore_ascii_case("none"))
            .map(|file| config.path(file, token))
            .collect::<Result<_, _>>()?
    };
    Ok(Login {
        address,
        port,
        user,
        keys,
        only_these_keys: said.identities_only.unwrap_or(false),
        via,
    })
}

/// The user who runs the wizard.
fn operator() -> String {
    let user = std::env::var("USER").ok().filter(|name| !name.is_empty());
    user.unwrap_or_else(|| "root".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Role;

    fn config(text: &str) -> SshConfig {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config");
        std::fs::write(&file, text).unwrap();
        SshConfig::load(&file, Path::new("/home/kay")).unwrap()
    }

    #[test]
    fn the_answers_come_before_the_configuration() {
        let config = config(
            "Host db\n HostName 10.9.9.9\n User pat\n Port 2222\n IdentityFile ~/%r\n \
             IdentityFile none\n IdentityFile %d/%h-%n-%p\n IdentitiesOnly yes\n",
        );
        let mut answers = Answers::default();
        let mut host = Host::new("k3s-postgres", Role::Postgres, "db");
        let login = |answers: &Answers, host: &Host| answers.login(host, &config).unwrap();
        let from_config = Login {
            address: "10.9.9.9".into(),
            port: 2222,
            user: "pat".into(),
            keys: vec!["/home/kay/pat".into(), "/home/kay/10.9.9.9-db-2222".into()],
            only_these_keys: true,
            via: Vec::new(),
        };
        assert_eq!(login(&answers, &host), from_config);

        answers.ssh.user = Some("lee".into());
        answers.ssh.key = Some("/all".into());
        let with_ssh = login(&answers, &host);
        assert_eq!((&*with_ssh.user, with_ssh.port), ("lee", 2222));
        assert_eq!(with_ssh.keys, [PathBuf::from("/all")]);

        host.user = Some("own".into());
        host.port = Some(22);
        host.key = Some("/own".into());
        let with_own = login(&answers, &host);
        assert_eq!((&*with_own.user, with_own.port), ("own", 22));
        assert_eq!(with_own.keys, [PathBuf::from("/own")]);

        let other = Host::new("s", Role::Server, "10.0.0.1");
        let usual = login(&Answers::default(), &other);
        assert_eq!((usual.address, usual.port), ("10.0.0.1".into(), 22));
        assert_eq!((usual.keys, usual.only_these_keys), (vec![], false));
    }

    #[test]
    fn a_configuration_that_was_named_must_be_there() {
        let mut answers = Answers::default();
        answers.ssh.config = Some("/nowhere/config".into());
        let error = answers.ssh_config().expect_err("not there").to_string();
        assert!(error.contains("/nowhere/config"), "{error}");
        answers.ssh.config = Some("none".into());
        let nothing = answers.ssh_config().unwrap();
        assert_eq!(
            nothing.of("h").unwrap(),
            super::super::ssh_config::HostSettings::default()
        );
    }

    #[test]
    fn a_hosts_own_secrets_come_first() {
        let mut answers = Answers::default();
        let mut host = Host::new("h", Role::Agent, "10.0.0.1");
        let inline = |text: &str| Some(Secret::Inline(text.to_owned().into()));
        answers.ssh.password = inline("of all");
        answers.ssh.sudo_password = inline("sudo of all");
        host.password = inline("its own");
        let secrets = answers
            .login_secrets(&host, &EnteredCredentials::default())
            .unwrap();
        let text = |secret: &Option<SecretText>| {
            let text = secret.as_ref().map(SecretText::expose);
            text.map(str::to_owned)
        };
        assert_eq!(text(&secrets.password).as_deref(), Some("its own"));
        assert_eq!(text(&secrets.sudo_password).as_deref(), Some("sudo of all"));
        assert_eq!(secrets.passphrase, None);

        host.passphrase = Some(Secret::Env("K3S_HA_WIZARD_UNSET".into()));
        let error = answers
            .login_secrets(&host, &EnteredCredentials::default())
            .expect_err("unset")
            .to_string();
        assert!(error.starts_with("h: passphrase: "), "{error}");
        assert!(error.contains("K3S_HA_WIZARD_UNSET is not set"), "{error}");
    }

    fn server() -> Host {
        Host::new("s1", Role::Server, "10.0.0.11")
    }

    /// `bastion NAME USER@ADDRESS:PORT KEYS`, one after the other.
    fn way(answers: &Answers, host: &Host, text: &str) -> Result<Vec<String>, String> {
        let login = answers.login(host, &config(text));
        let login = login.map_err(|error| error.to_string())?;
        let told = |(hop, login): &(Host, Login)| {
            let keys = login.keys.iter().map(|key| key.display().to_string());
            let keys = keys.collect::<Vec<_>>().join(" ");
            let Login {
                user,
                address,
                port,
                ..
            } = login;
            format!("{} {user}@{address}:{port} {keys}", hop.name)
                .trim()
                .to_owned()
        };
        Ok(login.via.iter().map(told).collect())
    }

    #[test]
    fn the_way_is_that_of_the_host_then_of_all_then_of_the_configuration() {
        let config = "Host 10.0.0.11\n ProxyJump lee@gate:2222,inner\n\
                      Host gate\n HostName 192.0.2.1\n IdentityFile /g\n User pat\n Port 22\n\
                      Host inner\n User ina\n Port 2022\n ProxyJump other\n";
        let (mut answers, mut host) = (Answers::default(), server());
        answers.ssh.user = Some("admin".into());
        answers.ssh.port = Some(9);
        answers.ssh.key = Some("/all".into());
        let gate = "bastion gate:2222 lee@192.0.2.1:2222 /g".to_owned();
        let inner = "bastion inner ina@inner:2022 /all".to_owned();
        assert_eq!(way(&answers, &host, config), Ok(vec![gate, inner]));
        answers.ssh.jump = Some("far".into());
        let far = "bastion far admin@far:22 /all".to_owned();
        assert_eq!(way(&answers, &host, config), Ok(vec![far]));
        // The first bastion's own way comes before it.
        host.jump = Some("inner".into());
        let inner = "bastion inner ina@inner:2022 /all".to_owned();
        let other = "bastion other admin@other:22 /all".to_owned();
        assert_eq!(way(&answers, &host, config), Ok(vec![other, inner]));
        host.jump = Some("none".into());
        assert_eq!(way(&answers, &host, config), Ok(vec![]));
    }

    #[test]
    fn what_the_answers_say_of_a_bastion_comes_first() {
        let mut answers = Answers::default();
        answers.bastions = vec![Bastion {
            user: Some("kay".into()),
            port: Some(2022),
            key: Some("/own".into()),
            password: Some(crate::answers::Secret::Inline("its own".to_owned().into())),
            host_key: Some("SHA256:x".into()),
            ..Bastion::new("gate")
        }];
        answers.ssh.jump = Some("gate".into());
        let config = "Host gate\n User pat\n Port 22\n IdentityFile /g\n";
        let told = ["bastion gate kay@gate:2022 /own".to_owned()].to_vec();
        assert_eq!(way(&answers, &server(), config), Ok(told));
        let login = answers.login(&server(), &SshConfig::default()).unwrap();
        let (hop, _) = &login.via[0];
        let secrets = answers.login_secrets(hop, &EnteredCredentials::default());
        assert_eq!(secrets.unwrap().password.unwrap().expose(), "its own");
        assert_eq!(hop.host_key.as_deref(), Some("SHA256:x"));
        // What stands in jump is more exact.
        answers.ssh.jump = Some("lee@gate:22".into());
        let told = ["bastion gate:22 lee@gate:22 /own".to_owned()].to_vec();
        assert_eq!(way(&answers, &server(), config), Ok(told));
    }

    #[test]
    fn a_proxy_command_is_refused_with_its_line_unless_the_answers_say_otherwise() {
        let config = "Host *\n ProxyCommand nc %h %p\n ProxyJump gate\n";
        let mut answers = Answers::default();
        let refused = way(&answers, &server(), config).unwrap_err();
        assert!(
            refused.contains("config:2: ProxyCommand nc %h %p, which the wizard does not support"),
            "{refused}"
        );
        answers.ssh.jump = Some("none".into());
        assert_eq!(way(&answers, &server(), config), Ok(vec![]));
        // The first one counts.
        answers.ssh.jump = None;
        let config = "Host 10.*\n ProxyJump gate\n ProxyCommand nc %h %p\n";
        assert_eq!(way(&answers, &server(), config).unwrap().len(), 1);
    }

    #[test]
    fn a_circle_is_refused_with_its_line() {
        let refused = way(&Answers::default(), &server(), "Host *\n ProxyJump gate\n");
        let refused = refused.unwrap_err();
        assert!(refused.contains("config:2: "), "{refused}");
        assert!(refused.contains("ProxyJump gate forms a loop"), "{refused}");
    }

    #[test]
    fn a_key_that_is_accepted_is_of_the_host_or_of_the_bastion_that_is_named() {
        let mut answers = Answers {
            hosts: vec![server()],
            ..Answers::default()
        };
        answers.ssh.config = Some("none".into());
        answers.ssh.jump = Some("kay@gate:2222".into());
        answers.accept_key("s1", "of the host".into());
        answers.accept_key("bastion gate:2222", "of the bastion".into());
        answers.accept_key("bastion other", "of none".into());
        assert_eq!(answers.hosts[0].host_key.as_deref(), Some("of the host"));
        assert_eq!(answers.bastions.len(), 1);
        let bastion = answers.login_place("bastion gate:2222").unwrap();
        assert_eq!(bastion.host_key.as_deref(), Some("of the bastion"));
    }
}
