//! What outlives a connection: detached units, the lease, files. Over a real sshd, as root, with a
//! stand-in for systemd (`support::elsewhere`).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use k3s_ha_wizard::engine::control::Control;
use k3s_ha_wizard::engine::hosts::{self, Connector};
use k3s_ha_wizard::events::{Abort, Stream};
use k3s_ha_wizard::remote::lease::{self, Lease, LeaseError};
use k3s_ha_wizard::remote::{
    Credentials, Detached, Finished, Remote, RemoteError, Script, Ssh, detached,
};
use support::elsewhere::{Elsewhere, There};
use support::sshd::{self, Sshd};

const LIMIT: Duration = Duration::from_secs(60);

/// A host, and lines that were printed on it.
struct Host {
    sshd: Sshd,
    elsewhere: Elsewhere,
}

impl Host {
    fn new() -> Self {
        Self {
            sshd: Sshd::start(),
            elsewhere: Elsewhere::create(),
        }
    }

    fn connect(&self) -> There<Ssh> {
        self.elsewhere.on(self.sshd.connect())
    }

    fn path(&self, unit: &str, name: &str) -> std::path::PathBuf {
        self.elsewhere.run().join(unit).join(name)
    }
}

fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < LIMIT, "it never came");
        thread::sleep(Duration::from_millis(10));
    }
}

fn apply(
    remote: &mut impl Remote,
    unit: &mut Detached,
    script: &str,
) -> (Result<Finished, RemoteError>, Vec<String>) {
    let mut lines = Vec::new();
    let end = remote.apply(unit, &sshd::script(script), LIMIT, &mut |stream, line| {
        lines.push(match stream {
            Stream::Out => line.to_owned(),
            Stream::Err => format!("! {line}"),
        });
    });
    (end, lines)
}

#[test]
fn a_unit_runs_once_and_can_be_read_again() {
    let host = Host::new();
    let mut remote = host.connect();
    let script = "echo out; sleep 0.3; echo err >&2; sleep 0.3; printf 'no end'; exit 7";
    for _ in 0..2 {
        let mut unit = Detached::new("unit-1").unwrap();
        let (end, mut lines) = apply(&mut remote, &mut unit, script);
        assert_eq!(end, Ok(Finished::Exit(7)));
        lines.sort();
        assert_eq!(lines, ["! err", "no end", "out"]);
    }
    assert_eq!(host.elsewhere.started(), 1);
    // Other users cannot read it, and the script with its secrets is removed.
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&host.elsewhere.run()), 0o700);
    assert_eq!(mode(&host.path("unit-1", "")), 0o700);
    assert_eq!(mode(&host.path("unit-1", "out")), 0o600);
    assert!(!host.path("unit-1", "script").exists());

    detached::clean(&mut remote, "unit-1").unwrap();
    assert!(!host.path("unit-1", "").exists());
    let mut unit = Detached::new("unit-1").unwrap();
    assert_eq!(
        apply(&mut remote, &mut unit, "exit 0").0,
        Ok(Finished::Exit(0))
    );
    assert_eq!(host.elsewhere.started(), 2);
}

#[test]
fn a_unit_does_not_start_while_another_run_has_the_lease() {
    let host = Host::new();
    let mut remote = host.connect();
    let mut starts = |run: &str| {
        let mut unit = Detached::new("unit").unwrap().under_lease(Some(run));
        apply(&mut remote, &mut unit, "exit 0").0
    };
    assert_eq!(starts("run-2"), Ok(Finished::Held), "no run has the lease");
    // Of another owner, and of its own next run.
    for (owner, run) in [("other", "run-1"), ("ours", "run-3")] {
        let lease = lease_of(owner, run);
        lease::take(&mut host.connect(), &lease).unwrap();
        assert_eq!(starts("run-2"), Ok(Finished::Held));
        lease::release(&mut host.connect(), &lease).unwrap();
    }
    assert_eq!(host.elsewhere.started(), 0);
    lease::take(&mut host.connect(), &lease_of("ours", "run-2")).unwrap();
    assert_eq!(starts("run-2"), Ok(Finished::Exit(0)));
    assert_eq!(host.elsewhere.started(), 1);
}

#[test]
fn a_unit_has_the_root_shells_surroundings() {
    let host = Host::new();
    let mut remote = host.connect();
    let script = "pwd; umask; id -u; cat; env | grep -Ev '^(PATH|SHLVL|_)=' | sort";
    let mut unit = Detached::new("unit").unwrap();
    let (end, detached) = apply(&mut remote, &mut unit, script);
    assert_eq!(end, Ok(Finished::Exit(0)));
    let mut direct = Vec::new();
    let mut line = |_: Stream, line: &str| direct.push(line.to_owned());
    remote.run(&sshd::script(script), LIMIT, &mut line).unwrap();
    assert_eq!(detached, direct);
    assert!(detached.contains(&"LC_ALL=C".to_owned()), "{detached:?}");
}

#[test]
fn lines_come_while_the_unit_works() {
    let host = Host::new();
    let mut remote = host.connect();
    let go = host.sshd.path("go");
    // The unit waits for what its own first line causes here.
    let script = format!(
        "echo first; until [ -e {} ]; do sleep 0.01; done; echo second",
        go.display()
    );
    let mut unit = Detached::new("unit").unwrap();
    let mut lines = 0;
    let end = remote.apply(&mut unit, &sshd::script(&script), LIMIT, &mut |_, _| {
        lines += 1;
        fs::write(&go, "").unwrap();
    });
    assert_eq!((end, lines), (Ok(Finished::Exit(0)), 2));
}

#[test]
fn a_lost_connection_loses_and_repeats_no_line() {
    let host = Host::new();
    let script = "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i + 1)); sleep 0.01; done
        printf 'and a half'; exit 3";
    let mut unit = Detached::new("unit").unwrap();
    let mut lines = Vec::new();
    let mut cuts = 0;
    let end = loop {
        let mut remote = host.connect();
        // A process of the host that will cut this connection in the middle of things.
        let cut = "( sleep 0.6; kill -9 $PPID ) >/dev/null 2>&1 & exit 0";
        if cuts < 3 {
            remote
                .run(&sshd::script(cut), LIMIT, &mut |_, _| ())
                .unwrap();
        }
        match remote.apply(&mut unit, &sshd::script(script), LIMIT, &mut |_, line| {
            lines.push(line.to_owned());
        }) {
            Ok(end) => break end,
            Err(RemoteError::Lost { .. }) => cuts += 1,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(end, Finished::Exit(3));
    assert!(cuts > 0, "it was never cut");
    let mut want: Vec<String> = (0..300).map(|n| format!("line {n}")).collect();
    want.push("and a half".to_owned());
    assert_eq!(lines, want);
    assert_eq!(host.elsewhere.started(), 1);
}

#[test]
fn ten_megabytes_on_each_output_come_through() {
    let host = Host::new();
    let mut remote = host.connect();
    let script = "yes 0123456789 | head -c 11000000; yes 0123456789 | head -c 11000000 >&2";
    let mut unit = Detached::new("unit").unwrap();
    let (mut out, mut err) = (0, 0);
    let end = remote.apply(
        &mut unit,
        &sshd::script(script),
        LIMIT,
        &mut |stream, line| {
            assert_eq!(line, "0123456789");
            match stream {
                Stream::Out => out += 1,
                Stream::Err => err += 1,
            }
        },
    );
    assert_eq!(
        (end, out, err),
        (Ok(Finished::Exit(0)), 1_000_000, 1_000_000)
    );
}

#[test]
fn a_unit_that_is_killed_says_so() {
    let host = Host::new();
    let mut remote = host.connect();
    let mut unit = Detached::new("unit").unwrap();
    let (end, lines) = apply(&mut remote, &mut unit, "echo begun; kill -9 $$; sleep 300");
    let Ok(Finished::Died { why }) = end else {
        panic!("{end:?}");
    };
    assert!(why.contains("Result=signal") && why.contains('9'), "{why}");
    assert_eq!(lines, ["begun"]);
}

#[test]
fn a_unit_that_is_gone_is_not_started_again() {
    let host = Host::new();
    let mut unit = Detached::new("unit").unwrap();
    let mut remote = host.connect();
    let cut = "( sleep 0.6; kill -9 $PPID ) >/dev/null 2>&1 & exit 0";
    remote
        .run(&sshd::script(cut), LIMIT, &mut |_, _| ())
        .unwrap();
    let (end, _) = apply(&mut remote, &mut unit, "sleep 300");
    assert!(matches!(end, Err(RemoteError::Lost { .. })), "{end:?}");
    // As a restart of the host would leave it.
    let mut remote = host.connect();
    detached::stop(&mut remote, "unit").unwrap();
    fs::remove_dir_all(host.path("unit", "")).unwrap();
    let (end, _) = apply(&mut remote, &mut unit, "sleep 300");
    let Ok(Finished::Died { why }) = end else {
        panic!("{end:?}");
    };
    assert!(why.contains("restarted"), "{why}");
    assert_eq!(host.elsewhere.started(), 1);
}

#[test]
fn a_unit_that_takes_too_long_is_stopped_and_the_connection_stays() {
    let host = Host::new();
    let mut remote = host.connect();
    let mark = host.sshd.path("mark");
    let script = format!("echo begun; sleep 300; : >{}", mark.display());
    let mut unit = Detached::new("unit").unwrap();
    let limit = Duration::from_millis(700);
    let mut lines = Vec::new();
    let end = remote.apply(&mut unit, &sshd::script(&script), limit, &mut |_, line| {
        lines.push(line.to_owned());
    });
    assert_eq!(end, Ok(Finished::TimedOut { limit }));
    assert_eq!(lines, ["begun"]);
    assert!(!mark.exists());
    detached::clean(&mut remote, "unit").unwrap();
    assert_eq!(
        remote.run(&sshd::script("exit 3"), LIMIT, &mut |_, _| ()),
        Ok(3)
    );
}

#[test]
fn stopping_ends_every_process_from_another_connection() {
    let host = Host::new();
    let pid = host.sshd.path("pid");
    let script = format!(
        "trap '' TERM; sh -c 'trap \"\" TERM; echo $$ >{}; while :; do sleep 1; done'",
        pid.display()
    );
    let mut first = host.connect();
    let follower = thread::spawn(move || {
        let mut unit = Detached::new("unit").unwrap();
        apply(&mut first, &mut unit, &script).0
    });
    until(|| fs::read_to_string(&pid).is_ok_and(|text| text.ends_with('\n')));
    let mut second = host.connect();
    let busy = detached::clean(&mut second, "unit").unwrap_err();
    assert!(busy.to_string().contains("still running"), "{busy}");
    detached::stop(&mut second, "unit").unwrap();
    let why = "it was stopped".to_owned();
    assert_eq!(follower.join().unwrap(), Ok(Finished::Died { why }));
    let process = fs::read_to_string(&pid).unwrap();
    // Dead, whether or not its parent has reaped it.
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "{stat}");
    // Stopping what does not exist is fine.
    detached::stop(&mut second, "unit").unwrap();
    detached::stop(&mut second, "never-was").unwrap();
}

#[test]
fn a_systemd_that_refuses_is_an_error_that_says_why() {
    let host = Host::new();
    let mut remote = host.connect();
    let mut unit = Detached::new("unit").unwrap();
    apply(&mut remote, &mut unit, "kill -9 $$").0.unwrap();
    // The folder is gone, but systemd remembers the unit.
    fs::remove_dir_all(host.path("unit", "")).unwrap();
    let mut again = Detached::new("unit").unwrap();
    let refused = apply(&mut remote, &mut again, "true").0.unwrap_err();
    assert!(refused.to_string().contains("already loaded"), "{refused}");
    assert!(!host.path("unit", "").exists());
}

#[test]
fn names_that_could_leave_the_folder_are_refused() {
    for name in ["", ".", "..", "../x", "a/b", "a b", "a\n", "%n", "-x"] {
        assert!(Detached::new(name).is_err(), "{name:?}");
    }
    assert!(Detached::new("k3s-ha-wizard-20261124T215440Z-3f2a-server.install").is_ok());
}

// The lease.

fn lease_of(owner: &str, run: &str) -> Lease {
    Lease {
        owner: owner.into(),
        run: run.into(),
        cluster: "prod".into(),
        operator: "it's root".into(),
        from: "jump\nhost".into(),
        since: "2026-11-24T21:54:40Z".into(),
    }
}

#[test]
fn a_lease_is_its_owners_until_it_is_given_back() {
    let host = Host::new();
    let mut remote = host.connect();
    let first = lease_of("one", "run-1");
    let taken = lease::take(&mut remote, &first).unwrap();
    assert_eq!(taken, lease::Taken::default());

    // The same run after a reconnect, and another run of the same owner.
    let again = lease::take(&mut remote, &lease_of("one", "run-2")).unwrap();
    let mut stood = first.clone();
    stood.from = "jump host".into();
    assert_eq!(again.before, Some(stood));

    let held = lease::take(&mut remote, &lease_of("two", "run-3")).unwrap_err();
    let text = held.to_string();
    for part in [
        "it's root",
        "jump host",
        "prod",
        "2026-11-24T21:54:40Z",
        "run-2",
    ] {
        assert!(text.contains(part), "{text}");
    }
    lease::release(&mut remote, &lease_of("two", "run-3")).unwrap();
    assert!(lease::take(&mut remote, &lease_of("two", "run-4")).is_err());
    lease::release(&mut remote, &lease_of("one", "run-2")).unwrap();
    lease::take(&mut remote, &lease_of("two", "run-4")).unwrap();
}

/// What a connection had sent when it was cut may come later than the release.
#[test]
fn a_run_that_has_released_a_lease_cannot_take_it_again() {
    let host = Host::new();
    let mut remote = host.connect();
    let (ours, next) = (lease_of("one", "run-1"), lease_of("one", "run-2"));
    // Before the first lease of this host, after one, and while the next run has it.
    for is_taken in [false, true] {
        if is_taken {
            lease::take(&mut remote, &next).unwrap();
        }
        lease::release(&mut remote, &ours).unwrap();
        let again = lease::take(&mut remote, &ours).unwrap_err();
        assert!(matches!(again, LeaseError::Remote(_)), "{again}");
        assert!(!host.elsewhere.run().join("lease").exists());
    }
    lease::take(&mut remote, &next).unwrap();
    lease::take(&mut remote, &ours).unwrap_err();
    let file = fs::read_to_string(host.elsewhere.run().join("lease")).unwrap();
    assert!(file.contains("run=run-2"), "{file}");
}

/// Every connection of a run is cut when it is aborted at once, also one that is idle.
#[test]
fn an_aborted_run_leaves_no_lease() {
    for is_idle in [true, false] {
        let host = Host::new();
        let (target, folder) = (host.sshd.target(), host.elsewhere.share());
        let connector: Connector = Box::new(move |cancel| {
            let ssh = Ssh::connect(&target, &Credentials::default(), cancel)?;
            Ok(Box::new(folder.on(ssh)) as Box<dyn Remote>)
        });
        let control = Control::default();
        let lease = lease_of("one", "run-1");
        let file = host.elsewhere.run().join("lease");
        thread::scope(|scope| {
            if !is_idle {
                scope.spawn(|| {
                    until(|| file.exists());
                    control.abort(Abort::Hard, "SIGTERM");
                });
            }
            let reached = hosts::reach("h", None, connector, Some(&lease), &control);
            if is_idle {
                assert!(file.exists());
                control.abort(Abort::Hard, "SIGTERM");
            }
            drop(reached);
        });
        assert!(!file.exists(), "idle: {is_idle}");
    }
}

#[test]
fn a_lease_that_nobody_uses_any_more_is_taken_over() {
    let host = Host::new();
    let mut remote = host.connect();
    let file = host.elsewhere.run().join("lease");
    let set = |key: &str, value: &str| {
        let text = fs::read_to_string(&file).unwrap();
        let lines = text.lines().map(|line| match line.split_once('=') {
            Some((name, _)) if name == key => format!("{key}={value}\n"),
            _ => format!("{line}\n"),
        });
        fs::write(&file, lines.collect::<String>()).unwrap();
    };
    let one = lease_of("one", "run-1");
    let two = lease_of("two", "run-2");

    // From before the host was restarted.
    lease::take(&mut remote, &one).unwrap();
    set("boot", "another");
    let taken = lease::take(&mut remote, &two).unwrap();
    assert_eq!(taken.before.unwrap().owner, "one");

    // Quiet for more than an hour.
    let uptime = fs::read_to_string("/proc/uptime").unwrap();
    let uptime: i64 = uptime.split('.').next().unwrap().parse().unwrap();
    let ago = |seconds: i64| (uptime - seconds).to_string();
    set("seen", &ago(3500));
    let held = lease::take(&mut remote, &one).unwrap_err();
    assert!(held.to_string().contains("idle for 58 min"), "{held}");
    set("seen", &ago(3700));
    lease::take(&mut remote, &one).unwrap();

    // Idle, but one of its units is running.
    set("seen", &ago(3700));
    let mut worker = host.connect();
    let work = thread::spawn(move || {
        let mut unit = Detached::new("unit-x").unwrap();
        apply(&mut worker, &mut unit, "sleep 300").0
    });
    until(|| host.path("unit-x", "pid").exists());
    let LeaseError::Held { units, .. } = lease::take(&mut remote, &two).unwrap_err() else {
        panic!("not held");
    };
    assert_eq!(units, ["unit-x"]);
    assert_eq!(lease::take(&mut remote, &one).unwrap().units, ["unit-x"]);
    detached::stop(&mut remote, "unit-x").unwrap();
    work.join().unwrap().unwrap();
    set("seen", &ago(3700));
    lease::take(&mut remote, &two).unwrap();
}

#[test]
fn a_lease_can_be_asked_for_among_other_things() {
    let host = Host::new();
    let mut remote = host.connect();
    let script = Script::new("echo before")
        .then(lease::script(&lease_of("one", "run-1")))
        .then("echo after; pwd; umask");
    let mut lines = Vec::new();
    let status = remote.run(&script, LIMIT, &mut |_, line| lines.push(line.to_owned()));
    assert_eq!(status, Ok(0));
    assert_eq!(lines, ["before", "lease taken", "after", "/", "0077"]);
    lease::parse("h", lines.iter().map(String::as_str)).unwrap();
    let nothing = lease::parse("h", ["no such thing"]).unwrap_err();
    assert!(nothing.to_string().contains("no such thing"), "{nothing}");
}
