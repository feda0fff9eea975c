//! All tests from outside, but those that need the lab (`tests/on_lab`). Many need root, for an sshd
//! and a Postgres of their own. `cargo test --test it ssh::` runs those of one subject.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests, too

mod answers_document;
mod architecture;
mod bastions;
mod datastore;
mod detached;
mod documents;
mod external;
mod plain;
mod plain_logins;
mod private;
mod probe;
mod programs;
mod relay;
mod ssh;
mod steps;
mod sudo;
mod tui;
mod tui_screenshots;
mod verbs;

const WIZARD: &str = env!("CARGO_BIN_EXE_k3s-ha-wizard");

/// The hosts of the example with their roles, where every connection is refused.
fn unreachable_answers() -> k3s_ha_wizard::answers::Answers {
    use k3s_ha_wizard::answers::{Answers, Host};

    let example = Answers::from_toml(k3s_ha_wizard::answers::example()).expect("answers");
    let mut answers = Answers::default();
    answers.cluster.name = "lab".into();
    answers.ssh.user = Some("admin".into());
    answers.ssh.config = Some("none".into());
    for (place, host) in example.hosts.iter().enumerate() {
        let address = format!("127.0.0.{}", place + 10);
        let mut unreachable = Host::new(host.name.clone(), host.role(), address);
        unreachable.node_ip = host.node_ip.or_else(|| host.address.parse().ok());
        unreachable.port = Some(1);
        answers.hosts.push(unreachable);
    }
    answers
}
