//! Hosts tried in the background, over a real sshd.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};
use k3s_ha_wizard::answers::{Answers, CredentialKind, Host, HostKeys, Role};
use k3s_ha_wizard::engine::control::Control;
use k3s_ha_wizard::events::Abort;
use k3s_ha_wizard::frontends::tui::effect::ProbeOrder;
use k3s_ha_wizard::frontends::tui::message::{Message, Unreached};
use k3s_ha_wizard::frontends::tui::probe::start;
use k3s_ha_wizard::run::Tried;
use support::sshd::Sshd;

const PATIENCE: Duration = Duration::from_secs(60);

fn order(sshd: &Sshd, key: &str) -> ProbeOrder {
    let mut answers = Answers::default();
    answers.ssh.config = Some("none".into());
    answers.ssh.host_keys = HostKeys::AcceptNew;
    let mut host = Host::new("h", Role::Agent, "127.0.0.1");
    host.port = Some(sshd.port);
    host.user = Some(sshd.target().user);
    host.key = Some(sshd.path(key));
    ProbeOrder {
        id: 7,
        host,
        answers,
    }
}

fn asks() -> Tried {
    Tried {
        asks: true,
        ..Tried::default()
    }
}

fn begin(order: ProbeOrder, tried: &Tried) -> (Receiver<Message>, Arc<Control>) {
    let (messages, inbox) = unbounded();
    let control = Arc::<Control>::default();
    start(order, tried.clone(), control.clone(), messages).unwrap();
    (inbox, control)
}

fn told(inbox: &Receiver<Message>) -> Result<String, Unreached> {
    match inbox.recv_timeout(PATIENCE).unwrap() {
        Message::Probed(7, what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_says_what_it_is_and_is_left_alone() {
    let sshd = Sshd::start();
    let what = told(&begin(order(&sshd, "user"), &asks()).0).unwrap();
    assert!(what.ends_with(" MiB"), "{what}");
    // The connection is closed, and nothing is written down.
    let since = Instant::now();
    let log = || std::fs::read_to_string(sshd.path("log")).unwrap();
    while !log().contains("closed by") && !log().contains("Connection reset") {
        assert!(since.elapsed() < PATIENCE, "{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The database may be half typed, or a paste: it reaches no shell and no SQL of the host.
#[test]
fn a_database_that_is_still_being_typed_runs_nothing() {
    let sshd = Sshd::start();
    let ran = sshd.path("ran");
    let touch = format!("touch {}", ran.display());
    for database in [
        format!("k3s; {touch}"),
        format!("k3s$({touch})"),
        format!("k3s\n{touch}\n"),
        format!("k3s'; {touch}; '"),
    ] {
        let mut order = order(&sshd, "user");
        order.host.roles = vec![Role::Postgres];
        order.answers.postgres.database = database;
        order.answers.hosts.push(order.host.clone());
        told(&begin(order, &asks()).0).unwrap();
        assert!(!ran.exists());
    }
}

#[test]
fn a_key_that_nobody_vouches_for_is_shown() {
    let sshd = Sshd::start();
    let mut order = order(&sshd, "user");
    order.answers.ssh.host_keys = HostKeys::Strict;
    let failed = told(&begin(order.clone(), &asks()).0).unwrap_err();
    let key = failed.host_key.expect("a fingerprint");
    assert_eq!(key, sshd.fingerprint("ed25519"));
    order.host.host_key = Some(key);
    told(&begin(order, &asks()).0).unwrap();
}

#[test]
fn a_passphrase_is_asked_for_and_used() {
    let sshd = Sshd::start();
    let order = order(&sshd, "locked");
    let mut tried = asks();
    let failed = told(&begin(order.clone(), &tried).0).unwrap_err();
    let key = sshd.path("locked");
    let what = CredentialKind::Passphrase { key };
    assert!(failed.lacks(&what), "{failed:?}");
    let secret = "open sesame".to_owned().into();
    tried.asked.take(&order.host, &what, &secret, false);
    told(&begin(order, &tried).0).unwrap();
}

#[test]
fn who_waits_for_a_host_is_let_go() {
    let sshd = Sshd::start();
    let mut order = order(&sshd, "user");
    // A process listens, and sends nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    order.host.port = Some(silent.local_addr().unwrap().port());
    let (inbox, control) = begin(order, &asks());
    let accepted = silent.accept().unwrap();
    let since = Instant::now();
    control.abort(Abort::Hard, "a test");
    told(&inbox).unwrap_err();
    assert!(since.elapsed() < Duration::from_secs(5));
    drop(accepted);
}
