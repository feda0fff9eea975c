//! The proxy of each host, and what it reaches without one.

use std::collections::BTreeMap;

use super::links::{NETWORKS, named_by};
use super::{Topology, each_once};
use crate::answers::proxy::{has_user, url_problem};
use crate::answers::{Answers, Host, ProxyUrl, SecretError};
use crate::secrets::SecretText;

/// The domain of services (docs/facts.md, "Proxies").
const DOMAIN: (&str, &str) = ("cluster-domain", "cluster.local");

/// The proxy of a host, with its password if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// For `http://` and for `https://`. One of them is set.
    pub http: Option<SecretText>,
    pub https: Option<SecretText>,
    /// What is reached without it, with commas between.
    pub direct: String,
}

/// By the name of the host. A host without a proxy is not in it.
pub type Proxies = BTreeMap<String, Proxy>;

/// Why the URL of a proxy is of no use. Does not repeat it.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    #[error("{key}: {source}")]
    Unavailable { key: String, source: SecretError },
    #[error("{key} {why}")]
    Unfit { key: String, why: &'static str },
}

impl Proxy {
    /// Of every host. Reads the URLs that are secrets.
    pub fn of_all(answers: &Answers, topology: &Topology) -> Result<Proxies, ProxyError> {
        let read = |url: &Option<ProxyUrl>, key: &str| {
            url.as_ref().map(|url| reveal(url, key)).transpose()
        };
        let http = read(&answers.proxy.http, "proxy.http")?;
        let https = read(&answers.proxy.https, "proxy.https")?;
        let direct = topology.without_proxy(answers).join(",");
        let mut proxies = Proxies::new();
        for (number, host) in answers.hosts.iter().enumerate() {
            let urls = match &host.proxy {
                _ if host.has_no_proxy() => (None, None),
                None => (http.clone(), https.clone()),
                own => {
                    let own = read(own, &format!("hosts[{number}].proxy"))?;
                    (own.clone(), own)
                }
            };
            let (http, https) = urls;
            if http.is_some() || https.is_some() {
                let direct = direct.clone();
                let proxy = Proxy {
                    http,
                    https,
                    direct,
                };
                proxies.insert(host.name.clone(), proxy);
            }
        }
        Ok(proxies)
    }

    /// The inputs of `use_proxy` in `prelude.sh`.
    pub fn inputs(&self) -> [(&'static str, SecretText); 3] {
        let text = |url: &Option<SecretText>| url.clone().unwrap_or_else(|| "".into());
        [
            ("PROXY_HTTP", text(&self.http)),
            ("PROXY_HTTPS", text(&self.https)),
            ("PROXY_NOT_FOR", self.direct.as_str().into()),
        ]
    }

    /// Whether a URL has a password in it.
    pub fn is_secret(&self) -> bool {
        self.secrets().next().is_some()
    }

    /// The URLs that have a password, and the passwords.
    pub fn secrets(&self) -> impl Iterator<Item = SecretText> + '_ {
        let urls = self.http.iter().chain(&self.https);
        let secret = urls.filter(|url| has_user(url.expose()));
        secret.flat_map(|url| {
            [Some(url.clone()), password(url.expose())]
                .into_iter()
                .flatten()
        })
    }
}

fn reveal(url: &ProxyUrl, key: &str) -> Result<SecretText, ProxyError> {
    let key = || key.to_owned();
    let text = url
        .reveal()
        .map_err(|source| ProxyError::Unavailable { key: key(), source })?;
    match url_problem(text.expose()) {
        None => Ok(text),
        Some(why) => Err(ProxyError::Unfit { key: key(), why }),
    }
}

/// `https://user:PASSWORD@host`
fn password(url: &str) -> Option<SecretText> {
    let (_, rest) = url.split_once("://")?;
    let (user, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    let (_, password) = user.split_once(':')?;
    Some(password.into())
}

impl Topology {
    /// What the hosts reach without a proxy: themselves, each other, pods and services, and what the
    /// answers name. Each once.
    fn without_proxy(&self, answers: &Answers) -> Vec<String> {
        let settings = &answers.k3s.server_config;
        let setting = |(key, default)| named_by(settings, key, default);
        let itself = ["localhost", "127.0.0.0/8", "::1"].map(str::to_owned);
        let of_host = |host: &Host| {
            let ip = host.cluster_ip().map(|ip| ip.to_string());
            [Some(host.name.clone()), Some(host.address.clone()), ip]
        };
        let hosts = answers.hosts.iter().flat_map(of_host).flatten();
        let api = [self.api.at.name.to_string(), self.api.address.clone()];
        let names = self.api.names.iter().chain(&self.datastore.name).cloned();
        let services = setting(DOMAIN).map(|domain| format!(".{domain}"));
        let services = [".svc".to_owned()].into_iter().chain(services);
        let networks = NETWORKS.into_iter().flat_map(setting).map(str::to_owned);
        let all = itself.into_iter().chain(hosts).chain(api).chain(names);
        each_once(
            all.chain(networks)
                .chain(services)
                .chain(answers.proxy.no_proxy.iter().cloned()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::Secret;

    fn lab() -> Answers {
        Answers::from_toml(include_str!("../../tests/lab/answers.toml")).unwrap()
    }

    fn of(answers: &Answers) -> Result<Proxies, String> {
        let topology = Topology::of(answers).unwrap();
        Proxy::of_all(answers, &topology).map_err(|error| error.to_string())
    }

    fn text(url: &str) -> ProxyUrl {
        ProxyUrl::Text(url.into())
    }

    #[test]
    fn the_cluster_itself_is_reached_without_a_proxy() {
        let mut answers = lab();
        answers.proxy.https = Some(text("http://proxy:3128"));
        answers.proxy.no_proxy = vec![".example.com".into()];
        let settings = &mut answers.k3s.server_config;
        settings.insert("service-cidr".into(), "10.99.0.0/16,fd99::/112".into());
        settings.insert("cluster-domain".into(), "k3s.internal".into());
        settings.remove("cluster-cidr");
        let direct = of(&answers).unwrap()["k3s-agent"].direct.clone();
        insta::assert_snapshot!(direct.replace(',', "\n"));
    }

    #[test]
    fn a_host_has_the_proxy_of_all_its_own_or_none() {
        let mut answers = lab();
        answers.proxy.http = Some(text("http://all:1"));
        answers.hosts[0].proxy = Some(text("none"));
        answers.hosts[1].proxy = Some(text("http://own:2"));
        let proxies = of(&answers).unwrap();
        let urls = |host: &str| {
            let proxy = proxies.get(host)?;
            let url = |url: &Option<SecretText>| url.as_ref().map(|url| url.expose().to_owned());
            Some((url(&proxy.http), url(&proxy.https)))
        };
        assert_eq!(urls("k3s-postgres"), None);
        let own = || Some("http://own:2".to_owned());
        assert_eq!(urls("k3s-server-1"), Some((own(), own())));
        assert_eq!(urls("k3s-agent"), Some((Some("http://all:1".into()), None)));
        assert!(!proxies["k3s-agent"].is_secret());
        assert_eq!(of(&lab()).unwrap(), Proxies::new());
    }

    #[test]
    fn a_password_in_a_url_is_a_secret_and_a_bad_url_is_not_repeated() {
        let mut answers = lab();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy");
        answers.proxy.https = Some(ProxyUrl::Elsewhere(Secret::File(path.clone())));
        assert!(
            of(&answers)
                .unwrap_err()
                .starts_with("proxy.https: cannot read")
        );
        std::fs::write(&path, "http://kay:w%20rd@proxy:3128\n").unwrap();
        let proxy = of(&answers).unwrap()["k3s-agent"].clone();
        let secrets: Vec<_> = proxy.secrets().collect();
        let secrets: Vec<_> = secrets.iter().map(SecretText::expose).collect();
        assert_eq!(secrets, ["http://kay:w%20rd@proxy:3128", "w%20rd"]);
        assert!(!format!("{proxy:?}").contains("w%20rd"));
        std::fs::write(&path, "http://kay:w rd@proxy").unwrap();
        let told = of(&answers).unwrap_err();
        assert!(told.starts_with("proxy.https must be the URL"), "{told}");
        assert!(!told.contains("w rd"), "{told}");
    }
}
