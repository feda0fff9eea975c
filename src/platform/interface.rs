//! The addresses of a host's interfaces.

use std::net::IpAddr;

/// An address of an interface, and how many bits of it name the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterfaceAddress {
    pub interface: String,
    pub ip: IpAddr,
    pub prefix: u8,
}

impl InterfaceAddress {
    /// From `eth0 10.0.0.5/24`.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (interface, address) = value.split_once(' ')?;
        let (ip, prefix) = address.split_once('/').unwrap_or((address, "255"));
        let ip: IpAddr = ip.parse().ok()?;
        let longest = if ip.is_ipv4() { 32 } else { 128 };
        Some(Self {
            interface: interface.to_owned(),
            ip,
            prefix: prefix.parse::<u8>().ok()?.min(longest),
        })
    }

    /// Whether an address is in the network of this one.
    pub fn has_in_network(&self, ip: IpAddr) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(ip) => u128::from(u32::from(ip)) << 96,
            IpAddr::V6(ip) => u128::from(ip),
        };
        let others = 128 - u32::from(self.prefix);
        let network = |ip| bits(ip).checked_shr(others).unwrap_or(0);
        self.ip.is_ipv4() == ip.is_ipv4() && network(self.ip) == network(ip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        let has = |own: &str, ip: &str| {
            let own = InterfaceAddress::parse(&format!("eth0 {own}")).unwrap();
            own.has_in_network(ip.parse().unwrap())
        };
        assert!(has("198.51.100.14/24", "198.51.100.130"));
        assert!(!has("198.51.100.14/25", "198.51.100.130"));
        assert!(!has("198.51.100.14/32", "198.51.100.130"));
        assert!(has("10.0.0.1/0", "192.0.2.1") && !has("10.0.0.1/0", "fd00::1"));
        assert!(has("fd00::1/64", "fd00::130") && !has("fd00::1/64", "fd00:0:0:1::130"));
        for bad in ["eth0", "eth0 x/24", "eth0 10.0.0.1/x", "eth0 10.0.0.1/-1"] {
            assert_eq!(InterfaceAddress::parse(bad), None, "{bad}");
        }
        let odd = InterfaceAddress::parse("eth0 10.0.0.1/99").unwrap();
        assert_eq!(odd.prefix, 32);
    }
}
