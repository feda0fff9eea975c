//! Whether the hosts can reach each other: tested on the hosts themselves, because only there is
//! the network path the real one.

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::remote::Script;
use crate::topology::Link;

const REACH: &str = include_str!("../../assets/steps/reach.sh");
const LISTEN: &str = include_str!("../../assets/steps/listen.sh");

/// The unit that listens briefly on ports without a service.
pub const LISTENER: &str = "k3s-ha-wizard-listen.service";
/// It ends by itself after this many seconds.
const LISTENS: u32 = 20;
/// How long an answer may take, in seconds.
pub const PATIENCE: u32 = 3;

/// The result of testing a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    Reached,
    /// Refused, although a process listens.
    Refused,
    /// No answer in [`PATIENCE`].
    Silent,
    /// Not sent: `No route to host`.
    NoWay(String),
    /// Refused, because no process listens there yet.
    Later,
    /// Not tested, and why.
    Untried(String),
}

/// The script that tests links from the host on which it runs.
pub fn reach_script(links: &[Link]) -> Script {
    let mut numbered = String::new();
    for (number, link) in links.iter().enumerate() {
        let _ = writeln!(numbered, "{number} {} {}", link.at.name, link.at.port);
    }
    Script::new(REACH)
        .input("PATIENCE", PATIENCE.to_string())
        .input("LINKS", numbered.trim_end())
}

/// Its result for each link.
pub fn parse_contacts(text: &[String], links: &[Link]) -> Vec<Contact> {
    let said = |key: &'static str| text.iter().filter_map(move |line| line.strip_prefix(key));
    let untried = match said("reach.untried=").next() {
        Some(why) => Some(why.to_owned()),
        None if said("reach=").next().is_none() => Some("the host said nothing".to_owned()),
        None => None,
    };
    let start = match untried {
        Some(why) => Contact::Untried(why),
        None => Contact::Silent,
    };
    let mut contacts = vec![start; links.len()];
    for (number, how) in said("reach.link=").filter_map(|said| said.split_once(' ')) {
        let contact = number.parse().ok().and_then(|n: usize| contacts.get_mut(n));
        if let Some(contact) = contact {
            *contact = match how {
                "reached" => Contact::Reached,
                "Connection refused" => Contact::Refused,
                "Connection timed out" => Contact::Silent,
                why => Contact::NoWay(why.to_owned()),
            };
        }
    }
    contacts
}

/// Whether this is why a name leads nowhere, in the words of the C library.
pub fn is_unresolved(why: &str) -> bool {
    let all = ["not known", "name resolution", "No address associated"];
    all.iter().any(|says| why.contains(says))
}

/// The script that briefly listens on ports of a host. [`CLOSE`] ends it early.
pub fn listen_script(ip: IpAddr, ports: &[u16]) -> Script {
    let ports: Vec<_> = ports.iter().map(u16::to_string).collect();
    Script::new(LISTEN)
        .input("LISTENER", LISTENER)
        .input("ADDRESS", ip.to_string())
        .input("PORTS", ports.join(" "))
        .input("SECONDS_AT_MOST", LISTENS.to_string())
}

pub const CLOSE: &str = "systemctl stop k3s-ha-wizard-listen.service 2>/dev/null";

/// Why the ports could not be opened; `None` if they are open.
pub fn not_opened(lines: &[String]) -> Option<String> {
    if lines.iter().any(|line| line == "listen=opened") {
        return None;
    }
    let said = lines
        .iter()
        .find_map(|line| line.strip_prefix("listen.failed="));
    Some(match said {
        None | Some("") => "no listener could be started there".to_owned(),
        Some(why) => format!("no listener could be started there: {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Endpoint;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    /// A port without a listener is refused at once, on any machine.
    #[test]
    fn the_script_tells_who_answers() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let link = |at: &str| Link {
            from: "here".into(),
            to: "there".into(),
            at: Endpoint::parse(at, 0).unwrap(),
        };
        let open = listener.local_addr().unwrap().to_string();
        let links = [
            link(&open),
            link("127.0.0.1:9"),
            link("no.such.name.invalid:9"),
        ];
        let output = std::process::Command::new("sh")
            .env("LC_ALL", "C")
            .arg("-c")
            .arg(reach_script(&links).text().unwrap().expose())
            .output();
        let text = String::from_utf8(output.expect("a shell").stdout).unwrap();
        let contacts = parse_contacts(&lines(&text), &links);
        assert_eq!(
            contacts[..2],
            [Contact::Reached, Contact::Refused],
            "{text}"
        );
        let unresolved = matches!(&contacts[2], Contact::NoWay(why) if is_unresolved(why));
        assert!(unresolved, "{text}");
    }

    #[test]
    fn what_was_tried_is_read() {
        let link = Link {
            from: "here".into(),
            to: "there".into(),
            at: Endpoint::parse("198.51.100.11", 5432).unwrap(),
        };
        let links = vec![link; 4];
        let said = "reach=tried\nreach.link=1 No route to host\nreach.link=0 reached\n\
                    reach.link=9 reached\nreach.link=3 Connection timed out";
        let no_way = Contact::NoWay("No route to host".into());
        assert_eq!(
            parse_contacts(&lines(said), &links),
            [Contact::Reached, no_way, Contact::Silent, Contact::Silent]
        );
        let untried = parse_contacts(&lines("reach.untried=bash is not installed"), &links);
        assert_eq!(untried[0], Contact::Untried("bash is not installed".into()));
        assert!(matches!(
            parse_contacts(&[], &links)[3],
            Contact::Untried(_)
        ));
    }

    #[test]
    fn why_nobody_listens_is_told() {
        assert_eq!(not_opened(&lines("listen=opened")), None);
        let why = not_opened(&lines("listen.failed=Failed to open: busy")).unwrap();
        assert!(why.ends_with(": Failed to open: busy"));
        assert!(not_opened(&[]).is_some());
    }
}
