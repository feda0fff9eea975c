//! The login for a host: first the host's own answers, then those for all hosts, then
//! `~/.ssh/config`, then the defaults.

use std::path::{Path, PathBuf};

use super::ssh_config::{SshConfig, SshConfigError};
use super::{
    Answers, CredentialKind, EnteredCredentials, Host, LoginSecrets, Secret, SecretError,
    login_secret_problem, paths,
};
use crate::secrets::SecretText;

/// Address, port and user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// An IP address or a DNS name.
    pub address: String,
    pub port: u16,
    pub user: String,
    /// Named private keys, in order; if empty, the SSH agent and the usual ones.
    pub keys: Vec<PathBuf>,
    /// Only these keys are tried, also from the agent.
    pub only_these_keys: bool,
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
        let address = said.host_name.unwrap_or_else(|| host.address.clone());
        let me = operator();
        let user = host.user.clone().or_else(|| self.ssh.user.clone());
        let user = user.or(said.user).unwrap_or_else(|| me.clone());
        let port = host.port.or(self.ssh.port).or(said.port).unwrap_or(22);
        let keys = if let Some(key) = host.key.as_ref().or(self.ssh.key.as_ref()) {
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
        })
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
}
