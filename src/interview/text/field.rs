//! Labels and help texts of fields, and their problems.

/// A label and its help text.
pub type Words = (&'static str, &'static str);

pub const NOT_AN_ADDRESS: &str = "must be an IP address, as in 10.0.0.11";
pub const NOT_A_PORT: &str = "must be a port, a number between 1 and 65535";
pub const OF_SSH: &str = "SSH defaults for all hosts";
pub const OF_PREFLIGHT: &str = "Preflight";
pub const OF_DOWNLOADS: &str = "Sources of K3s";
pub const HOST_NAME: Words = (
    "Name",
    "Names the host everywhere, and the node in the cluster: a-z, 0-9 and -.",
);
pub const ROLE: Words = (
    "Role",
    "What the host does in the cluster. Two postgres hosts need a monitor: a host of its own, or \
     load-balancer+monitor.",
);
pub const ADDRESS: Words = ("Address", "An IP address or a DNS name, for SSH.");
pub const NODE_IP: Words = (
    "Node IP",
    "Its address in the cluster's network, if different.",
);
pub const USER: Words = (
    "SSH user",
    "root, or a user with sudo. Empty: from ~/.ssh/config, or your own name.",
);
pub const SSH_PORT: Words = ("SSH port", "Empty: from ~/.ssh/config, or 22.");
pub const JUMP: Words = (
    "Bastions",
    "On the way to every host: [user@]name[:port], separated by commas; none: no bastion. Empty: from \
     ~/.ssh/config.",
);
pub const HOST_JUMP: Words = (
    "Bastions",
    "On the way to this host; none: no bastion. Empty: as for all hosts (Cluster page).",
);
pub const KEY: Words = (
    "SSH key file",
    "A private key. Empty: those of ~/.ssh/config, the agent and the usual ones.",
);
pub const HOST_KEY: Words = (
    "Host key",
    "SHA256:…, as ssh-keygen -l prints it. Empty: from known_hosts, or you are asked.",
);
pub const HOST_KEYS: Words = (
    "Unknown host keys",
    "strict: you are asked. accept-new: trust on first use.",
);
pub const CLUSTER: Words = (
    "Cluster",
    "Names the cluster, its folder here and its kubeconfig: a-z, 0-9 and -.",
);
pub const DATABASE: Words = (
    "Database",
    "Created if missing; other databases stay as they are.",
);
pub const DB_USER: Words = (
    "Database role",
    "Owns the database; also the CN of every client certificate.",
);
pub const DB_PASSWORD: Words = (
    "Database password",
    "Empty: generated, or the existing one. Also env:NAME or file:PATH.",
);
pub const DB_PORT: Words = ("Postgres port", "Where Postgres listens, usually 5432.");
pub const DB_NAME: Words = (
    "Postgres name",
    "A DNS name for the datastore's address. Empty: the host's address.",
);
pub const PAIR_NAME: &str =
    "The DNS name that the servers use for both hosts, in /etc/hosts with two addresses.";
pub const FAILOVER: Words = (
    "Failover",
    "How soon the standby takes over. Longest gap in writes, measured once (steady / fast): primary without \
     power 10.7 / 9.3 s; primary cut off 14.4 / 8.9 s; primary stalled for 5 s: 5.5 s (kept) / 7.3 s \
     (replaced). No acknowledged write was lost.",
);
pub const VERSION: Words = (
    "K3s version",
    "A release, vX.Y.Z+k3sN; every node gets exactly this one.",
);
pub const INSTALL_URL: Words = ("Install script", "The official one, or your mirror's.");
pub const ARTIFACT_URL: Words = (
    "Releases",
    "A mirror of the releases. Empty: the official ones.",
);
pub const TOKEN: Words = (
    "Server token",
    "Protects the cluster. Empty: generated, or the existing one. Also env:NAME or file:PATH.",
);
pub const AGENT_TOKEN: Words = (
    "Agent token",
    "The secret that agents join with. Empty: generated, or the existing one. Also env:NAME or file:PATH.",
);
pub const TLS_SAN: Words = (
    "Extra SANs",
    "More names and addresses for the servers' certificates, separated by spaces.",
);
pub const LB_PORT: Words = (
    "Load balancer port",
    "Where the load balancer listens, usually 6443.",
);
pub const LB_NAMES: Words = (
    "Load balancer names",
    "More DNS names and addresses of the load balancer, separated by spaces.",
);
pub const LB_ENDPOINT: Words = (
    "External balancer",
    "NAME or ADDRESS, with or without :PORT, of an external load balancer such as F5, HAProxy or a cloud's. Then no \
     host has the role load-balancer.",
);
pub const LB_VIRTUAL_IP: Words = (
    "Virtual address",
    "Two load balancers share it: a free address in their network. Leave it empty for one load balancer.",
);
pub const HOST_USER: Words = (
    "SSH user",
    "root, or a user with sudo. Empty: as for all hosts (Cluster page).",
);
pub const HOST_PORT: Words = ("SSH port", "Empty: as for all hosts (Cluster page), or 22.");
pub const HOST_SSH_KEY: Words = (
    "SSH key file",
    "A private key. Empty: as for all hosts (Cluster page).",
);
pub const PASSPHRASE: Words = (
    "Key passphrase",
    "Of your private keys. Only env:NAME or file:PATH is saved, never the secret itself.",
);
pub const PASSWORD: Words = (
    "SSH password",
    "Only env:NAME or file:PATH is saved, never the password itself.",
);
pub const SUDO_PASSWORD: Words = (
    "sudo password",
    "The password that sudo asks for: the user's, on SUSE root's. Only env:NAME or file:PATH is saved, never \
     the password itself.",
);
pub const SSH_CONFIG: Words = (
    "SSH configuration",
    "Read instead of ~/.ssh/config. none: no file at all.",
);
pub const KNOWN_HOSTS: Words = (
    "Known hosts files",
    "Read in addition to ~/.ssh/known_hosts, never written: one path per line.",
);
pub const OVERRIDE: Words = (
    "Overridden checks",
    "Checks that may fail on any host, separated by spaces: arch, address, names, clock, cpu, \
     memory, disk, kernel, ports, packages, download, network, firewall, sudo.",
);
pub const SITE: Words = (
    "Site",
    "The host's site, if the cluster has several: a-z, 0-9 and -.",
);
pub const HOST_OVERRIDE: Words = (
    "Overridden checks",
    "Checks that may fail on this host, separated by spaces: arch, address, names, clock, cpu, \
     memory, disk, kernel, ports, packages, download, network, firewall, sudo.",
);
pub const MANAGE_FIREWALL: Words = (
    "Firewalls",
    "report: show what they must allow. open: allow the cluster's links in firewalld and ufw.",
);
pub const OF_PROXY: &str = "Proxy for downloads";
const PROXY_URL: &str =
    "http://NAME:PORT. One with a password: env:NAME or file:PATH of the whole URL.";
pub const PROXY_HTTP: Words = ("Proxy for http", PROXY_URL);
pub const PROXY_HTTPS: Words = ("Proxy for https", PROXY_URL);
pub const NO_PROXY: Words = (
    "Without proxy",
    "More names, .domains and networks, separated by spaces. The cluster itself is included.",
);
pub const HOST_PROXY: Words = (
    "Proxy",
    "A URL, env:NAME or file:PATH for this host; none: no proxy. Empty: as for all hosts.",
);
pub const OF_BUNDLE: &str = "Without internet";
pub const BUNDLE: Words = (
    "Bundle",
    "The file that k3s-ha-wizard bundle create wrote: hosts install everything from it.",
);
pub const BUNDLE_SHA256: Words = (
    "Its SHA-256",
    "64 hexadecimal digits, as bundle create printed them. A file with another one is refused.",
);
pub const OF_IMAGES: &str = "Container images";
pub const SYSTEM_DEFAULT: Words = (
    "System registry",
    "NAME[:PORT] of the registry for the images that K3s itself runs. Empty: docker.io.",
);
pub const MIRRORS: Words = (
    "Mirrors",
    "One per line: \"docker.io\" = { endpoint = [\"https://mirror.example.com\"] }",
);
pub const CONFIGS: Words = (
    "Registry logins",
    "One per line: \"mirror.example.com\" = { username = \"kay\", password = { env = \"NAME\" } }",
);
pub const EXISTING: Words = (
    "Existing Postgres",
    "refuse: stop if Postgres has other databases already. share: use it, and restart it if needed.",
);
pub const OF_EXTERNAL: &str = "An external Postgres, in place of a host";
pub const ENDPOINTS: Words = (
    "Endpoints",
    "NAME:PORT of a Postgres that others run (RDS, a DBA's cluster), separated by spaces. Not a \
     pooler's port.",
);
pub const CA_FILE: Words = (
    "CA file",
    "On this machine, as PEM: the CA of its certificate, such as RDS's global-bundle.pem.",
);
pub const CERT_FILE: Words = (
    "Client certificate",
    "On this machine, as PEM, if Postgres wants one. It goes to every server.",
);
pub const KEY_FILE: Words = ("Its key", "On this machine, as PEM, without a passphrase.");
pub const SSLMODE: Words = (
    "Verification",
    "verify-full: CA and name. verify-ca: the CA alone, where the certificate has no usable name.",
);
pub const ADMIN: Words = (
    "Administrator",
    "postgres://USER:PASSWORD@NAME:PORT/DATABASE of a role that may create roles and databases. Never \
     saved. Empty: the wizard writes the SQL for the DBA into a file.",
);
pub const INSTALL_SHA256: Words = (
    "Its SHA-256",
    "The script's SHA-256, 64 hexadecimal digits. Empty: not checked.",
);
pub const CHANNEL_URL: Words = (
    "Release channels",
    "A mirror of the channels. Empty: the official ones.",
);
pub const SERVER_CONFIG: Words = (
    "Server settings",
    "As in k3s server --help, without the dashes: one key = value per line, strings in quotes.",
);
pub const AGENT_CONFIG: Words = (
    "Agent settings",
    "As in k3s agent --help, without the dashes: one key = value per line, strings in quotes.",
);
pub const PATH: Words = ("File", "The path of a TOML file with answers.");

pub const KEPT: &str = "the token of this cluster";
pub const KEPT_TOKEN: &str = "Empty: the token of this cluster. Another one is refused: the data \
                              is encrypted with it.";

pub const AS_FOR_ALL: &str = "as for all hosts";

/// What a field means while it is empty; nothing where it must be filled in.
pub fn when_empty(key: &str) -> &'static str {
    match key {
        "node_ip" => "the address",
        "user" | "ssh.user" => "from ~/.ssh/config, or your own name",
        "port" | "ssh.port" => "from ~/.ssh/config, or 22",
        "jump" | "ssh.jump" => "from ~/.ssh/config, or none",
        "key" | "ssh.key" => "from ~/.ssh/config, the agent and the usual files",
        "host_key" => "from known_hosts, or you are asked",
        "ssh.config" => "~/.ssh/config",
        "ssh.known_hosts" => "~/.ssh/known_hosts only",
        "passphrase" | "ssh.passphrase" | "password" | "ssh.password" | "sudo_password"
        | "ssh.sudo_password" => "none; you are asked if a host needs one",
        "override"
        | "cluster.override"
        | "k3s.tls_san"
        | "load_balancer.names"
        | "load_balancer.virtual_ip"
        | "load_balancer.endpoint"
        | "registries.mirrors"
        | "registries.configs"
        | "postgres.cert_file"
        | "postgres.key_file" => "none",
        "postgres.password" | "k3s.token" | "k3s.agent_token" => "generated, or the existing one",
        "postgres.name" => "the host's address",
        "postgres.endpoints" => "none: Postgres runs on a host of the cluster",
        "postgres.admin" => "none: the DBA runs the SQL, or has done so",
        "k3s.server_config" => "K3s's own: cluster-cidr = \"10.42.0.0/16\", …",
        "k3s.agent_config" => "K3s's own",
        "k3s.install_sha256" => "not checked",
        "k3s.artifact_url" => "the releases on GitHub",
        "k3s.channel_url" => "the channels of update.k3s.io",
        "proxy.http" | "proxy.https" => "the host's own proxy, if it has one",
        "sources.bundle" => "hosts download what they install",
        "sources.bundle_sha256" => "needed with a bundle",
        "proxy.no_proxy" => "only the cluster itself",
        "proxy" => "as for all hosts",
        "site" => "the cluster has one site",
        "registries.system_default" => "docker.io",
        _ => "",
    }
}

/// What goes into a field that must be filled in.
pub fn example(key: &str) -> &'static str {
    match key {
        "cluster.name" => "for example prod",
        "name" => "for example k3s-server-1",
        "address" => "for example 10.0.0.11",
        "postgres.name" => "for example postgres.k3s.internal",
        "postgres.database" | "postgres.user" => "for example k3s",
        "postgres.port" => "for example 5432",
        "postgres.ca_file" => "for example ~/db/ca.pem",
        "load_balancer.port" => "for example 6443",
        "k3s.version" => "for example v1.35.1+k3s1",
        "k3s.install_url" => "for example https://get.k3s.io",
        "path" => "for example answers.toml",
        _ => "",
    }
}

pub fn not_a_check(word: &str, meant: Option<&str>) -> String {
    match meant {
        Some(meant) => format!("{word} is not a check: did you mean {meant}?"),
        None => format!("{word} is not a check: clear the field to see the names"),
    }
}

pub fn not_a_setting(line: usize, why: &str) -> String {
    format!(
        "line {line}: {why}. Examples: node-label = [\"disk=ssd\"], or secrets-encryption = true"
    )
}

pub fn twice(line: usize, key: &str) -> String {
    format!("line {line}: {key} is already set above: remove one of the two")
}

/// The problem of a part of a field.
pub fn of_part(part: &str, problem: &str) -> String {
    format!("{part}: {problem}")
}
