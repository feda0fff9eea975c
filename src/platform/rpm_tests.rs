//! What SUSE and Red Hat share, on fake hosts: `installed` lists the packages of rpm, `locks` is what
//! the kernel says of locks until the first `sleep`, `log` is what was run.

use super::contract::FakeHost;
use super::{FAMILIES, Family};

const PROGRAMS: &str = r#"
stub bin/rpm <<'END'
case $* in
'-q --whatprovides postgresql-server') grep -q 'postgresql.*-server' "$ROOT/installed" ;;
'-q '*) grep -qxF -e "$2" "$ROOT/installed" ;;
*) exit 2 ;;
esac
END
stub bin/sleep <<'END'
echo "sleep $1" >>"$ROOT/log"
rm -rf "$ROOT/locks" "$ROOT/held"
: >"$ROOT/proc/locks"
END
stub bin/id <<'END'
exit 1
END
stub bin/setpriv <<'END'
while [ "$1" != -- ] && [ "${1#--}" != "$1" ]; do shift; done
[ "$1" != -- ] || shift
exec "$@"
END
stub bin/systemctl <<'END'
case "$1 $3" in
'is-active postgresql') [ -e "$ROOT/runs" ]; exit ;;
'is-enabled postgresql') [ -e "$ROOT/enabled" ]; exit ;;
'start '*) [ ! -e "$ROOT/first-start" ] || { mkdir -p "$ROOT/var/lib/pgsql/data"; echo 17 >"$ROOT/var/lib/pgsql/data/PG_VERSION"; : >"$ROOT/var/lib/pgsql/data/postgresql.conf"; } ;;
esac
echo "systemctl $*" >>"$ROOT/log"
END
mkdir -p proc var/lib/rpm
: >proc/locks
: >installed
# holds: a process has rpm's lock.
holds() {
    : >var/lib/rpm/.rpm.lock
    echo "1: POSIX  ADVISORY  WRITE 811 00:1f:$(stat -c %i var/lib/rpm/.rpm.lock) 0 EOF" >proc/locks
}
# cluster FOLDER CONFIGURATION
cluster() {
    mkdir -p "var/lib/pgsql/$1/log"
    echo 15 >"var/lib/pgsql/$1/PG_VERSION"
    printf '%b\n' "$2" >"var/lib/pgsql/$1/postgresql.conf"
}
"#;

/// Runs this where, before, that was done; `more` are the family's own programs.
pub(super) fn sh(family: &Family, more: &str, before: &str, script: &str) -> (i32, String) {
    FakeHost::new(format!("{PROGRAMS}{more}{before}")).sh(family, script)
}

/// On both families, which must do the same.
fn both(before: &str, script: &str) -> (i32, String) {
    let family = |name| {
        FAMILIES
            .into_iter()
            .find(|family| family.name == name)
            .unwrap()
    };
    let (suse, redhat) = (family("suse"), family("redhat"));
    let found = sh(suse, "", before, script);
    assert_eq!(found, sh(redhat, "", before, script), "{script}");
    found
}

fn printed(before: &str, script: &str) -> String {
    let (status, said) = both(before, script);
    assert_eq!(status, 0, "{script}: {said}");
    said
}

#[test]
fn packages_are_installed_or_not() {
    let before = "printf '%s\\n' nginx curl >installed";
    assert_eq!(both(before, "installed curl nginx"), (0, String::new()));
    assert_eq!(
        both(before, "installed curl other"),
        (1, "the package other is not installed\n".into())
    );
    assert_eq!(both(before, "postgres_installed").0, 1);
    let postgres = "echo postgresql17-server >installed";
    assert_eq!(both(postgres, "postgres_installed"), (0, String::new()));
}

#[test]
fn a_lock_of_rpm_is_waited_for() {
    assert_eq!(printed("", "wait_for_rpm"), "");
    assert_eq!(
        printed("holds", "wait_for_rpm; cat log"),
        "another program holds the lock of the packages: waiting for it\nsleep 5\n"
    );
    // A process that waits itself does not hold it.
    let waits = "holds; sed -i 's/POSIX/-> POSIX/' proc/locks";
    assert_eq!(printed(waits, "wait_for_rpm"), "");
    let for_ever = "holds; printf '#!/bin/sh\\n' >bin/sleep; chmod 0755 bin/sleep";
    let (status, said) = both(for_ever, "wait_for_rpm");
    assert!(status == 1 && said.contains("for 10 min"), "{said}");
}

#[test]
fn what_is_installed_decides_not_the_status() {
    let installed = "echo nginx >installed";
    assert_eq!(both(installed, "by_evidence 0 nginx"), (0, String::new()));
    let (status, said) = both(installed, "by_evidence 106 nginx");
    assert!(status == 0 && said.contains("status 106"), "{said}");
    assert_eq!(both("", "by_evidence 0 nginx").0, 1);
    assert_eq!(both("", "by_evidence 104 nginx").0, 104);
}

#[test]
fn the_cluster_on_the_port_is_told_from_others() {
    let tells = |before: &str| {
        printed(
            before,
            "echo \"$(postgres_cluster)|$(postgres_elsewhere)|$(postgres_drop_ins)\"",
        )
    };
    let drop_ins = |unit: &str| format!("/etc/systemd/system/{unit}.service.d\n");
    let own = drop_ins("postgresql");
    assert_eq!(tells(""), format!("||{own}"));
    assert_eq!(tells("mkdir -p var/lib/pgsql/data"), format!("||{own}"));
    assert_eq!(
        tells("cluster data '#port = 5433'"),
        format!("postgresql||{own}")
    );
    assert_eq!(
        tells("cluster data 'port = 5432\\nport=5433 # here'"),
        format!("|/var/lib/pgsql/data on port 5433|{own}")
    );
    // What ALTER SYSTEM says counts more.
    let altered = "cluster data 'port = 5433'; echo \"port = '5432'\" >var/lib/pgsql/data/postgresql.auto.conf";
    assert_eq!(tells(altered), format!("postgresql||{own}"));
    assert_eq!(
        tells("cluster data 'port = 5433'; cluster 16/data ''"),
        format!(
            "postgresql-16|/var/lib/pgsql/data on port 5433|{}",
            drop_ins("postgresql-16")
        )
    );
    assert_eq!(
        printed("", "postgres_service postgresql-16"),
        "postgresql-16"
    );
}

#[test]
fn the_log_is_the_newest_file() {
    let logs = "cluster data ''
        touch -d 2026-01-01 var/lib/pgsql/data/log/old.log
        touch -d 2026-01-02 var/lib/pgsql/data/log/new.log";
    assert_eq!(
        printed(logs, "postgres_log"),
        "/var/lib/pgsql/data/log/new.log"
    );
    assert_eq!(printed("", "postgres_log"), "");
}

#[test]
fn the_newest_psql_is_taken() {
    let psql = |versions: &str| {
        let before = format!(
            "for one in {versions}; do stub usr/lib/postgresql$one/bin/psql </dev/null; done"
        );
        printed(&before, "psql_program")
    };
    assert_eq!(psql(""), "/usr/bin/psql");
    assert_eq!(psql("96 15 9 17 16"), "/usr/lib/postgresql17/bin/psql");
}

#[test]
fn postgres_starts_with_the_machine() {
    assert_eq!(both("", "postgres_enabled").0, 1);
    assert_eq!(both(": >enabled", "postgres_enabled"), (0, String::new()));
    assert_eq!(
        printed("", "enable_postgres; cat log"),
        "systemctl enable postgresql\n"
    );
}
