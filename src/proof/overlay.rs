//! The other nodes answer through the pod network: flannel's backend `vxlan`, whose packets
//! travel between the nodes on 8472/udp.
//!
//! A node tries the first address of another node's range, which flannel gives to its own device
//! there, `flannel.1`. It answers on every node, while `cni0` (the second address) is there only
//! once a pod of its own network runs. Flannel routes the whole range `via` that first address, on
//! its own device: so a connection to it goes through the tunnel and comes back through it, which
//! is held against the host's own routes, and nothing else is taken for an answer (docs/facts.md,
//! "Pod network").

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::platform::network::{self, Contact, PATIENCE};
use crate::remote::Script;
use crate::topology::{KUBELET, Link};

const OVERLAY: &str = include_str!("../../assets/steps/overlay.sh");

/// The port of the tunnel itself.
pub const PORT: &str = "8472/udp";
pub const VXLAN: u16 = 8472;

/// What came of trying a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It answers, through the tunnel.
    Through,
    /// It does not, and why.
    Not(String),
    /// Flannel has set no way to it.
    NoWay(String),
    /// It cannot be known, and why.
    Untried(String),
}

impl Answer {
    /// Whether waiting may help.
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Not(_) | Self::NoWay(_))
    }
}

/// The two addresses of a range that a node may have itself, the surer one first. Linux before 5.14
/// takes the first one for a broadcast if `cni0` was there before flannel's device.
pub fn addresses(range: &str) -> Option<[IpAddr; 2]> {
    let first = range.split('/').next()?.parse().ok()?;
    let second = match first {
        IpAddr::V4(ip) => Ipv4Addr::from_bits(ip.to_bits().checked_add(1)?).into(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits().checked_add(1)?).into(),
    };
    Some([first, second])
}

/// Flannel's device for such addresses.
pub fn device(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(_) => "flannel.1",
        IpAddr::V6(_) => "flannel-v6.1",
    }
}

/// The script that tries them, all from the host on which it runs, all at once.
pub fn script(device: &str, links: &[Link]) -> Script {
    network::reach_script(links)
        .then(OVERLAY)
        .input("DEVICE", device)
}

/// What it said of each of them; nothing where the host has no such device. `at` is where the nodes
/// are outside of the tunnel.
pub fn parse(text: &[String], device: &str, links: &[Link], at: &[IpAddr]) -> Option<Vec<Answer>> {
    let said = |key: &'static str| text.iter().filter_map(move |line| line.strip_prefix(key));
    said("overlay.device=").next()?;
    let ways: Vec<_> = said("overlay.way=").collect();
    let contacts = network::parse_contacts(text, links);
    let answer = |((link, contact), at): ((&Link, Contact), &IpAddr)| {
        let Some(ip) = link.at.name.ip() else {
            return Answer::NoWay("it has no address".into());
        };
        let way = ways.iter().find_map(|way| Route::parse(way, ip));
        judged(device, ip, way, contact, *at)
    };
    let each = links.iter().zip(contacts).zip(at);
    Some(each.map(answer).collect())
}

/// Where a host sends packets, by its own routes.
#[derive(Clone, Copy)]
struct Route<'a> {
    device: &'a str,
    via: Option<IpAddr>,
}

impl<'a> Route<'a> {
    /// From `198.18.1.0 via 198.18.1.0 dev flannel.1 src …`, if it is the way to this address.
    fn parse(text: &'a str, to: IpAddr) -> Option<Self> {
        let after = |word: &str| {
            let mut words = text.split_whitespace();
            words.find(|there| *there == word)?;
            words.next()
        };
        let first = text.split_whitespace().next()?;
        (first.parse() == Ok(to)).then_some(())?;
        Some(Self {
            device: after("dev")?,
            via: after("via").and_then(|via| via.parse().ok()),
        })
    }
}

fn judged(
    device: &str,
    ip: IpAddr,
    way: Option<Route<'_>>,
    contact: Contact,
    at: IpAddr,
) -> Answer {
    let not = |why: String| Answer::Not(format!("{why} ({ip}, through {device})"));
    match way {
        Some(way) if way.device == device => {}
        Some(way) if way.via == Some(at) => {
            let by = way.device;
            return Answer::Untried(format!("it is reached directly over {by}, without VXLAN"));
        }
        _ => return Answer::NoWay(format!("{device} has no route to it ({ip})")),
    }
    match contact {
        Contact::Reached => Answer::Through,
        Contact::Silent => not(format!("no answer within {PATIENCE} s")),
        Contact::NoWay(why) => not(why),
        Contact::Untried(why) => Answer::Untried(why),
        // Something came back, but whose it is cannot be told.
        Contact::Refused | Contact::Later => Answer::Untried(format!("it refuses port {KUBELET}")),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    const DEVICE: &str = "flannel.1";
    const AT: &str = "198.51.100.13";

    fn said(text: &str) -> Option<Vec<Answer>> {
        let links: Vec<_> = ["198.18.1.0", "198.18.2.0"]
            .map(|ip| Link {
                from: "here".into(),
                to: "there".into(),
                at: SocketAddr::new(ip.parse().unwrap(), KUBELET).into(),
            })
            .into();
        let text: Vec<_> = text.lines().map(str::to_owned).collect();
        parse(&text, DEVICE, &links, &[AT.parse().unwrap(); 2])
    }

    /// One node, whose way is this, and which answers.
    fn by(way: &str) -> Answer {
        let text = format!(
            "reach=tried\nreach.link=0 reached\noverlay.device=vxlan\noverlay.way=198.18.1.0 {way}"
        );
        said(&text).unwrap().remove(0)
    }

    #[test]
    fn only_what_goes_through_the_tunnel_is_an_answer() {
        let tunnel = "via 198.18.1.0 dev flannel.1 src 198.18.0.0 uid 0 \\    cache";
        assert_eq!(by(tunnel), Answer::Through);
        let direct = by("via 198.51.100.13 dev eth0 src 198.51.100.12 uid 0");
        assert!(matches!(&direct, Answer::Untried(why) if why.contains("over eth0")));
        let out = by("via 198.51.100.1 dev eth0 src 198.51.100.12 uid 0");
        let no_way = Answer::NoWay("flannel.1 has no route to it (198.18.1.0)".into());
        assert_eq!(out, no_way);
        assert_eq!(by("dev flannel.10 src 198.18.0.0"), no_way);
    }

    #[test]
    fn who_does_not_answer_is_told_why() {
        let ways = "overlay.device=vxlan\n\
                    overlay.way=198.18.1.0 via 198.18.1.0 dev flannel.1 src 198.18.0.0\n\
                    overlay.way=198.18.2.0 via 198.18.2.0 dev flannel.1 src 198.18.0.0";
        let answers = |how: &str| said(&format!("reach=tried\n{how}\n{ways}")).unwrap();
        let two = answers("reach.link=1 No route to host");
        let through = |why: &str, ip| Answer::Not(format!("{why} ({ip}, through flannel.1)"));
        assert_eq!(two[0], through("no answer within 3 s", "198.18.1.0"));
        assert_eq!(two[1], through("No route to host", "198.18.2.0"));
        let refused = answers("reach.link=0 Connection refused").remove(0);
        assert_eq!(refused, Answer::Untried("it refuses port 10250".into()));
        let no_bash = said(&format!("reach.untried=there is no bash\n{ways}")).unwrap();
        assert_eq!(no_bash[0], Answer::Untried("there is no bash".into()));
        // Without the device nothing is an answer, whoever answers.
        assert_eq!(said("reach=tried\nreach.link=0 reached"), None);
    }

    #[test]
    fn the_addresses_of_a_range() {
        let of = |range: &str| addresses(range).map(|two| two.map(|ip| ip.to_string()));
        assert_eq!(
            of("198.18.3.0/24"),
            Some(["198.18.3.0", "198.18.3.1"].map(str::to_owned))
        );
        assert_eq!(
            of("2001:db8:42:1::/64"),
            Some(["2001:db8:42:1::", "2001:db8:42:1::1"].map(str::to_owned))
        );
        assert_eq!(of(""), None);
    }

    /// A machine without flannel says so.
    #[test]
    fn the_script_runs_anywhere() {
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(script("no-such-device", &[]).text().unwrap().expose())
            .output();
        let text = String::from_utf8(output.expect("a shell").stdout).unwrap();
        assert!(!text.contains("overlay."), "{text}");
    }
}
