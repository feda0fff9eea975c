//! The firewall of a host, and the command that opens it. Only reported, never run.

/// What rejects connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Firewall {
    Firewalld,
    Ufw,
    /// Rules that the wizard did not write, and their number.
    Nftables {
        rules: u32,
    },
}

impl Firewall {
    /// As in the facts: `ufw`, `nftables 3`.
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

/// The name of a firewall, and the command that opens ports, each like `8472/udp`.
pub fn opens(firewall: &Firewall, ports: &[String]) -> (String, String) {
    let each = |before: &str, between: &str| {
        let all: Vec<_> = ports.iter().map(|port| format!("{before}{port}")).collect();
        all.join(between)
    };
    match firewall {
        // Both at once, and no reload: it would drop the rules that K3s and its network have added.
        Firewall::Firewalld => {
            let ports = each("--add-port=", " ");
            (
                "firewalld is active".to_owned(),
                format!("firewall-cmd {ports} && firewall-cmd --permanent {ports}"),
            )
        }
        Firewall::Ufw => ("ufw is active".to_owned(), each("ufw allow ", " && ")),
        Firewall::Nftables { rules } => (
            format!("nftables rejects connections ({rules} rules)"),
            format!("Allow {}", ports.join(", ")),
        ),
    }
}
