//! K3s and its datastore. Texts: kine 0.16, pgx 5.9 (docs/facts.md, "Error texts"). What Postgres
//! says is in the server's language, so its own signs come with their SQLSTATE, and what has no other
//! words is told by that alone.

use crate::platform::hints::{Sign, sign};

pub(super) const CAUSES: &[Sign] = &[
    // --- Who may come in -----------------------------------------------------------------------
    sign(
        &["failed SASL auth", "28P01"],
        "Postgres does not take the password: the role has another one than postgres.password. \
         Start the wizard again: its step postgres/role sets it, and every server's config.yaml \
         says the same.",
    ),
    sign(
        &["server error", "28P01"],
        "The password is right, but the client certificate is not the role's: its CN must be \
         postgres.user. See `openssl x509 -noout -subject -in \
         /etc/rancher/k3s/datastore/client.crt`, and start the wizard again.",
    ),
    sign(
        &["SQLSTATE 28P01"],
        "Postgres refuses the role: its password, or the CN of the client certificate, is not the \
         one that it expects. Start the wizard again: it puts both right.",
    ),
    sign(
        &["requires a valid client certificate"],
        "K3s shows Postgres no client certificate, or one of a CA that Postgres does not trust. \
         Compare /etc/rancher/k3s/datastore/ca.crt with ssl_ca_file of Postgres; starting the \
         wizard again puts both right.",
    ),
    sign(
        &["certificate authentication failed", "28000"],
        "The CN of the client certificate is not the role. See `openssl x509 -noout -subject -in \
         /etc/rancher/k3s/datastore/client.crt`: it must be CN = postgres.user of the answers.",
    ),
    sign(
        &["no encryption", "28000"],
        "K3s speaks to Postgres without TLS, which its rules refuse. config.yaml lacks \
         datastore-cafile, or its endpoint says sslmode=disable: start the wizard again, it writes \
         the file anew.",
    ),
    sign(
        &["pg_hba.conf", "28000"],
        "No rule of Postgres lets this server in from the address that the line names. It must be \
         this host's node_ip in the answers; compare with `SELECT * FROM pg_hba_file_rules`.",
    ),
    sign(
        &["SQLSTATE 28000"],
        "Postgres refuses this server by its rules: the client certificate, its address or its TLS \
         is not what pg_hba.conf asks for. The log of Postgres says which.",
    ),
    // --- What it finds there -------------------------------------------------------------------
    sign(
        &["SQLSTATE 3D000"],
        "The database is not there. Start the wizard again: its step postgres/role makes the one \
         that postgres.database names.",
    ),
    sign(
        &["permission denied to create database"],
        "The database is not there, and K3s may not and need not make it. Start the wizard again: \
         its step postgres/role makes the one that postgres.database names.",
    ),
    sign(
        &["SQLSTATE 42501"],
        "The role does not own its database, and since Postgres 15 only the owner may make tables. \
         On the Postgres host: `sudo -u postgres psql -c 'ALTER DATABASE k3s OWNER TO k3s'`, with \
         your names.",
    ),
    sign(
        &["SQLSTATE 53300"],
        "Postgres has no connection left. See who has them with `SELECT usename, count(*) FROM \
         pg_stat_activity GROUP BY 1`, or raise max_connections.",
    ),
    sign(
        &["SQLSTATE 53100"],
        "The disk of the Postgres host is full. See there `df -h`, and make room.",
    ),
    sign(
        &["SQLSTATE 57P03"],
        "Postgres is starting, stopping or recovering. Wait until `pg_isready` on its host says \
         that it accepts connections, then start the wizard again.",
    ),
    sign(
        &["SQLSTATE 25006"],
        "This Postgres is a replica, or read-only: the datastore must be a primary.",
    ),
    // --- Certificates --------------------------------------------------------------------------
    sign(
        &[
            "x509: certificate has expired or is not yet valid",
            "is after",
        ],
        "The certificate of Postgres has expired, or this host's clock is ahead: compare `date -u` \
         with the Postgres host's. Starting the wizard again renews what ends within 60 days.",
    ),
    sign(
        &["x509: certificate has expired or is not yet valid"],
        "This host's clock is behind: for it the certificate is of the future. Compare `date -u` \
         with the other hosts', and let the clock be set: `timedatectl set-ntp true`.",
    ),
    sign(
        &["x509: certificate signed by unknown authority"],
        "Postgres shows a certificate of another CA than /etc/rancher/k3s/datastore/ca.crt. Either \
         this is another Postgres, or its ssl_cert_file was changed: start the wizard again to put \
         it back.",
    ),
    sign(
        &["x509: certificate is valid for"],
        "The certificate of Postgres does not have the name that K3s reaches it by. Say that name \
         as postgres.name in the answers, or leave it out: then the host's address is used.",
    ),
    sign(
        &["doesn't contain any IP SANs"],
        "The certificate of Postgres does not have the address that K3s reaches it by. Start the \
         wizard again: it makes one that does.",
    ),
    sign(
        &["certificate relies on legacy Common Name"],
        "The certificate of Postgres has no subject alternative name, and nothing else counts for \
         K3s. Start the wizard again: it makes one that does.",
    ),
    sign(
        &["x509: "],
        "K3s does not trust the certificate of Postgres, for the reason in the line. See `openssl \
         x509 -noout -text -in FILE` for the file that ssl_cert_file of Postgres names.",
    ),
    sign(
        &["remote error: tls: expired certificate"],
        "The client certificate has expired, or the clock of the Postgres host is ahead. Start the \
         wizard again: it renews what ends within 60 days; and compare `date -u` on both hosts.",
    ),
    sign(
        &["remote error: tls: unsupported certificate"],
        "Postgres does not take the certificate for a client's: it lacks the usage clientAuth. \
         Start the wizard again: it puts its own back under /etc/rancher/k3s/datastore.",
    ),
    sign(
        &["remote error: tls: unknown certificate authority"],
        "Postgres does not trust the CA of the client certificate: ssl_ca_file must have \
         /etc/rancher/k3s/datastore/ca.crt in it. Start the wizard again to put it there.",
    ),
    sign(
        &["remote error: tls: protocol version not supported"],
        "Postgres and K3s have no version of TLS in common: K3s wants 1.2 at least. See `SHOW \
         ssl_min_protocol_version` and `SHOW ssl_max_protocol_version`.",
    ),
    sign(
        &["remote error: tls:"],
        "Postgres ends the TLS handshake, mostly because of the client certificate. Its own log on \
         the Postgres host says why; starting the wizard again puts its certificates back.",
    ),
    sign(
        &["server refused TLS"],
        "TLS is off in Postgres. Start the wizard again: its step postgres/tls switches \
         it on. If it stays off, the log of Postgres says what is wrong with the certificate or \
         its key.",
    ),
    // --- The way there -------------------------------------------------------------------------
    sign(
        &["hostname resolving error"],
        "The name of Postgres is not known here: try `getent hosts NAME`. If the line shows a \
         piece of the password instead, datastore-endpoint was written by hand: write @ as %40, / \
         as %2F.",
    ),
    sign(
        &["dial error", "connection refused"],
        "Nobody listens there: Postgres is not running, or listens on another address or port. On \
         its host: `systemctl status 'postgresql*'` and `ss -ltn`.",
    ),
    sign(
        &["dial error", "no route to host"],
        "There is no way to Postgres, or a firewall on its host refuses. With firewalld there: \
         `firewall-cmd --add-port=5432/tcp --permanent && firewall-cmd --reload`.",
    ),
    sign(
        &["dial error"],
        "Postgres does not answer at that address. Is its host up, is the address the right one, \
         and does a firewall let this server through to its port (5432)?",
    ),
    // --- Files of this host --------------------------------------------------------------------
    sign(
        &["private key does not match public key"],
        "client.key and client.crt under /etc/rancher/k3s/datastore do not belong together. Start \
         the wizard again: it puts its own back.",
    ),
    sign(
        &["failed to configure TLS", "no such file"],
        "A certificate or key that config.yaml names is not there. Start the wizard again: it puts \
         its files back under /etc/rancher/k3s/datastore.",
    ),
    sign(
        &["failed to configure TLS"],
        "K3s cannot use a certificate or key under /etc/rancher/k3s/datastore, for the reason in \
         the line. Start the wizard again: it puts its own back.",
    ),
    sign(
        &["cannot parse `postgres"],
        "datastore-endpoint is not an address of Postgres. In a password written there by hand, @ \
         is %40, / is %2F, : is %3A. Start the wizard again: it writes config.yaml anew.",
    ),
];
