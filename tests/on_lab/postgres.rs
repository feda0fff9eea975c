//! A Postgres of others on the lab that cannot start with what K3s needs. It needs root.

use crate::lab::{Ended, Lab, Wizard};
use k3s_ha_wizard::events::Outcome;

const DB: &str = "k3s-postgres";
const SETTINGS: &str = "postgres/settings@k3s-postgres";
const UNIT: &str = "postgresql@15-main";
const BEFORE: &str = "/var/lib/k3s-ha-wizard/settings-before-restart";

/// A Postgres with a database of others, on a host whose shared memory it just fits into, as with
/// huge pages that were counted.
fn tight(lab: &Lab) {
    let script = format!(
        r#"set -e
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null 2>&1
        cd /
        runuser -u postgres -- psql -q -c 'CREATE DATABASE wiki'
        runuser -u postgres -- psql -q -d wiki -c 'CREATE TABLE pages (title text)' \
            -c "INSERT INTO pages VALUES ('Home')"
        runuser -u postgres -- psql -q -c "ALTER SYSTEM SET work_mem = '7MB'"
        echo 'shared_memory_type = sysv' >/etc/postgresql/15/main/conf.d/wiki.conf
        systemctl restart {UNIT}
        sysctl -q -w kernel.shmmax="$(ipcs -m -b | awk '$3 == "postgres" {{ print $5 }}')"
        systemctl restart {UNIT}"#
    );
    lab.must(DB, &script);
}

/// What others see of it.
fn seen(lab: &Lab) -> String {
    let ask = "cd / && runuser -u postgres -- psql -X -A -t -d wiki -c 'TABLE pages' \
               -c 'SHOW work_mem' -c 'SHOW max_connections' -c 'SHOW listen_addresses'";
    let file = "cd /var/lib/postgresql/15/main && stat -c '%a %U' postgresql.auto.conf && \
                grep -E 'work_mem|connections|addresses' postgresql.auto.conf";
    lab.must(DB, &format!("{ask} && {file}"))
}

fn is_kept(lab: &Lab) -> bool {
    lab.sh(DB, &format!("test -e {BEFORE}")).0
}

/// The settings step failed, with the reason, and the old settings are back.
fn must_have_gone_back(lab: &Lab, run: &Ended, before: &str) {
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    let Outcome::Failed(failure) = run.outcome(SETTINGS) else {
        panic!("{}", run.text);
    };
    let said = failure.last_lines.join("\n");
    for text in [
        "could not create shared memory segment",
        "The old settings are restored, and it answers",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    assert_eq!(seen(lab), before);
    assert!(!is_kept(lab));
}

#[test]
fn a_restart_that_fails_is_taken_back() {
    let lab = Lab::fresh();
    tight(&lab);
    let before = seen(&lab);
    let settings = "600 postgres\nwork_mem = '7MB'\n";
    assert_eq!(before, format!("Home\n7MB\n100\nlocalhost\n{settings}"));
    let wizard = Wizard::new().answering(|text| {
        let share = "[postgres]\nexisting_postgres = \"share\"\n";
        text.replace("[postgres]\n", share)
    });
    must_have_gone_back(&lab, &wizard.run(), &before);

    // The same, and all that runs for the wizard on that host is killed at the restart.
    let drop_in = format!("/etc/systemd/system/{UNIT}.service.d/kill.conf");
    lab.must(
        DB,
        &format!(
            "mkdir -p $(dirname {drop_in}) && \
             printf '[Service]\nExecStartPre=/bin/systemctl kill -s KILL \"k3s-ha-wizard.*\"\n' \
                 >{drop_in} && systemctl daemon-reload"
        ),
    );
    let run = wizard.run();
    assert_eq!(run.status.code(), Some(1), "{}", run.text);
    assert!(matches!(run.outcome(SETTINGS), Outcome::Failed(_)));
    let (answers, _) = lab.sh(DB, "pg_isready -q");
    assert!(!answers && is_kept(&lab), "it was cut off too late");
    lab.must(DB, &format!("rm {drop_in} && systemctl daemon-reload"));

    // The next run begins with what the last one owes.
    let run = wizard.run();
    let install = run.outcome("postgres/install@k3s-postgres");
    assert_eq!(*install, Outcome::Done);
    must_have_gone_back(&lab, &run, &before);

    // There is memory now: the same command continues.
    lab.must(DB, "sysctl -q -w kernel.shmmax=18446744073692774399");
    wizard.run().good();
    let after = seen(&lab);
    assert!(after.starts_with("Home\n7MB\n200\n"), "{after}");
    assert!(!is_kept(&lab));
}
