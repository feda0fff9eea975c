//! What guards a host, and the command that opens it. Told, not done.

/// What turns connections away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Firewall {
    Firewalld,
    Ufw,
    /// So many rules of others do.
    Nftables {
        rules: u32,
    },
}

impl Firewall {
    /// As the facts say it: `ufw`, `nftables 3`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        match value.split_once(' ') {
            None if value == "ufw" => Some(Self::Ufw),
            Some(("nftables", rules)) => Some(Self::Nftables {
                rules: rules.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// What a firewall is, and what opens ports of it, each `8472/udp`.
pub fn opens(firewall: &Firewall, ports: &[String]) -> (String, String) {
    let each = |before: &str, between: &str| {
        let all: Vec<_> = ports.iter().map(|port| format!("{before}{port}")).collect();
        all.join(between)
    };
    match firewall {
        Firewall::Firewalld => (
            "firewalld is on".to_owned(),
            format!(
                "firewall-cmd --permanent {} && firewall-cmd --reload",
                each("--add-port=", " ")
            ),
        ),
        Firewall::Ufw => ("ufw is on".to_owned(), each("ufw allow ", " && ")),
        Firewall::Nftables { rules } => (
            format!("nftables turns connections away ({rules} rules)"),
            format!("Let {} in", ports.join(", ")),
        ),
    }
}
