//! A stand-in for K3s, for the test lab where the real one cannot be had. It is no part of the
//! product and never claims to be K3s; what it does, it does as strictly as the real one did when
//! it was recorded (tests/fixtures/real).

mod agent;
mod api;
mod balancer;
mod bootstrap;
mod certs;
mod cluster;
mod configmaps;
mod datastore;
mod election;
mod flags;
mod host;
mod http;
mod kubeconfig;
mod kubectl;
mod kubelet;
mod kubelet_port;
mod kubernetes;
mod listen;
mod log;
mod nodes;
mod overlay;
mod pods;
mod server;
mod serving;
mod settings;
mod tls;
mod token;
mod version;
mod yaml;

use std::io;

fn main() {
    let mut arguments: Vec<String> = std::env::args().collect();
    let program = arguments.remove(0);
    let called = program.rsplit('/').next().unwrap_or_default().to_owned();
    // The links that the install script makes.
    if ["kubectl", "crictl", "ctr"].contains(&called.as_str()) {
        arguments.insert(0, called);
    }
    let command = if arguments.is_empty() {
        String::new()
    } else {
        arguments.remove(0)
    };
    match command.as_str() {
        "server" => server::run(&arguments),
        "agent" => agent::run(&arguments),
        "kubectl" => std::process::exit(kubectl::run(&arguments)),
        "stand-in" => std::process::exit(kubectl::stand_in(&arguments)),
        "--version" | "-v" => {
            println!(
                "k3s version {} (stand-in)\n{}",
                version::VERSION,
                version::NOTE
            );
        }
        other => {
            eprintln!("{}: it has no `k3s {other}`", version::NOTE);
            std::process::exit(1);
        }
    }
}

/// An error of the system in Go's words.
fn go_words(error: &io::Error) -> String {
    use io::ErrorKind::{
        AddrInUse, BrokenPipe, ConnectionRefused, ConnectionReset, HostUnreachable,
        NetworkUnreachable, NotFound, PermissionDenied, TimedOut, UnexpectedEof, WouldBlock,
    };
    match error.kind() {
        NotFound => "no such file or directory".into(),
        PermissionDenied => "permission denied".into(),
        ConnectionRefused => "connection refused".into(),
        ConnectionReset => "connection reset by peer".into(),
        HostUnreachable => "no route to host".into(),
        NetworkUnreachable => "network is unreachable".into(),
        AddrInUse => "address already in use".into(),
        BrokenPipe => "broken pipe".into(),
        TimedOut | WouldBlock => "i/o timeout".into(),
        UnexpectedEof => "unexpected EOF".into(),
        _ => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase()
        }
    }
}
