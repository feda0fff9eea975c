//! What answers say of the load balancers: one host, or two that share a virtual address.

use std::net::IpAddr;

use super::forms::{PORT, name_or_address_problem};
use super::problems::Problem;
use super::{Answers, Host, Role};

/// Every problem of the load balancers.
pub(super) fn problems(answers: &Answers) -> Vec<Problem> {
    let wanted = &answers.load_balancer;
    let mut problems = Vec::new();
    let mut problem =
        |key: String, message: &str| problems.push(Problem::new(key, message.to_owned()));
    if wanted.port == 0 {
        problem("load_balancer.port".into(), PORT);
    }
    for (number, name) in wanted.names.iter().enumerate() {
        if let Some(message) = name_or_address_problem(name) {
            problem(format!("load_balancer.names[{number}]"), message);
        }
    }
    if let Some(ip) = wanted.virtual_ip
        && let Some(message) = virtual_ip_problem(ip, answers)
    {
        problem("load_balancer.virtual_ip".into(), &message);
    }
    let hosts = answers.hosts.iter().enumerate();
    let mut balancers = hosts.filter(|(_, host)| host.roles.contains(&Role::LoadBalancer));
    let (first, second) = (balancers.next(), balancers.next());
    if let (Some((_, first)), Some((_, second)), None) = (first, second, wanted.virtual_ip) {
        let message = format!(
            "is missing: the load balancers {} and {} share an address, which one of them holds. Set a free \
             address in their network, or leave one of the two hosts out",
            first.name, second.name
        );
        problem("load_balancer.virtual_ip".into(), &message);
    }
    for (number, _) in balancers {
        problem(
            format!("hosts[{number}].role"),
            "two hosts have the role \"load-balancer\" already, and there can be no third: leave \
             one of them out",
        );
    }
    problems
}

fn virtual_ip_problem(ip: IpAddr, answers: &Answers) -> Option<String> {
    let balancers: Vec<_> = answers.with_role(Role::LoadBalancer).collect();
    let is_of = |host: &&Host| {
        host.cluster_ip() == Some(ip) || host.address.parse::<IpAddr>().is_ok_and(|it| it == ip)
    };
    if let Some(host) = answers.hosts.iter().find(is_of) {
        return Some(format!(
            "{ip} is the address of {}, but the virtual address must not be the address of a host. Set \
             a free address in the load balancers' network",
            host.name
        ));
    }
    if ip.is_loopback() || ip.is_unspecified() || ip.is_multicast() {
        return Some(format!(
            "other hosts cannot reach {ip}: set a free address in the load balancers' network"
        ));
    }
    if balancers.len() < 2 {
        return Some(
            "a virtual address needs two hosts with the role \"load-balancer\": add the second, or \
             leave virtual_ip out"
                .into(),
        );
    }
    let mut others = balancers.iter().filter_map(|host| host.cluster_ip());
    let other = others.find(|own| own.is_ipv4() != ip.is_ipv4())?;
    Some(format!(
        "{ip} is not in the network of {other}, the address of a load balancer: set a free address \
         of that network"
    ))
}
