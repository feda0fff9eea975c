//! The firewall of a host, and the commands that open it.

use std::net::IpAddr;

use crate::topology::{AllowedPeer, AllowedPort, Openings};

/// The number of its IP protocol.
const VRRP: u8 = 112;

/// What rejects connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Firewall {
    Firewalld,
    Ufw,
    /// Rules of no such program, in a chain of nftables.
    Nftables {
        rules: u32,
        /// Family, table and chain: `inet filter input`; empty where their names are unusual.
        chain: String,
    },
    /// The same in iptables.
    Iptables {
        rules: u32,
        ipv6: bool,
    },
}

/// What a firewall is, and what opens it.
pub struct Remedy {
    /// `firewalld is active`
    pub cause: String,
    /// One a line, runtime and permanent, never a reload: it would drop the rules that K3s and its
    /// network have added.
    pub commands: Vec<String>,
    /// What the commands do not do.
    pub besides: &'static str,
}

impl Firewall {
    /// As in the facts: `ufw`, `nftables 3 inet filter input`, `iptables 3`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let words: Vec<_> = value.split_whitespace().collect();
        let is_name = |word: &&str| {
            word.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        };
        match words[..] {
            ["ufw"] => Some(Self::Ufw),
            ["iptables", rules] | ["nftables", rules, "ip", "filter", "INPUT"] => {
                Some(Self::Iptables {
                    rules: rules.parse().ok()?,
                    ipv6: false,
                })
            }
            ["nftables", rules, "ip6", "filter", "INPUT"] => Some(Self::Iptables {
                rules: rules.parse().ok()?,
                ipv6: true,
            }),
            ["nftables", rules, ref chain @ ..] => Some(Self::Nftables {
                rules: rules.parse().ok()?,
                chain: match chain.len() {
                    3 if chain.iter().all(is_name) => chain.join(" "),
                    _ => String::new(),
                },
            }),
            _ => None,
        }
    }

    /// Whether the wizard can add rules to it. To rules of others it cannot: an accept in another
    /// chain does not override a drop.
    pub fn can_be_opened(&self) -> bool {
        matches!(self, Self::Firewalld | Self::Ufw)
    }

    /// What it is called.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Firewalld => "firewalld",
            Self::Ufw => "ufw",
            Self::Nftables { .. } => "nftables",
            Self::Iptables { .. } => "iptables",
        }
    }

    /// What lets these in.
    pub fn opens(&self, openings: &Openings) -> Remedy {
        let peers = openings.peers.iter();
        let networks = &openings.networks;
        let (cause, commands, besides): (String, Vec<String>, _) = match self {
            Self::Firewalld => {
                let rules = peers.map(|peer| format!("--add-rich-rule='{}'", rich_rule(peer)));
                let trusted = networks.iter();
                let trusted = trusted.map(|net| format!("--zone=trusted --add-source={net}"));
                let both = |what: String| {
                    [
                        format!("firewall-cmd {what}"),
                        format!("firewall-cmd --permanent {what}"),
                    ]
                };
                (
                    "firewalld is active".into(),
                    rules.chain(trusted).flat_map(both).collect(),
                    "The rules go into the default zone; add --zone=NAME where another zone has the \
                     interface",
                )
            }
            Self::Ufw => {
                let rules = peers.map(|peer| {
                    let port = peer.port.number();
                    let port = port.map_or(String::new(), |port| format!(" to any port {port}"));
                    let protocol = peer.port.protocol();
                    format!("ufw allow from {}{port} proto {protocol}", peer.from)
                });
                let nets = networks.iter().map(|net| format!("ufw allow from {net}"));
                (
                    "ufw is active".into(),
                    rules.chain(nets).collect(),
                    "These rules also hold after a reboot",
                )
            }
            Self::Nftables { rules, chain } => (
                format!("nftables rejects connections ({rules} rules)"),
                into_chain(chain, openings),
                if chain.is_empty() {
                    NO_COMMANDS
                } else {
                    RUN_AND_KEEP
                },
            ),
            Self::Iptables { rules, ipv6 } => {
                let program = if *ipv6 { "ip6tables" } else { "iptables" };
                let rules_for = peers
                    .filter(|peer| peer.from.is_ipv6() == *ipv6)
                    .map(|peer| {
                        let what = match peer.port {
                            AllowedPort::Vrrp => VRRP.to_string(),
                            AllowedPort::Udp(port) | AllowedPort::Tcp(port) => {
                                format!("{} --dport {port}", peer.port.protocol())
                            }
                        };
                        format!("{program} -I INPUT -s {} -p {what} -j ACCEPT", peer.from)
                    });
                let nets = networks.iter().filter(|net| net.contains(':') == *ipv6);
                let nets = nets.map(|net| format!("{program} -I INPUT -s {net} -j ACCEPT"));
                (
                    format!("{program} rejects connections ({rules} rules)"),
                    rules_for.chain(nets).collect(),
                    RUN_AND_KEEP,
                )
            }
        };
        Remedy {
            cause,
            commands,
            besides,
        }
    }
}

/// For rules that were written by hand.
const RUN_AND_KEEP: &str = "The wizard does not change these rules. Run these commands, and add the same rules to the file \
     that is loaded at boot";
const NO_COMMANDS: &str = "The wizard does not change these rules, and cannot name commands for this chain: allow the \
     cluster's links in the file that is loaded at boot";

impl Remedy {
    /// For a finding: a line of text, then a line for each command.
    pub fn text(&self) -> String {
        if self.commands.is_empty() {
            return self.besides.to_owned();
        }
        format!("{}:\n{}", self.besides, self.commands.join("\n"))
    }
}

/// As firewalld prints it.
fn rich_rule(peer: &AllowedPeer) -> String {
    let family = if peer.from.is_ipv6() { "ipv6" } else { "ipv4" };
    let protocol = peer.port.protocol();
    let what = match peer.port.number() {
        Some(port) => format!("port port=\"{port}\" protocol=\"{protocol}\""),
        None => format!("protocol value=\"{protocol}\""),
    };
    format!(
        "rule family=\"{family}\" source address=\"{}\" {what} accept",
        peer.from
    )
}

fn into_chain(chain: &str, openings: &Openings) -> Vec<String> {
    if chain.is_empty() {
        return Vec::new();
    }
    let family = |is_ipv6: bool| if is_ipv6 { "ip6" } else { "ip" };
    // A chain of one family sees no other.
    let only = chain.split(' ').next().unwrap_or_default();
    let sees = |is_ipv6: bool| !["ip", "ip6"].contains(&only) || only == family(is_ipv6);
    let peers = openings.peers.iter();
    let peers = peers.filter(|peer| sees(peer.from.is_ipv6())).map(|peer| {
        let (from, family) = (peer.from, family(peer.from.is_ipv6()));
        let what = match peer.port {
            AllowedPort::Vrrp => format!("meta l4proto {VRRP}"),
            AllowedPort::Udp(port) | AllowedPort::Tcp(port) => {
                format!("{} dport {port}", peer.port.protocol())
            }
        };
        format!("nft insert rule {chain} {family} saddr {from} {what} accept")
    });
    let nets = openings.networks.iter();
    let nets = nets.filter(|net| sees(net.contains(':'))).map(|net| {
        format!(
            "nft insert rule {chain} {} saddr {net} accept",
            family(net.contains(':'))
        )
    });
    peers.chain(nets).collect()
}

/// One port for some peers.
pub fn port_for(peers: &[IpAddr], port: AllowedPort) -> Openings {
    let peer = |from: &IpAddr| AllowedPeer { from: *from, port };
    Openings {
        peers: peers.iter().map(peer).collect(),
        ..Openings::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_firewall_is_opened_in_its_own_words() {
        let of = |from: &str, port| port_for(&[from.parse().unwrap()], port);
        let mut openings = of("10.0.0.1", AllowedPort::Tcp(6443));
        for other in [
            of("fd00::1", AllowedPort::Udp(8472)),
            of("10.0.0.2", AllowedPort::Vrrp),
        ] {
            openings.peers.extend(other.peers);
        }
        openings.networks = vec!["10.42.0.0/16".into(), "fd00:1::/56".into()];
        let told = |fact: &str| {
            let remedy = Firewall::parse(fact).unwrap().opens(&openings);
            format!("{}. {}", remedy.cause, remedy.text())
        };
        let firewalld = Firewall::Firewalld.opens(&openings);
        insta::assert_snapshot!(
            [
                format!("{}. {}", firewalld.cause, firewalld.text()),
                told("ufw"),
                told("nftables 3 inet filter input"),
                told("nftables 3 ip6 mine in"),
                told("nftables 3 ip filter INPUT"),
                told("nftables 3 ip6 filter INPUT"),
                told("nftables 3 inet a;reboot input"),
                told("iptables 2"),
            ]
            .join("\n\n")
        );
    }
}
