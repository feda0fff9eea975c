//! An external Postgres and an external load balancer. In a cluster that has one, these signs come first:
//! what is wrong there is fixed in the answers or by its operator, and running the wizard again does not.

use super::k3s::JOIN_NAMES;
use super::proofs::{CLOCK, K3S_EXPIRED, WAY};
use crate::events::external::{BALANCER_PROOF, POSTGRES_PROOF};
use crate::platform::hints::{Sign, at, sign};

const START: &str = "k3s/start";

const LOGIN: &str = "The external Postgres refuses the role: its password, or the CN of the client certificate, \
                     is not the expected one. Correct postgres.password or postgres.cert_file, or ask its DBA \
                     to set that password.";
const NO_DATABASE: &str = "The database does not exist. Set postgres.admin and run the wizard again, or ask the DBA \
                           of the external Postgres to create the one that postgres.database names.";
const CERTIFICATE: &str = "The certificate of the external Postgres is not of a CA in postgres.ca_file, or lacks the \
                           name of the endpoint. Ask its operator for both; only without a usable name, set \
                           postgres.sslmode = \"verify-ca\".";
const CERTIFICATE_EXPIRED: &str = "The certificate of the external Postgres has expired, or a clock is ahead. Compare \
                                   `date -u` on this machine and on the hosts; if the clocks are right, its \
                                   operator must renew the certificate.";
const NO_WAY: &str = "This server does not reach the external Postgres. Check postgres.endpoints, and ask its operator \
                      whether it is up and its firewall lets the servers in.";
const CLIENT: &str = "The external Postgres does not accept the client certificate. Ask its operator for a valid one: \
                      set it as postgres.cert_file and key_file, and run the wizard again.";

const UNREACHED: &str = "This host does not reach the external load balancer. `k3s-ha-wizard load-balancer recipe` prints \
                         where it must listen; check the firewalls in between.";
const NOT_PASSED: &str = "What answers there is not the cluster: the load balancer terminates TLS itself, or forwards \
                          to other servers. It must pass TCP through: `k3s-ha-wizard load-balancer recipe` \
                          prints how.";
const NO_SERVER: &str = "The load balancer has no server that it finds healthy. It must reach port 6443 of every \
                         server, and check GET /ping over HTTPS without verifying the certificate.";

pub(super) const POSTGRES: &[Sign] = &[
    // --- The proof -----------------------------------------------------------------------------
    at(POSTGRES_PROOF, &["Postgres cannot be reached"], NO_WAY),
    at(
        POSTGRES_PROOF,
        &["is not valid for it", "not yet valid"],
        CLOCK,
    ),
    at(
        POSTGRES_PROOF,
        &["is not valid for it", "expired"],
        CERTIFICATE_EXPIRED,
    ),
    at(POSTGRES_PROOF, &["is not valid for it"], CERTIFICATE),
    at(
        POSTGRES_PROOF,
        &["right certificate and password is refused"],
        LOGIN,
    ),
    at(
        POSTGRES_PROOF,
        &["wrong password passes"],
        "The external Postgres lets the role in without checking its password. Its operator must set a rule \
         with scram-sha-256 for the role in pg_hba.conf.",
    ),
    at(
        POSTGRES_PROOF,
        &["no endpoint can be written to"],
        "Every endpoint is a standby or read-only. Add the primary to postgres.endpoints, or retry after \
         the failover.",
    ),
    // --- What K3s prints -----------------------------------------------------------------------
    sign(&["SQLSTATE 28P01"], LOGIN),
    sign(&["requires a valid client certificate"], CLIENT),
    sign(
        &["SQLSTATE 28000"],
        "The external Postgres refuses this server by its rules: the client certificate, the address or TLS \
         does not match pg_hba.conf. Its operator finds the reason in its log.",
    ),
    sign(
        &["encrypted with different token"],
        "Postgres holds a cluster that was created with another token. Set k3s.token to that one; to discard \
         that cluster instead, ask the DBA to drop its database, or set another postgres.database.",
    ),
    sign(&["SQLSTATE 3D000"], NO_DATABASE),
    sign(&["permission denied to create database"], NO_DATABASE),
    sign(
        &["SQLSTATE 42501"],
        "The role does not own its database, and since Postgres 15 only the owner may create tables. Its DBA \
         must run `ALTER DATABASE k3s OWNER TO k3s`, with your names.",
    ),
    sign(
        &["SQLSTATE 53100"],
        "The disk of the external Postgres is full: its operator must free some space.",
    ),
    sign(
        &["SQLSTATE 57P03"],
        "The external Postgres is starting, stopping or recovering. Retry in a minute; if it stays so, ask \
         its operator.",
    ),
    at(
        START,
        &[
            "x509: certificate has expired or is not yet valid",
            "is after",
        ],
        CERTIFICATE_EXPIRED,
    ),
    at(
        START,
        &["x509: certificate signed by unknown authority"],
        CERTIFICATE,
    ),
    at(START, &["x509: certificate is valid for"], CERTIFICATE),
    at(START, &["doesn't contain any IP SANs"], CERTIFICATE),
    at(
        START,
        &["certificate relies on legacy Common Name"],
        CERTIFICATE,
    ),
    sign(
        &["remote error: tls: protocol version"],
        "The external Postgres and K3s share no version of TLS: K3s needs at least 1.2. Its operator must allow it.",
    ),
    sign(&["remote error: tls:"], CLIENT),
    sign(
        &["server refused TLS"],
        "TLS is off in the external Postgres: its operator must turn it on.",
    ),
    sign(&["dial error"], NO_WAY),
];

pub(super) const LOAD_BALANCER: &[Sign] = &[
    at(
        BALANCER_PROOF,
        &["the load balancer cannot be reached"],
        UNREACHED,
    ),
    at(WAY, &["the load balancer cannot be reached"], UNREACHED),
    at(
        BALANCER_PROOF,
        &["is not valid for it", "not yet valid"],
        CLOCK,
    ),
    at(WAY, &["is not valid for it", "not yet valid"], CLOCK),
    at(
        BALANCER_PROOF,
        &["is not valid for it", "expired"],
        K3S_EXPIRED,
    ),
    at(WAY, &["is not valid for it", "expired"], K3S_EXPIRED),
    at(BALANCER_PROOF, &["is not valid for it"], NOT_PASSED),
    at(WAY, &["is not valid for it"], NOT_PASSED),
    at(
        BALANCER_PROOF,
        &["the connection ended without an answer"],
        NO_SERVER,
    ),
    at(WAY, &["the connection ended without an answer"], NO_SERVER),
    at(
        BALANCER_PROOF,
        &["which is no server of the answers"],
        "The load balancer also forwards to a server that is not in the answers. Take it out of its pool, or \
         add it to the answers.",
    ),
    at(
        BALANCER_PROOF,
        &["not seen in", "directly"],
        "The load balancer sends no connection to this server. Add it to its pool, see whether its health \
         check reaches port 6443 there, and turn off persistence by client address.",
    ),
    at(BALANCER_PROOF, &["the server there is not K3s"], NOT_PASSED),
    at(WAY, &["the server there is not K3s"], NOT_PASSED),
    at(BALANCER_PROOF, &["TLS failed: "], NOT_PASSED),
    at(WAY, &["TLS failed: "], NOT_PASSED),
    at(WAY, &["does not answer as this cluster"], NO_SERVER),
    sign(
        &["failed to get CA certs", "x509: certificate is valid for"],
        JOIN_NAMES,
    ),
    sign(&["failed to get CA certs"], NO_SERVER),
];
