//! SSH against a real sshd: host keys, logging in, scripts in the root shell. Needs to be run
//! by root.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use k3s_ha_wizard::answers::HostKeys;
use k3s_ha_wizard::events::Stream;
use k3s_ha_wizard::remote::{
    AcceptedKeys, Bastions, Cancel, Credentials, MOST_OUTPUT, Remote, RemoteError, Script, Ssh,
    Target,
};
use support::sshd::{self, Sshd, connect};

const LIMIT: Duration = Duration::from_secs(60);

/// An sshd and a connection with it. What lives of an ended sshd is the connection's own process.
fn start() -> Ssh {
    Sshd::start().connect()
}

/// A script's status and its two outputs.
fn run(ssh: &mut Ssh, script: &str) -> (Result<i32, RemoteError>, String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    let status = ssh.run(&sshd::script(script), LIMIT, &mut |stream, line| {
        let text = match stream {
            Stream::Out => &mut out,
            Stream::Err => &mut err,
        };
        *text += line;
        *text += "\n";
    });
    (status, out, err)
}

fn error(target: &Target) -> RemoteError {
    match connect(target) {
        Ok(_) => panic!("it connected"),
        Err(error) => error,
    }
}

// Host keys.

#[test]
fn a_first_contact_is_refused_or_remembered_as_the_policy_says() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let refused = error(&target);
    let RemoteError::HostKeyUnknown {
        fingerprint, kind, ..
    } = &refused
    else {
        panic!("{refused}");
    };
    assert_eq!(*fingerprint, sshd.fingerprint("ed25519"));
    assert_eq!(kind, "ed25519");
    assert!(refused.to_string().contains(&sshd.address()), "{refused}");
    assert!(!target.own_known_hosts.exists());

    target.policy = HostKeys::AcceptNew;
    connect(&target).unwrap();
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("ed25519"));
    assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);

    target.policy = HostKeys::Strict;
    connect(&target).unwrap();
    assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);
}

#[test]
fn a_changed_key_is_refused_whatever_the_policy() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    // Another key of the same kind, and one of another kind alone.
    for (known, of) in [("user", "ssh-ed25519"), ("foreign", "ssh-rsa")] {
        if known == "foreign" {
            sshd::make_key(&sshd.path(known), "rsa", "");
        }
        let line = format!("{} {}\n", sshd.address(), sshd.public_key(known));
        assert!(line.contains(of));
        fs::write(&target.own_known_hosts, &line).unwrap();
        for policy in [HostKeys::Strict, HostKeys::AcceptNew] {
            target.policy = policy;
            let text = error(&target).to_string();
            assert!(text.contains(&sshd.fingerprint(known)), "{text}");
            assert!(text.contains("own_known_hosts:1"), "{text}");
            let shown = ["ed25519", "rsa"].map(|kind| sshd.fingerprint(kind));
            assert!(shown.iter().any(|shown| text.contains(shown)), "{text}");
        }
        assert_eq!(fs::read_to_string(&target.own_known_hosts).unwrap(), line);
    }
}

/// A port behind which these answer, one connection after another.
fn one_after_another(ports: [u16; 3]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (from, to) in listener.incoming().zip(ports) {
            let from = from.unwrap();
            let to = TcpStream::connect(("127.0.0.1", to)).unwrap();
            for (from, to) in [(&from, &to), (&to, &from)] {
                let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    port
}

/// What a probe accepts it does not store; the run after it must not accept another key.
#[test]
fn a_key_that_was_accepted_is_the_only_one_for_the_session() {
    let (one, other) = (Sshd::start(), Sshd::start());
    let mut target = one.target();
    target.port = one_after_another([one.port, one.port, other.port]);
    target.own_known_hosts = "/dev/null".into();
    connect(&target).unwrap();
    target.own_known_hosts = one.path("stored");
    connect(&target).unwrap();
    let stored = fs::read_to_string(one.path("stored")).unwrap();
    assert!(stored.contains(&one.public_key("ed25519")), "{stored}");

    target.own_known_hosts = "/dev/null".into();
    let changed = error(&target).to_string();
    assert!(changed.contains(&other.fingerprint("ed25519")), "{changed}");
    assert!(changed.contains("an earlier connection"), "{changed}");
}

#[test]
fn a_host_known_by_rsa_alone_shows_its_rsa_key() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let list = sshd.path("given");
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("rsa"));
    fs::write(&list, line).unwrap();
    target.known_hosts = vec![list];
    connect(&target).unwrap();
}

#[test]
fn a_hashed_line_is_understood() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    target.policy = HostKeys::Strict;
    let line = format!("{} {}\n", sshd.address(), sshd.public_key("ed25519"));
    fs::write(&target.own_known_hosts, line).unwrap();
    let hashed = Command::new("ssh-keygen")
        .arg("-qHf")
        .arg(&target.own_known_hosts)
        .output()
        .unwrap();
    assert!(hashed.status.success());
    let text = fs::read_to_string(&target.own_known_hosts).unwrap();
    assert!(text.starts_with("|1|"), "{text}");
    connect(&target).unwrap();
}

#[test]
fn a_revoked_key_is_refused_even_when_it_is_known_or_in_the_answers() {
    let sshd = Sshd::start();
    let mut target = sshd.target();
    let key = sshd.public_key("ed25519");
    let lines = format!("{} {key}\n@revoked * {key}\n", sshd.address());
    fs::write(&target.own_known_hosts, lines).unwrap();
    for fingerprint in [None, Some(sshd.fingerprint("ed25519"))] {
        target.fingerprint = fingerprint;
        let refused = error(&target);
        assert!(
            matches!(refused, RemoteError::HostKeyRevoked { .. }),
            "{refused}"
        );
    }
}

#[test]
fn a_fingerprint_in_the_answers_may_be_of_any_of_the_hosts_keys() {
    let sshd = Sshd::start();
    for kind in ["ed25519", "ecdsa", "rsa"] {
        let mut target = sshd.target();
        target.policy = HostKeys::Strict;
        target.own_known_hosts = sshd.path(&format!("own_{kind}"));
        target.fingerprint = Some(sshd.fingerprint(kind));
        connect(&target).unwrap();
        let kept = fs::read_to_string(&target.own_known_hosts).unwrap();
        assert!(kept.contains(&sshd.public_key(kind)), "{kept}");
    }
    let mut target = sshd.target();
    target.fingerprint = Some(sshd.fingerprint("user"));
    let refused = error(&target).to_string();
    assert!(refused.contains(&sshd.fingerprint("ed25519")), "{refused}");
    assert!(refused.contains("host_key in the answers"), "{refused}");
}

// Logging in.

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
            "ssh::every_key_of_an_agent_is_tried_the_named_ones_first",
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

// Scripts.

#[test]
fn a_script_runs_in_a_clean_shell_of_its_own() {
    let sshd = Sshd::with("Banner /etc/os-release");
    let mut ssh = sshd.connect();
    let (status, out, err) = run(&mut ssh, "echo out; echo err >&2; exit 7");
    assert_eq!(
        (status, &out[..], &err[..]),
        (Ok(7), "out\n", "err\n"),
        "outputs stay apart"
    );
    let (_, out, _) = run(
        &mut ssh,
        "pwd; umask; echo $LC_ALL $HOME; id -u; cat; set | grep -c SSH",
    );
    assert_eq!(out, "/\n0077\nC /root\n0\n0\n");
    let (_, out, _) = run(&mut ssh, "x=1; cd /tmp; exec >/dev/null; echo lost");
    assert_eq!(out, "");
    let (_, out, _) = run(&mut ssh, "echo ${x-unset}; pwd # without an end");
    assert_eq!(out, "unset\n/\n");
    assert_eq!(run(&mut ssh, "").0, Ok(0));
    assert_eq!(run(&mut ssh, "if").0, Ok(2), "what is no shell script");
    let (_, out, _) = run(&mut ssh, "printf 'a\\r\\nb\\377\\nno end'");
    assert_eq!(out, "a\nb\u{fffd}\nno end\n");
}

#[test]
fn what_ends_a_script_does_not_end_the_root_shell() {
    let mut ssh = start();
    for (script, want) in [
        ("exit 3", 3),
        ("kill -9 $(sh -c 'echo $PPID')", 137),
        ("kill -TERM $(sh -c 'echo $PPID')", 143),
        ("sh -c 'kill -TERM $$'", 143),
        ("set -e; false; echo not here", 1),
        ("trap 'exit 5' EXIT", 5),
        ("no-such-command", 127),
        ("return 4", 4),
    ] {
        assert_eq!(run(&mut ssh, script).0, Ok(want), "{script}");
    }
}

#[test]
fn what_an_earlier_script_left_behind_is_not_the_next_ones_output() {
    let sshd = Sshd::start();
    let mut ssh = sshd.connect();
    let mark = sshd.path("mark");
    let late = format!(
        "( echo late; echo late >&2; : >{} ) & exit 0",
        mark.display()
    );
    assert_eq!(run(&mut ssh, &late).0, Ok(0));
    while !mark.exists() {
        thread::sleep(Duration::from_millis(10));
    }
    let (_, out, err) = run(&mut ssh, "echo now");
    assert_eq!((&out[..], &err[..]), ("now\n", ""));
}

#[test]
fn output_that_imitates_the_frame_is_output() {
    let mut ssh = start();
    let mark = "0123456789abcdef0123456789abcdef";
    let script = format!(
        "printf '\\036{mark} 0\\n\\036\\036{mark}+\\n'; printf '\\036{mark} 0\\n' >&2; printf '\\036'; exit 6"
    );
    let (status, out, err) = run(&mut ssh, &script);
    assert_eq!(status, Ok(6));
    assert_eq!(
        out,
        format!("\u{1e}{mark} 0\n\u{1e}\u{1e}{mark}+\n\u{1e}\n")
    );
    assert_eq!(err, format!("\u{1e}{mark} 0\n"));
    // Nothing that a script can see holds its mark.
    let (_, out, _) = run(&mut ssh, "set; env; cat /proc/$$/cmdline /proc/$$/environ");
    let long_hex = |word: &str| word.len() >= 32 && word.chars().all(|c| c.is_ascii_hexdigit());
    let mut words = out.split(|c: char| !c.is_ascii_alphanumeric());
    assert!(!words.any(long_hex), "{out}");
}

#[test]
fn three_megabytes_go_each_way_at_once() {
    let sshd = Sshd::start();
    let mut ssh = sshd.connect();
    let text = "x".repeat(3_000_000);
    let script = format!(
        "head -c 3000000 /dev/zero | tr '\\0' '\\n' | tee /dev/fd/2 2>&1 | head -c 3000000 >/dev/null
         text={text}
         head -c 3000000 /dev/zero | tr '\\0' a
         head -c 3000000 /dev/zero | tr '\\0' b >&2
         [ ${{#text}} = 3000000 ]"
    );
    let (mut out, mut err) = (0, 0);
    let status = ssh.stream(&sshd::script(&script), LIMIT, &mut |stream, bytes| {
        let (count, byte) = match stream {
            Stream::Out => (&mut out, b'a'),
            Stream::Err => (&mut err, b'b'),
        };
        assert!(bytes.iter().all(|other| *other == byte));
        *count += bytes.len();
        ControlFlow::Continue(())
    });
    assert_eq!((status, out, err), (Ok(0), 3_000_000, 3_000_000));
}

#[test]
fn a_hundred_megabytes_come_through_whole() {
    let mut ssh = start();
    let mut all = 0;
    let script = "yes 0123456789abcdef0123456789abcdef0123456789abcdef | head -n 2040816";
    let status = ssh.stream(&sshd::script(script), LIMIT * 5, &mut |_, bytes| {
        all += bytes.len();
        ControlFlow::Continue(())
    });
    assert_eq!((status, all), (Ok(0), 99_999_984));
    assert_eq!(run(&mut ssh, "echo still here").1, "still here\n");
}

#[test]
fn output_without_an_end_ends_the_connection_before_it_fills_the_memory() {
    let mut ssh = start();
    let mut all = 0;
    let script = sshd::script("yes \"$(printf %04000d 0)\"");
    let stopped = ssh.run(&script, LIMIT * 10, &mut |_, line| all += line.len() + 1);
    let why = stopped.unwrap_err();
    assert!(matches!(why, RemoteError::Stopped { .. }), "{why}");
    assert!(
        why.to_string().contains("more than 16777216 bytes"),
        "{why}"
    );
    // The last line was cut: the end that is counted for it never came.
    assert!(all <= MOST_OUTPUT + 1, "{all}");
    let later = ssh.run(&sshd::script("true"), LIMIT, &mut |_, _| ());
    assert!(matches!(later, Err(RemoteError::Lost { .. })), "{later:?}");
}

#[test]
fn a_nul_is_not_sent() {
    let mut ssh = start();
    let script = Script::new("echo \"$A\"").input("A", "a\0b");
    let refused = ssh.run(&script, LIMIT, &mut |_, _| ()).unwrap_err();
    assert!(
        matches!(refused, RemoteError::Unsendable { .. }),
        "{refused}"
    );
    assert_eq!(run(&mut ssh, "exit 3").0, Ok(3));
}

// Ends.

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
