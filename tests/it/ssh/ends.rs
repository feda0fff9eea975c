//! How a connection or a script ends before its time.

use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use k3s_ha_wizard::remote::{Cancel, Credentials, Remote, RemoteError, Ssh};
use support::sshd::{self, Sshd};

use super::{LIMIT, run, start};

/// A command in the background.
const LONG: &str = "sleep 300";

#[test]
fn a_script_that_takes_too_long_ends_the_connection() {
    let mut ssh = start();
    let begun = Instant::now();
    let limit = Duration::from_millis(300);
    let mut seen = 0;
    let script = format!("echo begun; {LONG}");
    let ended = ssh
        .run(&sshd::script(&script), limit, &mut |_, _| seen += 1)
        .unwrap_err();
    assert!(matches!(ended, RemoteError::Timeout { .. }), "{ended}");
    assert!(begun.elapsed() >= limit && begun.elapsed() < LIMIT);
    assert_eq!(seen, 1);
    let later = run(&mut ssh, "true").0.unwrap_err();
    assert!(matches!(later, RemoteError::Lost { .. }), "{later}");
    assert!(ssh.keep_alive().is_err());
    // A script that never stops printing does not get past its limit either.
    let mut ssh = start();
    let ended = ssh
        .run(&sshd::script("yes"), limit, &mut |_, _| ())
        .unwrap_err();
    assert!(matches!(ended, RemoteError::Timeout { .. }), "{ended}");
}

#[test]
fn cancelling_from_another_thread_ends_a_wait_at_once() {
    let sshd = Sshd::start();
    let cancel = Cancel::new().unwrap();
    let mut ssh = Ssh::connect(&sshd.target(), &Credentials::default(), &cancel).unwrap();
    let begun = Instant::now();
    let script = format!("echo begun; {LONG}");
    let ended = ssh
        .run(&sshd::script(&script), LIMIT * 5, &mut |_, _| {
            let cancel = cancel.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_millis(50));
                cancel.cancel();
            });
        })
        .unwrap_err();
    assert!(matches!(ended, RemoteError::Cancelled { .. }), "{ended}");
    assert!(begun.elapsed() < LIMIT);
    let later = run(&mut ssh, "true").0.unwrap_err();
    assert!(matches!(later, RemoteError::Lost { .. }), "{later}");
    // The next connection cannot use it.
    let again = Ssh::connect(&sshd.target(), &Credentials::default(), &cancel);
    assert!(matches!(again, Err(RemoteError::Cancelled { .. })));
}

#[test]
fn cancelling_ends_connecting_to_a_host_that_says_nothing() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    target.port = silent.local_addr().unwrap().port();
    let cancel = Cancel::new().unwrap();
    let from_elsewhere = cancel.clone();
    thread::spawn(move || {
        let _connection = silent.accept().unwrap();
        from_elsewhere.cancel();
        thread::sleep(LIMIT);
    });
    let begun = Instant::now();
    let ended = Ssh::connect(&target, &Credentials::default(), &cancel);
    assert!(matches!(ended, Err(RemoteError::Cancelled { .. })));
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "the handshake's own limit"
    );
}

#[test]
fn an_sshd_that_dies_and_a_root_shell_that_ends_are_lost_connections() {
    for script in ["kill -9 $PPID; sleep 300", "kill -9 $$; sleep 300"] {
        let mut ssh = start();
        let ended = run(&mut ssh, script).0.unwrap_err();
        assert!(matches!(ended, RemoteError::Lost { .. }), "{ended}");
    }
    let mut ssh = start();
    ssh.keep_alive().unwrap();
    run(&mut ssh, "(sleep 0.1; kill -9 $PPID) & exit 0")
        .0
        .unwrap();
    while ssh.keep_alive().is_ok() {
        thread::sleep(Duration::from_millis(20));
    }
}

/// The kernel over there still acknowledges what comes.
#[test]
fn an_sshd_that_is_stopped_is_a_lost_connection() {
    let sshd = Sshd::start();
    let mut ssh = sshd.connect();
    let mut pid = String::new();
    let script = "echo $PPID; sleep 0.2; kill -STOP $PPID; sleep 300";
    let ended = ssh
        .run(&sshd::script(script), LIMIT * 5, &mut |_, line| {
            pid = line.to_owned();
        })
        .unwrap_err();
    let killed = Command::new("kill").args(["-KILL", &pid]).status();
    assert!(killed.unwrap().success());
    assert!(
        ended.to_string().contains("no answer to keep-alives"),
        "{ended}"
    );
}

#[test]
fn a_quiet_script_and_a_quiet_connection_are_not_lost() {
    let mut ssh = start();
    // Longer than a sign of life may take.
    thread::sleep(Duration::from_secs(8));
    ssh.keep_alive().unwrap();
    thread::sleep(Duration::from_secs(18));
    ssh.keep_alive().unwrap();
    assert_eq!(run(&mut ssh, "sleep 18; exit 4").0, Ok(4));
}
