//! Two Postgres hosts and their monitor: installed, then the primary is taken away in three ways while
//! a client writes. It needs root.

use std::time::{Duration, Instant};

use crate::WIZARD;
use crate::install::must_change_nothing;
use crate::lab::{Lab, Wizard};
use crate::tui::AGENT;
use k3s_ha_wizard::answers::Answers;
use support::pair_walk;
use support::terminal::Terminal;

/// After this the cluster must have recovered, and the pair be in sync again.
const RECOVERY: Duration = Duration::from_secs(120);
pub const MEMBERS: [&str; 2] = ["k3s-postgres", "k3s-postgres-2"];
pub const WRITER: &str = "k3s-server-1";

/// Makes /root/writer/dsn: the datastore, as server 1 reaches it. libpq tries the next host where a
/// standby answers, but not the next address of one name.
pub const DSN: &str = r#"set -e
    command -v psql >/dev/null || { apt-get update -qq
        apt-get install -y -qq --no-install-recommends postgresql-client >/dev/null 2>&1; }
    umask 077
    mkdir -p /root/writer
    cd /root/writer
    files=/etc/rancher/k3s/datastore
    sed -n 's/^datastore-endpoint: "\(.*\)"$/\1/p' /etc/rancher/k3s/config.yaml |
        sed "s,@[^/]*,@198.51.100.11:5432\,198.51.100.8:5432\,198.51.100.16:5432,
            s,\$,\&sslmode=verify-full\&sslrootcert=$files/ca.crt\&sslcert=$files/client.crt\&sslkey=$files/client.key," >dsn
"#;

/// Writes ten times a second on new connections, as server 1; notes what was acknowledged, and when.
const WRITE: &str = r#"
    : >acknowledged
    psql -X -q -d "$(cat dsn)" -c 'DROP TABLE IF EXISTS written' -c 'CREATE TABLE written (id bigint)'
    cat >write <<'LOOP'
    id=0
    while :; do
        id=$((id + 1))
        if timeout 10 psql -X -q -d "$(cat dsn)" -c "INSERT INTO written VALUES ($id)" 2>/dev/null; then
            echo "$id $(date +%s%3N)" >>acknowledged
        fi
        sleep 0.1
    done
LOOP
    systemd-run -q --collect --unit=writer --working-directory=/root/writer sh write"#;

/// The longest time between two acknowledged writes in ms; how many were acknowledged, and are lost.
const COMPARE: &str = r#"set -e
    cd /root/writer
    systemctl stop writer
    psql -X -A -t -d "$(cat dsn)" -c 'SELECT id FROM written' | sort >stored
    cut -d' ' -f1 acknowledged | sort >known
    gap=$(awk 'NR > 1 && $2 - last > most { most = $2 - last } { last = $2 } END { print most + 0 }' acknowledged)
    echo "$gap $(wc -l <known) $(comm -23 known stored | wc -l)""#;

/// The only one of these hosts whose Postgres is writable and waits for a standby.
fn primary_in_sync(lab: &Lab, members: [&'static str; 2]) -> Option<&'static str> {
    let ask = "cd / && runuser -u postgres -- psql -X -A -t -c \"SELECT NOT pg_is_in_recovery() AND \
               current_setting('synchronous_standby_names') <> '' AND EXISTS (SELECT FROM \
               pg_stat_replication WHERE state = 'streaming' AND sync_state = 'quorum')\" 2>/dev/null";
    let mut primaries = members
        .into_iter()
        .filter(|host| lab.sh(host, ask).1.trim() == "t");
    primaries.next().filter(|_| primaries.next().is_none())
}

pub fn wait_for_sync(lab: &Lab) -> &'static str {
    wait_for_sync_of(lab, MEMBERS)
}

pub fn wait_for_sync_of(lab: &Lab, members: [&'static str; 2]) -> &'static str {
    let since = Instant::now();
    loop {
        if let Some(primary) = primary_in_sync(lab, members) {
            return primary;
        }
        assert!(since.elapsed() < RECOVERY, "the pair is not in sync");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Nothing that was acknowledged is lost, and writes go on within the limit. Returns the longest time
/// between two acknowledged writes, in ms.
pub fn must_survive(lab: &Lab, what: &str, event: impl FnOnce(&'static str)) -> u64 {
    let primary = wait_for_sync(lab);
    lab.must(WRITER, &format!("{DSN}{WRITE}"));
    std::thread::sleep(Duration::from_secs(3));
    let since = Instant::now();
    event(primary);
    // The loss is felt, and the standby takes over, in this time.
    std::thread::sleep(Duration::from_secs(15));
    let acknowledged = || {
        let count = lab.must(WRITER, "wc -l </root/writer/acknowledged");
        count.trim().parse::<u64>().unwrap()
    };
    // A writer that tries the host that is off first takes 3 s for each write.
    let before = acknowledged();
    while acknowledged() < before + 5 {
        assert!(since.elapsed() < RECOVERY, "{what}: no write goes on");
        std::thread::sleep(Duration::from_millis(500));
    }
    let said = lab.must(WRITER, COMPARE);
    let numbers = said
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    let numbers: Vec<u64> = numbers.collect();
    println!(
        "{what}: longest gap {} ms, {} acknowledged, {} lost",
        numbers[0], numbers[1], numbers[2]
    );
    assert_eq!(numbers[2], 0, "{what}: acknowledged writes are lost");
    numbers[0]
}

/// Each member serves its own certificate, under the same path: what is copied from one to the other
/// must not bring the other's.
fn certificates_are_their_own(lab: &Lab) {
    let ask = "cd / && runuser -u postgres -- psql -X -A -t -c 'SHOW ssl_cert_file'";
    for host in MEMBERS {
        assert_eq!(lab.must(host, ask).trim(), "/etc/postgresql-k3s/server.crt");
    }
}

/// `backup create` dumps this member; the dump has the tables.
fn backs_up(wizard: &Wizard, primary: &str) {
    let (code, said) = wizard.says(&["backup", "create"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, json) = wizard.says_alone(&["backup", "list", "--output", "json"]);
    assert_eq!(code, Some(0), "{json}");
    let listed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let last = listed.as_array().unwrap().last().unwrap();
    assert_eq!(last["host"], primary, "{last}");
    assert!(last["size"].as_u64().unwrap() > 1000, "{last}");
}

/// The same, and `status` names the primary and the standby in sync.
fn backs_up_the_primary(lab: &Lab, wizard: &Wizard, primary: &str) {
    assert_eq!(wait_for_sync(lab), primary);
    backs_up(wizard, primary);
    let (code, json) = wizard.says(&["status", "--output", "json"]);
    assert_eq!(code, Some(0), "{json}");
    let status: serde_json::Value = serde_json::from_str(&json).unwrap();
    for member in status["datastore"]["members"].as_array().unwrap() {
        let (role, in_sync) = if member["name"] == primary {
            ("primary", serde_json::Value::Null)
        } else {
            ("standby", true.into())
        };
        assert_eq!(member["role"], role, "{member}");
        assert_eq!(member["in_sync"], in_sync, "{member}");
    }
}

#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_pair_survives_the_loss_of_its_primary() {
    let lab = Lab::of_topology("pair");
    let wizard = Wizard::of_hosts(&lab);
    wizard.run().good();
    must_change_nothing(&wizard.run().good());
    certificates_are_their_own(&lab);

    backs_up_the_primary(&lab, &wizard, MEMBERS[0]);
    must_survive(&lab, "planned switchover", |_| {
        lab.must(
            "k3s-nginx",
            "cd / && runuser -u postgres -- psql -X -q -p 5433 -d pg_auto_failover \
                  -c 'SELECT pgautofailover.perform_failover()'",
        );
    });
    backs_up_the_primary(&lab, &wizard, MEMBERS[1]);
    must_survive(&lab, "everything of Postgres killed", |primary| {
        lab.sh(primary, "pkill -KILL -u postgres");
    });
    let mut off = "";
    must_survive(&lab, "power off", |primary| {
        off = primary;
        lab.does(&["stop", off]);
    });
    // The member that is left is dumped while the other one is off.
    let left = MEMBERS.into_iter().find(|member| *member != off);
    backs_up(&wizard, left.unwrap());
    lab.does(&["start", off]);
    wait_for_sync(&lab);
    certificates_are_their_own(&lab);
    // Whichever is the primary now.
    must_change_nothing(&wizard.run().good());
}

/// The same hosts, entered from an empty list and installed phase by phase.
#[test]
#[ignore = "takes minutes: tests/run --all"]
fn a_pair_is_installed_on_the_screens() {
    let lab = Lab::of_topology("pair");
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(WIZARD, (80, 24), &[], &[AGENT], folder.path());
    pair_walk::enters(&mut terminal);
    terminal.types("\u{13}\r");
    terminal.waits_for("Saved as ./lab.answers.toml");
    let saved = Answers::load(&folder.path().join("lab.answers.toml")).unwrap();
    let by_hand = Answers::from_toml(&lab.says(&["answers"])).unwrap();
    assert_eq!(saved, by_hand);
    terminal.types("\r");
    terminal.waits_for("Fit for ");
    terminal.types("\r");
    terminal.waits_for("Cluster lab: ");
    terminal.types("\r");
    for phase in 1..=7 {
        // What the phase before has done may leave no room for more than the head.
        let head = format!("Phase {phase}/7 ");
        terminal.waits_until(&head, |terminal| {
            let text = terminal.text();
            text.contains(&head) && text.contains("run this phase")
        });
        terminal.types("\r");
    }
    terminal.waits_for("Nodes  all healthy");
    // The live page asks both members and both load balancers.
    terminal.resize((120, 90));
    terminal.waits_for("standby  yes");
    terminal.waits_for("Virtual address  held by k3s-nginx");
    terminal.types("\u{3}");
    assert_eq!(terminal.ends(), 0);
    terminal.is_put_back();
    wait_for_sync(&lab);
    certificates_are_their_own(&lab);
}
