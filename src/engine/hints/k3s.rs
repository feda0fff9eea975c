//! K3s itself: its install script, its servers, its agents, and the cluster. Texts: K3s
//! v1.36.2+k3s1, and what a real one printed (tests/fixtures/real/journal).

use crate::platform::hints::{Sign, at, sign};

const JOIN_NAMES: &str = "What answers the agent does not have that name in its certificate. Say \
    the load balancer's names and addresses in load_balancer.names, or others in k3s.tls_san, and \
    start the wizard again.";
const IMAGE: &str = "A node cannot get an image. It must reach the registry, or a mirror that \
    /etc/rancher/k3s/registries.yaml names. `k3s crictl pull IMAGE` on that node shows why not.";
const NO_SPACE: &str = "The pods find no node with enough room: more memory or processors, or one \
    more agent. `k3s kubectl describe pod -n NAMESPACE POD` says what is missing.";
const DIED: &str = "It starts and ends again and again. Its own words: `k3s kubectl logs -n \
    NAMESPACE POD --previous`.";

pub(super) const CAUSES: &[Sign] = &[
    // --- The cluster ---------------------------------------------------------------------------
    sign(&["ErrImagePull"], IMAGE),
    sign(&["ImagePullBackOff"], IMAGE),
    sign(&["failed to pull", "image"], IMAGE),
    at(
        "cluster/",
        &["OOMKilled"],
        "A container was ended for want of memory: raise its limit, or give the node more. `k3s \
         kubectl top nodes` shows how much is used.",
    ),
    at("cluster/", &["Insufficient "], NO_SPACE),
    at("cluster/", &["CrashLoopBackOff"], DIED),
    at(
        "cluster/",
        &["cni plugin not initialized"],
        "The node has no network for pods yet. `journalctl -u k3s -u k3s-agent | grep -i flannel` \
         on it says why; nodes need UDP 8472 between each other.",
    ),
    at(
        "cluster/",
        &["does not answer any more"],
        "The node has gone silent: is its host up, does `systemctl status k3s k3s-agent` there say \
         active, and does it reach port 6443 of the servers?",
    ),
    // --- Its datastore and its token -----------------------------------------------------------
    sign(
        &["encrypted with different token"],
        "Postgres holds a cluster that was made with another token. Say that one as k3s.token; if \
         that cluster is to be lost, drop its database first: `sudo -u postgres dropdb k3s` on the \
         Postgres host.",
    ),
    sign(
        &["newer than datastore"],
        "This host has keys of another cluster, mostly from a start with a wrong token. `systemctl \
         stop k3s && mv /var/lib/rancher/k3s/server /root/`, then start the wizard again: Postgres \
         has the right ones.",
    ),
    sign(
        &["critical configuration value mismatch"],
        "This server's configuration differs from the other servers' in what the line names. Such \
         settings belong in [k3s.server_config] of the answers: then all servers have the same.",
    ),
    // --- Its configuration ---------------------------------------------------------------------
    sign(
        &["level=fatal", "yaml: "],
        "/etc/rancher/k3s/config.yaml is not YAML, at the line that is named. Start the wizard \
         again: it writes the file anew. What you added by hand belongs in the answers.",
    ),
    sign(
        &["flag provided but not defined"],
        "config.yaml has a setting that this K3s does not know. Take it out of [k3s.agent_config] \
         or [k3s.server_config]: settings of servers, as tls-san, are not for agents.",
    ),
    sign(
        &["Unknown flag", "found in config.yaml, skipping"],
        "K3s skips a setting that it does not know, and goes on without it. Correct its name in \
         [k3s.server_config]; `k3s server --help` lists them.",
    ),
    sign(
        &["--server is required"],
        "config.yaml of the agent says no server. Start the wizard again: it writes the file anew.",
    ),
    sign(
        &["--token is required"],
        "The agent has no token. Start the wizard again: it writes /etc/rancher/k3s/agent-token \
         and the config.yaml that names it.",
    ),
    sign(
        &["specified node ip"],
        "node_ip of this host in the answers is no address of this host: see `ip -br addr`.",
    ),
    // --- Joining -------------------------------------------------------------------------------
    sign(
        &["Node password rejected"],
        "The cluster knows another host by this name, or this one from before it was installed \
         anew. For the latter, on a server: `k3s kubectl delete node NAME; k3s kubectl -n \
         kube-system delete secret NAME.node-password.k3s`.",
    ),
    sign(
        &["token CA hash does not match"],
        "What answers at the agent's server address is another cluster than its token was made \
         for, or that cluster was made anew. Start the wizard again: it learns the CA and writes \
         the token anew.",
    ),
    at(
        "agent/",
        &["not authorized"],
        "The servers do not take this token. It must be their agent-token: start the wizard again, \
         it writes /etc/rancher/k3s/agent-token anew.",
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
        "Another program has a port that K3s needs: 6443, 6444, 10250 or the one in the line. `ss \
         -ltnp` shows which; end it.",
    ),
    sign(
        &["failed to find memory cgroup"],
        "The kernel gives K3s no memory cgroup. Add `cgroup_memory=1 cgroup_enable=memory` to the \
         kernel's command line, and restart the host.",
    ),
    sign(
        &["no default routes found"],
        "The host has no default route, which K3s takes its address from. Add one (`ip route add \
         default via GATEWAY`), and have it made at every boot.",
    ),
    sign(
        &["snapshotter cannot be enabled"],
        "This file system or container cannot carry overlayfs. Say snapshotter = \"native\" in \
         [k3s.server_config] and [k3s.agent_config], or use ext4 or xfs for /var/lib/rancher.",
    ),
    sign(
        &["/dev/kmsg"],
        "The host is a container that is not allowed what a kubelet needs. Give it /dev/kmsg, or \
         take a virtual machine.",
    ),
    sign(
        &["inotify", "too many open files"],
        "The kernel allows too few inotify watches. `sysctl -w \
         fs.inotify.max_user_instances=8192`, and the same in a file of /etc/sysctl.d.",
    ),
    // --- The install script --------------------------------------------------------------------
    sign(
        &["[ERROR]  Download failed"],
        "The host cannot fetch K3s. Is k3s.version a release (v1.36.2+k3s1)? Does the host reach \
         github.com, or the mirror in k3s.artifact_url? `curl -fIL URL` with the URL in the last \
         lines shows why not.",
    ),
    sign(
        &["Download sha256 does not match"],
        "What was downloaded is not what the release's list of hashes says: a download that was \
         cut off, or a mirror or proxy that is out of date. Start the wizard again; if it stays, \
         look at the mirror.",
    ),
    sign(
        &["the install script arrived with the SHA-256"],
        "The install script was changed on its way to the host. Start the wizard again; if it \
         stays, please report it with the log.",
    ),
    sign(
        &["[ERROR]  Unsupported architecture"],
        "There is no K3s for this kind of processor: it comes for x86_64, arm64 and armhf. Give \
         this role to another host.",
    ),
    sign(
        &["Can not find systemd or openrc"],
        "The host was not started with systemd, which K3s is run by. Take a host that is no mere \
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
        "The datastore holds no cluster of its token. Server 1 was making one, and was not ready \
         in time: start the wizard again. Another server has another token than server 1: \
         k3s.token in the answers is for all of them.",
    ),
    sign(
        &["Bootstrap key is locked"],
        "Another server was making the cluster, or died while it did. K3s goes on by itself after \
         25 s: start the wizard again.",
    ),
    sign(
        &["Reconciling bootstrap data between datastore and disk"],
        "K3s got into its datastore, and then was not ready in time. Are cluster-cidr, \
         service-cidr and the like the same on all servers? K3s does not say if they differ; \
         `journalctl -u k3s` says the rest.",
    ),
    at(
        "agent/",
        &["Running load balancer k3s-agent-load-balancer"],
        "The agent hears nothing from the address that `grep server: /etc/rancher/k3s/config.yaml` \
         shows. `curl -k ADDRESS/ping` must print pong: if not, look at the load balancer and the \
         firewalls between.",
    ),
    at(
        "k3s/agents",
        &["not Ready"],
        "The agents have joined, but are not ready. On such a host `journalctl -u k3s-agent -n 50` \
         says why; from a server, `k3s kubectl describe node NAME`.",
    ),
    sign(
        &["the table kine is empty"],
        "K3s runs with another datastore. `journalctl -u k3s | grep -i kine` on the first server \
         says which; /var/lib/rancher/k3s/server/db must not be there.",
    ),
    sign(
        &["no connection from"],
        "A server has no connection to Postgres. On it, `systemctl status k3s` must say active, \
         and `grep datastore /etc/rancher/k3s/config.yaml` must name this Postgres.",
    ),
    sign(
        &["connections without TLS or without the client certificate"],
        "A server that ran before its certificates were there still has its old connections. On \
         it: `systemctl restart k3s`, one server after the other.",
    ),
    at(
        "cluster/health",
        &["the cluster is not healthy"],
        "Some nodes or pods were not ready in time; pods that are new may only be slow. `k3s \
         kubectl get nodes,pods -A` on the first server shows how they are now.",
    ),
];
