//! What guards a host, and the command that opens it. Told, not done.

/// What a firewall among the facts is, and what opens ports of it, each `8472/udp`.
pub fn opens(firewall: &str, ports: &[String]) -> (String, String) {
    let (name, rules) = firewall.split_once(' ').unwrap_or((firewall, ""));
    let each = |before: &str, between: &str| {
        let all: Vec<_> = ports.iter().map(|port| format!("{before}{port}")).collect();
        all.join(between)
    };
    match name {
        "firewalld" => (
            "firewalld is on".to_owned(),
            format!(
                "firewall-cmd --permanent {} && firewall-cmd --reload",
                each("--add-port=", " ")
            ),
        ),
        "ufw" => ("ufw is on".to_owned(), each("ufw allow ", " && ")),
        name => (
            format!("{name} turns connections away ({rules} rules)"),
            format!("Let {} in", ports.join(", ")),
        ),
    }
}
