//! The settings that K3s v1.36 knows, by what follows them.

/// Settings with one value, of servers and agents.
const NODE_TEXT: &[&str] = &[
    "config",
    "v",
    "vmodule",
    "log",
    "token",
    "token-file",
    "server",
    "data-dir",
    "node-name",
    "image-credential-provider-bin-dir",
    "image-credential-provider-config",
    "lb-server-port",
    "container-runtime-endpoint",
    "default-runtime",
    "image-service-endpoint",
    "pause-image",
    "snapshotter",
    "private-registry",
    "bind-address",
    "resolv-conf",
    "flannel-iface",
    "flannel-conf",
    "flannel-cni-conf",
    "vpn-auth",
    "vpn-auth-file",
];

/// Settings that can be given several times, of servers and agents.
const NODE_MANY: &[&str] = &[
    "node-label",
    "node-taint",
    "node-ip",
    "node-external-ip",
    "node-internal-dns",
    "node-external-dns",
    "kubelet-arg",
    "kube-proxy-arg",
];

/// Switches of servers and agents.
const NODE_SWITCH: &[&str] = &[
    "debug",
    "alsologtostderr",
    "with-node-id",
    "selinux",
    "protect-kernel-defaults",
    "disable-default-registry-endpoint",
    "nonroot-devices",
    "enable-pprof",
    "rootless",
    "prefer-bundled-bin",
    "docker",
    "disable-apiserver-lb",
];

const SERVER_TEXT: &[&str] = &[
    "https-listen-port",
    "advertise-address",
    "advertise-port",
    "service-node-port-range",
    "cluster-domain",
    "flannel-backend",
    "egress-selector-mode",
    "servicelb-namespace",
    "write-kubeconfig",
    "write-kubeconfig-mode",
    "write-kubeconfig-group",
    "helm-job-image",
    "agent-token",
    "agent-token-file",
    "cluster-reset-restore-path",
    "datastore-endpoint",
    "datastore-cafile",
    "datastore-certfile",
    "datastore-keyfile",
    "etcd-snapshot-name",
    "etcd-snapshot-schedule-cron",
    "etcd-snapshot-retention",
    "etcd-snapshot-dir",
    "etcd-s3-endpoint",
    "etcd-s3-endpoint-ca",
    "etcd-s3-access-key",
    "etcd-s3-secret-key",
    "etcd-s3-session-token",
    "etcd-s3-bucket",
    "etcd-s3-bucket-lookup-type",
    "etcd-s3-region",
    "etcd-s3-folder",
    "etcd-s3-proxy",
    "etcd-s3-config-secret",
    "etcd-s3-timeout",
    "etcd-s3-retention",
    "default-local-storage-path",
    "system-default-registry",
    "secrets-encryption-provider",
];

const SERVER_MANY: &[&str] = &[
    "tls-san",
    "cluster-cidr",
    "service-cidr",
    "cluster-dns",
    "disable",
    "kube-apiserver-arg",
    "etcd-arg",
    "kube-controller-manager-arg",
    "kube-scheduler-arg",
    "kube-cloud-controller-manager-arg",
];

const SERVER_SWITCH: &[&str] = &[
    "tls-san-security",
    "flannel-ipv6-masq",
    "flannel-external-ip",
    "cluster-init",
    "cluster-reset",
    "kine-tls",
    "etcd-expose-metrics",
    "etcd-disable-snapshots",
    "etcd-snapshot-compress",
    "etcd-s3",
    "etcd-s3-skip-ssl-verify",
    "etcd-s3-insecure",
    "disable-scheduler",
    "disable-cloud-controller",
    "disable-kube-proxy",
    "disable-network-policy",
    "disable-helm-controller",
    "embedded-registry",
    "supervisor-metrics",
    "secrets-encryption",
    "disable-agent",
    "disable-apiserver",
    "disable-controller-manager",
    "disable-etcd",
];

/// The short names.
const SHORT: &[(&str, &str)] = &[
    ("c", "config"),
    ("l", "log"),
    ("t", "token"),
    ("s", "server"),
    ("d", "data-dir"),
    ("i", "node-ip"),
    ("o", "write-kubeconfig"),
];

/// The environment variables that stand in for settings.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("config", "K3S_CONFIG_FILE"),
    ("token", "K3S_TOKEN"),
    ("token-file", "K3S_TOKEN_FILE"),
    ("agent-token", "K3S_AGENT_TOKEN"),
    ("agent-token-file", "K3S_AGENT_TOKEN_FILE"),
    ("server", "K3S_URL"),
    ("data-dir", "K3S_DATA_DIR"),
    ("node-name", "K3S_NODE_NAME"),
    ("resolv-conf", "K3S_RESOLV_CONF"),
    ("lb-server-port", "K3S_LB_SERVER_PORT"),
    ("datastore-endpoint", "K3S_DATASTORE_ENDPOINT"),
    ("datastore-cafile", "K3S_DATASTORE_CAFILE"),
    ("datastore-certfile", "K3S_DATASTORE_CERTFILE"),
    ("datastore-keyfile", "K3S_DATASTORE_KEYFILE"),
    ("write-kubeconfig", "K3S_KUBECONFIG_OUTPUT"),
    ("write-kubeconfig-mode", "K3S_KUBECONFIG_MODE"),
    ("write-kubeconfig-group", "K3S_KUBECONFIG_GROUP"),
];

/// Which of the two commands a setting is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Server,
    Agent,
}

/// What follows a setting's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Many,
    Switch,
}

/// The long name and the kind of a setting, if the command knows it.
pub fn find(command: Command, name: &str) -> Option<(&'static str, Kind)> {
    let name = SHORT
        .iter()
        .find(|(short, _)| *short == name)
        .map_or(name, |(_, long)| *long);
    let server = command == Command::Server;
    let lists = [
        (NODE_TEXT, Kind::Text, true),
        (NODE_MANY, Kind::Many, true),
        (NODE_SWITCH, Kind::Switch, true),
        (SERVER_TEXT, Kind::Text, server),
        (SERVER_MANY, Kind::Many, server),
        (SERVER_SWITCH, Kind::Switch, server),
    ];
    lists
        .iter()
        .filter(|(.., known)| *known)
        .find_map(|(list, kind, _)| {
            let known = list.iter().find(|known| **known == name)?;
            Some((*known, *kind))
        })
}

/// What `k3s agent` prints about its use, as far as the real one's text is recorded.
pub fn agent_usage() -> &'static str {
    let real = include_str!("../../../fixtures/real/journal/agent-unknown-key.txt");
    real.split_once("\n\n").map_or(real, |(_, usage)| usage)
}
