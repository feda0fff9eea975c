//! Where K3s gets images from: its registries, and the proxy on the way to them.

use std::fmt::Write as _;

use super::{HEAD, StepError, secret_if, template};
use crate::answers::{Registries, RegistryAccess, Secret};
use crate::plan::Value;
use crate::secrets::SecretText;
use crate::topology::Proxy;

/// `registries.yaml`, where there are any.
pub fn registries(registries: &Registries) -> Result<Option<Value>, StepError> {
    if registries.is_empty() {
        return Ok(None);
    }
    let mirrors = registries.mirrors.iter();
    let mirrors = mirrors.map(|(name, mirror)| {
        minijinja::context! { name, endpoint => &mirror.endpoint, rewrite => &mirror.rewrite }
    });
    let configs = registries.configs.iter();
    let configs = configs.map(|(name, access)| {
        let password = match &access.password {
            Some(Secret::Inline(text)) => Some(text.expose()),
            _ => None,
        };
        let RegistryAccess {
            username,
            ca_file,
            cert_file,
            key_file,
            ..
        } = access;
        minijinja::context! {
            name, username, password, ca_file, cert_file, key_file,
            insecure => access.insecure_skip_verify,
        }
    });
    let text = template::fill(
        include_str!("../../assets/templates/registries.yaml.j2"),
        minijinja::context! {
            mirrors => mirrors.collect::<Vec<_>>(),
            configs => configs.collect::<Vec<_>>(),
        },
    )?;
    let is_secret = registries.passwords().next().is_some();
    Ok(Some(secret_if(is_secret, text.into())))
}

/// The environment of K3s. containerd gets the proxy in any case. K3s itself does not if there is a
/// password in it: its Helm controller would put it into the pods that install charts
/// (docs/facts.md, "Proxies").
pub fn environment(proxy: &Proxy) -> Value {
    let is_secret = proxy.is_secret();
    let of = |url: &Option<SecretText>| url.as_ref().map(|url| url.expose().to_owned());
    let variables = [
        ("HTTP_PROXY", of(&proxy.http)),
        ("HTTPS_PROXY", of(&proxy.https)),
        ("NO_PROXY", Some(proxy.direct.clone())),
    ];
    let mut text = HEAD.to_owned();
    let prefixes = if is_secret {
        &["CONTAINERD_"][..]
    } else {
        &["", "CONTAINERD_"]
    };
    for prefix in prefixes {
        for (name, value) in &variables {
            if let Some(value) = value {
                let _ = writeln!(text, "{prefix}{name}={value}");
            }
        }
    }
    secret_if(is_secret, text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::{Mirror, Secret};

    fn proxy(url: &str) -> Proxy {
        Proxy {
            http: None,
            https: Some(url.into()),
            direct: "localhost,.svc".into(),
        }
    }

    #[test]
    fn k3s_itself_never_gets_a_password() {
        let Value::Plain(text) = environment(&proxy("http://proxy:3128")) else {
            panic!("it is no secret");
        };
        insta::assert_snapshot!(text);
        let Value::Secret(text) = environment(&proxy("http://kay:pw@proxy:3128")) else {
            panic!("it is a secret");
        };
        insta::assert_snapshot!(text.expose());
    }

    #[test]
    fn registries_are_written_as_k3s_reads_them() {
        let mut wanted = Registries::default();
        assert_eq!(registries(&wanted).unwrap(), None);
        let mirror = Mirror {
            endpoint: vec!["https://mirror.example.com:5000".into()],
            rewrite: [("^rancher/(.*)".into(), "r/\"$1\"".into())].into(),
        };
        wanted.mirrors.insert("docker.io".into(), mirror.clone());
        wanted.mirrors.insert("*".into(), mirror);
        assert!(matches!(registries(&wanted), Ok(Some(Value::Plain(_)))));
        let access = RegistryAccess {
            username: Some("kay".into()),
            password: Some(Secret::Inline("p\"w: #".into())),
            ca_file: Some("/etc/ca.crt".into()),
            ..RegistryAccess::default()
        };
        wanted
            .configs
            .insert("mirror.example.com:5000".into(), access);
        let Ok(Some(Value::Secret(text))) = registries(&wanted) else {
            panic!("it is a secret");
        };
        insta::assert_snapshot!(text.expose());
    }
}
