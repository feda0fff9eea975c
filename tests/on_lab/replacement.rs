//! A lost part of a pair of Postgres hosts is replaced by a new machine while a client writes. They need
//! root.

use crate::install::must_change_nothing;
use crate::lab::{Lab, Wizard, flat};
use crate::pair::{MEMBERS, must_survive, wait_for_sync, wait_for_sync_of};

const MONITOR: &str = "k3s-nginx";
const SERVERS: [&str; 2] = ["k3s-server-1", "k3s-server-2"];
/// No write may wait longer, in ms: as at a failover of a pair that is `steady`, with busy processors.
const LONGEST_GAP: u64 = 30_000;

fn installed() -> (Lab, Wizard) {
    let lab = Lab::of_topology("pair");
    let wizard = Wizard::of_hosts(&lab);
    wizard.run().good();
    (lab, wizard)
}

fn other(member: &str) -> &'static str {
    let mut others = MEMBERS.into_iter().filter(|other| *other != member);
    others.next().unwrap()
}

/// When the Postgres of a member, or K3s on a server, was started.
fn started(lab: &Lab, host: &str) -> String {
    if SERVERS.contains(&host) {
        lab.must(host, "systemctl show -p MainPID k3s")
    } else {
        let ask =
            "cd / && runuser -u postgres -- psql -X -A -t -c 'SELECT pg_postmaster_start_time()'";
        lab.must(host, ask)
    }
}

/// `install` refuses a new machine before it changes anything, and names the way.
fn install_refuses(wizard: &Wizard, host: &str) {
    let ended = wizard.run();
    assert_eq!(ended.status.code(), Some(5), "{}", ended.text);
    assert_eq!(ended.changed(), Vec::<&str>::new());
    let way = format!("k3s-ha-wizard node replace {host}");
    assert!(flat(&ended.text).contains(&way), "{}", ended.text);
}

fn replaces(wizard: &Wizard, host: &str) -> String {
    let (code, said) = wizard.says(&["node", "replace", host, "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    said
}

/// The whole cluster is as it was installed, and the standby still takes over.
fn is_whole(lab: &Lab, wizard: &Wizard) {
    must_change_nothing(&wizard.run().good());
    let (code, said) = wizard.says(&["status"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = wizard.says(&["drill", "--yes", "switchover"]);
    assert_eq!(code, Some(0), "{said}");
    let ask = "cd / && runuser -u postgres -- psql -X -A -t -p 5433 -d pg_auto_failover -c \
               'SELECT count(*) FROM pgautofailover.node'";
    assert_eq!(lab.must(MONITOR, ask).trim(), "2");
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_lost_standby_is_replaced_while_a_client_writes() {
    let (lab, wizard) = installed();
    // What is there is not given up.
    let (code, said) = wizard.says(&["node", "replace", MEMBERS[1], "--yes"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(flat(&said).contains("is not lost"), "{said}");
    // Without a terminal it cannot be confirmed.
    let (code, said) = wizard.says(&["node", "replace", MEMBERS[1]]);
    assert_eq!(code, Some(2), "{said}");
    let servers = SERVERS.map(|server| started(&lab, server));
    let gap = must_survive(&lab, "a standby is replaced", |primary| {
        let (lost, before) = (other(primary), started(&lab, primary));
        lab.does(&["fresh", lost]);
        install_refuses(&wizard, lost);
        let (code, said) = wizard.says(&["node", "replace", lost, "--dry-run"]);
        assert_eq!(code, Some(0), "{said}");
        assert!(
            said.contains(&format!("Let the monitor forget {lost}")),
            "{said}"
        );
        replaces(&wizard, lost);
        assert_eq!(wait_for_sync(&lab), primary);
        assert_eq!(started(&lab, primary), before);
    });
    assert!(gap < LONGEST_GAP, "{gap}");
    assert_eq!(servers, SERVERS.map(|server| started(&lab, server)));
    is_whole(&lab, &wizard);
}

/// The answers without a host, and that host.
fn without(answers: &str, host: &str) -> (String, String) {
    let name = format!("name = \"{host}\"\n");
    let is_it = |block: &&str| block.starts_with("[[hosts]]") && block.contains(&name);
    let (it, others): (Vec<_>, Vec<_>) = answers.split("\n\n").partition(is_it);
    (others.join("\n\n"), it.join("\n\n"))
}

/// Under another name, at another address: the first machine never comes back.
#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_lost_primary_is_replaced_by_another_machine() {
    const SPARE: &str = "k3s-agent-2";
    let lab = Lab::of_topology("pair");
    lab.does(&["up", "--agents", "2"]);
    let (answers, spare) = without(&lab.says(&["answers"]), SPARE);
    let wizard = Wizard::new().answering(|_| answers.clone());
    wizard.run().good();
    let lost = wait_for_sync(&lab);
    let left = other(lost);
    let (others, _) = without(&answers, lost);
    let new = spare.replace("role = \"agent\"", "role = \"postgres\"");
    let wizard = wizard.answering(|_| format!("{others}\n\n{new}\n"));
    let replaces = || wizard.says(&["node", "replace", lost, "--yes"]);
    // The lost one still works: it is not given up, and nothing is changed.
    let (code, said) = replaces();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        flat(&said).contains("still reports to the monitor"),
        "{said}"
    );
    assert_eq!(wait_for_sync(&lab), lost);
    let gap = must_survive(&lab, "a primary is lost and replaced", |primary| {
        assert_eq!(primary, lost);
        lab.does(&["stop", lost]);
        // It is refused until the other one has taken over.
        let refused = (0..60).find(|_| {
            let (code, said) = replaces();
            assert!(matches!(code, Some(0 | 1)), "{said}");
            code == Some(0)
        });
        println!("refused {} times", refused.expect("a replacement"));
        assert_eq!(wait_for_sync_of(&lab, [left, SPARE]), left);
    });
    assert!(gap < LONGEST_GAP, "{gap}");
    must_change_nothing(&wizard.run().good());
    let (code, said) = wizard.says(&["status"]);
    assert_eq!(code, Some(0), "{said}");
}

/// The monitor's host is a load balancer's too.
#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_lost_monitor_is_replaced_while_a_client_writes() {
    let (lab, wizard) = installed();
    let servers = SERVERS.map(|server| started(&lab, server));
    let gap = must_survive(&lab, "the monitor is replaced", |primary| {
        let before = started(&lab, primary);
        lab.does(&["fresh", MONITOR]);
        install_refuses(&wizard, MONITOR);
        replaces(&wizard, MONITOR);
        assert_eq!(wait_for_sync(&lab), primary);
        // pg_autoctl restarts the standby's Postgres while the new monitor takes it over.
        assert_eq!(started(&lab, primary), before);
    });
    assert!(gap < LONGEST_GAP, "{gap}");
    assert_eq!(servers, SERVERS.map(|server| started(&lab, server)));
    is_whole(&lab, &wizard);
}
