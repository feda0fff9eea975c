//! The hosts together: their roles, addresses and sites.

use super::*;

#[test]
fn the_topology_is_checked() {
    insta::assert_snapshot!(problems(""), @r#"
    1:1: hosts: no host has the role "postgres": at least one is needed. For an external Postgres, set postgres.endpoints instead
    1:1: hosts: no host has the role "server": at least one is needed
    1:1: hosts: no host has the role "load-balancer": at least one is needed. For an external load balancer, set load_balancer.endpoint instead
    "#);
    insta::assert_snapshot!(problems(r#"
        hosts = [
            { name = "a", role = "postgres", address = "10.0.0.1" },
            { name = "b", role = "postgres", address = "10.0.0.2" },
            { name = "c", role = "server", address = "10.0.0.2" },
            { name = "d", role = "load-balancer", address = "lb.example.com" },
            { name = "e", role = "load-balancer", address = "10.0.0.3", node_ip = "127.0.0.1" },
            { name = "f", role = "agent", address = "f.example.com", node_ip = "10.0.0.1" },
            { name = "g.example.com", role = "agent", address = "root@10.0.0.7" },
            { name = "-h", role = "agent", address = "10.0.0.8:2222" },
            { name = "i", role = "agent", address = "10.0.0.256" },
        ]"#), @r#"
    1:1: load_balancer.virtual_ip: is missing: the load balancers d and e share an address, which one of them holds. Set a free address in their network, or leave one of the two hosts out
    1:1: postgres.name: is missing: the servers use one DNS name for the two Postgres hosts, for example "postgres.k3s.internal". They get it in /etc/hosts
    2:17: hosts: there are two Postgres hosts, so one host must have the role "monitor": for example the load balancer, as roles = ["load-balancer", "monitor"]
    5:54: hosts[2].address: 10.0.0.2 is already the address of b: each machine is one host
    6:61: hosts[3].address: is a DNS name, so node_ip is needed too: access rules, certificates and nodes need an IP address. Write node_ip = "…", or an IP address here
    7:83: hosts[4].node_ip: the other hosts cannot reach this host at 127.0.0.1: set node_ip to its address in the cluster's network
    8:80: hosts[5].node_ip: 10.0.0.1 is already the address of a: each machine is one host
    9:22: hosts[6].name: must be 1 to 63 characters of a-z, 0-9 and -, and start and end with a letter or digit, as Kubernetes and DNS require
    9:65: hosts[6].address: must not contain a user name: write user = "root"
    10:22: hosts[7].name: must be 1 to 63 characters of a-z, 0-9 and -, and start and end with a letter or digit, as Kubernetes and DNS require
    10:54: hosts[7].address: must not contain a port: write port = 2222
    11:53: hosts[8].address: must be an IP address or a DNS name
    "#);
}

#[test]
fn every_host_has_a_site_or_none_has() {
    let sited = |one: &str, other: &str| {
        let site = |site: &str| format!("site = {site:?}\n");
        let host = |name: &str, role: &str, last: u8, site: String| {
            format!(
                "[[hosts]]\nname = {name:?}\nrole = {role:?}\naddress = \"10.0.0.{last}\"\n{site}"
            )
        };
        [
            host("db", "postgres", 1, site("east")),
            host("s1", "server", 2, site(one)),
            host("lb", "load-balancer", 3, site(other)),
        ]
        .concat()
    };
    let good = read(&sited("east", "west"));
    assert_eq!(good.hosts[2].site.as_deref(), Some("west"));
    assert_eq!(read(&good.to_toml()), good);
    let bad = sited("East 1", "west").replace("site = \"west\"\n", "");
    insta::assert_snapshot!(problems(&bad), @r"
    10:8: hosts[1].site: must be 1 to 63 characters of a-z, 0-9 and -, and start and end with a letter or digit, as Kubernetes and DNS require
    11:1: hosts[2].site: is missing: other hosts have a site, and what the loss of a site means is known only where every host has one
    ");
}
