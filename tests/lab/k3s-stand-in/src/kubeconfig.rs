//! The administrator's kubeconfig, written by a server and read by kubectl.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::certs::Pair;

/// Where a server writes it.
pub fn path() -> PathBuf {
    crate::host::etc().join("k3s/k3s.yaml")
}

/// What kubectl takes out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kubeconfig {
    pub server: String,
    pub ca: Vec<u8>,
    pub certificate: Vec<u8>,
    pub key: Vec<u8>,
}

/// The file, as K3s writes it.
pub fn render(ca: &str, admin: &Pair, server: &str) -> String {
    let encode = |text: &str| STANDARD.encode(text);
    format!(
        "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {}\n    server: {server}\n  \
         name: default\ncontexts:\n- context:\n    cluster: default\n    user: default\n  name: default\n\
         current-context: default\nkind: Config\nusers:\n- name: default\n  user:\n    \
         client-certificate-data: {}\n    client-key-data: {}\n",
        encode(ca),
        encode(&admin.certificate),
        encode(&admin.key)
    )
}

/// Reads one of that shape: the first cluster and the first user count.
pub fn parse(text: &str) -> Option<Kubeconfig> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.trim().split_once(": ")?;
            (name == key).then(|| value.trim().trim_matches('"'))
        })
    };
    let decode = |key| STANDARD.decode(value(key)?).ok();
    Some(Kubeconfig {
        server: value("server")?.to_owned(),
        ca: decode("certificate-authority-data")?,
        certificate: decode("client-certificate-data")?,
        key: decode("client-key-data")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let admin = Pair {
            certificate: "cert".into(),
            key: "key".into(),
        };
        let text = render("ca", &admin, "https://127.0.0.1:6443");
        let read = parse(&text).unwrap();
        assert_eq!(read.server, "https://127.0.0.1:6443");
        assert_eq!(
            (read.ca.as_slice(), read.key.as_slice()),
            (b"ca".as_slice(), b"key".as_slice())
        );
        assert_eq!(parse("kind: Config\n"), None);
    }
}
