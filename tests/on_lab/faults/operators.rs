//! Two wizards at a time, one that sleeps, and hosts that are not who they were.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::ground::{applies, bare, ends_well, failures, installed, is_whole, run_with};
use super::{Fault, Row};
use crate::install::must_be_a_cluster;
use crate::lab::{HOSTS, Lab, Wizard, changes, picture};
use crate::tui;
use k3s_ha_wizard::events::{Outcome, What};
use support::terminal::Terminal;

const LONG: &str = "postgres/install@k3s-postgres";

fn signal(child: &std::process::Child, name: &str) {
    let pid = child.id().to_string();
    let status = Command::new("kill").args(["-s", name, &pid]).status();
    assert!(status.unwrap().success());
}

/// Another wizard while one is at work; the first one ends well.
fn beside(name: &'static str, same_state: bool) -> Fault {
    Fault::new(name, move || {
        let (lab, wizard, other) = (bare(), Wizard::new(), Wizard::new());
        let mut said = String::new();
        let run = run_with(&wizard, LONG, |_| {
            let second = if same_state { &wizard } else { &other };
            let output = second.command(&[]).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text).into_owned();
            assert_eq!(output.status.code(), Some(4), "{text}");
            said = crate::lab::flat(&text);
        });
        run.good();
        let who = if same_state {
            "process"
        } else {
            "is using this host"
        };
        assert!(said.contains(who), "{said}");
        is_whole(&lab, &wizard);
        Row {
            did: "a second wizard while the first one works".to_owned(),
            said,
            continued: "the first one ended well".to_owned(),
        }
    })
}

pub fn two() -> Vec<Fault> {
    vec![
        beside("with one state folder", true),
        beside("from two machines", false),
        Fault::new("one is stopped for 20 s and goes on", || {
            let (lab, wizard) = (bare(), Wizard::new());
            let run = run_with(&wizard, "k3s/start@k3s-server-1", |child| {
                signal(child, "STOP");
                std::thread::sleep(Duration::from_secs(20));
                signal(child, "CONT");
            });
            let said = match run.status.code() {
                Some(0) => "it went on and ended well".to_owned(),
                _ => failures(&run),
            };
            Row {
                did: "SIGSTOP for 20 s, then SIGCONT".to_owned(),
                said,
                continued: ends_well(&lab, &wizard),
            }
        }),
        Fault::new("one pauses for a decision until its lease expires", || {
            let (lab, wizard) = (bare(), Wizard::new());
            pauses_past_its_lease(&lab, &wizard)
        }),
        Fault::new("one is stopped until its lease expires and goes on", || {
            let (lab, first, second) = (bare(), Wizard::new(), Wizard::new());
            stopped_past_its_lease(&lab, &first, &second)
        }),
    ]
}

/// The lease of a host, as if its holder had been idle for two hours: such a machine was asleep.
fn age_lease(lab: &Lab, host: &str) {
    let lease = "/run/k3s-ha-wizard/lease";
    let seen = format!("grep -q '^seen=' {lease} && sed -i 's/^seen=.*/seen=-7200/' {lease}");
    lab.must(host, &seen);
}

const HELD: &str = "is using this host";

/// Waits until the run has paused: nothing happens any more, and no unit runs.
fn pauses(lab: &Lab, folder: &Path) {
    let mut seen = 0;
    loop {
        let events = tui::events(folder).len();
        if events == seen {
            break;
        }
        seen = events;
        for host in HOSTS {
            units_end(lab, host);
        }
        std::thread::sleep(Duration::from_secs(10));
    }
}

/// Where a unit runs, a lease does not expire.
fn units_end(lab: &Lab, host: &str) {
    const RUN: &str = "systemctl list-units --no-legend 'k3s-ha-wizard*' | grep -q .";
    lab.must(host, &format!("while {RUN}; do sleep 0.1; done"));
}

/// Retries every failed step until the run ends.
fn retries(terminal: &mut Terminal, folder: &Path) {
    let mut typed = 0;
    loop {
        let events = tui::events(folder);
        let count = |is: fn(&What) -> bool| events.iter().filter(|event| is(&event.what)).count();
        if count(|what| matches!(what, What::Ended { .. })) > 0 {
            return;
        }
        let asked = count(|what| matches!(what, What::Asked { .. }));
        if asked > count(|what| matches!(what, What::Decided { .. })) {
            typed += 1;
            assert!(typed < 30, "{}", terminal.text());
            terminal.types("r");
        }
        std::thread::sleep(Duration::from_secs(2));
    }
}

/// The first operator's run pauses at a failure, and its leases expire. The second one's run takes
/// them; the first one's is told so, and goes on when the second one has ended.
fn pauses_past_its_lease(lab: &Lab, wizard: &Wizard) -> Row {
    lab.must("k3s-server-2", "touch /etc/systemd/system/k3s.service.d");
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = tui::opened(folder.path());
    tui::begin(&mut terminal);
    terminal.waits_for("Failed: k3s/install");
    lab.must("k3s-server-2", "rm /etc/systemd/system/k3s.service.d");
    pauses(lab, folder.path());
    for host in HOSTS {
        age_lease(lab, host);
    }

    let other = Wizard::new();
    let mut second = other.command(&[]).spawn().unwrap();
    let is_old = "grep -q seen=-7200 /run/k3s-ha-wizard/lease";
    let waits = format!("timeout 100 sh -c 'while {is_old}; do sleep 0.02; done'");
    lab.must("k3s-server-2", &waits);
    signal(&second, "STOP");

    terminal.types("r");
    terminal.waits_for(HELD);
    let said = crate::lab::flat(&terminal.text());
    let at = said.find(HELD).unwrap();
    let said = said[at..].to_owned();
    let lease = |host| lab.sh(host, "cat /run/k3s-ha-wizard/lease").1;
    let seconds = lease("k3s-server-2");
    let run = seconds.lines().find(|line| line.starts_with("run="));
    let run = run.expect("the second run has the lease");
    signal(&second, "CONT");
    signal(&second, "TERM");
    assert_eq!(second.wait().unwrap().code(), Some(143));
    for host in HOSTS {
        let lease = lease(host);
        assert!(!lease.contains(run), "{host}: {lease}");
    }

    // It pauses on every host that the other run had reached.
    retries(&mut terminal, folder.path());
    terminal.waits_for("Nodes  all healthy");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    std::fs::rename(
        folder.path().join("state/lab"),
        wizard.state.path().join("lab"),
    )
    .unwrap();
    is_whole(lab, wizard);
    Row {
        did: "a run pauses at a failure; its leases expire, and another run takes them".to_owned(),
        said,
        continued: "after the other run had ended, the first one was continued and ended well"
            .to_owned(),
    }
}

/// The first wizard is stopped within a step, and its leases expire. The second one installs; in the
/// middle of that the first one goes on. It is told whose the hosts are, and changes nothing more.
fn stopped_past_its_lease(lab: &Lab, first: &Wizard, second: &Wizard) -> Row {
    let mut stopped = Duration::ZERO;
    let run = run_with(first, LONG, |child| {
        signal(child, "STOP");
        let since = Instant::now();
        for host in HOSTS {
            units_end(lab, host);
            age_lease(lab, host);
        }
        let other = run_with(second, "k3s/start@k3s-server-1", |_| {
            stopped = since.elapsed();
            signal(child, "CONT");
        });
        must_be_a_cluster(&other.good());
    });
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    let said = failures(&run);
    assert!(said.contains(HELD), "{said}");

    let began = run.events.iter().find(|event| applies(event, LONG));
    let stopped = u64::try_from(stopped.as_millis()).unwrap();
    let continued = began.unwrap().at + stopped;
    let after = run.events.iter().filter(|event| event.at >= continued);
    let applied = after.filter_map(|event| match &event.what {
        What::StepApplies { step } => Some(run.outcome(step.as_str())),
        _ => None,
    });
    for outcome in applied {
        assert!(matches!(outcome, Outcome::Failed(_)), "{}", run.text);
    }
    is_whole(lab, second);
    Row {
        did:
            "a run is stopped within a step (SIGSTOP); its leases expire, another run takes them, \
              and the first one is continued (SIGCONT)"
                .to_owned(),
        said: said.chars().take(240).collect(),
        continued: "the first one changed nothing more, and the other one ended well".to_owned(),
    }
}

/// A host's key is another one; the wizard must not send it anything, and changes no host.
fn new_key(lab: &Lab, host: &str) {
    lab.must(
        host,
        "mkdir -p /root/keys && mv /etc/ssh/ssh_host_* /root/keys/ && ssh-keygen -q -A && systemctl restart ssh",
    );
}

fn old_key(lab: &Lab, host: &str) {
    lab.must(
        host,
        "mv -f /root/keys/ssh_host_* /etc/ssh/ && rmdir /root/keys && systemctl restart ssh",
    );
}

pub fn impostors() -> Vec<Fault> {
    let first = |host: &'static str| {
        Fault::new(format!("{host} at the first contact"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            new_key(&lab, host);
            let before = picture(&lab);
            let run = wizard.run();
            assert_eq!(run.status.code(), Some(7), "{}", run.text);
            assert!(run.text.contains("host key"), "{}", run.text);
            assert_eq!(changes(&before, &picture(&lab)), Vec::<String>::new());
            old_key(&lab, host);
            Row {
                did: format!("{host} has another host key than known_hosts"),
                said: "exit 7: the host key is another one than known, nothing was sent".to_owned(),
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    let within = |(host, id, when): (&'static str, &'static str, &str)| {
        Fault::new(format!("{host} {when}"), move || {
            let (lab, wizard) = (bare(), Wizard::new());
            let run = run_with(&wizard, id, |_| {
                new_key(&lab, host);
                lab.must(host, "pkill -f '^sshd: .*(priv|@)' || true");
            });
            assert_ne!(run.status.code(), Some(0), "{}", run.text);
            assert!(run.text.contains("host key"), "{}", run.text);
            old_key(&lab, host);
            Row {
                did: format!("{host} gets another host key, and its connections end"),
                said: failures(&run),
                continued: ends_well(&lab, &wizard),
            }
        })
    };
    let postgres = Fault::new("a Postgres with another certificate", || {
        let (lab, wizard) = installed();
        lab.must(
            "k3s-postgres",
            "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=postgres.lab.internal \
                 -addext subjectAltName=DNS:postgres.lab.internal -keyout /root/other.key \
                 -out /root/other.crt 2>/dev/null
             install -o postgres -g postgres -m 600 /root/other.key /root/other.crt /etc/postgresql/15/main/
             rm /root/other.*
             cd / && runuser -u postgres -- psql -q -c \"ALTER SYSTEM SET ssl_cert_file='/etc/postgresql/15/main/other.crt'\" \
                 -c \"ALTER SYSTEM SET ssl_key_file='/etc/postgresql/15/main/other.key'\" -c 'SELECT pg_reload_conf()' >/dev/null",
        );
        let (code, said) = wizard.says(&["check"]);
        assert_eq!(code, Some(6), "{said}");
        let run = wizard.run();
        let put_back = run.changed().contains(&"postgres/tls@k3s-postgres");
        let refused = run.status.code() != Some(0);
        assert!(
            put_back || refused,
            "the other certificate was not noticed\n{}",
            run.text
        );
        lab.must(
            "k3s-postgres",
            "cd / && runuser -u postgres -- psql -q -c 'ALTER SYSTEM RESET ssl_cert_file' \
                 -c 'ALTER SYSTEM RESET ssl_key_file' -c 'SELECT pg_reload_conf()' >/dev/null
             rm /etc/postgresql/15/main/other.*",
        );
        Row {
            did: "Postgres serves a certificate of another authority".to_owned(),
            said: if refused {
                failures(&run)
            } else {
                "postgres/tls was applied again".to_owned()
            },
            continued: {
                let run = wizard.run().good();
                crate::install::must_be_a_cluster(&run);
                "with its own certificate again the cluster is healthy".to_owned()
            },
        }
    });
    let mut all: Vec<_> = ["k3s-postgres", "k3s-server-2", "k3s-nginx"]
        .map(first)
        .into();
    let reconnect = "at a reconnect within the run";
    let within_the_run = [
        ("k3s-postgres", LONG, reconnect),
        ("k3s-server-1", "k3s/start@k3s-server-1", reconnect),
        ("k3s-nginx", LONG, "between two steps of it"),
    ];
    all.extend(within_the_run.map(within));
    all.extend([postgres, api()]);
    all
}

/// Connections to the port of the API reach another program, on a server and on the load balancer.
fn api() -> Fault {
    const SERVER: (&str, &str) = ("k3s-server-1", "OUTPUT");
    const BALANCER: (&str, &str) = ("k3s-nginx", "PREROUTING");
    let leads = |lab: &Lab, (host, chain): (&str, &str), how: &str| {
        let rule = format!("{chain} -p tcp --dport 6443 -j REDIRECT --to-ports 9443");
        lab.iptables(host, &format!("-t nat -{how} {rule}"));
    };
    let is_told = |text: &str, address: &str| {
        let why = format!("the certificate of {address} is not valid for it");
        assert!(crate::lab::flat(text).contains(&why), "{why}\n{text}");
    };
    Fault::new("an API with another certificate", move || {
        let (lab, wizard) = installed();
        let kubeconfig = wizard.kept("kubeconfig");
        for (host, chain) in [SERVER, BALANCER] {
            lab.must(
                host,
                "cd /run && openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=k3s \
                     -addext subjectAltName=IP:127.0.0.1,IP:198.51.100.14 -keyout other.key \
                     -out other.crt 2>/dev/null
                 systemd-run -q --collect --unit=impostor sh -c 'sleep 3600 | openssl s_server \
                     -accept 9443 -cert /run/other.crt -key /run/other.key >/run/heard'
                 until ss -Hltn 'sport = :9443' | grep -q .; do sleep 0.1; done",
            );
            leads(&lab, (host, chain), "A");
        }
        let (code, status) = wizard.says(&["status"]);
        // K3s itself does not get ready with the other certificate on its port.
        leads(&lab, SERVER, "D");
        let run = wizard.run();
        leads(&lab, BALANCER, "D");
        assert_eq!(code, Some(1), "{status}");
        is_told(&status, "127.0.0.1");
        is_told(&status, "198.51.100.14");
        assert_eq!(run.status.code(), Some(1), "{}", run.text);
        is_told(&run.text, "198.51.100.14");
        assert_eq!(wizard.kept("kubeconfig"), kubeconfig);
        for (host, _) in [SERVER, BALANCER] {
            let heard = lab.must(
                host,
                "cat /run/heard; systemctl stop impostor; rm /run/other.* /run/heard",
            );
            assert!(!heard.contains("GET "), "{host} was asked: {heard}");
        }
        Row {
            did: "another program answers on the API's port, on a server and on the load balancer"
                .to_owned(),
            said: failures(&run),
            continued: ends_well(&lab, &wizard),
        }
    })
}
