//! Labels of fields, what they are for, and what is wrong with them.

/// A label, and what the field is for.
pub type Words = (&'static str, &'static str);

pub const NOT_AN_ADDRESS: &str = "must be an IP address, as in 10.0.0.11";
pub const NOT_A_PORT: &str = "must be a port, a number between 1 and 65535";
pub const OF_SSH: &str = "SSH, where a host does not say it itself";
pub const OF_PREFLIGHT: &str = "Before anything is changed";
pub const OF_DOWNLOADS: &str = "Where K3s comes from";
pub const HOST_NAME: Words = (
    "Name",
    "Names the host everywhere, and the node in the cluster: a-z, 0-9 and -.",
);
pub const ROLE: Words = ("Role", "What it becomes. Left and right choose.");
pub const ADDRESS: Words = ("Address", "What SSH uses: an IP address or a DNS name.");
pub const NODE_IP: Words = (
    "Node IP",
    "Its address in the cluster's network, where that is another one.",
);
pub const USER: Words = (
    "SSH user",
    "Root, or a user with sudo. Empty: as ~/.ssh/config says, or your own name.",
);
pub const SSH_PORT: Words = ("SSH port", "Empty: as ~/.ssh/config says, or 22.");
pub const KEY: Words = (
    "SSH key file",
    "A private key. Empty: those of ~/.ssh/config, the agent and the usual ones.",
);
pub const HOST_KEY: Words = (
    "Host key",
    "SHA256:…, as ssh-keygen -l prints it. Empty: known_hosts vouches, or you are asked.",
);
pub const HOST_KEYS: Words = (
    "Unknown host keys",
    "strict: you are asked. accept-new: the first contact is believed.",
);
pub const CLUSTER: Words = (
    "Cluster",
    "Names the cluster, its folder here and its kubeconfig: a-z, 0-9 and -.",
);
pub const DATABASE: Words = (
    "Database",
    "Made if it is not there; other databases stay as they are.",
);
pub const DB_USER: Words = (
    "Database role",
    "Owns the database; also the name in every client certificate.",
);
pub const DB_PASSWORD: Words = (
    "Database password",
    "Empty: generated, or kept from before. env:NAME or file:PATH read it from there.",
);
pub const DB_PORT: Words = ("Postgres port", "Where Postgres listens, usually 5432.");
pub const DB_NAME: Words = (
    "Postgres name",
    "A DNS name for the datastore's address. Empty: the host's address.",
);
pub const VERSION: Words = (
    "K3s version",
    "A release, vX.Y.Z+k3sN; every node gets exactly this one.",
);
pub const INSTALL_URL: Words = (
    "Install script",
    "The official one, or that of your mirror.",
);
pub const ARTIFACT_URL: Words = (
    "Releases",
    "A mirror of the releases. Empty: the official ones.",
);
pub const TOKEN: Words = (
    "Servers' token",
    "Guards the cluster. Empty: generated, or kept from before. env:NAME or file:PATH read it from there.",
);
pub const AGENT_TOKEN: Words = (
    "Agents' token",
    "What agents join with. Empty: generated, or kept from before. env:NAME or file:PATH read it from there.",
);
pub const TLS_SAN: Words = (
    "Further names",
    "More names and addresses for the servers' certificates, with spaces between.",
);
pub const LB_PORT: Words = (
    "Load balancer port",
    "Where the load balancer listens, usually 6443.",
);
pub const LB_NAMES: Words = (
    "Load balancer names",
    "Further DNS names and addresses of the load balancer, with spaces between.",
);
pub const HOST_USER: Words = (
    "SSH user",
    "Root, or a user with sudo. Empty: as for all hosts (page Cluster).",
);
pub const HOST_PORT: Words = ("SSH port", "Empty: as for all hosts (page Cluster), or 22.");
pub const HOST_SSH_KEY: Words = (
    "SSH key file",
    "A private key. Empty: as for all hosts (page Cluster).",
);
pub const PASSPHRASE: Words = (
    "Key passphrase",
    "Of private keys. In memory only, never in a file; env:NAME or file:PATH are kept.",
);
pub const PASSWORD: Words = (
    "SSH password",
    "In memory only, never in a file; env:NAME or file:PATH are kept.",
);
pub const SUDO_PASSWORD: Words = (
    "sudo password",
    "What sudo asks for: your own, on SUSE root's. In memory only, never in a file; env:NAME or file:PATH are kept.",
);
pub const SSH_CONFIG: Words = (
    "SSH configuration",
    "Read in place of ~/.ssh/config. none: no file at all.",
);
pub const KNOWN_HOSTS: Words = (
    "Known hosts files",
    "Read besides ~/.ssh/known_hosts, never written: one path a line.",
);
pub const OVERRULE: Words = (
    "Overruled checks",
    "Checks that may fail on any host, with spaces between: arch, address, names, clock, cpu, memory, disk, kernel, ports, packages, download, network, firewall, sudo.",
);
pub const HOST_OVERRULE: Words = (
    "Overruled checks",
    "Checks that may fail on this host, with spaces between: arch, address, names, clock, cpu, memory, disk, kernel, ports, packages, download, network, firewall, sudo.",
);
pub const EXISTING: Words = (
    "If others use it",
    "refuse: the run does not begin. share: used beside them, and restarted where needed.",
);
pub const INSTALL_SHA256: Words = (
    "Its SHA-256",
    "What the script must hash to, 64 hexadecimal digits. Empty: it is believed.",
);
pub const CHANNEL_URL: Words = (
    "Release channels",
    "A mirror of them. Empty: the official ones.",
);
pub const SERVER_CONFIG: Words = (
    "Settings of servers",
    "As in k3s server --help, without the dashes: one key = value a line, texts in quotes.",
);
pub const AGENT_CONFIG: Words = (
    "Settings of agents",
    "As in k3s agent --help, without the dashes: one key = value a line, texts in quotes.",
);
pub const PATH: Words = ("File", "The path of a TOML file with answers.");

pub const KEPT_TOKEN: &str = "Empty: the one this cluster was begun with, which is kept. Another one is refused: its data \
     is encrypted with it.";

pub fn not_a_check(word: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("{word} is no check: did you mean {meant}?"),
        None => format!("{word} is no check: the help of this field names them (clear it to see)"),
    }
}

pub fn not_a_setting(line: usize, why: &str) -> String {
    format!(
        "line {line}: {why}. Write it as in node-label = [\"disk=ssd\"], or secrets-encryption = true"
    )
}

pub fn twice(line: usize, key: &str) -> String {
    format!("line {line}: {key} stands above already: take one of the two away")
}

/// A problem of a part of what stands in a field.
pub fn of_part(part: &str, problem: &str) -> String {
    format!("{part}: {problem}")
}
