//! Hosts that are pasted, one per line.

use crate::answers::{Host, Role};

/// Hosts from pasted lines: a name, an address and a role in any order, `user@` before the address
/// if there is one. What is missing is guessed, and can be edited afterwards.
pub fn hosts_from(text: &str) -> Vec<Host> {
    // A terminal may send a pasted line end as a carriage return.
    text.split(['\r', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(host_from)
        .collect()
}

fn host_from(line: &str) -> Option<Host> {
    let (mut name, mut address, mut role, mut user) = (None, None, None, None);
    let words = line.split([' ', '\t', ',', ';']);
    let words = words.filter(|word| !word.is_empty());
    let first = words.clone().next()?;
    for word in words {
        if word.chars().any(char::is_control) {
            return None;
        }
        if role.is_none()
            && let Some(known) = role_named(word)
        {
            role = Some(known);
        } else if let Some((before, after)) = word.split_once('@') {
            user = Some(before.to_owned());
            address = Some(after.to_owned());
        } else if address.is_none()
            && (word.parse::<std::net::IpAddr>().is_ok() || word.contains('.'))
        {
            address = Some(word.to_owned());
        } else if name.is_none() {
            name = Some(word.to_owned());
        }
    }
    // `db 10.0.0.5`: the first word is the name, and also gives the role.
    let name = name.or_else(|| role_named(first).map(|_| first.to_owned()));
    // A single word is a name that SSH may know too.
    let address = address.or_else(|| name.clone())?;
    let name = name.unwrap_or_else(|| name_of(&address));
    let role = role.unwrap_or_else(|| guess(&name));
    Some(Host {
        user,
        ..Host::new(name, role, address)
    })
}

fn role_named(word: &str) -> Option<Role> {
    match word.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" | "database" | "db" => Some(Role::Postgres),
        "server" | "control-plane" => Some(Role::Server),
        "load-balancer" | "loadbalancer" | "lb" | "nginx" => Some(Role::LoadBalancer),
        "agent" | "worker" => Some(Role::Agent),
        _ => None,
    }
}

fn guess(name: &str) -> Role {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["postgres", "pg", "db"]) {
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
    if address.parse::<std::net::IpAddr>().is_ok() {
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
            10.0.0.20 worker\n";
        let hosts: Vec<_> = hosts_from(text)
            .into_iter()
            .map(|host| {
                let user = host.user.clone().unwrap_or_default();
                format!("{} {} {user}@{}", host.name, host.role(), host.address)
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
            ]
        );
        assert!(hosts_from("a\u{1b}[31m b").is_empty());
        for end in ["\r", "\n", "\r\n"] {
            let hosts = hosts_from(&["db 10.0.0.5", "s1 10.0.0.11", "lb 10.0.0.2"].join(end));
            let named = hosts
                .iter()
                .map(|host| format!("{} {}", host.name, host.role()));
            let named: Vec<_> = named.collect();
            assert_eq!(named, ["db postgres", "s1 server", "lb load-balancer"]);
        }
    }
}
