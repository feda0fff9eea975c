//! Why each part of the options exists, and what its phase does.

use crate::address::Endpoint;
use crate::events::external::ExternalParts;
use crate::interview::section::Section;

pub fn title(section: Section) -> &'static str {
    match section {
        Section::Cluster => "Cluster",
        Section::Postgres => "Postgres",
        Section::Certificates => "Certificates",
        Section::Servers => "Servers",
        Section::LoadBalancer => "Load balancer",
        Section::Agents => "Agents",
    }
}

/// Two lines of a narrow screen.
pub fn why(section: Section, external: ExternalParts) -> &'static str {
    match section {
        Section::Cluster => {
            "The cluster's name, the default SSH login for hosts without their own, firewalls, and where hosts \
             install from: the internet, a proxy or a bundle."
        }
        Section::Postgres if external.postgres => {
            "The cluster keeps all its state in this external Postgres. The run installs nothing \
             there; it uses one role, which owns one database."
        }
        Section::Postgres => {
            "The cluster keeps all its state in this Postgres. The run installs it, with a role \
             that owns one database; everything else in it stays."
        }
        Section::Certificates if external.postgres => {
            "The servers verify the external Postgres with its CA. They log in with a password and, \
             if it asks for one, a client certificate."
        }
        Section::Certificates => {
            "Postgres and the servers authenticate each other: no other client reaches the \
             cluster's data, and servers trust no other Postgres."
        }
        Section::Servers => {
            "Servers are the control plane. The first one creates the cluster; then the others \
             join, all with the same settings."
        }
        Section::LoadBalancer if external.load_balancer => {
            "One address for all servers, at an external load balancer. The run changes nothing on \
             it, and tests that it forwards to every server."
        }
        Section::LoadBalancer => {
            "One address for all servers: nginx forwards connections, in a separate instance. Or an \
             external load balancer: see the last field."
        }
        Section::Agents => {
            "Agents run what you deploy. They join through the load balancer, with a token that \
             only allows joining."
        }
    }
}

pub const HOSTS: &str = "Hosts: ";
pub const NO_HOSTS: &str = "none yet; add them on the Hosts page";
pub const DOES: &str = "What will be done";

pub fn connections(most: usize) -> String {
    format!("It accepts at least {most} connections: 100, plus 50 for each server.")
}

pub const EXTERNAL_ADMIN: &str = "The run creates the role and the database once, through a server, with the administrator's \
     login. That login is never stored.";
pub const EXTERNAL_SQL: &str = "The role and the database must exist. If they do not, the wizard writes the SQL for the DBA into a file \
     and stops before it changes anything.";
pub fn external_checks(connections: usize) -> String {
    format!(
        "Before anything is changed, every server checks this Postgres: version, encoding, collation, whether \
         it can be written to, whether a pooler answers in its place, room for the connections (up to {connections} \
         under load), and how long a round trip and a commit take."
    )
}
pub const EXTERNAL_RETRIES: &str = "The servers get net.ipv4.tcp_retries2 = 3: a connection to a lost Postgres ends after \
     about 3 s, instead of 15 min. It applies to all connections of these hosts.";
pub const EXTERNAL_OPERATOR: &str =
    "Its availability, failover and backups are up to its operator.";
pub const EXTERNAL_CA: &str = "Every server gets the CA of Postgres, and verifies its certificate. It logs in with the password.";
pub const EXTERNAL_CLIENT: &str = "Every server gets the CA of Postgres and your client certificate with its key. It logs in with them \
     and the password.";
pub const EXTERNAL_CA_PROOF: &str = "The run tests that a wrong password is refused. It warns if this Postgres accepts connections without TLS.";
pub const EXTERNAL_CLIENT_PROOF: &str = "The run tests that a wrong password is refused. It warns if this Postgres accepts connections without TLS, \
     without a client certificate, or with one of another CA.";

pub const POSTGRES_VERSION: &str =
    "A Postgres older than 12 is refused: it would accept clients without a certificate.";
pub fn pair_commits(members: &str) -> String {
    format!(
        "{members} form a pg_auto_failover pair: one is the primary. While both are up, every commit is on both \
         before it is acknowledged."
    )
}

pub fn pair_monitor(monitor: &str) -> String {
    format!(
        "{monitor} is the monitor: it makes the standby the primary when the primary is lost. While the \
         monitor is down, everything keeps running, but the standby does not take over."
    )
}

pub fn pair_name(name: &str, addresses: &str) -> String {
    format!(
        "{name} resolves to {addresses} on every server; K3s finds out which one is the primary."
    )
}

pub const FAILOVER_STEADY: &str = "steady: writes stop for 10.7 s when the primary loses its power, for 14.4 s when it is cut \
     off (measured). A primary that stalls for 5 s stays.";
pub const FAILOVER_FAST: &str = "fast: writes stop for 9.3 s when the primary loses its power, for 8.9 s when it is cut off \
     (measured). A primary that stalls for 5 s is replaced.";
pub const PAIR_TRUST: &str = "One access rule is trust (no certificate, no password), because the monitor's \
                              health check has neither. It applies only to the monitor's address and to a role \
                              without privileges.";
pub const PAIR_RETRIES: &str = "The servers get net.ipv4.tcp_retries2 = 3: a connection to a lost Postgres \
                                ends after about 3 s, not after 15 min. It applies to all connections of these \
                                hosts.";

pub fn pair_certificates(monitor: &str) -> String {
    format!(
        "{monitor}: a certificate for the monitor. The Postgres hosts also get client certificates, for each \
         other and for the monitor."
    )
}

pub const AUTHORITY: &str = "A certificate authority is created and kept on this machine, valid \
                             for 10 years.";

pub fn server_certificate(host: &str, names: &str) -> String {
    format!("{host}: a certificate for {names}.")
}

pub fn client_certificates(hosts: &str, role: &str) -> String {
    format!("{hosts}: a client certificate each, for the role {role}.")
}

pub const RENEWED: &str = "The certificates of hosts are valid for 825 days. A run renews any \
                           that expire within 60 days.";

pub fn access(role: &str, database: &str, from: &str) -> String {
    format!(
        "The role {role} can reach the database {database} only from {from}, with certificate and \
         password. Other roles keep their access."
    )
}

pub fn name_leads(name: &str, address: &str) -> String {
    format!(
        "{name} resolves to {address} on every server, with a line in /etc/hosts if DNS differs."
    )
}

pub const DATASTORE_PROOF: &str = "Proof, from every server: the right certificate and password are accepted; \
                                   Postgres refuses a missing certificate, one of another CA, one for another \
                                   name, a wrong password, and a connection without TLS.";

pub fn first_server(first: &str) -> String {
    format!("{first} is server 1, because it is the first server in the list of hosts.")
}

pub const SERVER_FILES: &str = "The install script is downloaded once, and every host runs the \
                                same one. Settings and secrets go into /etc/rancher/k3s, readable \
                                only by root.";

pub fn balances(port: u16, servers: &str) -> String {
    format!("It listens on port {port} and forwards to {servers}.")
}

pub const BALANCER_NAMES: &str = "All its names and addresses go into the servers' certificates.";
pub const BALANCER_PROOF: &str =
    "Proof: every server answers through it, with the cluster's certificate.";

pub fn balancers_share(ip: &str, names: &str) -> String {
    format!(
        "{names} share {ip}: keepalived gives it to one of them, and either may fail. The run moves \
         it once to test that it can."
    )
}

pub const ONE_BALANCER: &str = "It is the only one: while it is down, kubectl does not work and no agent can \
                                join; running workloads keep running.";

pub fn external(at: &Endpoint) -> String {
    format!("{at} (external)")
}

pub fn external_leads(servers: &str) -> String {
    format!(
        "It is external: the wizard changes nothing on it. It must forward to {servers}, port 6443."
    )
}

pub const EXTERNAL_RECIPE: &str = "`k3s-ha-wizard load-balancer recipe` prints how it is configured; so does the end of the Review page.";
pub const EXTERNAL_BALANCER_PROOF: &str = "Proof, from an agent and from this machine: it answers as the cluster by every name, \
                                  every server answers through it, and nothing else does.";
pub const EXTERNAL_UNSEEN: &str = "Its availability is up to its operator: the wizard does not see its configuration, \
                                   its health checks, or whether it is more than one machine.";

pub fn agents_join(at: &str) -> String {
    format!("They join at https://{at}.")
}

pub const AGENTS_NEED: &str =
    "Later they connect to every server directly, on port 6443: firewalls must allow it.";
pub const NO_AGENTS: &str = "There are no agents: what you deploy runs on the servers.";
