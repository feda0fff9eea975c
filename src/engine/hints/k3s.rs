//! K3s itself: its install script, its servers, its agents, and the cluster. Texts: K3s
//! v1.36.2+k3s1, and what a real one printed (tests/fixtures/real/journal).

use crate::platform::hints::{Sign, at, sign};

pub(super) const JOIN_NAMES: &str = "The server's certificate lacks the name that the agent uses. Add it to \
                          load_balancer.names, or to k3s.tls_san, then run the wizard again.";
const IMAGE: &str = "A node cannot pull an image. It must reach the registry, or a mirror that \
                     /etc/rancher/k3s/registries.yaml names. `k3s crictl pull IMAGE` on that node \
                     shows why not.";
const NO_SPACE: &str = "No node has enough free memory or CPU for the pods: add memory, CPUs or an \
                        agent. `k3s kubectl describe pod -n NAMESPACE POD` says what is missing.";
const DIED: &str = "The pod keeps crashing. Its log: `k3s kubectl logs -n NAMESPACE POD \
                    --previous`.";

pub(super) const CAUSES: &[Sign] = &[
    // --- The cluster ---------------------------------------------------------------------------
    sign(&["ErrImagePull"], IMAGE),
    sign(&["ImagePullBackOff"], IMAGE),
    sign(&["failed to pull", "image"], IMAGE),
    at(
        "cluster/",
        &["OOMKilled"],
        "A container was killed because it ran out of memory: raise its limit, or add memory to \
         the node. `k3s kubectl top nodes` shows how much is used.",
    ),
    at("cluster/", &["Insufficient "], NO_SPACE),
    at("cluster/", &["CrashLoopBackOff"], DIED),
    at(
        "cluster/",
        &["cni plugin not initialized"],
        "The node has no network for pods yet. `journalctl -u k3s -u k3s-agent | grep -i flannel` \
         on it says why; nodes need UDP port 8472 between each other.",
    ),
    at(
        "cluster/",
        &["no longer reports"],
        "The node has stopped reporting: is its host up, does `systemctl status k3s k3s-agent` \
         there say active, and can it reach port 6443 of the servers?",
    ),
    // --- Its datastore and its token -----------------------------------------------------------
    sign(
        &["encrypted with different token"],
        "Postgres holds a cluster that was created with another token. Set k3s.token to that one; \
         to discard that cluster instead, drop its database: `sudo -u postgres dropdb k3s` on the \
         Postgres host.",
    ),
    sign(
        &["newer than datastore"],
        "This host has keys of another cluster, usually from a start with a wrong token. \
         `systemctl stop k3s && mv /var/lib/rancher/k3s/server /root/`, then run the wizard again: \
         the right keys are in Postgres.",
    ),
    sign(
        &["critical configuration value mismatch"],
        "This server's configuration differs from the other servers' in the setting that the line \
         names. Put it in [k3s.server_config] of the answers, so that all servers get the same.",
    ),
    // --- Its configuration ---------------------------------------------------------------------
    sign(
        &["level=fatal", "yaml: "],
        "/etc/rancher/k3s/config.yaml is not valid YAML at the line that is named. Run the wizard \
         again: it rewrites the file. Put your own settings in the answers.",
    ),
    sign(
        &["flag provided but not defined"],
        "config.yaml has a setting that this K3s does not know. Remove it from [k3s.agent_config] \
         or [k3s.server_config]; server settings such as tls-san are not for agents.",
    ),
    sign(
        &["Unknown flag", "found in config.yaml, skipping"],
        "K3s ignores a setting that it does not know. Correct its name in [k3s.server_config]; \
         `k3s server --help` lists them.",
    ),
    sign(
        &["--server is required"],
        "The agent's config.yaml names no server. Run the wizard again: it rewrites the file.",
    ),
    sign(
        &["--token is required"],
        "The agent has no token. Run the wizard again: it writes /etc/rancher/k3s/agent-token and \
         the config.yaml that names it.",
    ),
    sign(
        &["specified node ip"],
        "node_ip of this host in the answers is not an address of this host: `ip -br addr` lists \
         them.",
    ),
    // --- Joining -------------------------------------------------------------------------------
    sign(
        &["Node password rejected"],
        "The cluster knows another host by this name, or this host from before it was reinstalled. \
         In the second case, run on a server: `k3s kubectl delete node NAME; k3s kubectl -n \
         kube-system delete secret NAME.node-password.k3s`.",
    ),
    sign(
        &["token CA hash does not match"],
        "The cluster that answers at the agent's server address is not the one that its token is \
         for, or it was reinstalled. Run the wizard again: it reads the CA and rewrites the token.",
    ),
    at(
        "agent/",
        &["not authorized"],
        "The servers refuse this token. It must be their agent-token: run the wizard again, it \
         rewrites /etc/rancher/k3s/agent-token.",
    ),
    sign(
        &["failed to get CA certs", "x509: certificate is valid for"],
        JOIN_NAMES,
    ),
    at("agent/", &["x509: certificate is valid for"], JOIN_NAMES),
    sign(
        &["failed to get CA certs"],
        "No K3s server answers behind the agent's server address. On the load balancer: `systemctl \
         status k3s-lb` and `tail /var/log/k3s-lb/error.log`; on the servers: `systemctl status \
         k3s`.",
    ),
    // --- The host under it ---------------------------------------------------------------------
    sign(
        &["bind: address already in use"],
        "Another program uses a port that K3s needs: 6443, 6444, 10250 or the one in the line. `ss \
         -ltnp` shows which; stop it.",
    ),
    sign(
        &["failed to find memory cgroup"],
        "The memory cgroup is off in the kernel. Add `cgroup_memory=1 cgroup_enable=memory` to the \
         kernel's command line, and restart the host.",
    ),
    sign(
        &["no default routes found"],
        "The host has no default route, from which K3s derives its address. Add one (`ip route add \
         default via GATEWAY`), and make it permanent.",
    ),
    sign(
        &["snapshotter cannot be enabled"],
        "This file system or container does not support overlayfs. Set snapshotter = \"native\" in \
         [k3s.server_config] and [k3s.agent_config], or use ext4 or xfs for /var/lib/rancher.",
    ),
    sign(
        &["/dev/kmsg"],
        "The host is a container without the permissions that a kubelet needs. Give it /dev/kmsg, \
         or use a virtual machine.",
    ),
    sign(
        &["inotify", "too many open files"],
        "The kernel allows too few inotify watches. `sysctl -w \
         fs.inotify.max_user_instances=8192`, and put the same in a file in /etc/sysctl.d.",
    ),
    // --- The install script --------------------------------------------------------------------
    sign(
        &["[ERROR]  Download failed"],
        "The host cannot download K3s. Is k3s.version a release (v1.36.2+k3s1)? Does the host \
         reach github.com, or the mirror in k3s.artifact_url? `curl -fIL URL` with the URL in the \
         last lines shows why not.",
    ),
    sign(
        &["Download sha256 does not match"],
        "The download does not match the release's hash list: it was cut off, or a mirror or proxy \
         is out of date. Run the wizard again; if it fails again, check the mirror.",
    ),
    sign(
        &["the install script arrived with the SHA-256"],
        "The install script was changed on its way to the host. Run the wizard again; if it fails \
         again, please report it with the log.",
    ),
    sign(
        &["[ERROR]  Unsupported architecture"],
        "K3s is not released for this processor: only for x86_64, arm64 and armhf. Give this role \
         to another host, or put a K3s that you built into a bundle (bundle create --k3s).",
    ),
    sign(
        &["Can not find systemd or openrc"],
        "The host was not booted with systemd, which runs K3s. Use a host that is not a plain \
         container.",
    ),
    sign(
        &["Failed to find the k3s-selinux policy"],
        "SELinux is on, and the policy for K3s could not be installed. `dnf install -y \
         k3s-selinux` shows why not.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    sign(
        &["proceeding with bootstrap data generation"],
        "The datastore has no cluster for this token. On server 1: it was creating the cluster and \
         was not ready in time: run the wizard again. On another server: its token differs from \
         server 1's; k3s.token in the answers is for all of them.",
    ),
    sign(
        &["Bootstrap key is locked"],
        "Another server was creating the cluster, or died while doing so. K3s continues on its own after 25 s: \
         run the wizard again.",
    ),
    sign(
        &["Reconciling bootstrap data between datastore and disk"],
        "K3s connected to its datastore, but was not ready in time. Are cluster-cidr, service-cidr \
         and similar settings the same on all servers? K3s does not report a difference; \
         `journalctl -u k3s` shows everything else.",
    ),
    at(
        "agent/",
        &["Running load balancer k3s-agent-load-balancer"],
        "The agent gets no answer from the address that `grep server: \
         /etc/rancher/k3s/config.yaml` shows. `curl -k ADDRESS/ping` must print pong: if not, \
         check the load balancer and the firewalls in between.",
    ),
    at(
        "k3s/agents",
        &["not Ready"],
        "The agents have joined, but are not ready. On such a host `journalctl -u k3s-agent -n 50` \
         says why; from a server, `k3s kubectl describe node NAME`.",
    ),
    sign(
        &["the table kine is empty"],
        "K3s uses another datastore. `journalctl -u k3s | grep -i kine` on the first server says \
         which; /var/lib/rancher/k3s/server/db must not exist.",
    ),
    sign(
        &["no connection from"],
        "A server has no connection to Postgres. On it, `systemctl status k3s` must say active, \
         and `grep datastore /etc/rancher/k3s/config.yaml` must name this Postgres.",
    ),
    sign(
        &["connections without TLS or without the client certificate"],
        "A server that started before its certificates existed still has its old connections. Run \
         `systemctl restart k3s` on it, one server at a time.",
    ),
    at(
        "cluster/health",
        &["the cluster is not healthy"],
        "Some nodes or pods were not ready in time; new pods may just be slow. `k3s kubectl get \
         nodes,pods -A` on the first server shows their state now.",
    ),
];
