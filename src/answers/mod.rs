//! What the operator wants: the cluster, its hosts, their roles, the options.
//!
//! One TOML file, or the forms of the wizard, become [`Answers`]; both go through the same checks.
//! Reading a file reports every problem at once, each with its line, its column and what to do.
//!
//! * [`secret`]: where secrets come from, and how they are kept from showing
//! * `read`: from TOML to the types, with positions; `write`: back
//! * `check`: validation
//! * `checks`: the names of the preflight's checks
//! * `login`: the login for a host; [`ssh_config`]: what `~/.ssh/config` says about it
//! * `credentials`: secrets that the operator typed; they are never saved
//! * `postgres`, `external`, `admin`: the datastore, also one that others run
//! * `proxy`, `registries`: where hosts download from; `sources`: a bundle instead; `firewall`; `drill`
//! * `flags`: which settings K3s knows, and which of them only the wizard may set

mod admin;
mod balancers;
mod check;
mod checks;
mod credentials;
mod drill;
mod exposed;
mod external;
mod firewall;
mod flags;
mod forms;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod jump;
mod login;
mod pair;
pub(crate) mod paths;
mod postgres;
mod problems;
pub mod proxy;
mod read;
mod registries;
pub mod secret;
mod sources;
pub mod ssh_config;
mod table_reader;
mod write;

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use admin::{AdminLogin, admin_problem};
pub use check::{login_secret_problem, password_problem, token_problem};
pub use checks::Check;
pub use credentials::{CredentialKind, CredentialRequest, EnteredCredentials, LoginSecrets};
pub use drill::DrillSettings;
pub use external::{ExternalFiles, external_password_problem};
pub use firewall::{FirewallSettings, ManageFirewall};
pub use jump::Bastion;
pub use login::{Login, LoginSecretError};
pub use pair::Failover;
pub use postgres::{ExistingPostgres, Postgres, SslMode};
pub use problems::{Problem, Problems, nearest};
pub use proxy::{ProxySettings, ProxyUrl};
pub use registries::{Mirror, Registries, RegistryAccess};
pub use secret::{Secret, SecretError};
pub use sources::SourceSettings;
pub use ssh_config::{SshConfig, SshConfigError};

/// The default version: that of the channel `stable` when this version of the wizard was released.
pub const DEFAULT_K3S_VERSION: &str = "v1.36.2+k3s1";
/// The official install script.
pub const DEFAULT_INSTALL_URL: &str = "https://get.k3s.io";

/// Everything the operator wants. Created by [`Answers::from_toml`], which validates, or by the
/// forms, which call [`Answers::problems`].
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    pub cluster: ClusterSettings,
    pub k3s: K3s,
    pub ssh: SshSettings,
    pub postgres: Postgres,
    pub load_balancer: LoadBalancer,
    pub firewall: FirewallSettings,
    pub drill: DrillSettings,
    pub proxy: ProxySettings,
    pub registries: Registries,
    pub sources: SourceSettings,
    pub hosts: Vec<Host>,
    /// What is not the same for all bastions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bastions: Vec<Bastion>,
    /// What the file says in a way that has been replaced; part of the warnings.
    #[serde(skip)]
    pub(crate) notices: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// Names the state folder, the kubeconfig's context and the certificates: `[a-z0-9-]`.
    pub name: String,
    /// Checks of the preflight that may fail on any host.
    #[serde(rename = "override", alias = "overrule")]
    pub overrides: Vec<Check>,
}

/// What is installed, where it comes from, and how it is set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct K3s {
    /// `vX.Y.Z+k3sN`; the same on every node.
    pub version: String,
    pub install_url: String,
    /// A mirror of the releases, handed to the install script.
    pub artifact_url: Option<String>,
    /// A mirror of the release channels, handed to the install script.
    pub channel_url: Option<String>,
    /// What the bytes of the install script must hash to: 64 hex digits.
    pub install_sha256: Option<String>,
    /// Protects the cluster and encrypts its CA keys in Postgres; generated if left out.
    pub token: Option<Secret>,
    /// The token that agents join with; generated if left out.
    pub agent_token: Option<Secret>,
    /// Extra names and addresses in the servers' certificates.
    pub tls_san: Vec<String>,
    /// Goes into every server's config.yaml, last.
    pub server_config: toml::Table,
    /// Goes into every agent's config.yaml, last.
    pub agent_config: toml::Table,
}

/// The defaults for SSH, for hosts without their own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SshSettings {
    pub user: Option<String>,
    pub port: Option<u16>,
    /// The bastions in front of every host, as OpenSSH writes them; `none` for no bastion.
    pub jump: Option<String>,
    pub key: Option<PathBuf>,
    /// Of private keys. None of the three is ever stored.
    pub passphrase: Option<Secret>,
    /// Of the user, for SSH.
    pub password: Option<Secret>,
    /// The password that sudo asks for: usually the user's own, on SUSE root's.
    pub sudo_password: Option<Secret>,
    /// Read instead of `~/.ssh/config`; `none` means no file.
    pub config: Option<PathBuf>,
    pub host_keys: HostKeys,
    /// Read besides `~/.ssh/known_hosts`, never written.
    pub known_hosts: Vec<PathBuf>,
}

/// What to do with an unknown host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeys {
    /// Ask; a headless run fails.
    #[default]
    Strict,
    /// Trust on first use: remember the key, refuse a changed one.
    AcceptNew,
}

impl HostKeys {
    pub const ALL: [HostKeys; 2] = [HostKeys::Strict, HostKeys::AcceptNew];

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            HostKeys::Strict => "strict",
            HostKeys::AcceptNew => "accept-new",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoadBalancer {
    pub port: u16,
    /// Extra DNS names and addresses of the load balancer; all go into the servers' certificates.
    pub names: Vec<String>,
    /// The address that two load balancers share: one of them holds it.
    pub virtual_ip: Option<IpAddr>,
    /// An external load balancer, `NAME_OR_ADDRESS[:PORT]`, in place of a host with this role.
    pub endpoint: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Postgres,
    /// Monitors a pair of Postgres hosts and decides which is the primary.
    Monitor,
    Server,
    LoadBalancer,
    Agent,
}

impl Role {
    pub const ALL: [Role; 5] = [
        Role::Postgres,
        Role::Monitor,
        Role::Server,
        Role::LoadBalancer,
        Role::Agent,
    ];

    /// The role that is written so in the answers.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// As it is written in the answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Postgres => "postgres",
            Role::Monitor => "monitor",
            Role::Server => "server",
            Role::LoadBalancer => "load-balancer",
            Role::Agent => "agent",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A machine and its roles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// Names the host everywhere, and the node in the cluster.
    pub name: String,
    /// `role = "…"` is the same as a list of one.
    #[serde(alias = "role", deserialize_with = "read::one_or_several")]
    pub roles: Vec<Role>,
    /// The site that the host is in, where the cluster has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// What SSH uses: an IP address or a DNS name.
    pub address: String,
    /// The address in the cluster's network, if it differs from `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_ip: Option<IpAddr>,
    /// The bastions in front of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sudo_password: Option<Secret>,
    /// The fingerprint that the host key must have: `SHA256:…`, as `ssh-keygen -l` prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// Replaces the proxy for all hosts; `none` for no proxy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<ProxyUrl>,
    /// Checks of the preflight that may fail on this host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[serde(rename = "override", alias = "overrule")]
    pub overrides: Vec<Check>,
}

impl Host {
    pub fn new(name: impl Into<String>, role: Role, address: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            roles: vec![role],
            site: None,
            address: address.into(),
            node_ip: None,
            jump: None,
            user: None,
            port: None,
            key: None,
            passphrase: None,
            password: None,
            sudo_password: None,
            host_key: None,
            proxy: None,
            overrides: Vec::new(),
        }
    }

    /// Its role; of several, the one that is more than a monitor.
    pub fn role(&self) -> Role {
        let roles = || self.roles.iter().copied();
        let other = roles().find(|role| *role != Role::Monitor);
        other.or_else(|| roles().next()).unwrap_or(Role::Agent)
    }

    /// Its roles for people and forms: `server`, `load-balancer+monitor`.
    pub fn roles_text(&self) -> String {
        let mut roles = self.roles.clone();
        roles.sort_by_key(|role| *role == Role::Monitor);
        let names: Vec<_> = roles.into_iter().map(Role::as_str).collect();
        names.join("+")
    }

    /// The address that the other hosts use: `node_ip`, or `address` if that is an IP address.
    /// Validated answers have one for every host.
    pub fn cluster_ip(&self) -> Option<IpAddr> {
        self.node_ip.or_else(|| self.address.parse().ok())
    }
}

impl Default for ClusterSettings {
    fn default() -> Self {
        Self {
            name: "k3s".into(),
            overrides: Vec::new(),
        }
    }
}

impl Default for K3s {
    fn default() -> Self {
        Self {
            version: DEFAULT_K3S_VERSION.into(),
            install_url: DEFAULT_INSTALL_URL.into(),
            artifact_url: None,
            channel_url: None,
            install_sha256: None,
            token: None,
            agent_token: None,
            tls_san: Vec::new(),
            server_config: toml::Table::new(),
            agent_config: toml::Table::new(),
        }
    }
}

impl Default for LoadBalancer {
    fn default() -> Self {
        Self {
            port: 6443,
            names: Vec::new(),
            virtual_ip: None,
            endpoint: None,
        }
    }
}

impl Answers {
    /// Reads and validates answers; `Err` has every problem, in the order of the file.
    pub fn from_toml(text: &str) -> Result<Answers, Problems> {
        read::answers(text).map_err(|list| Problems::new("answers", list))
    }

    /// Reads and validates the answers in a file; `-` is standard input.
    pub fn load(path: &Path) -> Result<Answers, Problems> {
        let (name, text) = if path == Path::new("-") {
            let name = "standard input".to_owned();
            (name, std::io::read_to_string(std::io::stdin()))
        } else {
            (path.display().to_string(), std::fs::read_to_string(path))
        };
        match text.map(Zeroizing::new) {
            Ok(text) => {
                let mut answers = read::answers(&text).map_err(|list| Problems::new(name, list))?;
                let notice = exposed::answers_file(path, &answers);
                answers.notices.extend(notice);
                Ok(answers)
            }
            Err(error) => Err(Problems::new(
                name,
                vec![Problem::everywhere(format!("cannot be read: {error}"))],
            )),
        }
    }

    /// Every problem of these answers; empty if they are valid. For answers that were not read from
    /// a file: the problems have keys, but no lines.
    pub fn problems(&self) -> Vec<Problem> {
        check::answers(self)
    }

    /// What is allowed, but worth a warning before the run.
    pub fn warnings(&self) -> Vec<String> {
        let files = exposed::secret_files(self);
        check::warnings(self).into_iter().chain(files).collect()
    }

    pub fn host(&self, name: &str) -> Option<&Host> {
        self.hosts.iter().find(|host| host.name == name)
    }

    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Host> {
        self.hosts
            .iter()
            .filter(move |host| host.roles.contains(&role))
    }

    /// Whether two Postgres hosts are wanted.
    pub fn is_pair(&self) -> bool {
        self.with_role(Role::Postgres).count() > 1
    }

    /// The user in the answers, without the SSH configuration.
    pub fn ssh_port(&self, host: &Host) -> u16 {
        host.port.or(self.ssh.port).unwrap_or(22)
    }

    /// The further known-hosts files, with `~` expanded.
    pub fn ssh_known_hosts(&self) -> Vec<PathBuf> {
        self.ssh
            .known_hosts
            .iter()
            .map(|path| paths::expand(path))
            .collect()
    }

    /// The operator's SSH configuration that the answers name, with `~` expanded.
    pub fn ssh_config_file(&self) -> Option<PathBuf> {
        self.ssh.config.as_deref().map(paths::expand)
    }

    /// Every secret in the answers.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let (k3s, ssh) = (&self.k3s, &self.ssh);
        let postgres = &self.postgres;
        let of_cluster = [
            &k3s.token,
            &k3s.agent_token,
            &postgres.password,
            &postgres.admin,
        ];
        let of_logins = [&ssh.passphrase, &ssh.password, &ssh.sudo_password];
        let of_hosts = self
            .hosts
            .iter()
            .flat_map(|host| [&host.passphrase, &host.password, &host.sudo_password]);
        let bastions = self.bastions.iter();
        let of_bastions = bastions.flat_map(|bastion| [&bastion.passphrase, &bastion.password]);
        let all = of_cluster.into_iter().chain(of_logins).chain(of_hosts);
        let all = all.chain(of_bastions).flatten();
        all.chain(proxy::secrets(self))
            .chain(self.registries.secrets())
    }

    /// Whether a check may fail on a host.
    pub fn overrides(&self, host: &Host, check: Check) -> bool {
        self.cluster.overrides.contains(&check) || host.overrides.contains(&check)
    }

    /// For the state folder: inline secrets are dropped, references to the environment and to
    /// files stay.
    #[must_use]
    pub fn without_secrets(&self) -> Answers {
        let mut answers = self.without_login_secrets();
        let (k3s, postgres) = (&mut answers.k3s, &mut answers.postgres);
        drop_inline([&mut k3s.token, &mut k3s.agent_token, &mut postgres.password]);
        postgres.admin = None;
        answers
    }

    /// For files that the wizard writes: inline login secrets are dropped; references to the
    /// environment and to files stay.
    #[must_use]
    pub fn without_login_secrets(&self) -> Answers {
        let mut answers = self.clone();
        drop_inline([&mut answers.postgres.admin]);
        let ssh = &mut answers.ssh;
        drop_inline([
            &mut ssh.passphrase,
            &mut ssh.password,
            &mut ssh.sudo_password,
        ]);
        for host in &mut answers.hosts {
            drop_inline([
                &mut host.passphrase,
                &mut host.password,
                &mut host.sudo_password,
            ]);
        }
        for bastion in &mut answers.bastions {
            drop_inline([&mut bastion.passphrase, &mut bastion.password]);
        }
        answers
    }

    /// These answers with the logins of other ones: a state folder holds no login secrets.
    /// Addresses stay, because they are in the servers' certificates.
    #[must_use]
    pub fn with_logins_of(&self, other: &Answers) -> Answers {
        let mut answers = self.clone();
        answers.ssh.clone_from(&other.ssh);
        answers.bastions.clone_from(&other.bastions);
        for host in &mut answers.hosts {
            if let Some(other) = other.host(&host.name) {
                host.user.clone_from(&other.user);
                host.port = other.port;
                host.jump.clone_from(&other.jump);
                host.key.clone_from(&other.key);
                host.passphrase.clone_from(&other.passphrase);
                host.password.clone_from(&other.password);
                host.sudo_password.clone_from(&other.sudo_password);
                host.host_key.clone_from(&other.host_key);
            }
        }
        answers
    }

    /// The answers as a file: read again, it gives equal answers. **Inline secrets are in it**:
    /// write it with mode 0600, or take [`Answers::without_secrets`] first.
    pub fn to_toml(&self) -> String {
        write::to_toml(self)
    }
}

fn drop_inline<const N: usize>(secrets: [&mut Option<Secret>; N]) {
    for secret in secrets {
        secret.take_if(|secret| secret.is_inline());
    }
}

/// A commented example that validates.
pub fn example() -> &'static str {
    include_str!("../../assets/answers.example.toml")
}

/// The JSON schema (draft 2020-12) of the answers, for editors.
pub fn schema() -> &'static str {
    include_str!("../../assets/answers.schema.json")
}

#[cfg(test)]
mod tests;
