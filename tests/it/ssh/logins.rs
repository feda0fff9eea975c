//! Logging in with keys and agents, and what no sshd answers.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use k3s_ha_wizard::answers::HostKeys;
use k3s_ha_wizard::remote::{
    AcceptedKeys, Bastions, Cancel, Credentials, RemoteError, Ssh, Target,
};
use support::sshd::{self, Sshd, connect};

use super::error;

#[test]
fn an_encrypted_key_needs_its_passphrase() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.keys = vec![sshd.path("locked")];
    let try_with = |passphrase: Option<&str>| {
        let credentials = Credentials {
            passphrase: passphrase.map(|text| text.to_owned().into()),
            ..Credentials::default()
        };
        Ssh::connect(&target, &credentials, &Cancel::new().unwrap())
    };
    let without = try_with(None).err().unwrap().to_string();
    assert!(without.contains("Give its passphrase"), "{without}");
    let wrong = try_with(Some("wrong")).err().unwrap().to_string();
    assert!(
        wrong.contains("this passphrase does not open it"),
        "{wrong}"
    );
    assert!(!wrong.contains("wrong:"), "{wrong}");
    try_with(Some("open sesame")).unwrap();
}

#[test]
fn a_key_that_is_not_let_in_says_what_was_tried() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    sshd::make_key(&sshd.path("other"), "ecdsa", "");
    target.keys = vec![sshd.path("other")];
    let refused = error(&target).to_string();
    assert!(refused.contains("other"), "{refused}");
    assert!(refused.contains("publickey"), "{refused}");
    target.keys = vec![sshd.path("missing")];
    let missing = error(&target).to_string();
    assert!(missing.contains("missing"), "{missing}");
    assert!(missing.contains("No such file"), "{missing}");
    // One after the other, as they were named.
    target.keys = ["missing", "locked", "other", "user"]
        .map(|name| sshd.path(name))
        .to_vec();
    connect(&target).unwrap();
}

/// Runs itself once more, with an agent in its environment.
#[test]
fn every_key_of_an_agent_is_tried_the_named_ones_first() {
    if let Ok(port) = std::env::var("TEST_AGENT_PORT") {
        let folder = std::path::PathBuf::from(std::env::var("TEST_AGENT_FOLDER").unwrap());
        with_an_agent(port.parse().unwrap(), &folder);
        return;
    }
    let sshd = Sshd::with("MaxAuthTries 3");
    let socket = sshd.path("agent");
    let mut agent = Command::new("ssh-agent")
        .arg("-Da")
        .arg(&socket)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !socket.exists() {
        thread::sleep(Duration::from_millis(10));
    }
    for name in ["one", "two", "user"] {
        if name != "user" {
            sshd::make_key(&sshd.path(name), "ed25519", "");
        }
        let added = Command::new("ssh-add")
            .arg("-q")
            .arg(sshd.path(name))
            .env("SSH_AUTH_SOCK", &socket)
            .status();
        assert!(added.unwrap().success());
    }
    let again = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "ssh::logins::every_key_of_an_agent_is_tried_the_named_ones_first",
        ])
        .env("SSH_AUTH_SOCK", &socket)
        .env("TEST_AGENT_PORT", sshd.port.to_string())
        .env("TEST_AGENT_FOLDER", sshd.path(""))
        .output()
        .unwrap();
    agent.kill().unwrap();
    agent.wait().unwrap();
    assert!(again.status.success(), "{again:?}");
    let said = String::from_utf8_lossy(&again.stdout);
    assert!(said.contains("1 passed"), "{said}");
}

/// The agent holds `one`, `two` and `user`, of which only the last one is let in.
fn with_an_agent(port: u16, folder: &std::path::Path) {
    let mut target = Target {
        name: "k3s-test".into(),
        address: "127.0.0.1".into(),
        port,
        user: "root".into(),
        keys: Vec::new(),
        only_these_keys: false,
        known_hosts: Vec::new(),
        own_known_hosts: folder.join("own_known_hosts"),
        policy: HostKeys::AcceptNew,
        accepted: AcceptedKeys::default(),
        fingerprint: None,
        via: Vec::new(),
        bastions: Bastions::default(),
    };
    connect(&target).unwrap();

    // Three keys are more than this sshd wants to see; but the agent's named one comes first.
    for name in ["three", "four"] {
        sshd::make_key(&folder.join(name), "ed25519", "");
        let added = Command::new("ssh-add").arg(folder.join(name)).status();
        assert!(added.unwrap().success());
    }
    for how in ["-d", "-q"] {
        let moved = Command::new("ssh-add")
            .arg(how)
            .arg(folder.join("user"))
            .status();
        assert!(moved.unwrap().success());
    }
    let refused = error(&target).to_string();
    assert!(refused.contains("MaxAuthTries"), "{refused}");
    assert!(refused.contains("ssh-agent's key"), "{refused}");
    target.keys = vec![folder.join("user.pub")];
    connect(&target).unwrap();

    target.only_these_keys = true;
    connect(&target).unwrap();
    target.keys = vec![folder.join("one.pub")];
    let refused = error(&target).to_string();
    assert!(refused.contains("4 other keys, not tried"), "{refused}");
}

#[test]
fn a_port_where_nothing_listens_is_unreachable() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    drop(sshd);
    let refused = error(&target).to_string();
    assert!(refused.contains("connection refused"), "{refused}");
    target.address = "no-such-host.invalid".into();
    let unknown = error(&target).to_string();
    assert!(unknown.contains("cannot be resolved"), "{unknown}");
}

#[test]
fn what_closes_before_it_greets_is_said_to_be_no_sshd() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    target.port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            drop(connection);
        }
    });
    let refused = error(&target).to_string();
    assert!(refused.contains("before the SSH banner"), "{refused}");
}

#[test]
fn weak_algorithms_are_not_offered() {
    for only in [
        "KexAlgorithms diffie-hellman-group14-sha1",
        "Ciphers aes256-cbc",
        "Ciphers aes256-ctr\nMACs hmac-md5",
        "Ciphers aes256-ctr\nMACs hmac-sha1",
    ] {
        let sshd = Sshd::with(only);
        let refused = sshd::connect(&sshd.target()).err().expect(only);
        assert!(
            matches!(refused, RemoteError::Unreachable { .. }),
            "{only}: {refused}"
        );
    }
    for only in [
        "KexAlgorithms diffie-hellman-group14-sha256",
        "Ciphers aes128-ctr\nMACs hmac-sha2-512",
        "LogLevel DEBUG3",
    ] {
        let sshd = Sshd::with(only);
        sshd.connect();
        let log = std::fs::read_to_string(sshd.path("log")).unwrap();
        assert!(
            only.starts_with("LogLevel") == log.contains("strict KEX"),
            "{log}"
        );
    }
}
