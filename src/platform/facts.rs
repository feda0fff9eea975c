//! The facts of a host.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::InterfaceAddress;
use super::firewall::Firewall;
use super::network;
use super::selinux::Selinux;
use crate::remote::Script;

const SCRIPT: &str = include_str!("../../assets/steps/facts.sh");

/// The script that prints [`Facts`]. To ask Postgres, it needs the port and the name of K3s's
/// database. That name becomes part of SQL, so it must have passed validation. The virtual address is
/// looked for in the host's network.
pub fn facts_script(postgres: Option<(u16, &str)>, virtual_ip: Option<IpAddr>) -> Script {
    let (port, database) = postgres.map_or((String::new(), ""), |(port, database)| {
        (port.to_string(), database)
    });
    let virtual_ip = virtual_ip.map(|ip| ip.to_string());
    Script::new(SCRIPT)
        .input("DB_PORT", port)
        .input("DB_NAME", database)
        .input("VIRTUAL_IP", virtual_ip.unwrap_or_default())
}

/// The facts of a host. What is unknown is empty.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    /// `ID` of os-release: `debian`.
    pub os_id: String,
    /// `ID_LIKE` of os-release: the distributions that it derives from.
    pub os_like: String,
    pub os_version: String,
    /// `VARIANT_ID` of os-release: `server`.
    pub os_variant: String,
    /// For people: `Debian GNU/Linux 12 (bookworm)`.
    pub os_name: String,
    /// From `uname -m`.
    pub arch: String,
    pub hostname: String,
    pub machine_id: String,
    /// It changes with every boot.
    pub boot_id: String,
    pub systemd: bool,
    /// The kind of container, if it is one: `systemd-nspawn`.
    pub container: String,
    /// Packages are installed into another root, which is used from the next boot on.
    pub transactional: bool,
    /// Folders of the system that cannot be written.
    pub read_only: Vec<String>,
    /// Seconds since 1970, when the host was asked.
    pub clock: f64,
    /// How far it was ahead of this machine's clock, in seconds, if compared.
    pub clock_ahead: Option<f64>,
    pub cpus: u32,
    pub memory_kib: u64,
    pub swap_kib: u64,
    pub disks: Vec<Disk>,
    pub addresses: Vec<InterfaceAddress>,
    /// A host in its network has the virtual address, if that was looked for.
    pub virtual_ip_answers: bool,
    /// Whether the listeners could be read.
    pub ports_seen: bool,
    /// All listeners except SSH's.
    pub ports: Vec<Port>,
    /// TCP listeners.
    pub listens: Vec<SocketAddr>,
    /// The active cgroup controllers, if known.
    pub cgroup_controllers: Option<Vec<String>>,
    /// The kernel modules that K3s needs, if known.
    pub modules: BTreeMap<String, ModuleState>,
    pub selinux: Selinux,
    /// What rejects connections.
    pub firewalls: Vec<Firewall>,
    /// Services that are not inactive, and their state.
    pub units: BTreeMap<String, UnitState>,
    /// The processes that hold the package manager's locks.
    pub packages_busy: Vec<Process>,
    /// Traces of an interrupted installation.
    pub packages_interrupted: bool,
    pub k3s: K3sFacts,
    pub postgres: PostgresFacts,
    pub balancer: BalancerFacts,
    /// The wizard uses sudo.
    pub through_sudo: bool,
    /// What that sudo logs: `log_input`, `LOG_OUTPUT`.
    pub sudo_logs: Vec<String>,
}

/// A module of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModuleState {
    Loaded,
    /// K3s can load it.
    There,
    Missing,
}

/// The state of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnitState {
    Active,
    /// As systemd calls it: `failed`.
    Other(String),
}

/// A running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Not positive if the kernel does not report it.
    pub id: i64,
    pub program: String,
}

/// Free space in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Disk {
    pub path: String,
    pub free_kib: u64,
    pub total_kib: u64,
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Port {
    pub udp: bool,
    pub number: u16,
    /// Empty for the kernel's own sockets.
    pub program: String,
    pub process: String,
    /// Of systemd: `nginx.service`.
    pub unit: String,
}

/// A K3s that is installed, or was.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct K3sFacts {
    /// `k3s`, `k3s-agent`
    pub units: Vec<String>,
    pub program: bool,
    /// Of one that the wizard did not install.
    pub version: String,
    /// The wizard installed it.
    pub ours: bool,
    /// The first 12 digits of the SHA-256 of the token in its configuration.
    pub token: Option<String>,
    /// Whether its configuration encrypts Secrets in the datastore; `None` without one.
    pub encrypts: Option<bool>,
    /// Paths below `/var/lib/rancher/k3s`.
    pub leftovers: Vec<String>,
    pub node_password: bool,
    /// Of a running server: the nodes whose passwords its cluster knows, if asked.
    pub known_nodes: Vec<String>,
    /// The files that K3s reads after `config.yaml`.
    pub further_configs: Vec<String>,
}

/// An installed Postgres.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PostgresFacts {
    /// The wizard installed it.
    pub ours: bool,
    /// A part of a pair was created here: a member, or the monitor.
    pub of_pair: bool,
    /// On the disk.
    pub clusters: Vec<PostgresCluster>,
    /// A run of the wizard was interrupted while restarting it.
    pub cut_off: bool,
    /// The names of the K3s clusters that have rules in one of them.
    pub marks: Vec<String>,
    /// It answered on K3s's port; the other fields are about that one.
    pub asked: bool,
    /// Why it could not be queried.
    pub error: String,
    /// `150018`
    pub version: u32,
    pub replica: bool,
    /// All except templates and `postgres`.
    pub databases: Vec<String>,
    pub settings: BTreeMap<String, String>,
    /// The rules for connections from outside, but for those of K3s.
    pub rules: Vec<String>,
    /// The hashes of the tokens that the bootstrap rows of a K3s in it are encrypted with.
    pub tokens: Vec<String>,
}

/// A Postgres cluster on a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresCluster {
    /// The path of its configuration.
    pub port: Option<u16>,
    /// Its name on the distribution: `15/main`.
    pub name: String,
}

/// A load balancer that the wizard installed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BalancerFacts {
    /// The name of its cluster; empty if an older version installed it.
    pub cluster: String,
    /// The servers behind it: `198.51.100.12:6443`.
    pub servers: Vec<String>,
}

impl Facts {
    /// Parses the script's output; unknown lines are ignored.
    pub fn parse(lines: &[String]) -> Self {
        let mut facts = Self::default();
        for line in lines {
            if let Some((key, value)) = line.split_once('=') {
                facts.set(key, value);
            }
        }
        facts
    }

    pub fn has_address(&self, ip: IpAddr) -> bool {
        self.addresses.iter().any(|address| address.ip == ip)
    }

    /// In one line, for people: `Debian GNU/Linux 12 (bookworm), x86_64, 3916 MiB of memory`.
    pub fn summary(&self) -> String {
        let memory = self.memory_kib / 1024;
        format!("{}, {}, {memory} MiB of memory", self.os_name, self.arch)
    }

    /// Whether its distribution, or one that it derives from, has one of these names.
    pub(super) fn descends_from(&self, names: &[&str]) -> bool {
        let known = |name: &str| names.contains(&name);
        known(&self.os_id) || self.os_like.split_whitespace().any(known)
    }

    /// Whether a K3s that the wizard installed is running there.
    pub fn runs_our_k3s(&self) -> bool {
        self.k3s.ours && (self.is_active("k3s.service") || self.is_active("k3s-agent.service"))
    }

    pub(super) fn is_active(&self, unit: &str) -> bool {
        self.units.get(unit) == Some(&UnitState::Active)
    }

    fn set(&mut self, key: &str, value: &str) {
        let text = value.to_owned();
        match key {
            "os.id" => self.os_id = text,
            "os.like" => self.os_like = text,
            "os.version" => self.os_version = text,
            "os.variant" => self.os_variant = text,
            "os.name" => self.os_name = text,
            "os.transactional" => self.transactional = true,
            "os.read-only" => self.read_only.push(text),
            "arch" => self.arch = text,
            "hostname" => self.hostname = text,
            "machine-id" => self.machine_id = text,
            "boot-id" => self.boot_id = text,
            "systemd" => self.systemd = true,
            "container" => self.container = text,
            "clock" => self.clock = value.parse().unwrap_or_default(),
            "cpus" => self.cpus = value.parse().unwrap_or_default(),
            "memory-kib" => self.memory_kib = value.parse().unwrap_or_default(),
            "swap-kib" => self.swap_kib = value.parse().unwrap_or_default(),
            "disk" => self.disks.extend(Disk::parse(value)),
            "address" => self.addresses.extend(InterfaceAddress::parse(value)),
            "virtual-ip" => self.virtual_ip_answers = true,
            "ports" => self.ports_seen = true,
            "port" => self.ports.extend(Port::parse(value)),
            "listens" => self.listens.extend(listener(value)),
            "cgroup" => {
                // The version comes first.
                let controllers = value.split_whitespace().skip(1).map(str::to_owned);
                self.cgroup_controllers = Some(controllers.collect());
            }
            "module" => self.modules.extend(module(value)),
            "selinux" => self.selinux = Selinux::parse(value),
            "firewall" => self.firewalls.extend(Firewall::parse(value)),
            "unit" => self.unit(value),
            "packages.busy" => {
                let holder = Process::parse(value);
                // One program holds several locks.
                let holder = holder.filter(|holder| !self.packages_busy.contains(holder));
                self.packages_busy.extend(holder);
            }
            "packages.interrupted" => self.packages_interrupted = true,
            "balancer.cluster" => self.balancer.cluster = text,
            "balancer.server" => self.balancer.servers.push(text),
            "sudo" => self.through_sudo = true,
            "sudo.logs" => self.sudo_logs.push(text),
            _ => {
                if let Some(key) = key.strip_prefix("k3s.") {
                    self.k3s.set(key, text);
                } else if let Some(key) = key.strip_prefix("postgres.") {
                    self.postgres.set(key, text);
                }
            }
        }
    }

    fn unit(&mut self, value: &str) {
        let Some((unit, state)) = pair(value) else {
            return;
        };
        let state = match &*state {
            "active" => UnitState::Active,
            _ => UnitState::Other(state),
        };
        self.units.insert(unit, state);
        if value == "firewalld.service active" {
            self.firewalls.push(Firewall::Firewalld);
        }
    }

    /// Whether the host is a container: then its kernel belongs to another system.
    pub fn is_container(&self) -> bool {
        !self.container.is_empty()
    }

    /// Whether a process listens on a port of an address. The wizard's own listener, left by a
    /// killed run, does not count.
    pub fn listens_on(&self, at: SocketAddr) -> bool {
        let own = |port: &Port| port.number == at.port() && port.unit == network::LISTENER;
        let there = |listens: &SocketAddr| {
            let ip = listens.ip();
            listens.port() == at.port() && (ip.is_unspecified() || ip == at.ip())
        };
        self.listens.iter().any(there) && !self.ports.iter().any(own)
    }

    /// The free space where a folder is, or would be.
    pub fn disk(&self, path: &str) -> Option<&Disk> {
        let within = |disk: &&Disk| {
            let rest = path.strip_prefix(disk.path.trim_end_matches('/'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let disks = self.disks.iter().filter(within);
        disks.max_by_key(|disk| disk.path.len())
    }
}

/// From the format of `ss`: `127.0.0.53%lo:53`, `[::]:80`, and `*:80` for all addresses.
fn listener(value: &str) -> Option<SocketAddr> {
    let (address, port) = value.rsplit_once(':')?;
    let address = address.split('%').next()?.trim_matches(['[', ']']);
    let ip = match address {
        "*" => Ipv6Addr::UNSPECIFIED.into(),
        address => address.parse().ok()?,
    };
    Some(SocketAddr::new(ip, port.parse().ok()?))
}

fn pair(value: &str) -> Option<(String, String)> {
    let (name, value) = value.split_once(' ')?;
    Some((name.to_owned(), value.to_owned()))
}

fn module(value: &str) -> Option<(String, ModuleState)> {
    let (name, state) = pair(value)?;
    let state = match &*state {
        "loaded" => ModuleState::Loaded,
        "there" => ModuleState::There,
        "missing" => ModuleState::Missing,
        _ => return None,
    };
    Some((name, state))
}

impl Process {
    fn parse(value: &str) -> Option<Self> {
        let (id, program) = value.split_once(' ')?;
        Some(Self {
            id: id.parse().ok()?,
            program: program.to_owned(),
        })
    }
}

impl Disk {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(3, ' ');
        Some(Self {
            free_kib: parts.next()?.parse().ok()?,
            total_kib: parts.next()?.parse().ok()?,
            path: parts.next()?.to_owned(),
        })
    }
}

impl Port {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(5, ' ');
        let udp = parts.next()? == "udp";
        let number = parts.next()?.parse().ok()?;
        let mut text = || Some(parts.next()?.trim_matches('-').to_owned());
        let (process, unit) = (text()?, text()?);
        Some(Self {
            udp,
            number,
            program: text()?,
            process,
            unit,
        })
    }
}

impl PostgresCluster {
    fn parse(value: &str) -> Option<Self> {
        let (port, name) = value.split_once(' ')?;
        Some(Self {
            port: port.parse().ok(),
            name: name.to_owned(),
        })
    }
}

impl K3sFacts {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "unit" => self.units.push(value),
            "program" => self.program = true,
            "version" => self.version = value,
            "ours" => self.ours = true,
            "token" => self.token = Some(value),
            "encrypts" => self.encrypts = Some(value == "yes"),
            "leftover" => self.leftovers.push(value),
            "node-password" => self.node_password = true,
            "further-config" => self.further_configs.push(value),
            _ => {}
        }
    }
}

impl PostgresFacts {
    fn set(&mut self, key: &str, value: String) {
        match key {
            "ours" => self.ours = true,
            "of-pair" => self.of_pair = true,
            "cluster" => self.clusters.extend(PostgresCluster::parse(&value)),
            "cut-off" => self.cut_off = true,
            "mark" => self.marks.push(value),
            "asked" => self.asked = true,
            "error" => self.error = value,
            "version" => self.version = value.parse().unwrap_or_default(),
            "replica" => self.replica = value == "true",
            "database" => self.databases.push(value),
            "setting" => self.settings.extend(pair(&value)),
            "rule" => self.rules.push(value),
            "token" => self.tokens.push(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
