//! Whether a pair's failover is safe: links of the primary are cut, or its processes stall, while
//! clients on both sides write and read. It needs root.

use std::collections::HashSet;
use std::thread::sleep;
use std::time::{Duration, UNIX_EPOCH};

use crate::lab::{Lab, Wizard};
use crate::pair::{DSN, MEMBERS, WRITER, wait_for_sync};

const MONITOR: &str = "k3s-nginx";
const ADDRESSES: [(&str, &str); 7] = [
    ("k3s-postgres", "198.51.100.11"),
    ("k3s-postgres-2", "198.51.100.8"),
    (MONITOR, "198.51.100.14"),
    ("k3s-nginx-2", "198.51.100.124"),
    (WRITER, "198.51.100.12"),
    ("k3s-server-2", "198.51.100.13"),
    ("k3s-agent", "198.51.100.15"),
];

/// How long a cut lasts: the standby has taken over by then, if it does.
const CUT: Duration = Duration::from_secs(30);

/// Of the clients `far`, on server 1, and one on each member, over its own socket: the n-th line of
/// NAME.acknowledged is "ID MS", of NAME.read "MS ID" (a read of far's last row, where it is no standby).
/// What a member acknowledges only because its wait for the standby was cancelled is in NAME.warned.
const WORK: &str = r#"
    systemctl stop cuts 2>/dev/null || true
    rm -rf /root/cuts && mkdir -p /root/cuts && cd /root/cuts && : >acknowledged && : >warned && : >read
    cat >loop <<'LOOP'
    . /root/cuts/ask
    id=0
    while :; do
        id=$((id + 1))
        if said=$(ask 10 "INSERT INTO written VALUES ('$who', $id)" 2>&1); then
            case $said in
                *'canceling wait'*) echo "$id" >>warned ;;
                *) echo "$id $(date +%s%3N)" >>acknowledged ;;
            esac
        fi
        now=$(date +%s%3N)
        last="SELECT coalesce(max(id), 0) FROM written WHERE who = 'far' AND NOT pg_is_in_recovery() HAVING NOT pg_is_in_recovery()"
        read=$(ask 3 "$last" 2>/dev/null) && [ -n "$read" ] && echo "$now $read" >>read
        sleep 0.1
    done
LOOP
"#;

const START: &str = "systemd-run -q --collect --unit=cuts --working-directory=/root/cuts sh loop";

const FAR: &str = r#"
    cat >ask <<'ASK'
    who=far
    ask() { timeout "$1" psql -X -q -A -t -d "$(cat /root/writer/dsn)" -c "$2"; }
ASK
    . ./ask
    ask 10 'DROP TABLE IF EXISTS written'
    ask 10 'CREATE TABLE written (who text, id bigint)'"#;

const NEAR: &str = r#"
    cat >ask <<'ASK'
    who=$(hostname)
    # psql cancels what takes longer than 3 s: also a commit's wait for the standby, which no timeout ends.
    ask() {
        (cd / && runuser -u postgres -- timeout --preserve-status -s INT -k 5 3 psql -X -q -A -t -d k3s -c "$2")
    }
ASK
"#;

/// What one client notes.
struct Client {
    name: &'static str,
    /// ID, and when in ms.
    acknowledged: Vec<(u64, u64)>,
    /// When in ms, and far's last ID.
    read: Vec<(u64, u64)>,
    warned: Vec<u64>,
}

fn numbers(text: &str) -> Vec<Vec<u64>> {
    let line = |line: &str| line.split(' ').map(|it| it.parse().unwrap()).collect();
    text.lines().map(line).collect()
}

impl Client {
    fn of(lab: &Lab, host: &'static str) -> Self {
        let pairs = |file: &str| {
            let text = lab.must(host, &format!("cat /root/cuts/{file}"));
            let lines = numbers(&text).into_iter();
            lines.map(|line| (line[0], line[1])).collect()
        };
        let warned = numbers(&lab.must(host, "cat /root/cuts/warned"));
        Self {
            name: if host == WRITER { "far" } else { host },
            acknowledged: pairs("acknowledged"),
            read: pairs("read"),
            warned: warned.into_iter().map(|line| line[0]).collect(),
        }
    }
}

fn stored(lab: &Lab, primary: &str) -> HashSet<(String, u64)> {
    let ask = "cd / && runuser -u postgres -- psql -X -A -t -F ' ' -d k3s -c 'SELECT who, id FROM written'";
    let text = lab.must(primary, ask);
    let row = |line: &str| {
        let (who, id) = line.split_once(' ').unwrap();
        (who.to_owned(), id.parse().unwrap())
    };
    text.lines().map(row).collect()
}

/// Neither host hears the other.
fn cut(lab: &Lab, one: &str, other: &str) {
    let address = |host| ADDRESSES.iter().find(|(name, _)| *name == host).unwrap().1;
    for (host, from) in [(one, other), (other, one)] {
        lab.must(
            host,
            &format!(
                "nft add table inet cut
                nft 'add chain inet cut in {{ type filter hook input priority -10; }}'
                nft add rule inet cut in ip saddr {} drop",
                address(from)
            ),
        );
    }
}

fn heal(lab: &Lab) {
    for (host, _) in ADDRESSES {
        lab.must(host, "nft delete table inet cut 2>/dev/null || true");
    }
}

/// Every host of one side from every host of the other: those that are not named.
fn across(side: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let hosts = ADDRESSES.iter().map(|(host, _)| *host);
    let others: Vec<_> = hosts.filter(|host| !side.contains(host)).collect();
    let of_one = |one: &&'static str| {
        let one = *one;
        others.iter().map(move |other| (one, *other))
    };
    side.iter().flat_map(of_one).collect()
}

/// No acknowledged write is lost, and the old primary acknowledges nothing once the new one does.
fn must_be_safe(lab: &Lab, what: &str, event: impl FnOnce(&'static str, &'static str)) {
    let old = wait_for_sync(lab);
    let standby = MEMBERS.into_iter().find(|host| *host != old).unwrap();
    lab.must(WRITER, &format!("{DSN}{WORK}{FAR}\n{START}"));
    for host in MEMBERS {
        lab.must(host, &format!("set -e\n{WORK}{NEAR}\n{START}"));
    }
    sleep(Duration::from_secs(4));
    event(old, standby);
    heal(lab);
    let new = wait_for_sync(lab);
    let whole = UNIX_EPOCH.elapsed().unwrap().as_millis();
    sleep(Duration::from_secs(8));
    for host in [WRITER, old, standby] {
        lab.must(host, "systemctl stop cuts");
    }
    let stored = stored(lab, new);
    let clients = [WRITER, old, standby].map(|host| Client::of(lab, host));
    let is_lost = |client: &Client, id: u64| !stored.contains(&(client.name.to_owned(), id));

    let [far, near_old, near_new] = &clients;
    let gap = far.acknowledged.windows(2).map(|two| two[1].1 - two[0].1);
    let mut lost = Vec::new();
    let mut stale = 0;
    let mut warned = (0, 0);
    for client in &clients {
        let known = client.acknowledged.iter().map(|(id, _)| *id);
        lost.extend(
            known
                .filter(|id| is_lost(client, *id))
                .map(|id| (client.name, id)),
        );
        let is_stale = |(when, id): &&(u64, u64)| {
            let known = |(other, acknowledged): &(u64, u64)| acknowledged < when && other > id;
            far.acknowledged.iter().any(known)
        };
        stale += client.read.iter().filter(is_stale).count();
        warned.0 += client.warned.len();
        let mut ids = client.warned.iter();
        warned.1 += ids.by_ref().filter(|id| is_lost(client, **id)).count();
    }
    let first_of_new = near_new
        .acknowledged
        .first()
        .map_or(u64::MAX, |(_, when)| *when);
    let too_late = |(_, when): &&(u64, u64)| *when > first_of_new;
    let too_late = if new == old {
        0
    } else {
        near_old.acknowledged.iter().filter(too_late).count()
    };
    let acknowledged: usize = clients.iter().map(|it| it.acknowledged.len()).sum();
    println!(
        "{what}: {}, longest gap {} ms, {acknowledged} acknowledged, {} lost, {stale} stale reads, \
         {} cancelled waits, {} of them lost",
        if new == old {
            "no failover"
        } else {
            "failover"
        },
        gap.max().unwrap_or_default(),
        lost.len(),
        warned.0,
        warned.1,
    );
    let newest = far.acknowledged.last().map(|(_, when)| u128::from(*when));
    assert!(newest > Some(whole), "{what}: no write goes on");
    assert_eq!(lost, [], "{what}: acknowledged writes are lost");
    assert_eq!(too_late, 0, "{what}: two members acknowledged at once");
}

fn survives_every_cut(failover: &str) {
    let lab = Lab::of_topology("pair");
    let answers = lab.says(&["answers"]);
    let with = format!("[postgres]\nfailover = \"{failover}\"\n");
    assert!(answers.contains("[postgres]\n"), "{answers}");
    let wizard = Wizard::new().answering(|_| answers.replace("[postgres]\n", &with));
    wizard.run().good();
    lab.with_nft(&ADDRESSES.map(|(host, _)| host));
    let cuts = |pairs: Vec<(&str, &str)>| {
        for (one, other) in pairs {
            cut(&lab, one, other);
        }
        sleep(CUT);
    };
    must_be_safe(&lab, "primary from monitor", |primary, _| {
        cuts(vec![(primary, MONITOR)]);
    });
    must_be_safe(&lab, "primary from standby", |primary, standby| {
        cuts(vec![(primary, standby)]);
    });
    must_be_safe(&lab, "primary from both", |primary, standby| {
        cuts(vec![(primary, standby), (primary, MONITOR)]);
    });
    must_be_safe(&lab, "primary from all", |primary, _| {
        cuts(across(&[primary]));
    });
    must_be_safe(&lab, "standby from all", |_, standby| {
        cuts(across(&[standby]));
    });
    must_be_safe(&lab, "monitor from all", |_, _| cuts(across(&[MONITOR])));
    must_be_safe(&lab, "site of primary and server 1", |primary, _| {
        cuts(across(&[primary, WRITER]));
    });
    must_be_safe(
        &lab,
        "site of primary, monitor and server 1",
        |primary, _| {
            cuts(across(&[primary, MONITOR, WRITER]));
        },
    );
    for seconds in [2, 5, 10] {
        must_be_safe(&lab, &format!("stall of {seconds} s"), |primary, _| {
            lab.must(
                primary,
                &format!("pkill -STOP -u postgres; sleep {seconds}; pkill -CONT -u postgres"),
            );
            sleep(CUT);
        });
    }
}

#[test]
#[ignore = "takes a quarter of an hour: tests/run --all"]
fn failover_is_safe_when_it_is_steady() {
    survives_every_cut("steady");
}

#[test]
#[ignore = "takes a quarter of an hour: tests/run --all"]
fn failover_is_safe_when_it_is_fast() {
    survives_every_cut("fast");
}
