//! K3s's own kubeconfig, turned into the operator's.

use crate::answers::SecretText;

/// Says what is missing or different, and nothing of what is in the file.
#[derive(Debug, thiserror::Error)]
#[error(
    "/etc/rancher/k3s/k3s.yaml is not as K3s writes it: {0}. Restarting k3s on that server writes \
     it anew"
)]
pub struct Unfit(String);

/// A line that the operator's has too, with another value.
struct Change<'a> {
    /// The line up to its value.
    key: &'static str,
    is: fn(&str) -> bool,
    becomes: &'a str,
    /// How often K3s writes it.
    times: usize,
}

/// The kubeconfig for the operator: K3s's own, but by way of `server_url`, and with `name` for its
/// cluster, user and context, which K3s calls `default` (facts 6), so that it can be merged with
/// others.
///
/// No YAML reader: K3s always writes the file in the same shape, and any other one is refused.
pub fn for_operator(yaml: &str, server_url: &str, name: &str) -> Result<SecretText, Unfit> {
    // Quoted, because a name may look like a number.
    let url = serde_json::Value::from(server_url).to_string();
    let name = serde_json::Value::from(name).to_string();
    let own_server = |value: &str| {
        let hosts = ["https://127.0.0.1:", "https://[::1]:"];
        let port = hosts.iter().find_map(|host| value.strip_prefix(host));
        port.is_some_and(|port| port.parse::<u16>().is_ok())
    };
    let renamed = |key, times| Change {
        key,
        is: |value| value == "default",
        becomes: &name,
        times,
    };
    let changes = [
        Change {
            key: "    server: ",
            is: own_server,
            becomes: &url,
            times: 1,
        },
        renamed("    cluster: ", 1),
        renamed("    user: ", 1),
        // The cluster's and the context's.
        renamed("  name: ", 2),
        renamed("- name: ", 1),
        renamed("current-context: ", 1),
    ];
    let mut found = [0; 6];
    // Room for all of it at once: a text that grows leaves copies of its secrets behind.
    let mut text = String::with_capacity(yaml.len() + 1024 + 2 * (name.len() * 6 + url.len()));
    for line in yaml.lines() {
        let change = changes.iter().zip(&mut found).find_map(|(change, found)| {
            let value = line.strip_prefix(change.key)?;
            Some((change, found, value))
        });
        if let Some((change, found, value)) = change {
            if !(change.is)(value) {
                return Err(Unfit(format!(
                    "\"{}\" says something else",
                    change.key.trim()
                )));
            }
            *found += 1;
            text.push_str(change.key);
            text.push_str(change.becomes);
        } else {
            text.push_str(line);
        }
        text.push('\n');
    }
    for (change, found) in changes.iter().zip(found) {
        if found != change.times {
            let key = change.key.trim();
            return Err(Unfit(format!("\"{key}\" is there {found} times")));
        }
    }
    for key in [
        "certificate-authority-data",
        "client-certificate-data",
        "client-key-data",
    ] {
        let has = |line: &str| {
            let value = line
                .strip_prefix("    ")
                .and_then(|line| line.strip_prefix(key));
            value
                .and_then(|value| value.strip_prefix(": "))
                .is_some_and(|value| !value.is_empty())
        };
        if yaml.lines().filter(|line| has(line)).count() != 1 {
            return Err(Unfit(format!("it has no {key}, or more than one")));
        }
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const K3S: &str = "\
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: QUFB
    server: https://127.0.0.1:6443
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: QkJC
    client-key-data: c2VjcmV0
";

    #[test]
    fn the_operators_goes_through_the_load_balancer_under_the_clusters_name() {
        let text = for_operator(K3S, "https://198.51.100.14:6443", "lab").expect("fit");
        insta::assert_snapshot!(text.expose(), @r#"
        apiVersion: v1
        clusters:
        - cluster:
            certificate-authority-data: QUFB
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
            client-certificate-data: QkJC
            client-key-data: c2VjcmV0
        "#);
        let six = K3S.replace("127.0.0.1:6443", "[::1]:7443");
        let again = for_operator(&six, "https://198.51.100.14:6443", "lab").expect("fit");
        assert_eq!(again, text);
    }

    #[test]
    fn any_other_shape_is_refused_without_a_word_of_its_secrets() {
        let bad = [
            ("", "nothing"),
            (&K3S.replace("127.0.0.1", "198.51.100.12"), "another server"),
            (&K3S.replace(":6443", ":6443/path"), "a path"),
            (
                &K3S.replacen("name: default", "name: lab", 1),
                "another name",
            ),
            (&K3S.replace("current-context: default\n", ""), "no context"),
            (
                &K3S.replace("    client-key-data: c2VjcmV0\n", ""),
                "no key",
            ),
            (&K3S.replace("QUFB", ""), "no authority"),
            (&K3S.replace("    ", "      "), "another indentation"),
            (&format!("{K3S}{K3S}"), "two of them"),
        ];
        for (yaml, what) in bad {
            let error = for_operator(yaml, "https://198.51.100.14:6443", "lab").expect_err(what);
            assert!(!error.to_string().contains("c2VjcmV0"), "{error}");
        }
    }
}
