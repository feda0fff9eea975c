//! Why each screen of options exists, and what its phase will do.

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
pub fn why(section: Section) -> &'static str {
    match section {
        Section::Cluster => {
            "Names what is built, and says how SSH gets into every host that says nothing else \
             itself. Nothing here changes a host."
        }
        Section::Postgres => {
            "The cluster keeps all its state in this Postgres. It is installed, with a role that \
             owns one database; what else is in it stays."
        }
        Section::Certificates => {
            "Postgres and the servers prove to each other who they are: nobody else gets at the \
             cluster's data, and servers trust no other Postgres."
        }
        Section::Servers => {
            "Servers are the control plane. The first one makes the cluster; when it is ready, \
             the others join, all with the same settings."
        }
        Section::LoadBalancer => {
            "One address for all servers: nginx passes connections on, in an instance of its own. \
             Sites that this machine serves stay as they are."
        }
        Section::Agents => {
            "Agents run what you deploy. They join through the load balancer, with a token that \
             lets them join and no more."
        }
    }
}

pub const HOSTS: &str = "Hosts: ";
pub const NO_HOSTS: &str = "none yet; they are added on the page Hosts";
pub const DOES: &str = "What will be done";

pub fn connections(most: usize) -> String {
    format!("It takes at least {most} connections: 100, and 50 for each server.")
}

pub const POSTGRES_VERSION: &str =
    "A Postgres older than 12 is refused: it would let clients in without a certificate.";
pub const AUTHORITY: &str = "A certificate authority is made and kept here, for 10 years.";

pub fn server_certificate(host: &str, names: &str) -> String {
    format!("{host}: a certificate for {names}.")
}

pub fn client_certificates(hosts: &str, role: &str) -> String {
    format!("{hosts}: a client certificate each, made out to the role {role}.")
}

pub const RENEWED: &str = "They last 825 days. A run renews those that end within 60 days.";

pub fn access(role: &str, database: &str, from: &str) -> String {
    format!(
        "The role {role} gets into the database {database} from {from} alone, with certificate \
         and password. Other roles keep their ways in."
    )
}

pub fn name_leads(name: &str, address: &str) -> String {
    format!(
        "{name} leads to {address} on every server, by a line in /etc/hosts where DNS says \
         otherwise."
    )
}

pub const DATASTORE_PROOF: &str = "Proof, from every server: certificate and password get in; no certificate, a foreign one, \
     another name, a wrong password and no TLS do not.";

pub fn first_server(first: &str) -> String {
    format!("{first} is server 1, because it is the first in the list of hosts.")
}

pub const SERVER_FILES: &str = "The install script is fetched once, and every host runs the same bytes. Settings and secrets \
     go into /etc/rancher/k3s, for root alone.";

pub fn balances(port: u16, servers: &str) -> String {
    format!("It listens on port {port} and leads to {servers}.")
}

pub const BALANCER_NAMES: &str =
    "All its names and addresses go into the servers' certificates, so that kubectl trusts them.";
pub const BALANCER_PROOF: &str =
    "Proof: through it, every server answers, with a certificate of the cluster.";

pub fn agents_join(address: &str, port: u16) -> String {
    format!("They join at https://{address}:{port}.")
}

pub const AGENTS_NEED: &str =
    "Later they reach every server themselves, on port 6443: a firewall must let them.";
pub const NO_AGENTS: &str = "There are no agents: what you deploy runs on the servers.";
