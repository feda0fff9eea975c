//! Where K3s gets images from: `registries.yaml` and the registry of its own images.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::forms::{has_user, is_url};
use super::problems::Problem;
use super::{Answers, Secret, SecretError};
use crate::secrets::SecretText;

/// The registries of all nodes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Registries {
    /// The registry of the images that K3s itself runs, `NAME[:PORT]`.
    pub system_default: Option<String>,
    /// By the registry that the names of images have, or `*` for every other.
    pub mirrors: BTreeMap<String, Mirror>,
    /// By the registry that is asked: of an endpoint, or one without a mirror.
    pub configs: BTreeMap<String, RegistryAccess>,
}

/// What is asked in place of a registry.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mirror {
    /// URLs; the first that answers counts, the registry itself is the last.
    pub endpoint: Vec<String>,
    /// Regular expressions for the names of images, and what replaces them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rewrite: BTreeMap<String, String>,
}

/// How a registry is asked. The files are those of the nodes.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryAccess {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Never written into the answers themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure_skip_verify: bool,
}

impl Registries {
    /// Whether nodes need no `registries.yaml`.
    pub fn is_empty(&self) -> bool {
        self.mirrors.is_empty() && self.configs.is_empty()
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.configs
            .values()
            .filter_map(|access| access.password.as_ref())
    }

    /// The same with the passwords themselves, which are not to be stored. An error has the key.
    pub fn revealed(&self) -> Result<Self, (String, SecretError)> {
        let mut revealed = self.clone();
        for (name, access) in &mut revealed.configs {
            if let Some(password) = &mut access.password {
                let text = password.reveal();
                let text =
                    text.map_err(|error| (format!("registries.configs.{name}.password"), error))?;
                *password = Secret::Inline(text);
            }
        }
        Ok(revealed)
    }

    /// The passwords of [`Self::revealed`].
    pub fn passwords(&self) -> impl Iterator<Item = &SecretText> {
        self.secrets().filter_map(|secret| match secret {
            Secret::Inline(text) => Some(text),
            Secret::Env(_) | Secret::File(_) => None,
        })
    }

    /// The files that must be on every node.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.configs.values().flat_map(RegistryAccess::files)
    }
}

impl RegistryAccess {
    fn files(&self) -> impl Iterator<Item = &str> {
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        files.into_iter().flatten().map(String::as_str)
    }

    /// The keys of what is wrong, and what is.
    fn problems(&self) -> Vec<(&'static str, &'static str)> {
        const PAIR: &str =
            "needs both cert_file and key_file: the one is of no use without the other";
        const PATH: &str =
            "must be the path of a file on the nodes, /…, of letters, digits and . _ - /";
        let mut wrong = Vec::new();
        let files = [
            ("ca_file", &self.ca_file),
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
        ];
        for (key, file) in files {
            if file.as_ref().is_some_and(|file| !is_path(file)) {
                wrong.push((key, PATH));
            }
        }
        match (&self.cert_file, &self.key_file) {
            (Some(_), None) => wrong.push(("cert_file", PAIR)),
            (None, Some(_)) => wrong.push(("key_file", PAIR)),
            _ => {}
        }
        match (&self.username, &self.password) {
            (_, Some(Secret::Inline(_))) => wrong.push((
                "password",
                "must not be in the answers: write { env = \"NAME\" } or { file = \"PATH\" }",
            )),
            (None, Some(_)) => wrong.push(("password", "needs a username")),
            (Some(_), None) => wrong.push(("username", "needs a password")),
            _ => {}
        }
        wrong
    }
}

/// What is wrong with the registries of these answers.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    const NAME: &str = "must be a registry, NAME or NAME:PORT as images name it, without a scheme";
    let Registries {
        system_default,
        mirrors,
        configs,
    } = &answers.registries;
    let mut wrong = Vec::new();
    let mut problem = |key: String, message: &str| {
        wrong.push(Problem::new(format!("registries.{key}"), message));
    };
    if system_default
        .as_ref()
        .is_some_and(|name| !is_registry(name))
    {
        problem("system_default".into(), NAME);
    }
    for (name, mirror) in mirrors {
        let key = format!("mirrors.{name}");
        if !(name == "*" || is_registry(name)) {
            problem(key.clone(), NAME);
        }
        if mirror.endpoint.is_empty() && mirror.rewrite.is_empty() {
            problem(key.clone(), "needs an endpoint, a list of URLs");
        }
        for (number, url) in mirror.endpoint.iter().enumerate() {
            let key = format!("{key}.endpoint[{number}]");
            if has_user(url) {
                let instead = "must not have a user or a password: use username and password in \
                               registries.configs";
                problem(key, instead);
            } else if !is_url(url) {
                problem(
                    key,
                    "must be a URL, https://NAME[:PORT] or http://NAME[:PORT]",
                );
            }
        }
    }
    for (name, access) in configs {
        let key = format!("configs.{name}");
        if !(name == "*" || is_registry(name)) {
            problem(key.clone(), NAME);
        }
        for (field, message) in access.problems() {
            problem(format!("{key}.{field}"), message);
        }
    }
    let k3s = &answers.k3s;
    let elsewhere = [
        (
            &k3s.server_config,
            "server_config",
            "system-default-registry",
            system_default.is_some(),
        ),
        (
            &k3s.server_config,
            "server_config",
            "private-registry",
            !answers.registries.is_empty(),
        ),
        (
            &k3s.agent_config,
            "agent_config",
            "private-registry",
            !answers.registries.is_empty(),
        ),
    ];
    for (config, name, flag, is_set) in elsewhere {
        if is_set && config.contains_key(flag) {
            let key = format!("k3s.{name}.{flag}");
            let both = "is set by [registries] as well: keep one of the two";
            wrong.push(Problem::new(key, both));
        }
    }
    wrong
}

/// `NAME[:PORT]`
fn is_registry(text: &str) -> bool {
    let (name, port) = text.split_once(':').unwrap_or((text, "443"));
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(inside) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// It goes through a list in a shell.
fn is_path(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte);
    text.starts_with('/') && text.bytes().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Answers, String> {
        let lab = include_str!("../../tests/lab/answers.toml");
        Answers::from_toml(&format!("{text}\n{lab}")).map_err(|problems| problems.to_string())
    }

    const GOOD: &str = r#"
        [registries]
        system_default = "registry.example.com:5000"
        [registries.mirrors."docker.io"]
        endpoint = ["https://registry.example.com:5000", "http://10.0.0.9"]
        rewrite = { "^rancher/(.*)" = "mirror/rancher/$1" }
        [registries.mirrors."*"]
        endpoint = ["https://registry.example.com:5000"]
        [registries.configs."registry.example.com:5000"]
        username = "kay"
        password = { env = "REGISTRY_PASSWORD" }
        ca_file = "/etc/ssl/registry.crt"
    "#;

    #[test]
    fn registries_are_read_and_written() {
        let answers = read(GOOD).unwrap();
        let registries = &answers.registries;
        assert_eq!(registries.mirrors["docker.io"].endpoint.len(), 2);
        assert_eq!(
            registries.files().collect::<Vec<_>>(),
            ["/etc/ssl/registry.crt"]
        );
        assert_eq!(Answers::from_toml(&answers.to_toml()).unwrap(), answers);
        let state = serde_json::to_string(&answers.without_secrets()).unwrap();
        let kept: Answers = serde_json::from_str(&state).unwrap();
        assert_eq!(kept.registries, *registries);
    }

    #[test]
    fn what_is_wrong_is_said_at_its_key() {
        for (from, to, says) in [
            (
                "\"docker.io\"",
                "\"https://docker.io\"",
                "must be a registry",
            ),
            (
                "\"http://10.0.0.9\"",
                "\"10.0.0.9\"",
                "docker.io.endpoint[1]: must be a URL",
            ),
            (
                "\"http://10.0.0.9\"",
                "\"http://kay:pw@x\"",
                "use username and password",
            ),
            (
                "{ env = \"REGISTRY_PASSWORD\" }",
                "\"clear\"",
                "must not be in the answers",
            ),
            ("username = \"kay\"", "", "password: needs a username"),
            ("ca_file", "cert_file", "needs both cert_file and key_file"),
            ("ca_file", "ca_flie", "did you mean \"ca_file\""),
            (
                "/etc/ssl/registry.crt",
                "registry crt",
                "must be the path of a file on the nodes",
            ),
            (
                "\"registry.example.com:5000\"\n        [registries.m",
                "\"https://r\"\n        [registries.m",
                "registries.system_default: must be a registry",
            ),
        ] {
            let changed = GOOD.replacen(from, to, 1);
            assert_ne!(changed, GOOD, "{from}");
            let told = read(&changed).unwrap_err();
            assert!(told.contains(says), "{to}: {told}");
            assert!(!told.contains("clear\""), "{told}");
        }
        let twice = format!("{GOOD}\n[k3s.agent_config]\nprivate-registry = \"/x\"");
        let answers = read(GOOD).unwrap();
        let mut both = answers.clone();
        both.k3s.agent_config = twice
            .split_once("agent_config]")
            .unwrap()
            .1
            .parse()
            .unwrap();
        both.k3s
            .server_config
            .insert("system-default-registry".into(), "x".into());
        let told: Vec<_> = both
            .problems()
            .into_iter()
            .map(|problem| problem.key)
            .collect();
        let keys = [
            "k3s.server_config.system-default-registry",
            "k3s.agent_config.private-registry",
        ];
        assert_eq!(told, keys);
    }
}
