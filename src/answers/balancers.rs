//! What answers say of the load balancers: one host, two that share a virtual address, or an external
//! one.

use std::net::IpAddr;

use super::forms::{PORT, name_or_address_problem};
use super::problems::Problem;
use super::{Answers, Host, LoadBalancer, Role};
use crate::address::Endpoint;

impl LoadBalancer {
    /// The external one, if the answers name it.
    pub fn external(&self) -> Option<Endpoint> {
        Endpoint::parse(self.endpoint.as_deref()?, self.port)
    }
}

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
    if let Some(ip) = wanted.virtual_ip.filter(|_| wanted.endpoint.is_none())
        && let Some(message) = virtual_ip_problem(ip, answers)
    {
        problem("load_balancer.virtual_ip".into(), &message);
    }
    if wanted.endpoint.is_some() {
        problems.extend(external_problems(answers));
        return problems;
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

/// An external load balancer takes the place of all that the wizard would make.
fn external_problems(answers: &Answers) -> Vec<Problem> {
    let wanted = &answers.load_balancer;
    let mut problems = Vec::new();
    let mut problem = |key: String, message: String| problems.push(Problem::new(key, message));
    let hosts = answers.hosts.iter().enumerate();
    let balancers = hosts.filter(|(_, host)| host.roles.contains(&Role::LoadBalancer));
    for (number, host) in balancers {
        let message = format!(
            "is load-balancer, but load_balancer.endpoint names an external one: leave out one of the \
             two. The wizard needs {} only if it installs nginx there",
            host.name
        );
        problem(format!("hosts[{number}].role"), message);
    }
    if wanted.virtual_ip.is_some() {
        problem(
            "load_balancer.virtual_ip".into(),
            "is only for two load balancers that the wizard installs: leave it out with an external one"
                .into(),
        );
    }
    let Some(at) = wanted.external() else {
        problem(
            "load_balancer.endpoint".into(),
            "must be a DNS name or an IP address, with or without a port: lb.example.com:6443, \
             10.0.0.100 or [2001:db8::100]:6443"
                .into(),
        );
        return problems;
    };
    let default = LoadBalancer::default().port;
    if wanted.port != default && wanted.port != at.port {
        let message = format!(
            "is {}, but load_balancer.endpoint has the port {}: leave out one of the two",
            wanted.port, at.port
        );
        problem("load_balancer.port".into(), message);
    }
    let is_it = |host: &&Host| {
        let name = at.name.to_string();
        host.cluster_ip().is_some_and(|ip| Some(ip) == at.name.ip()) || host.address == name
    };
    let ip = at.name.ip();
    if let Some(server) = answers.with_role(Role::Server).find(is_it) {
        let message = format!(
            "is the address of the server {}: the load balancer stands in front of all servers. Set its \
             own address",
            server.name
        );
        problem("load_balancer.endpoint".into(), message);
    } else if ip.is_some_and(|ip| ip.is_loopback() || ip.is_unspecified() || ip.is_multicast()) {
        problem(
            "load_balancer.endpoint".into(),
            "is an address that hosts cannot reach: set the load balancer's address in their network"
                .into(),
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
