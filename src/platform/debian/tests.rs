//! The functions, on a fake host: `$ROOT/packages/NAME` holds what dpkg says of a package, `lock` is
//! held until the first `sleep`, `clusters` is what `pg_lsclusters` prints, `log` is what was run.

use super::FAMILY;
use crate::platform::contract::FakeHost;

const PROGRAMS: &str = r#"
stub bin/dpkg-query <<'END'
[ "$1 $2 $3" = '-W -f ${db:Status-Abbrev}' ] || exit 2
cat "$ROOT/packages/$4"
END
stub bin/dpkg <<'END'
case $1 in
--audit) cat "$ROOT/audit" 2>/dev/null ;;
--configure) echo "dpkg $*" >>"$ROOT/log"; rm -f "$ROOT/audit" ;;
esac
:
END
stub bin/apt-get <<'END'
if [ "$1" = --print-uris ]; then
    [ ! -e "$ROOT/sources" ] || while read -r uri; do echo "'$uri' file 0"; done <"$ROOT/sources"
    exit
fi
if [ -e "$ROOT/lock" ]; then
    echo "E: Could not get lock /var/lib/dpkg/lock-frontend" >&2
    exit 100
fi
if [ -e "$ROOT/broken" ]; then
    echo 'E: Unable to locate package' >&2
    exit 100
fi
echo "apt-get $*" | sed 's/ -o [^ ]*//g' >>"$ROOT/log"
END
stub bin/apt-cache <<'END'
[ "$*" != 'policy postgresql' ] || cat "$ROOT/policy" 2>/dev/null || :
END
stub bin/sleep <<'END'
echo "sleep $1" >>"$ROOT/log"
rm -f "$ROOT/lock"
END
stub usr/lib/apt/apt-helper <<'END'
for uri in "$@"; do case $uri in http://good/*) exit 0 ;; http*) break ;; esac; done
echo 'Ign:1 it' >&2
echo 'E: no route' >&2
exit 100
END
stub bin/systemctl <<'END'
case $1 in
is-enabled) [ -e "$ROOT/enabled" ] || exit 3; exit ;;
enable) : >"$ROOT/enabled" ;;
esac
echo "systemctl $*" >>"$ROOT/log"
END
for program in pg_createcluster pg_conftool; do
    echo "echo \"$program \$*\" >>\"\$ROOT/log\"" | stub bin/$program
done
cluster() {
    echo 'cat "$ROOT/clusters"' | stub bin/pg_lsclusters
    echo "$1 $2 $3 online postgres /data/$2 /logs/$2.log" >>"$ROOT/clusters"
}
package() { mkdir -p packages; printf '%s' "$2" >"packages/$1"; }
package curl 'ii '
package held 'hi '
package unpacked 'iU '
package damaged 'iiR'
package removed 'rc '
mkdir -p usr/lib/postgresql/9.6/bin usr/lib/postgresql/15/bin
"#;

/// Runs this where, before, that was done.
fn sh(before: &str, script: &str) -> (i32, String) {
    FakeHost::new(format!("{PROGRAMS}{before}")).sh(&FAMILY, script)
}

fn printed(before: &str, script: &str) -> String {
    let (status, said) = sh(before, script);
    assert_eq!(status, 0, "{script}: {said}");
    said
}

#[test]
fn packages_are_installed_or_not() {
    for (packages, missing) in [
        ("curl held", None),
        ("curl none", Some("none")),
        ("unpacked curl", Some("unpacked")),
        ("removed", Some("removed")),
        ("damaged", Some("damaged")),
    ] {
        let (status, said) = sh("", &format!("installed {packages}"));
        let wanted = missing.map(|name| format!("the package {name} is not installed\n"));
        assert_eq!(status, i32::from(missing.is_some()), "{packages}");
        assert_eq!(said, wanted.unwrap_or_default(), "{packages}");
    }
}

#[test]
fn installing_waits_for_a_lock_and_finishes_what_was_interrupted() {
    let install = "install_packages nginx curl >/dev/null; cat log";
    let plain = printed("", install);
    assert_eq!(
        plain,
        "apt-get -y -qq update\napt-get -y --no-install-recommends install nginx curl\n"
    );
    let locked = printed(": >lock", install);
    assert_eq!(
        locked,
        format!("E: Could not get lock /var/lib/dpkg/lock-frontend\nsleep 5\n{plain}")
    );
    let interrupted = printed("echo 'x is half configured' >audit", install);
    assert_eq!(interrupted, format!("dpkg --configure -a\n{plain}"));
    let (status, said) = sh(": >broken", "install_packages nginx; echo 'went on'");
    assert_eq!(status, 100, "{said}");
    assert!(said.ends_with("E: Unable to locate package\n"), "{said}");
}

#[test]
fn a_source_is_reached_or_it_is_said_why_not() {
    let reached = |sources: &str| {
        let before = format!("printf '%b' '{sources}' >sources");
        sh(&before, "source_is_reached")
    };
    assert_eq!(
        sh("", "source_is_reached"),
        (1, "no package source is configured\n".into())
    );
    assert_eq!(reached("http://good/x\\n"), (0, String::new()));
    assert_eq!(
        reached("http://bad/x\\nhttp://good/x\\n"),
        (0, String::new())
    );
    assert_eq!(
        reached("http://bad/x\\n"),
        (1, "http://bad/x: E: no route\n".into())
    );
}

#[test]
fn the_cluster_on_the_port_is_told_from_others() {
    let tells = |before: &str| {
        let ask = "echo \"$(postgres_cluster || :)|$(postgres_elsewhere)|$(postgres_log || :)\"";
        printed(before, ask)
    };
    let (ours, other) = ("cluster 15 main 5432", "cluster 13 wiki 5433");
    // Without postgresql-common there is no pg_lsclusters.
    let none = "echo \"$(postgres_cluster || :)|$(postgres_elsewhere)\"";
    assert_eq!(printed("", none), "|\n");
    assert_eq!(tells(ours), "15 main||/logs/main.log\n");
    assert_eq!(tells(other), "|13/wiki on port 5433|\n");
    let both = format!("{other}\n{ours}");
    assert_eq!(
        tells(&both),
        "15 main|13/wiki on port 5433|/logs/main.log\n"
    );
    assert_eq!(
        printed(&both, "postgres_service $(postgres_cluster)"),
        "postgresql@15-main"
    );
}

#[test]
fn a_cluster_is_made_or_moved_to_the_port() {
    let done = |before: &str| printed(before, "make_postgres_cluster; cat log");
    assert_eq!(done(""), "pg_createcluster -p 5432 15 main\n");
    assert_eq!(
        done("cluster 15 main 5433"),
        "pg_conftool 15 main set port 5432\nsystemctl restart postgresql@15-main\n"
    );
}

#[test]
fn postgres_starts_with_the_machine() {
    assert_eq!(sh("", "postgres_enabled"), (3, String::new()));
    let both = "enable_postgres; postgres_enabled; cat log";
    assert_eq!(printed("", both), "systemctl enable postgresql\n");
}

#[test]
fn psql_is_the_program_itself() {
    let newest = ": >usr/lib/postgresql/15/bin/psql";
    assert_eq!(
        printed(newest, "psql_program"),
        "/usr/lib/postgresql/15/bin/psql"
    );
}

#[test]
fn the_newest_postgres_is_the_candidate() {
    let policy = "printf '%b' 'postgresql:\\n  Installed: (none)\\n  Candidate: 15+248\\n' >policy";
    assert_eq!(printed(policy, "newest_postgres"), "15\n");
    assert_eq!(printed("", "newest_postgres"), "");
    let installed = "package postgresql 'ii '";
    assert_eq!(printed(installed, "postgres_installed"), "");
    assert_eq!(sh("", "postgres_installed").0, 1);
    let installs = printed("", "install_postgres >/dev/null; cat log");
    assert!(installs.ends_with("install postgresql\n"), "{installs}");
}
