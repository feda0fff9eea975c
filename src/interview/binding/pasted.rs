//! Hosts that are pasted, one per line.

use std::net::IpAddr;

use crate::answers::{Host, Role};

/// What was pasted.
#[derive(Debug, Default)]
pub struct Pasted {
    pub hosts: Vec<Host>,
    /// The number of a line and a word of it that is neither name nor address nor role.
    pub unknown: Vec<(usize, String)>,
}

/// Hosts from pasted lines: a name, an address and a role in any order, `user@` before the address
/// if there is one. What is missing is guessed, and can be edited afterwards.
pub fn hosts_from(text: &str) -> Pasted {
    // A terminal may send a pasted line end as a carriage return, or as both.
    let text = text.replace("\r\n", "\n");
    let lines = text.split(['\r', '\n']).map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let mut pasted = Pasted::default();
    for (line, number) in lines {
        let Some((host, unknown)) = host_from(line) else {
            continue;
        };
        pasted.hosts.push(host);
        let unknown = unknown.into_iter().map(|word| (number, word));
        pasted.unknown.extend(unknown);
    }
    pasted
}

/// The host, and the words that mean nothing.
fn host_from(line: &str) -> Option<(Host, Vec<String>)> {
    if line
        .chars()
        .any(|letter| letter.is_control() && letter != '\t')
    {
        return None;
    }
    let (mut address, mut user, mut plain) = (None, None, Vec::new());
    let mut begins_with_address = None;
    let words = line.split([' ', '\t', ',', ';']);
    for word in words.filter(|word| !word.is_empty()) {
        let is_address = word.contains(['@', '.']) || word.parse::<IpAddr>().is_ok();
        begins_with_address.get_or_insert(is_address);
        if let Some((before, after)) = word.split_once('@') {
            user = Some(before.to_owned());
            address = Some(after.to_owned());
        } else if is_address && address.is_none() {
            address = Some(word.to_owned());
        } else if !is_address {
            plain.push(word.to_owned());
        }
    }
    let is_role = |word: &String| roles_of(word).is_some();
    let role_at = match &*plain {
        // `db 10.0.0.5`: the name, which also gives the role. `10.0.0.5 db`: the role.
        [word] => (begins_with_address? && is_role(word)).then_some(0),
        // `db 10.0.0.5 postgres`: the first one is the name. `agent 10.0.0.6 w1`: the other one is.
        [_, rest @ ..] => {
            let after = rest.iter().position(is_role).map(|place| place + 1);
            after.or_else(|| is_role(&plain[0]).then_some(0))
        }
        [] => None,
    };
    let role = role_at.map(|place| plain.remove(place));
    let mut plain = plain.into_iter();
    let name = plain.next();
    // A single word is a name that SSH may know too.
    let address = address.or_else(|| name.clone())?;
    let name = name.unwrap_or_else(|| name_of(&address));
    let role = role.or_else(|| Some(name.clone()));
    let roles = role.as_deref().and_then(roles_of);
    let roles = roles.unwrap_or_else(|| vec![guess(&name)]);
    let host = Host {
        roles,
        user,
        ..Host::new(name, Role::Agent, address)
    };
    Some((host, plain.collect()))
}

/// `lb`, or several as in `lb+monitor`.
fn roles_of(word: &str) -> Option<Vec<Role>> {
    word.split('+').map(role_named).collect()
}

fn role_named(word: &str) -> Option<Role> {
    match word.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "database" | "db" => Some(Role::Postgres),
        "monitor" => Some(Role::Monitor),
        "server" | "control-plane" => Some(Role::Server),
        "load-balancer" | "loadbalancer" | "lb" | "nginx" => Some(Role::LoadBalancer),
        "agent" | "worker" => Some(Role::Agent),
        _ => None,
    }
}

fn guess(name: &str) -> Role {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["monitor"]) {
        Role::Monitor
    } else if has(&["postgres", "pg", "db"]) {
        Role::Postgres
    } else if has(&["nginx", "lb", "balancer", "proxy"]) {
        Role::LoadBalancer
    } else if has(&["agent", "worker"]) {
        Role::Agent
    } else {
        Role::Server
    }
}

fn name_of(address: &str) -> String {
    if address.parse::<IpAddr>().is_ok() {
        format!("host-{}", address.replace(['.', ':'], "-"))
    } else {
        address.split('.').next().unwrap_or(address).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_lines_become_hosts() {
        let text = "# my machines\n\
            k3s-postgres 10.0.0.5\n\
            10.0.0.11 k3s-server-1 root@10.0.0.11\n\
            s2, 10.0.0.12, server\n\n\
            admin@lb.example.com\r\n\
            10.0.0.20 worker\n\
            db 192.0.2.5 postgres\n\
            agent 192.0.2.6 w1\n\
            x1 192.0.2.3 agnet\n\
            lb-2 192.0.2.7 lb+monitor\n\
            pg-monitor 192.0.2.8\n";
        let pasted = hosts_from(text);
        assert_eq!(pasted.unknown, [(10, "agnet".to_owned())]);
        let hosts: Vec<_> = pasted
            .hosts
            .into_iter()
            .map(|host| {
                let user = host.user.clone().unwrap_or_default();
                format!(
                    "{} {} {user}@{}",
                    host.name,
                    host.roles_text(),
                    host.address
                )
            })
            .collect();
        assert_eq!(
            hosts,
            [
                "k3s-postgres postgres @10.0.0.5",
                "k3s-server-1 server root@10.0.0.11",
                "s2 server @10.0.0.12",
                "lb load-balancer admin@lb.example.com",
                "host-10-0-0-20 agent @10.0.0.20",
                "db postgres @192.0.2.5",
                "w1 agent @192.0.2.6",
                "x1 server @192.0.2.3",
                "lb-2 load-balancer+monitor @192.0.2.7",
                "pg-monitor monitor @192.0.2.8",
            ]
        );
        assert!(hosts_from("a\u{1b}[31m b").hosts.is_empty());
        for end in ["\r", "\n", "\r\n"] {
            let hosts = hosts_from(&["db 10.0.0.5", "s1 10.0.0.11", "lb 10.0.0.2"].join(end));
            let named = hosts
                .hosts
                .iter()
                .map(|host| format!("{} {}", host.name, host.role()));
            let named: Vec<_> = named.collect();
            assert_eq!(named, ["db postgres", "s1 server", "lb load-balancer"]);
        }
    }
}
