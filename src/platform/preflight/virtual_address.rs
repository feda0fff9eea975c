//! The address that two load balancers share: in the network of both, and held by no other host.

use std::net::IpAddr;

use super::{Requirements, RowDraft};
use crate::answers::{Check, Role};

const FREE: &str = "Set virtual_ip under [load_balancer] to a free address in the load balancers' \
                    network";

pub(super) fn check(sheets: &mut [RowDraft<'_>], wanted: Requirements<'_>) {
    let Some(ip) = wanted.topology.api.virtual_ip() else {
        return;
    };
    let is_held = sheets.iter().any(|sheet| holds_it(sheet, ip));
    for sheet in sheets {
        let is_balancer = sheet.role() == Role::LoadBalancer;
        if sheet.looked.facts.has_address(ip) && !holds_it(sheet, ip) {
            let cause =
                format!("it already has the virtual address {ip}, which the wizard did not set");
            sheet.fails(Check::Address, cause, FREE);
        }
        if is_balancer {
            network(sheet, ip);
        }
        if is_balancer && sheet.looked.facts.virtual_ip_answers && !is_held {
            let cause = format!("the virtual address {ip} is in use: a host in its network has it");
            let remedy =
                format!("{FREE}. To find that host: ping -c 1 {ip}; ip neigh show to {ip}");
            sheet.fails(Check::Address, cause, remedy);
        }
    }
}

/// Whether the keepalived of an earlier run gave the address to this host.
fn holds_it(sheet: &RowDraft<'_>, ip: IpAddr) -> bool {
    let facts = sheet.looked.facts;
    let is_ours = facts.units.contains_key("k3s-vip.service");
    sheet.role() == Role::LoadBalancer && is_ours && facts.has_address(ip)
}

fn network(sheet: &mut RowDraft<'_>, ip: IpAddr) {
    let own = sheet.looked.host.cluster_ip();
    let addresses = sheet.looked.facts.addresses.iter();
    let Some(own) = addresses.clone().find(|address| Some(address.ip) == own) else {
        return;
    };
    if own.has_in_network(ip) {
        return;
    }
    let cause = format!(
        "the virtual address {ip} is not in its network, {}/{} ({})",
        own.ip, own.prefix, own.interface
    );
    let remedy = format!(
        "{FREE}. Load balancers in different networks cannot share an address: use one load balancer"
    );
    sheet.fails(Check::Address, cause, remedy);
}

#[cfg(test)]
mod tests {
    use super::super::tests::{AGENT, BALANCER, PreflightWorld, good, lab, told};
    use super::*;
    use crate::answers::Host;
    use crate::platform::{InterfaceAddress, UnitState};

    fn at(ip: &str, prefix: u8) -> InterfaceAddress {
        InterfaceAddress {
            interface: "eth0".into(),
            ip: ip.parse().unwrap(),
            prefix,
        }
    }

    fn pair() -> PreflightWorld {
        let mut world = lab();
        let second = Host::new("k3s-nginx-2", Role::LoadBalancer, "198.51.100.124");
        world.facts.push(good(&second));
        world.sources.push(world.sources[BALANCER].clone());
        world.links.push(Vec::new());
        world.answers.hosts.push(second);
        world.answers.load_balancer.virtual_ip = "198.51.100.130".parse().ok();
        for (place, own) in [(BALANCER, "198.51.100.14"), (5, "198.51.100.124")] {
            world.facts[place].addresses = vec![at(own, 24)];
        }
        world
    }

    #[test]
    fn a_free_address_of_the_network_is_fine() {
        assert_eq!(told(&pair().grid()), "");
        let mut world = pair();
        world.facts[BALANCER]
            .addresses
            .push(at("198.51.100.130", 32));
        let unit = ("k3s-vip.service".to_owned(), UnitState::Active);
        world.facts[BALANCER].units.extend([unit]);
        world.facts[5].virtual_ip_answers = true;
        assert_eq!(told(&world.grid()), "");
    }

    #[test]
    fn an_address_elsewhere_or_in_use_is_refused() {
        let mut world = pair();
        world.facts[BALANCER].addresses = vec![at("198.51.100.14", 26)];
        world.facts[5].virtual_ip_answers = true;
        world.facts[AGENT].addresses.push(at("198.51.100.130", 24));
        insta::assert_snapshot!(told(&world.grid()));
    }
}
