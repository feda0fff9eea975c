//! Failed proofs. Texts: `proof::datastore`, `proof::balancer` and `proof::overlay`.

use crate::platform::hints::{Sign, at};

const MTLS: &str = "certificates/proof";
const BALANCER: &str = "load-balancer/proof";
pub(super) const WAY: &str = "agent/endpoint";
const OVERLAY: &str = "cluster/overlay";

const RULES: &str = "A rule in pg_hba.conf before the wizard's lets this in. On the Postgres host: \
                     `sudo -u postgres psql -c 'SELECT * FROM pg_hba_file_rules'`; run the wizard \
                     again, it moves its rules to the top.";
const NOT_ITSELF: &str = "Postgres presents a certificate that is not the wizard's. Either another \
                          server answers at that address, or Postgres has not reloaded its \
                          certificate: `systemctl restart postgresql` on its host, then retry.";
pub(super) const CLOCK: &str = "The clocks differ: on this machine the certificate is not yet valid. Compare \
                     `date -u` on this machine and on the hosts; `timedatectl set-ntp true` turns \
                     on time synchronisation.";
const EXPIRED: &str = "The certificate has expired, or a clock is ahead. Compare `date -u` on all \
                       hosts; if the clocks are right, run the wizard again: it renews certificates \
                       that have expired or will expire within 60 days.";
/// docs/facts.md, "Start".
pub(super) const K3S_EXPIRED: &str = "The certificate of K3s has expired, or a clock is ahead. Compare `date -u` on all \
                           hosts; if the clocks are right, run `systemctl restart k3s` on one server after \
                           the other: K3s renews its certificates when it starts.";
const OTHER_CLUSTER: &str = "The server there is not this cluster, or its certificate lacks this \
                             address. `openssl s_client -connect ADDRESS:6443 </dev/null` shows \
                             the certificate; add names in load_balancer.names.";
const NO_SERVER: &str = "nginx answers, but no server behind it. On the load balancer, `curl -k \
                         https://SERVER:6443/ping` must print pong for every server: if not, check \
                         its k3s and the firewalls in between.";
const NOT_K3S: &str = "Another program answers on the load balancer's port. `ss -ltnp` there shows \
                       which: stop it, or set another load_balancer.port.";

pub(super) const CAUSES: &[Sign] = &[
    // --- Mutual TLS with Postgres --------------------------------------------------------------
    at(
        MTLS,
        &["Postgres cannot be reached", "connection refused"],
        "Postgres does not listen there, or a firewall rejects the connection. On its host, `ss \
         -ltnp` must show its port on that address; run the wizard again if listen_addresses was \
         changed.",
    ),
    at(
        MTLS,
        &["Postgres cannot be reached"],
        "This server cannot reach Postgres. Open the firewalls between them; on the Postgres host \
         with ufw: `ufw allow proto tcp from SERVER to any port 5432`.",
    ),
    at(MTLS, &["is not valid for it", "not yet valid"], CLOCK),
    at(MTLS, &["is not valid for it", "expired"], EXPIRED),
    at(MTLS, &["is not valid for it"], NOT_ITSELF),
    at(
        MTLS,
        &["right certificate and password", "it is the certificate"],
        "Postgres accepts the password, but not the certificate: its CN must be the role. Run the \
         wizard again: it creates certificates for postgres.user of the answers.",
    ),
    at(
        MTLS,
        &["right certificate and password", "client certificate"],
        "Postgres does not trust the CA of the client certificates: ssl_ca_file must contain the \
         wizard's CA. Run the wizard again: postgres/tls adds it.",
    ),
    at(
        MTLS,
        &["right certificate and password", "certificate expired"],
        "Postgres considers the client certificate expired. Compare `date -u` on its host with \
         this machine's; running the wizard again renews certificates that expire within 60 days.",
    ),
    at(
        MTLS,
        &["right certificate and password", "pg_hba.conf"],
        "No rule lets this server in from the address that Postgres sees, which the line names. \
         Set it as node_ip of this host in the answers; NAT may have changed it on the way.",
    ),
    at(
        MTLS,
        &["right certificate and password is refused", "password"],
        "Postgres refuses the role's password. Run the wizard again: its step postgres/role sets \
         it. If it fails again, check for a proxy between them, such as PgBouncer.",
    ),
    at(MTLS, &["no certificate passes"], RULES),
    at(MTLS, &["certificate of a foreign authority passes"], RULES),
    at(MTLS, &["certificate for another role passes"], RULES),
    at(MTLS, &["expired certificate passes"], RULES),
    at(MTLS, &["wrong password passes"], RULES),
    at(MTLS, &["no TLS passes"], RULES),
    at(MTLS, &["let the role in without checking"], RULES),
    // --- The load balancer ---------------------------------------------------------------------
    at(
        BALANCER,
        &["the load balancer cannot be reached"],
        "nginx does not listen there. `systemctl status k3s-lb` and `journalctl -u k3s-lb -n 20` \
         say why; `ss -ltnp` shows which process uses its port.",
    ),
    at(
        WAY,
        &["the load balancer cannot be reached", "connection refused"],
        "No process listens at the load balancer's address in the cluster. On its host `systemctl \
         status k3s-lb` must say active; its node_ip in the answers must be one of that host's addresses.",
    ),
    at(
        WAY,
        &["the load balancer cannot be reached"],
        "This agent cannot reach the load balancer. Open the firewalls between them; on the load \
         balancer with ufw: `ufw allow proto tcp from AGENT to any port 6443`.",
    ),
    at(BALANCER, &["is not valid for it", "not yet valid"], CLOCK),
    at(WAY, &["is not valid for it", "not yet valid"], CLOCK),
    at(BALANCER, &["is not valid for it", "expired"], K3S_EXPIRED),
    at(WAY, &["is not valid for it", "expired"], K3S_EXPIRED),
    at(BALANCER, &["is not valid for it"], OTHER_CLUSTER),
    at(WAY, &["is not valid for it"], OTHER_CLUSTER),
    at(
        BALANCER,
        &["the connection ended without an answer"],
        NO_SERVER,
    ),
    at(WAY, &["the connection ended without an answer"], NO_SERVER),
    at(BALANCER, &["the server there is not K3s"], NOT_K3S),
    at(WAY, &["the server there is not K3s"], NOT_K3S),
    at(BALANCER, &["TLS failed: "], NOT_K3S),
    at(WAY, &["TLS failed: "], NOT_K3S),
    // --- The pod network ----------------------------------------------------------------------
    at(
        OVERLAY,
        &["does not reach", "No route to host"],
        "VXLAN packets arrive, but the other node's firewall rejects their content. Allow the pod \
         and service networks there; with ufw: `ufw allow from 10.42.0.0/16` and `ufw allow from \
         10.43.0.0/16`.",
    ),
    at(
        OVERLAY,
        &["has no route to it"],
        "Flannel does not know that node, or cannot set its routes. `journalctl -u 'k3s*' | grep \
         -i flannel` says why; `systemctl restart k3s` (or k3s-agent) makes it retry.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    at(
        OVERLAY,
        &["does not reach", "through the pod network"],
        "Pods on these nodes cannot talk to each other. Open UDP port 8472 on both, and in any \
         firewall or security group between them; `tcpdump -ni any udp port 8472` on the other \
         node shows whether packets arrive.",
    ),
    at(
        MTLS,
        &["mutual TLS with Postgres failed: right certificate and password"],
        "Postgres refuses a client that it should accept. Its log on the Postgres host says why, \
         under /var/log/postgresql or in `journalctl -u 'postgresql*'`.",
    ),
    at(
        MTLS,
        &["mutual TLS with Postgres failed: "],
        "Postgres refuses the client, but not for the expected reason. Its log on the Postgres \
         host says why; run the wizard again if Postgres was just restarted.",
    ),
    at(
        BALANCER,
        &["not every server answers"],
        "Through the load balancer, a server does not answer as part of the cluster. There, `curl \
         -k https://SERVER:6443/ping` must print pong: if not, check that server's k3s and the \
         firewalls in between.",
    ),
    at(
        BALANCER,
        &["does not forward to the cluster"],
        "No healthy K3s answers there. `tail /var/log/k3s-lb/error.log` here, and `systemctl \
         status k3s` on the servers, say why.",
    ),
    at(
        WAY,
        &["does not answer as this cluster"],
        "No healthy K3s answers there. `tail /var/log/k3s-lb/error.log` on the load balancer, and \
         `systemctl status k3s` on the servers, say why.",
    ),
];
