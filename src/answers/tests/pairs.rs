//! Two load balancers, and the address that they share.

use std::fmt::Write as _;

use super::*;

/// The smallest answers, with this many load balancers.
fn with_balancers(count: usize, virtual_ip: Option<&str>) -> String {
    let ip = virtual_ip.map_or(String::new(), |ip| format!("virtual_ip = {ip:?}\n"));
    let mut text = format!("[load_balancer]\n{ip}");
    let names = ["db postgres 1", "s server 2"].map(str::to_owned);
    let balancers = (1..=count).map(|number| format!("lb{number} load-balancer 1{number}"));
    for host in names.into_iter().chain(balancers) {
        let words: Vec<_> = host.split(' ').collect();
        let (name, role, last) = (words[0], words[1], words[2]);
        let _ = writeln!(
            text,
            "[[hosts]]\nname = {name:?}\nrole = {role:?}\naddress = \"10.0.0.{last}\""
        );
    }
    text
}

#[test]
fn two_load_balancers_share_an_address() {
    let text = with_balancers(2, Some("10.0.0.9"));
    let answers = read(&text);
    assert_eq!(
        answers.load_balancer.virtual_ip,
        "10.0.0.9".parse().ok(),
        "{text}"
    );
    assert_eq!(read(&answers.to_toml()), answers);
    let sixth = text
        .replace("10.0.0.11", "fd00::11")
        .replace("10.0.0.12", "fd00::12");
    read(&sixth.replace("10.0.0.9", "fd00::9"));
}

#[test]
fn what_cannot_be_shared_is_refused_with_the_way_out() {
    let said = [
        (2, None),
        (1, Some("10.0.0.9")),
        (3, Some("10.0.0.9")),
        (2, Some("10.0.0.11")),
        (2, Some("10.0.0.1")),
        (2, Some("fd00::9")),
        (2, Some("127.0.0.1")),
        (2, Some("10.0.0")),
    ]
    .map(|(count, ip)| {
        let found = problems(&with_balancers(count, ip));
        format!("{count} load balancers, {}\n{found}", ip.unwrap_or("none"))
    });
    insta::assert_snapshot!(said.join("\n"));
}
