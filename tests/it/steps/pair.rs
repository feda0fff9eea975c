//! A pair of Postgres hosts: what is begun, given up and registered, with made-up answers of Postgres
//! and of the monitor.

use super::{Host, USERS, asset};

/// What `create` does on a host without a part of a pair.
fn creates(kind: &str, existing: &str, known: &str) -> (bool, String, bool) {
    let host = Host::of(USERS[0]);
    let world = format!(
        "KIND={kind} EXISTING='{existing}' PG_BIN=/none PGDATA=/none/data DB_PORT=5432 ADDRESS=192.0.2.8
        NODE_NAME=pg-2 TLS_DIRECTORY=/none/tls MONITOR=monitor SERVICE=s UNIT=u CONFIG=c HBA=h
        MAX_CONNECTIONS=400\n{}
        at_monitor() {{ cat >/dev/null; say '{known}'; }}
        program() {{ say \"program $*\"; }}
        keep",
        asset("steps/pair/run.sh")
    );
    let (done, said) = host.runs(&world, "create");
    (done, said, host.at("keep/pair-begun").exists())
}

#[test]
fn a_cluster_that_exists_is_not_begun_a_second_time() {
    for (kind, existing, known) in [("monitor", "", ""), ("member", "", "0 0")] {
        let (done, said, begun) = creates(kind, existing, known);
        assert!(
            done && begun && said.contains("initdb /none/data"),
            "{said}"
        );
    }
    // It follows another member.
    let (done, said, begun) = creates("member", "pg-1 s1", "0 1");
    assert!(done && begun && said.contains("create postgres"), "{said}");
    assert!(!said.contains("initdb"), "{said}");
    for (kind, existing, known, why) in [
        (
            "monitor",
            "pg-1 pg-2",
            "",
            "The cluster exists on pg-1 pg-2",
        ),
        ("member", "s1 s2", "0 0", "The cluster exists on s1 s2"),
        (
            "member",
            "pg-1",
            "1 1",
            "The monitor knows a member at 192.0.2.8",
        ),
        (
            "member",
            "",
            "1 0",
            "The monitor knows a member at 192.0.2.8",
        ),
    ] {
        let (done, said, begun) = creates(kind, existing, known);
        assert!(!done && said.contains(why), "{said}");
        assert!(said.contains("node replace"), "{said}");
        // Otherwise the next run would take it for its own, and remove it at the monitor.
        assert!(!said.contains("program") && !begun, "{said}");
    }
}

#[test]
fn a_member_is_given_up_only_if_it_is_silent_and_another_one_is_the_primary() {
    let host = Host::of(USERS[0]);
    let step = asset("steps/pair/forgotten.sh");
    let asks = |in_place: &str, rows: &str| {
        let world = format!(
            "LOST_ADDRESS=192.0.2.8 MEMBER_PORT=5432 DB_PORT=5433 IN_PLACE={in_place}\n{step}
            learn() {{ cat >/dev/null; learnt='{rows}'; }}"
        );
        let ask = "set +e; answer; say \"status $?\"";
        host.runs(&world, ask).1
    };
    let rows = |known: u8, reports: u8, primary: &str| {
        format!("known={known}\nreports={reports}\nprimary={primary}")
    };
    assert_eq!(asks("", &rows(0, 0, "")), "status 0\n");
    assert!(asks("", &rows(1, 0, "pg-1")).ends_with("status 1\n"));
    let alive = asks("", &rows(1, 1, "pg-1"));
    assert!(alive.contains("it is not lost") && alive.ends_with("status 3\n"));
    let only = asks("", &rows(1, 0, ""));
    assert!(only.contains("may be the only one") && only.ends_with("status 3\n"));
    // What reports there is what an interrupted run has begun on the new machine.
    assert!(asks("yes", &rows(1, 1, "pg-1")).ends_with("status 1\n"));
    assert!(asks("yes", &rows(1, 1, "")).ends_with("status 3\n"));
}

/// What `drive` does on a member whose `pg_autoctl` has this monitor.
fn registers(wanted: &str, now: &str, known: &str, postgres: &str) -> (i32, String) {
    let host = Host::of(USERS[0]);
    let world = format!(
        "WANTED={wanted} MONITOR=new PG_BIN=/none PGDATA=/none/data DB_PORT=5432 ADDRESS=192.0.2.8
        TLS_DIRECTORY=/none/tls\n{}
        learn() {{ cat >/dev/null; learnt='{postgres}'; }}
        configured() {{ cat \"$KEEP/now\"; }}
        known_at() {{ [ \"$1\" = '{}' ] || return 2; say '{}'; }}
        at_monitor() {{
            case $(cat) in
            *string_agg*) say 'primary primary, secondary secondary' ;;
            *) say 1 ;;
            esac
        }}
        program() {{
            say \"program $*\"
            case $* in
            *disable*) say \"$DETACHED\" >\"$KEEP/now\" ;;
            *enable*) say \"$MONITOR\" >\"$KEEP/now\"; known_at() {{ say 1; }} ;;
            esac
        }}
        keep
        say '{now}' >\"$KEEP/now\"",
        asset("steps/pair/registered.sh"),
        known.split('=').next().unwrap(),
        known.split('=').next_back().unwrap(),
    );
    // What a subshell of `drive` defines is lost after it: so the second check is not asked here.
    let script = "set +e; (set -e; check) >/dev/null; status=$?
        case $status in 1) (set -eu; apply); status=$? ;; *) check ;; esac; say \"status $status\"";
    let said = host.runs(&world, script).1;
    // What goes to standard error stands after it.
    let mut lines = said.lines();
    let status = lines.find_map(|line| line.strip_prefix("status "));
    (status.unwrap().parse().unwrap(), said)
}

#[test]
fn a_member_is_registered_only_where_it_belongs() {
    const PRIMARY: &str = "standby=false\nfollowers=1\nreceives=0";
    const STANDBY: &str = "standby=true\nfollowers=0\nreceives=1";
    const CUT_OFF: &str = "standby=false\nfollowers=0\nreceives=0";
    const LONELY: &str = "standby=true\nfollowers=0\nreceives=0";
    let does = |wanted: &str, now: &str, known: &str, postgres: &str| {
        let (status, said) = registers(wanted, now, known, postgres);
        (
            status,
            said.contains("disable"),
            said.contains("enable monitor new"),
            said,
        )
    };
    // It is so already.
    for wanted in ["registered", "detached"] {
        let (status, off, on, said) = does(wanted, "new", "new=1", PRIMARY);
        assert_eq!((status, off, on), (0, false, false), "{said}");
    }
    // From a monitor that is lost.
    let (status, off, on, said) = does("detached", "old", "", STANDBY);
    assert_eq!((status, off, on), (0, true, false), "{said}");
    let (status, off, on, said) = does("detached", "PG_AUTOCTL_DISABLED", "", STANDBY);
    assert_eq!((status, off, on), (0, false, false), "{said}");
    // It is not lost.
    let (status, off, on, said) = does("detached", "old", "old=1", STANDBY);
    assert_eq!((status, off, on), (3, false, false), "{said}");
    // At the new one: from none, or from one that knows no member.
    let (status, off, on, said) = does("registered", "PG_AUTOCTL_DISABLED", "new=0", PRIMARY);
    assert_eq!((status, off, on), (0, false, true), "{said}");
    let (status, off, on, said) = does("registered", "new", "new=0", STANDBY);
    assert_eq!((status, off, on), (0, true, true), "{said}");
    // A monitor that is only away now is waited for, not left.
    let (status, off, on, said) = does("registered", "new", "", PRIMARY);
    assert_eq!((status, off, on), (2, false, false), "{said}");
    // A former primary, and a standby that follows none.
    for postgres in [CUT_OFF, LONELY] {
        let (status, off, on, said) = does("registered", "new", "new=0", postgres);
        assert_eq!((status, off, on), (1, false, false), "{said}");
    }
}
