//! The operator's kubeconfig, rendered from our own template. Of the file that K3s writes, only the
//! three certificates and keys come over: a kubeconfig can name programs that `kubectl` runs and
//! proxies that it talks to, and that file comes from a host.

use openssl::base64;
use openssl::pkey::PKey;
use openssl::x509::X509;
use zeroize::Zeroizing;

use crate::https::tls::Identity;
use crate::secrets::SecretText;

/// Says what is missing or wrong, and repeats no part of the file.
#[derive(Debug, thiserror::Error)]
#[error(
    "/etc/rancher/k3s/k3s.yaml is not as K3s writes it: {0}. Restart k3s on that server to rewrite it"
)]
pub struct Unfit(String);

const AUTHORITY: &str = "certificate-authority-data";
const CERTIFICATE: &str = "client-certificate-data";
const KEY: &str = "client-key-data";

/// What a value of the file must decode to.
#[derive(Clone, Copy)]
enum Pem {
    Certificates,
    PrivateKey,
}

impl Pem {
    fn fits(self, pem: &[u8]) -> bool {
        match self {
            Self::Certificates => X509::stack_from_pem(pem).is_ok_and(|chain| !chain.is_empty()),
            Self::PrivateKey => PKey::private_key_from_pem(pem).is_ok(),
        }
    }
}

/// The kubeconfig for the operator: with the certificates of K3s's own, but through `server_url`,
/// and with `name` for its cluster, user and context, which K3s calls `default` (docs/facts.md,
/// "Kubeconfig"), so that it can be merged with others.
pub fn for_operator(k3s_yaml: &str, server_url: &str, name: &str) -> Result<SecretText, Unfit> {
    let authority = value_of(AUTHORITY, Pem::Certificates, k3s_yaml)?;
    let certificate = value_of(CERTIFICATE, Pem::Certificates, k3s_yaml)?;
    let key = value_of(KEY, Pem::PrivateKey, k3s_yaml)?;
    // Quoted, because a name may look like a number.
    let url = serde_json::Value::from(server_url).to_string();
    let name = serde_json::Value::from(name).to_string();
    let parts = [
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: ",
        authority,
        "\n    server: ",
        &url,
        "\n  name: ",
        &name,
        "\ncontexts:\n- context:\n    cluster: ",
        &name,
        "\n    user: ",
        &name,
        "\n  name: ",
        &name,
        "\ncurrent-context: ",
        &name,
        "\nkind: Config\npreferences: {}\nusers:\n- name: ",
        &name,
        "\n  user:\n    client-certificate-data: ",
        certificate,
        "\n    client-key-data: ",
        key,
        "\n",
    ];
    // `concat` takes room for all of it at once: a text that grows leaves copies of its secrets.
    Ok(parts.concat().into())
}

/// What a kubeconfig proves itself with, be it K3s's own or the operator's: the CA of the servers, and
/// the administrator's certificate and key.
#[derive(Debug, PartialEq, Eq)]
pub struct Access {
    pub ca_pem: String,
    pub identity: Identity,
}

impl Access {
    pub fn of(kubeconfig: &str) -> Result<Self, Unfit> {
        Ok(Self {
            ca_pem: pem_of(AUTHORITY, Pem::Certificates, kubeconfig)?,
            identity: Identity {
                cert_pem: pem_of(CERTIFICATE, Pem::Certificates, kubeconfig)?,
                key_pem: pem_of(KEY, Pem::PrivateKey, kubeconfig)?.into(),
            },
        })
    }
}

/// The PEM that a key's value encodes.
fn pem_of(key: &str, wanted: Pem, yaml: &str) -> Result<String, Unfit> {
    let unfit = || Unfit(format!("its {key} cannot be read"));
    let pem = base64::decode_block(value_of(key, wanted, yaml)?).map_err(|_| unfit())?;
    String::from_utf8(pem).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        unfit()
    })
}

/// The one base64 value of a key.
fn value_of<'a>(key: &str, wanted: Pem, yaml: &'a str) -> Result<&'a str, Unfit> {
    let mut values = yaml.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix(key)?;
        Some(rest.strip_prefix(':')?.trim())
    });
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Unfit(format!("it has no {key}, or more than one")));
    };
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let decoded = base64::decode_block(value).map(Zeroizing::new);
    match decoded {
        Ok(pem) if value.bytes().all(is_base64) && wanted.fits(&pem) => Ok(value),
        _ => Err(Unfit(format!("its {key} cannot be read"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of a kubeconfig: an authority, and a client's certificate and key, as base64.
    fn values() -> [String; 3] {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(vec!["k3s".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap().pem();
        let key = key.serialize_pem();
        [&certificate, &certificate, &key].map(|pem| base64::encode_block(pem.as_bytes()))
    }

    /// As K3s writes it.
    fn k3s_yaml([authority, certificate, key]: &[String; 3]) -> String {
        format!(
            "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {authority}\n    \
             server: https://127.0.0.1:6443\n  name: default\ncontexts:\n- context:\n    \
             cluster: default\n    user: default\n  name: default\ncurrent-context: default\n\
             kind: Config\npreferences: {{}}\nusers:\n- name: default\n  user:\n    \
             client-certificate-data: {certificate}\n    client-key-data: {key}\n"
        )
    }

    const URL: &str = "https://198.51.100.14:6443";

    #[test]
    fn the_operators_goes_through_the_load_balancer_under_the_clusters_name() {
        let values = values();
        let text = for_operator(&k3s_yaml(&values), URL, "lab").expect("fit");
        let [authority, certificate, key] = &values;
        let shown = text
            .expose()
            .replace(key.as_str(), "KEY")
            .replace(
                &format!("authority-data: {authority}"),
                "authority-data: CA",
            )
            .replace(certificate.as_str(), "CERT");
        insta::assert_snapshot!(shown, @r#"
        apiVersion: v1
        clusters:
        - cluster:
            certificate-authority-data: CA
            server: "https://198.51.100.14:6443"
          name: "lab"
        contexts:
        - context:
            cluster: "lab"
            user: "lab"
          name: "lab"
        current-context: "lab"
        kind: Config
        preferences: {}
        users:
        - name: "lab"
          user:
            client-certificate-data: CERT
            client-key-data: KEY
        "#);
        // K3s of a later Kubernetes writes no preferences.
        let later = k3s_yaml(&values).replace("preferences: {}\n", "");
        assert_eq!(for_operator(&later, URL, "lab").expect("fit"), text);
    }

    #[test]
    fn both_files_give_the_same_access() {
        let values = values();
        let theirs = k3s_yaml(&values);
        let ours = for_operator(&theirs, URL, "lab").expect("fit");
        let access = Access::of(&theirs).expect("access");
        assert_eq!(Access::of(ours.expose()).expect("access"), access);
        let Identity { cert_pem, key_pem } = &access.identity;
        let encoded = [&access.ca_pem, cert_pem, key_pem.expose()];
        assert_eq!(
            encoded.map(|pem| base64::encode_block(pem.as_bytes())),
            values
        );
        assert!(Access::of("kind: Config\n").is_err());
    }

    /// A compromised server must not reach this machine through `kubectl`.
    #[test]
    fn nothing_but_the_three_values_comes_over() {
        let values = values();
        let good = k3s_yaml(&values);
        let clean = for_operator(&good, URL, "lab").expect("fit");
        let [_, certificate, key] = &values;
        let of_user =
            format!("    client-certificate-data: {certificate}\n    client-key-data: {key}\n");
        let exec = good.replace(
            &of_user,
            &format!(
                "    exec: {{apiVersion: client.authentication.k8s.io/v1, command: /bin/sh, args: \
                 [-c, id], interactiveMode: Never}}\n  ignored:\n{of_user}"
            ),
        );
        let evil = [
            exec,
            good.replace(
                "    server:",
                "    proxy-url: http://203.0.113.1\n    server:",
            ),
            good.replace(
                "    server:",
                "    insecure-skip-tls-verify: true\n    server:",
            ),
            good.replace("https://127.0.0.1:6443", "https://203.0.113.1"),
            good.replace("default", "\"; evil: \""),
            format!("{good}extensions:\n- name: evil\n"),
        ];
        for yaml in evil {
            assert_ne!(yaml, good);
            assert_eq!(for_operator(&yaml, URL, "lab").expect("fit"), clean);
        }
    }

    #[test]
    fn a_value_that_is_missing_or_no_pem_is_refused_without_its_secrets() {
        let values = values();
        let [authority, certificate, key] = &values;
        let good = k3s_yaml(&values);
        let key_line = format!("    client-key-data: {key}\n");
        let bad = [
            (String::new(), "an empty file"),
            (good.replace(&key_line, ""), "no key"),
            (good.replace(&key_line, &key_line.repeat(2)), "two keys"),
            (format!("{good}{good}"), "two of them"),
            (good.replacen(authority.as_str(), "", 1), "no authority"),
            (
                good.replacen(authority.as_str(), "QUFB", 1),
                "no certificate",
            ),
            (
                good.replace(key.as_str(), certificate),
                "a certificate as a key",
            ),
            (
                good.replace(key.as_str(), &format!("{key} #")),
                "more than base64",
            ),
            (
                good.replace(key.as_str(), &key[..key.len() - 5]),
                "half a key",
            ),
        ];
        for (yaml, what) in bad {
            let error = for_operator(&yaml, URL, "lab").expect_err(what).to_string();
            assert!(!error.contains(&key[..20]), "{what}: {error}");
        }
    }
}
