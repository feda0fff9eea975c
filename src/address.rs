//! Where something listens that is no host of the cluster: an IP address or a DNS name, and a port.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

/// An IP address, or a DNS name, which every host resolves by itself. Its letters are those of names and
/// addresses alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(IpOrDns);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum IpOrDns {
    Ip(IpAddr),
    Dns(String),
}

/// A name and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Endpoint {
    pub name: NetworkName,
    pub port: u16,
}

impl NetworkName {
    pub fn parse(text: &str) -> Option<Self> {
        let ip = text.parse().ok().map(IpOrDns::Ip);
        let dns = || is_dns_name(text).then(|| IpOrDns::Dns(text.to_owned()));
        ip.or_else(dns).map(Self)
    }

    /// `None` for a DNS name.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.0 {
            IpOrDns::Ip(ip) => Some(ip),
            IpOrDns::Dns(_) => None,
        }
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            IpOrDns::Ip(ip) => write!(f, "{ip}"),
            IpOrDns::Dns(name) => f.write_str(name),
        }
    }
}

impl From<IpAddr> for NetworkName {
    fn from(ip: IpAddr) -> Self {
        Self(IpOrDns::Ip(ip))
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for NetworkName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("neither an address nor a name")
    }
}

impl Endpoint {
    /// From `NAME`, `NAME:PORT`, `10.0.0.4:6443`, `2001:db8::4` or `[2001:db8::4]:6443`.
    pub fn parse(text: &str, default_port: u16) -> Option<Self> {
        let at = |name: &str, port| {
            let name = NetworkName::parse(name)?;
            Some(Self { name, port })
        };
        if let Some(whole) = at(text, default_port) {
            return Some(whole);
        }
        let (name, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        match name.strip_prefix('[') {
            Some(rest) => at(rest.strip_suffix(']')?, port).filter(|it| it.name.ip().is_some()),
            None if name.contains(':') => None,
            None => at(name, port),
        }
    }

    /// The same with a port, which must be there.
    pub fn with_port(text: &str) -> Option<Self> {
        Self::parse(text, 0).filter(|at| at.port > 0)
    }

    /// `None` for a DNS name.
    pub fn socket(&self) -> Option<SocketAddr> {
        Some(SocketAddr::new(self.name.ip()?, self.port))
    }
}

impl From<SocketAddr> for Endpoint {
    fn from(at: SocketAddr) -> Self {
        Self {
            name: at.ip().into(),
            port: at.port(),
        }
    }
}

/// As in a URL.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.socket() {
            Some(at) => write!(f, "{at}"),
            None => write!(f, "{}:{}", self.name, self.port),
        }
    }
}

/// A lower-case RFC 1123 label.
pub fn is_label(name: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// RFC 1123 labels joined by dots, in any case. A last label of only digits is a mistyped address.
pub fn is_dns_name(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or_default();
    lower.len() <= 253
        && lower.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_name_or_an_address_with_or_without_a_port() {
        let told = |text: &str| Endpoint::parse(text, 6443).map(|it| it.to_string());
        for (text, whole) in [
            ("lb.example", "lb.example:6443"),
            ("lb.example:443", "lb.example:443"),
            ("10.0.0.4", "10.0.0.4:6443"),
            ("10.0.0.4:443", "10.0.0.4:443"),
            ("2001:db8::4", "[2001:db8::4]:6443"),
            ("[2001:db8::4]:443", "[2001:db8::4]:443"),
        ] {
            assert_eq!(told(text).as_deref(), Some(whole), "{text}");
        }
        for text in [
            "",
            ":6443",
            "lb.example:",
            "lb.example:0",
            "lb.example:65536",
            "https://lb.example",
            "lb.example:443:443",
            "[lb.example]:443",
            "10.0.0.4.5:443",
            "$(reboot):443",
            "a b:443",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_read_back_is_checked() {
        let endpoint = Endpoint::parse("lb.example:443", 1).expect("an endpoint");
        let json = serde_json::to_string(&endpoint).expect("JSON");
        assert_eq!(serde_json::from_str::<Endpoint>(&json).ok(), Some(endpoint));
        let hostile = json.replace("lb.example", "$(reboot)");
        assert!(serde_json::from_str::<Endpoint>(&hostile).is_err());
    }
}
