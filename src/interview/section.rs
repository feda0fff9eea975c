//! The parts of the options.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Cluster,
    Postgres,
    Certificates,
    /// Server 1 and the others: they have the same settings.
    Servers,
    LoadBalancer,
    Agents,
}

impl Section {
    pub const ALL: [Section; 6] = [
        Section::Cluster,
        Section::Postgres,
        Section::Certificates,
        Section::Servers,
        Section::LoadBalancer,
        Section::Agents,
    ];

    /// The section of a key of the answers; `None` for keys of hosts.
    pub fn of_key(key: &str) -> Option<Self> {
        match key.split(['.', '[']).next().unwrap_or_default() {
            "cluster" | "ssh" | "firewall" | "proxy" | "sources" => Some(Self::Cluster),
            "postgres" => Some(Self::Postgres),
            "k3s" if key.starts_with("k3s.agent_") => Some(Self::Agents),
            "k3s" | "registries" => Some(Self::Servers),
            "load_balancer" => Some(Self::LoadBalancer),
            _ => None,
        }
    }
}
