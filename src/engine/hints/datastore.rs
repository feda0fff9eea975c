//! K3s and its datastore. Texts: kine 0.16, pgx 5.9 (docs/facts.md, "Error texts"). What Postgres
//! says is in the server's language, so its own signs come with their SQLSTATE, and what has no other
//! words is told by that alone.

use crate::platform::hints::{Sign, sign};

pub(super) const CAUSES: &[Sign] = &[
    // --- Who may come in -----------------------------------------------------------------------
    sign(
        &["failed SASL auth", "28P01"],
        "Postgres refuses the password: it differs from postgres.password. Run the wizard again: \
         its step postgres/role sets it, and every server's config.yaml gets the same one.",
    ),
    sign(
        &["server error", "28P01"],
        "The password is right, but the client certificate is not the role's: its CN must be \
         postgres.user. See `openssl x509 -noout -subject -in \
         /etc/rancher/k3s/datastore/client.crt`, then run the wizard again.",
    ),
    sign(
        &["SQLSTATE 28P01"],
        "Postgres refuses the role: its password, or the CN of the client certificate, is not the \
         expected one. Run the wizard again: it fixes both.",
    ),
    sign(
        &["requires a valid client certificate"],
        "K3s presents no client certificate, or one of a CA that Postgres does not trust. Compare \
         /etc/rancher/k3s/datastore/ca.crt with ssl_ca_file of Postgres; running the wizard again \
         fixes both.",
    ),
    sign(
        &["certificate authentication failed", "28000"],
        "The CN of the client certificate is not the role. See `openssl x509 -noout -subject -in \
         /etc/rancher/k3s/datastore/client.crt`: it must be CN = postgres.user of the answers.",
    ),
    sign(
        &["no encryption", "28000"],
        "K3s connects to Postgres without TLS, which pg_hba.conf refuses. config.yaml lacks \
         datastore-cafile, or its endpoint says sslmode=disable: run the wizard again, it rewrites \
         the file.",
    ),
    sign(
        &["pg_hba.conf", "28000"],
        "No rule of pg_hba.conf lets this server in from the address in the line. It must be this \
         host's node_ip in the answers; compare with `SELECT * FROM pg_hba_file_rules`.",
    ),
    sign(
        &["SQLSTATE 28000"],
        "Postgres refuses this server by its rules: the client certificate, its address or its TLS \
         does not match pg_hba.conf. The log of Postgres says which.",
    ),
    // --- What it finds there -------------------------------------------------------------------
    sign(
        &["SQLSTATE 3D000"],
        "The database does not exist. Run the wizard again: its step postgres/role creates the one \
         that postgres.database names.",
    ),
    sign(
        &["permission denied to create database"],
        "The database does not exist, and K3s has no right to create it. Run the wizard again: its \
         step postgres/role creates the one that postgres.database names.",
    ),
    sign(
        &["SQLSTATE 42501"],
        "The role does not own its database, and since Postgres 15 only the owner may create \
         tables. On the Postgres host: `sudo -u postgres psql -c 'ALTER DATABASE k3s OWNER TO \
         k3s'`, with your names.",
    ),
    sign(
        &["SQLSTATE 53300"],
        "Postgres has no connection left. Find who holds them with `SELECT usename, count(*) FROM \
         pg_stat_activity GROUP BY 1`, or raise max_connections.",
    ),
    sign(
        &["SQLSTATE 53100"],
        "The disk of the Postgres host is full. `df -h` there shows which; free some space.",
    ),
    sign(
        &["SQLSTATE 57P03"],
        "Postgres is starting, stopping or recovering. Wait until `pg_isready` on its host says \
         that it accepts connections, then retry.",
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
         with the Postgres host's. Running the wizard again renews certificates that expire within \
         60 days.",
    ),
    sign(
        &["x509: certificate has expired or is not yet valid"],
        "This host's clock is behind: the certificate is not valid yet for it. Compare `date -u` \
         with the other hosts', and turn on time synchronisation: `timedatectl set-ntp true`.",
    ),
    sign(
        &["x509: certificate signed by unknown authority"],
        "Postgres presents a certificate that /etc/rancher/k3s/datastore/ca.crt did not issue. Either this is \
         another Postgres, or its ssl_cert_file was changed: run the wizard again to restore it.",
    ),
    sign(
        &["x509: certificate is valid for"],
        "The certificate of Postgres lacks the name that K3s uses. Set that name as postgres.name \
         in the answers, or leave it out to use the host's address.",
    ),
    sign(
        &["doesn't contain any IP SANs"],
        "The certificate of Postgres lacks the address that K3s uses. Run the wizard again: it \
         creates one that has it.",
    ),
    sign(
        &["certificate relies on legacy Common Name"],
        "The certificate of Postgres has no subject alternative name, which K3s requires. Run the \
         wizard again: it creates one that has it.",
    ),
    sign(
        &["x509: "],
        "K3s does not trust the certificate of Postgres, for the reason in the line. Check \
         `openssl x509 -noout -text -in FILE` for the file that ssl_cert_file of Postgres names.",
    ),
    sign(
        &["remote error: tls: expired certificate"],
        "The client certificate has expired, or the clock of the Postgres host is ahead. Run the \
         wizard again: it renews certificates that expire within 60 days; and compare `date -u` on \
         both hosts.",
    ),
    sign(
        &["remote error: tls: unsupported certificate"],
        "Postgres refuses the certificate for a client: it lacks the usage clientAuth. Run the \
         wizard again: it restores its own under /etc/rancher/k3s/datastore.",
    ),
    sign(
        &["remote error: tls: unknown certificate authority"],
        "Postgres does not trust the CA of the client certificate: ssl_ca_file must contain \
         /etc/rancher/k3s/datastore/ca.crt. Run the wizard again to add it.",
    ),
    sign(
        &["remote error: tls: protocol version not supported"],
        "Postgres and K3s share no version of TLS: K3s needs at least 1.2. Check `SHOW \
         ssl_min_protocol_version` and `SHOW ssl_max_protocol_version`.",
    ),
    sign(
        &["remote error: tls:"],
        "Postgres ends the TLS handshake, usually because of the client certificate. Its own log \
         on the Postgres host says why; running the wizard again restores its certificates.",
    ),
    sign(
        &["server refused TLS"],
        "TLS is off in Postgres. Run the wizard again: its step postgres/tls turns it on. If it \
         stays off, the log of Postgres says what is wrong with the certificate or key.",
    ),
    // --- The network path ---------------------------------------------------------------------
    sign(
        &["hostname resolving error"],
        "This host cannot resolve the name of Postgres: try `getent hosts NAME`. If the line shows \
         a piece of the password instead, datastore-endpoint was written by hand: write @ as %40, \
         / as %2F.",
    ),
    sign(
        &["dial error", "connection refused"],
        "No process listens there: Postgres is not running, or listens on another address or port. \
         On its host: `systemctl status 'postgresql*'` and `ss -ltn`.",
    ),
    sign(
        &["dial error", "no route to host"],
        "There is no route to Postgres, or a firewall on its host rejects the connection. With \
         firewalld there: `firewall-cmd --add-port=5432/tcp && firewall-cmd --permanent --add-port=5432/tcp`.",
    ),
    sign(
        &["dial error"],
        "Postgres does not answer at that address. Is its host up, is the address the right one, \
         and does a firewall allow this server to its port (5432)?",
    ),
    // --- Files of this host --------------------------------------------------------------------
    sign(
        &["private key does not match public key"],
        "client.key and client.crt under /etc/rancher/k3s/datastore do not match. Run the wizard \
         again: it restores its own.",
    ),
    sign(
        &["failed to configure TLS", "no such file"],
        "A certificate or key that config.yaml names does not exist. Run the wizard again: it \
         restores its files under /etc/rancher/k3s/datastore.",
    ),
    sign(
        &["failed to configure TLS"],
        "K3s cannot use a certificate or key under /etc/rancher/k3s/datastore, for the reason in \
         the line. Run the wizard again: it restores its own.",
    ),
    sign(
        &["cannot parse `postgres"],
        "datastore-endpoint is not a valid Postgres URL. In a password written there by hand, @ is \
         %40, / is %2F, : is %3A. Run the wizard again: it rewrites config.yaml.",
    ),
];
