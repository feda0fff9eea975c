//! The settings that K3s knows, and those of them that are the wizard's own.
//!
//! K3s skips an unknown key in a server's config.yaml with a warning, so that a misspelt
//! `datastore-endpoint` silently makes a cluster on `SQLite`; an agent ends at an unknown key and is
//! restarted for ever (docs/facts.md, "Settings"). So every key is looked up here first. The lists
//! are those of `k3s server --help` and `k3s agent --help` of v1.36.

use super::problems::nearest;

/// Known to servers and agents, and free to be set.
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
    "vpn-auth",
    "vpn-auth-file",
];

/// Known to servers alone, and free to be set.
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

const TOKEN: &str = "the wizard writes it, because a token must be the same everywhere and is \
                     never kept in clear among settings: use k3s.token, or leave it out and one \
                     is made";
const AGENT_TOKEN: &str = "the wizard writes it: use k3s.agent_token, or leave it out and one is \
                           made";
const DATASTORE: &str = "the wizard writes it from [postgres] and from the certificates it makes";
const JOIN: &str = "the wizard writes it: servers meet in the datastore, agents join through the \
                    load balancer";
const EACH_HOST: &str = "every node gets the same settings, and this one differs from host to \
                         host: the wizard sets it from the host's name, address and node_ip";
const EMBEDDED: &str = "this cluster keeps its data in Postgres, and this setting is for an \
                        embedded etcd, which would then be used instead";
const WHOLE_NODE: &str = "every server gets the same settings, so the cluster would be without \
                          this part, and would never become ready";
const FIXED_PORT: &str = "the load balancer and the checks reach every server on port 6443";
const KUBECONFIG: &str = "the wizard reads /etc/rancher/k3s/k3s.yaml, and nobody but root may";

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
        "nodes have the names of their hosts: the wizard waits for exactly these",
    ),
    ("node-ip", EACH_HOST),
    ("node-external-ip", EACH_HOST),
    ("node-internal-dns", EACH_HOST),
    ("node-external-dns", EACH_HOST),
    ("advertise-address", EACH_HOST),
    ("bind-address", EACH_HOST),
    (
        "tls-san",
        "the wizard writes it, with the load balancer's names and addresses: further ones go \
         into k3s.tls_san",
    ),
    ("https-listen-port", FIXED_PORT),
    ("advertise-port", FIXED_PORT),
    ("apiserver-port", FIXED_PORT),
    ("supervisor-port", FIXED_PORT),
    ("write-kubeconfig", KUBECONFIG),
    ("write-kubeconfig-mode", KUBECONFIG),
    (
        "data-dir",
        "checks and clean-up look in /var/lib/rancher/k3s; mount or link another disk there",
    ),
    (
        "config",
        "K3s reads /etc/rancher/k3s/config.yaml, which the wizard writes",
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

/// Why a key must not stand in `k3s.server_config`; nothing if it may.
pub(super) fn server_problem(key: &str) -> Option<String> {
    refused(key).or_else(|| {
        let known = || NODE.iter().chain(SERVER).copied();
        (!known().any(|flag| flag == key)).then(|| {
            let hint = hint(nearest(key, known()));
            format!(
                "K3s servers know no such setting{hint}. A server skips what it does not know \
                 with no more than a warning, so that the setting would quietly have no effect"
            )
        })
    })
}

/// Why a key must not stand in `k3s.agent_config`; nothing if it may.
pub(super) fn agent_problem(key: &str) -> Option<String> {
    refused(key).or_else(|| {
        if NODE.contains(&key) {
            None
        } else if SERVER.contains(&key) {
            Some(
                "only servers know this setting, and an agent ends at once when it finds a key \
                 it does not know: move it to k3s.server_config"
                    .into(),
            )
        } else {
            let hint = hint(nearest(key, NODE.iter().copied()));
            Some(format!(
                "K3s agents know no such setting{hint}. An agent ends at once when it finds a key \
                 it does not know, and would be restarted for ever"
            ))
        }
    })
}

fn refused(key: &str) -> Option<String> {
    if key.starts_with("etcd-") {
        return Some(EMBEDDED.into());
    }
    // `key+` is how config.yaml appends: it must not be a way around.
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
