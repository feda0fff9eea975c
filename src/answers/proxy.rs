//! The proxy through which hosts download.

use serde::{Deserialize, Serialize};

pub use super::forms::has_user;
use super::forms::is_url;
use super::problems::Problem;
use super::{Answers, Host, Secret, SecretError};
use crate::secrets::SecretText;

/// The proxy of every host that has none of its own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxySettings {
    /// For `http://`.
    pub http: Option<ProxyUrl>,
    /// For `https://`.
    pub https: Option<ProxyUrl>,
    /// What is reached without it, besides the cluster itself.
    pub no_proxy: Vec<String>,
}

/// The URL of a proxy. One that has a password is a secret, and stands elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProxyUrl {
    Text(String),
    Elsewhere(Secret),
}

/// Written for: without a proxy.
const NONE: &str = "none";
const FORM: &str = "must be the URL of an HTTP proxy, http://NAME:PORT or https://NAME:PORT, without spaces, \
                    quotes or backslashes; special characters in a user or password are written as %XX. Other \
                    kinds of proxies, such as socks5, are not supported";

impl ProxyUrl {
    /// The URL now: from the answers, the environment or a file.
    pub fn reveal(&self) -> Result<SecretText, SecretError> {
        match self {
            Self::Text(text) => Ok(text.as_str().into()),
            Self::Elsewhere(secret) => secret.reveal(),
        }
    }

    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Text(_) => None,
            Self::Elsewhere(secret) => Some(secret),
        }
    }

    fn problem(&self) -> Option<&'static str> {
        match self {
            Self::Text(text) if has_user(text) => Some(
                "must not have a user or a password in the clear: keep the whole URL in an \
                 environment variable or a file, and write { env = \"NAME\" } or { file = \"PATH\" }",
            ),
            Self::Text(text) => url_problem(text),
            Self::Elsewhere(Secret::Inline(_)) => Some(FORM),
            Self::Elsewhere(_) => None,
        }
    }
}

impl Host {
    /// Whether it has no proxy, whatever the others have.
    pub fn has_no_proxy(&self) -> bool {
        self.proxy == Some(ProxyUrl::Text(NONE.to_owned()))
    }
}

/// What is wrong with the URL of a proxy, wherever it comes from. A password may be in it.
pub fn url_problem(url: &str) -> Option<&'static str> {
    (!is_url(url)).then_some(FORM)
}

/// The secrets that URLs of proxies are.
pub(super) fn secrets(answers: &Answers) -> impl Iterator<Item = &Secret> {
    let ProxySettings { http, https, .. } = &answers.proxy;
    let own = answers.hosts.iter().filter_map(|host| host.proxy.as_ref());
    let all = http.iter().chain(https).chain(own);
    all.filter_map(ProxyUrl::secret)
}

/// What is wrong with the proxies of these answers.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let ProxySettings {
        http,
        https,
        no_proxy,
    } = &answers.proxy;
    let of_all = [("http", http), ("https", https)];
    let of_all = of_all.map(|(key, url)| (format!("proxy.{key}"), url.as_ref()));
    let hosts = answers.hosts.iter().enumerate();
    let own = hosts.filter(|(_, host)| !host.has_no_proxy());
    let own = own.map(|(number, host)| (format!("hosts[{number}].proxy"), host.proxy.as_ref()));
    let urls = of_all.into_iter().chain(own);
    let wrong = urls.filter_map(|(key, url)| Some(Problem::new(key, url?.problem()?)));
    let direct = no_proxy.iter().enumerate();
    let direct = direct.filter(|(_, name)| !is_destination(name)).map(|(number, _)| {
        let form = "must be a name, a domain such as .example.com, an address or a network such as \
                    10.0.0.0/8, without a scheme";
        Problem::new(format!("proxy.no_proxy[{number}]"), form)
    });
    wrong.chain(direct).collect()
}

/// One entry of `NO_PROXY`.
fn is_destination(name: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || "._-:/*[]".contains(letter);
    !name.is_empty() && !name.contains("//") && name.chars().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let lab = include_str!("../../tests/lab/answers.toml");
        match Answers::from_toml(&format!("{text}\n{lab}")) {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn urls_of_proxies_are_checked_and_passwords_are_never_in_the_clear() {
        let of = |value: &str| told(&format!("[proxy]\nhttps = {value}"));
        for good in [
            "\"http://proxy.example.com:3128\"",
            "\"https://10.0.0.1:443\"",
            "{ env = \"PROXY\" }",
            "{ file = \"~/proxy\" }",
        ] {
            assert_eq!(of(good), "");
        }
        let clear = of("\"http://kay:secret-word@proxy:3128\"");
        assert!(clear.contains("{ env = \"NAME\" }"), "{clear}");
        assert!(!clear.contains("secret-word"), "{clear}");
        for wrong in [
            "\"socks5://proxy:1080\"",
            "\"proxy:3128\"",
            "\"none\"",
            "\"http://\"",
        ] {
            assert!(
                of(wrong).contains("must be the URL of an HTTP proxy"),
                "{wrong}"
            );
        }
        assert!(of("[]").contains("must be a URL in quotes"));
        assert!(told("[proxy]\nhtps = \"http://a\"").contains("did you mean \"https\""));
        let direct = told("[proxy]\nno_proxy = [\".example.com\", \"10.0.0.0/8\", \"http://x\"]");
        assert!(
            direct.contains("proxy.no_proxy[2]: must be a name"),
            "{direct}"
        );
    }

    #[test]
    fn a_host_may_have_its_own_or_none() {
        let lab = include_str!("../../tests/lab/answers.toml");
        let with = |value: &str| {
            let role = "role = \"postgres\"\n";
            Answers::from_toml(&lab.replace(role, &format!("{role}proxy = {value}\n")))
        };
        assert!(with("\"none\"").unwrap().hosts[0].has_no_proxy());
        let own = with("{ env = \"ITS_PROXY\" }").unwrap();
        assert!(!own.hosts[0].has_no_proxy());
        assert_eq!(Answers::from_toml(&own.to_toml()).unwrap(), own);
        assert!(
            own.secrets()
                .any(|secret| *secret == Secret::Env("ITS_PROXY".into()))
        );
        let wrong = with("\"http://a:b@c\"").unwrap_err().to_string();
        assert!(
            wrong.contains("hosts[0].proxy: must not have a user"),
            "{wrong}"
        );
    }
}
