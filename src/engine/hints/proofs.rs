//! The wizard's own proofs that do not hold. Texts: `proof::datastore`, `proof::balancer`
//! and `proof::overlay`.

use crate::platform::hints::{Sign, at};

const MTLS: &str = "certificates/proof";
const BALANCER: &str = "load-balancer/proof";
const WAY: &str = "agent/endpoint";
const OVERLAY: &str = "cluster/overlay";

const RULES: &str = "A rule of pg_hba.conf in front of the wizard's lets this in. On the Postgres \
    host: `sudo -u postgres psql -c 'SELECT * FROM pg_hba_file_rules'`; start the wizard again, it \
    puts its rules on top.";
const NOT_ITSELF: &str = "Postgres shows a certificate that is not the wizard's. Either another \
    server answers at that address, or Postgres has not read its certificate: `systemctl restart \
    postgresql` on its host, and start the wizard again.";
const CLOCK: &str = "The clocks differ: here the certificate is not yet valid. Compare `date -u` \
    on this machine and on the hosts; `timedatectl set-ntp true` sets a clock by the network.";
const EXPIRED: &str = "The certificate has expired, or a clock is ahead. Compare `date -u` on all \
    hosts; starting the wizard again renews its own certificates before they end.";
const OTHER_CLUSTER: &str = "What answers there is not this cluster, or lacks this address in its \
    certificate. `openssl s_client -connect ADDRESS:6443 </dev/null` shows whose it is; further \
    names go into load_balancer.names.";
const NO_SERVER: &str = "nginx answers, but no server behind it. On the load balancer, `curl -k \
    https://SERVER:6443/ping` must print pong for every server: if not, look at its k3s and the \
    firewalls between.";
const NOT_K3S: &str = "Another program answers on the load balancer's port. `ss -ltnp` there shows \
    which: end it, or say another load_balancer.port.";

pub(super) const CAUSES: &[Sign] = &[
    // --- Mutual TLS with Postgres --------------------------------------------------------------
    at(
        MTLS,
        &["Postgres cannot be reached", "connection refused"],
        "Postgres does not listen there, or a firewall refuses. On its host, `ss -ltnp` must show \
         its port on that address; start the wizard again if listen_addresses was changed.",
    ),
    at(
        MTLS,
        &["Postgres cannot be reached"],
        "This server does not get through to Postgres. Let it through the firewalls between them; \
         on the Postgres host with ufw: `ufw allow proto tcp from SERVER to any port 5432`.",
    ),
    at(MTLS, &["does not prove that it is", "not yet valid"], CLOCK),
    at(MTLS, &["does not prove that it is", "expired"], EXPIRED),
    at(MTLS, &["does not prove that it is"], NOT_ITSELF),
    at(
        MTLS,
        &["right certificate and password", "it is the certificate"],
        "Postgres takes the password, but not the certificate: its CN must be the role. Start the \
         wizard again: it makes certificates for postgres.user of the answers.",
    ),
    at(
        MTLS,
        &["right certificate and password", "client certificate"],
        "Postgres does not trust the CA of the client certificates: ssl_ca_file must have the \
         wizard's in it. Start the wizard again: postgres/tls puts it there.",
    ),
    at(
        MTLS,
        &["right certificate and password", "certificate expired"],
        "For Postgres the client certificate has expired. Compare `date -u` on its host with this \
         machine's; starting the wizard again renews what ends within 60 days.",
    ),
    at(
        MTLS,
        &["right certificate and password", "pg_hba.conf"],
        "No rule lets this server in from the address that Postgres sees, which the line names. \
         Say it as node_ip of this host in the answers; something between them may change it \
         (NAT).",
    ),
    at(
        MTLS,
        &["right certificate and password is refused", "password"],
        "Postgres does not take the role's password. Start the wizard again: its step \
         postgres/role sets it. If it stays, something sits between them, a PgBouncer perhaps.",
    ),
    at(MTLS, &["no certificate passes"], RULES),
    at(MTLS, &["certificate of a foreign authority passes"], RULES),
    at(MTLS, &["certificate for another role passes"], RULES),
    at(MTLS, &["expired certificate passes"], RULES),
    at(MTLS, &["wrong password passes"], RULES),
    at(MTLS, &["no TLS passes"], RULES),
    at(MTLS, &["let the role in without a look at"], RULES),
    // --- The load balancer ---------------------------------------------------------------------
    at(
        BALANCER,
        &["the load balancer cannot be reached"],
        "nginx does not listen there. `systemctl status k3s-lb` and `journalctl -u k3s-lb -n 20` \
         say why; `ss -ltnp` shows who has its port.",
    ),
    at(
        WAY,
        &["the load balancer cannot be reached", "connection refused"],
        "Nobody listens at the load balancer's address in the cluster. On its host `systemctl \
         status k3s-lb` must say active; its node_ip in the answers must be an address of it.",
    ),
    at(
        WAY,
        &["the load balancer cannot be reached"],
        "This agent does not get through to the load balancer. Let it through the firewalls \
         between them; there, with ufw: `ufw allow proto tcp from AGENT to any port 6443`.",
    ),
    at(
        BALANCER,
        &["does not prove that it is", "not yet valid"],
        CLOCK,
    ),
    at(WAY, &["does not prove that it is", "not yet valid"], CLOCK),
    at(BALANCER, &["does not prove that it is", "expired"], EXPIRED),
    at(WAY, &["does not prove that it is", "expired"], EXPIRED),
    at(BALANCER, &["does not prove that it is"], OTHER_CLUSTER),
    at(WAY, &["does not prove that it is"], OTHER_CLUSTER),
    at(
        BALANCER,
        &["the connection ended without an answer"],
        NO_SERVER,
    ),
    at(WAY, &["the connection ended without an answer"], NO_SERVER),
    at(BALANCER, &["what answers there is not K3s"], NOT_K3S),
    at(WAY, &["what answers there is not K3s"], NOT_K3S),
    at(BALANCER, &["TLS failed: "], NOT_K3S),
    at(WAY, &["TLS failed: "], NOT_K3S),
    // --- The pods' network ---------------------------------------------------------------------
    at(
        OVERLAY,
        &["does not reach", "No route to host"],
        "VXLAN arrives, but the other node's firewall turns away what comes out of it. Let the \
         networks of pods and services in there; with ufw: `ufw allow from 10.42.0.0/16` and \
         `ufw allow from 10.43.0.0/16`.",
    ),
    at(
        OVERLAY,
        &["has no way to it"],
        "Flannel has not heard of that node, or cannot set its routes. `journalctl -u 'k3s*' | \
         grep -i flannel` says why; `systemctl restart k3s` (or k3s-agent) makes it try again.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    at(
        OVERLAY,
        &["does not reach", "through the pods' network"],
        "Pods on these nodes cannot talk to each other. Open UDP port 8472 on both, and in what is \
         between them, a security group perhaps; `tcpdump -ni any udp port 8472` on the other node \
         shows whether packets arrive.",
    ),
    at(
        MTLS,
        &["does not hold: right certificate and password"],
        "Postgres does not let in who should be. Its log on the Postgres host says why, under \
         /var/log/postgresql or in `journalctl -u 'postgresql*'`.",
    ),
    at(
        MTLS,
        &["does not hold: "],
        "Postgres refuses, but not for the reason that it should have. Its log on the Postgres \
         host says why; start the wizard again if Postgres was just restarted.",
    ),
    at(
        BALANCER,
        &["not every server answers"],
        "From the load balancer, a server does not answer as the cluster. There, `curl -k \
         https://SERVER:6443/ping` must print pong: if not, look at that server's k3s and at the \
         firewalls between.",
    ),
    at(
        BALANCER,
        &["does not lead to the cluster"],
        "What answers is no healthy K3s. `tail /var/log/k3s-lb/error.log` here, and `systemctl \
         status k3s` on the servers, say why.",
    ),
    at(
        WAY,
        &["does not answer here as the cluster"],
        "What answers is no healthy K3s. `tail /var/log/k3s-lb/error.log` on the load balancer, \
         and `systemctl status k3s` on the servers, say why.",
    ),
];
