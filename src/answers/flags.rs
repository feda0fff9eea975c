//! The settings that K3s knows, and those that only the wizard may set.
//!
//! K3s skips an unknown key in a server's config.yaml with a warning, so that a misspelt
//! `datastore-endpoint` silently makes a cluster on `SQLite`; an agent ends at an unknown key and is
//! restarted for ever (docs/facts.md, "Settings"). So every key is looked up here first. The lists
//! are those of `k3s server --help` and `k3s agent --help` of v1.36.

use super::problems::nearest;

/// Known to servers and agents; answers may set them.
const NODE: &[&str] = &[
    "alsologtostderr",
    "container-runtime-endpoint",
    "debug",
    "default-runtime",
    "disable-apiserver-lb",
    "disable-default-registry-endpoint",
    "docker",
    "enable-pprof",
    "flannel-cni-conf",
    "flannel-conf",
    "flannel-iface",
    "image-credential-provider-bin-dir",
    "image-credential-provider-config",
    "image-service-endpoint",
    "kube-proxy-arg",
    "kubelet-arg",
    "lb-server-port",
    "log",
    "node-label",
    "node-taint",
    "nonroot-devices",
    "pause-image",
    "prefer-bundled-bin",
    "private-registry",
    "protect-kernel-defaults",
    "resolv-conf",
    "selinux",
    "snapshotter",
    "v",
    "vmodule",
    "vpn-auth-file",
];

/// Known to servers only; answers may set them.
const SERVER: &[&str] = &[
    "cluster-cidr",
    "cluster-dns",
    "cluster-domain",
    "default-local-storage-path",
    "disable",
    "disable-cloud-controller",
    "disable-helm-controller",
    "disable-kube-proxy",
    "disable-network-policy",
    "egress-selector-mode",
    "embedded-registry",
    "flannel-backend",
    "flannel-external-ip",
    "flannel-ipv6-masq",
    "helm-job-image",
    "kube-apiserver-arg",
    "kube-cloud-controller-manager-arg",
    "kube-controller-manager-arg",
    "kube-scheduler-arg",
    "secrets-encryption",
    "secrets-encryption-provider",
    "service-cidr",
    "service-node-port-range",
    "servicelb-namespace",
    "supervisor-metrics",
    "system-default-registry",
    "tls-san-security",
    "write-kubeconfig-group",
];

const TOKEN: &str = "the wizard sets it, so that the token is the same everywhere and is not \
                     stored in the clear among the settings: use k3s.token, or leave it out to have \
                     one generated";
const AGENT_TOKEN: &str = "the wizard sets it: use k3s.agent_token, or leave it out to have one \
                           generated";
const DATASTORE: &str = "the wizard sets it from [postgres] and the certificates that it creates";
const JOIN: &str = "the wizard sets it: servers find each other through the datastore, agents join \
                    through the load balancer";
const EACH_HOST: &str = "every node gets the same settings, but this one differs from host to \
                         host: the wizard sets it from the host's name, address and node_ip";
const EMBEDDED: &str = "this cluster keeps its data in Postgres; this setting would switch it to \
                        embedded etcd";
const WHOLE_NODE: &str = "every server gets the same settings, so the cluster would lack this part \
                          and never become ready";
const FIXED_PORT: &str = "the load balancer and the checks reach every server on port 6443";
const KUBECONFIG: &str = "the wizard reads /etc/rancher/k3s/k3s.yaml, which only root may read";

/// Settings that are refused, and why.
const OWNED: &[(&str, &str)] = &[
    ("token", TOKEN),
    ("token-file", TOKEN),
    ("cluster-secret", TOKEN),
    ("agent-token", AGENT_TOKEN),
    ("agent-token-file", AGENT_TOKEN),
    ("datastore-endpoint", DATASTORE),
    ("datastore-cafile", DATASTORE),
    ("datastore-certfile", DATASTORE),
    ("datastore-keyfile", DATASTORE),
    ("server", JOIN),
    ("node-name", EACH_HOST),
    (
        "with-node-id",
        "nodes are named after their hosts: the wizard waits for exactly these names",
    ),
    ("node-ip", EACH_HOST),
    ("node-external-ip", EACH_HOST),
    ("node-internal-dns", EACH_HOST),
    ("node-external-dns", EACH_HOST),
    ("advertise-address", EACH_HOST),
    ("bind-address", EACH_HOST),
    (
        "tls-san",
        "the wizard sets it to the load balancer's names and addresses: add others in k3s.tls_san",
    ),
    ("https-listen-port", FIXED_PORT),
    ("advertise-port", FIXED_PORT),
    ("apiserver-port", FIXED_PORT),
    ("supervisor-port", FIXED_PORT),
    ("write-kubeconfig", KUBECONFIG),
    ("write-kubeconfig-mode", KUBECONFIG),
    (
        "data-dir",
        "the wizard expects the data in /var/lib/rancher/k3s; to use another disk, mount or link \
         it there",
    ),
    (
        "config",
        "K3s reads /etc/rancher/k3s/config.yaml, which the wizard writes",
    ),
    (
        "vpn-auth",
        "it contains a key, and settings are not kept secret: write it to a file on every node, and \
         use vpn-auth-file",
    ),
    ("cluster-init", EMBEDDED),
    ("cluster-reset", EMBEDDED),
    ("cluster-reset-restore-path", EMBEDDED),
    ("disable-etcd", EMBEDDED),
    ("disable-agent", WHOLE_NODE),
    ("disable-apiserver", WHOLE_NODE),
    ("disable-controller-manager", WHOLE_NODE),
    ("disable-scheduler", WHOLE_NODE),
    (
        "rootless",
        "the wizard installs K3s as a service of the system, run by root",
    ),
];

/// Why `k3s.server_config` must not set a key; `None` if it may.
pub(super) fn server_problem(key: &str) -> Option<String> {
    refused(key).or_else(|| {
        let known = || NODE.iter().chain(SERVER).copied();
        (!known().any(|flag| flag == key)).then(|| {
            let hint = hint(nearest(key, known()));
            format!(
                "K3s servers have no such setting{hint}. A server skips an unknown setting with \
                 only a warning, so it would have no effect"
            )
        })
    })
}

/// Why `k3s.agent_config` must not set a key; `None` if it may.
pub(super) fn agent_problem(key: &str) -> Option<String> {
    refused(key).or_else(|| {
        if NODE.contains(&key) {
            None
        } else if SERVER.contains(&key) {
            Some(
                "only servers have this setting, and an agent exits at an unknown key: move it to \
                 k3s.server_config"
                    .into(),
            )
        } else {
            let hint = hint(nearest(key, NODE.iter().copied()));
            Some(format!(
                "K3s agents have no such setting{hint}. An agent exits at an unknown key, and \
                 systemd would restart it forever"
            ))
        }
    })
}

fn refused(key: &str) -> Option<String> {
    if key.starts_with("etcd-") {
        return Some(EMBEDDED.into());
    }
    // In config.yaml, `key+` appends to a key: it must not bypass these checks.
    let plain = key.trim_start_matches('-').trim_end_matches('+');
    if let Some((_, why)) = OWNED.iter().find(|(owned, _)| *owned == plain) {
        return Some((*why).into());
    }
    (plain != key).then(|| format!("write the plain name of the setting: {plain}"))
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |key| format!(" (did you mean \"{key}\"?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_do_not_overlap() {
        assert!(NODE.is_sorted() && SERVER.is_sorted());
        for flag in NODE.iter().chain(SERVER) {
            assert_eq!(refused(flag), None, "{flag}");
        }
        assert!(!NODE.iter().any(|flag| SERVER.contains(flag)));
    }

    #[test]
    fn settings_are_sorted_out() {
        assert_eq!(server_problem("flannel-iface"), None);
        assert_eq!(server_problem("cluster-cidr"), None);
        assert_eq!(agent_problem("node-label"), None);
        let says = |problem: Option<String>, text: &str| {
            let problem = problem.unwrap_or_default();
            assert!(problem.contains(text), "{problem:?} does not say {text:?}");
        };
        says(
            server_problem("clustr-cidr"),
            "did you mean \"cluster-cidr\"",
        );
        says(
            server_problem("cluster_cidr"),
            "did you mean \"cluster-cidr\"",
        );
        says(server_problem("tls-san"), "k3s.tls_san");
        says(server_problem("tls-san+"), "k3s.tls_san");
        says(server_problem("disable+"), "plain name");
        says(server_problem("etcd-s3"), "Postgres");
        says(agent_problem("cluster-cidr"), "k3s.server_config");
        says(agent_problem("node-labels"), "did you mean \"node-label\"");
        says(agent_problem("server"), "load balancer");
    }
}
