//! Red Hat's own functions, with stubs of dnf and postgresql-setup: `repository` lists the packages that
//! dnf has, `streams` its module streams, `plain` the version of Postgres that it offers, `held` is there
//! until the first `sleep`; `proposed` is what dnf says that it would do, `args` has all that it was called
//! with.

use super::FAMILY;
use crate::platform::rpm_tests;

const DNF: &str = r#"
stub bin/dnf <<'END'
printf "%s\n" "$*" >>"$ROOT/args"
case $* in *' --assumeno '*)
    cat "$ROOT/proposed"
    exit 1
    ;;
esac
exits=
words=
for word in "$@"; do
    case $word in
    --setopt=exit_on_lock=1) exits=yes ;;
    -*) ;;
    *) words="$words $word" ;;
    esac
done
set -- $words
case $1 in
makecache)
    cat "$ROOT/made" 2>/dev/null
    exit "$(cat "$ROOT/status" 2>/dev/null || echo 0)"
    ;;
repolist)
    echo 'repo id  repo name'
    cat "$ROOT/enabled-repositories" 2>/dev/null
    ;;
repoquery) cat "$ROOT/plain" ;;
module)
    [ "$2" = list ] || { echo "dnf $*" >>"$ROOT/log"; exit; }
    cat "$ROOT/streams" 2>/dev/null || exit 1
    ;;
install)
    echo "dnf $*" >>"$ROOT/log"
    [ -z "$exits" ] || [ ! -e "$ROOT/held" ] || exit 200
    shift
    printf '%s\n' "$@" | grep -xF -f "$ROOT/repository" >>"$ROOT/installed"
    exit "$(cat "$ROOT/status" 2>/dev/null || echo 0)"
    ;;
esac
END
stub bin/postgresql-setup <<'END'
echo "postgresql-setup $*" >>"$ROOT/log"
mkdir -p "$ROOT/var/lib/pgsql/data"
echo 15 >"$ROOT/var/lib/pgsql/data/PG_VERSION"
: >"$ROOT/var/lib/pgsql/data/postgresql.conf"
END
printf '%s\n' nginx postgresql-server >repository
: >plain
stream() { echo "postgresql $1 client, server [d] PostgreSQL server and client module" >>streams; }
"#;

fn sh(before: &str, script: &str) -> (i32, String) {
    rpm_tests::sh(&FAMILY, DNF, before, script)
}

#[test]
fn a_lock_of_dnf_is_waited_for() {
    let installs = "install_packages nginx >/dev/null; cat log";
    assert_eq!(sh("", installs), (0, "dnf install nginx\n".into()));
    assert_eq!(
        sh(": >held", installs),
        (0, "dnf install nginx\nsleep 5\ndnf install nginx\n".into())
    );
    let for_ever = ": >held; printf '#!/bin/sh\\n' >bin/sleep; chmod 0755 bin/sleep";
    let (status, said) = sh(for_ever, "install_packages nginx");
    assert!(status == 200 && said.contains("for 10 min"), "{said}");
}

#[test]
fn its_status_is_judged_by_what_is_installed() {
    assert_eq!(sh(": >repository", "install_packages nginx").0, 1);
    assert_eq!(
        sh("echo 1 >status; : >repository", "install_packages nginx").0,
        1
    );
    let (status, said) = sh("echo 1 >status", "install_packages nginx");
    assert!(
        status == 0 && said.contains("but the packages are installed"),
        "{said}"
    );
}

#[test]
fn the_newest_postgres_is_found_among_streams() {
    let newest = |before: &str| sh(before, "newest_postgres").1;
    assert_eq!(newest("echo 16.8 >plain"), "16\n");
    assert_eq!(newest("echo 13.20 >plain; stream 15; stream 16"), "16\n");
    assert_eq!(
        newest("stream '9.6'; stream '10 [d]'; stream 12; echo 10.23 >plain"),
        "12\n"
    );
    // The operator's choice stays.
    assert_eq!(
        newest("echo 15.8 >plain; stream '15 [e]'; stream 16"),
        "15\n"
    );
    assert_eq!(newest(""), "\n");
}

#[test]
fn a_stream_is_enabled_only_where_it_must_be() {
    let installs = |before: &str| sh(before, "install_postgres >/dev/null; cat log");
    let install = "dnf install postgresql-server\n";
    assert_eq!(installs("echo 16.8 >plain"), (0, install.into()));
    assert_eq!(
        installs("echo 15.8 >plain; stream '15 [e]'; stream 16"),
        (0, install.into())
    );
    assert_eq!(
        installs("echo 13.20 >plain; stream 15; stream 16"),
        (0, format!("dnf module enable postgresql:16\n{install}"))
    );
}

#[test]
fn a_repository_is_reached_or_it_is_said_why_not() {
    let reached = |before: &str| sh(before, "source_is_reached");
    let two = "printf '%s\\n' 'base  Base' 'app  AppStream' >enabled-repositories";
    assert_eq!(reached(two), (0, String::new()));
    assert_eq!(reached(""), (1, "no repository is enabled\n".into()));
    let ignored = |which: &str| {
        format!(
            "{two}; printf '%s\\n' ' - Curl error (7): no' 'Ignoring repositories: {which}' >made"
        )
    };
    assert_eq!(reached(&ignored("app")), (0, String::new()));
    assert_eq!(
        reached(&ignored("app, base")),
        (1, " - Curl error (7): no\n".into())
    );
    assert_eq!(
        reached(&format!("{two}; echo 200 >status")),
        (0, String::new())
    );
    let (status, said) = reached(&format!(
        "{two}; echo 1 >status; echo 'Error: all is lost' >made"
    ));
    assert_eq!((status, &*said), (1, "Error: all is lost\n"));
}

#[test]
fn a_cluster_is_made_once() {
    let makes = "DB_PORT=5433; make_postgres_cluster >/dev/null; make_postgres_cluster >/dev/null; \
                 cat log; postgres_cluster";
    let (status, said) = sh("", makes);
    assert_eq!(
        (status, &*said),
        (0, "postgresql-setup --initdb\npostgresql")
    );
}

#[test]
fn from_a_bundle_nothing_else_is_asked() {
    let bundle = "mkdir -p b/packages; : >b/packages/index; stream 16";
    let installs = "BUNDLE=$PWD/b; install_postgres >/dev/null; cat log installed; \
                    grep -vc -e \"--noplugins --setopt=reposdir=$BUNDLE/packages/repos\" args || :";
    let wanted =
        "dnf module enable postgresql:16\ndnf install postgresql-server\npostgresql-server\n0\n";
    assert_eq!(sh(bundle, installs), (0, wanted.into()));
}

#[test]
fn what_it_would_install_is_needed() {
    let resolved = |said: &str| {
        let before = format!("cat >proposed <<'END'\n{said}\nEND");
        sh(&before, "POSTGRES=; resolve nginx")
    };
    let said = "---> Package nginx.x86_64 1:1.22.1-1.el9 will be installed\n\
                ---> Package glibc-common.x86_64 2.34-2 will be an upgrade\n\
                ---> Package glibc-common.x86_64 2.34-1 will be upgraded\n\
                ---> Package other.noarch 1-1 will be erased\nOperation aborted.";
    let files = "glibc-common-2.34-2.x86_64.rpm\nnginx-1.22.1-1.el9.x86_64.rpm\n";
    assert_eq!(resolved(said), (0, files.into()));
    let missing = "No match for argument: nginx\n";
    let said = format!("Last metadata\n{missing}Error: Unable to find a match: nginx");
    assert_eq!(resolved(&said), (1, missing.into()));
}

/// Its packages are hidden before it is enabled, which only the run does.
#[test]
fn what_a_stream_has_is_seen_before_it_is_enabled() {
    let before = "echo 'Operation aborted.' >proposed; stream 16";
    let resolves = "POSTGRES=yes; resolve postgresql-server; cat log 2>/dev/null || :; cat args";
    let (status, said) = sh(before, resolves);
    assert_eq!(status, 0);
    let lines: Vec<_> = said.lines().collect();
    let [.., enable, install] = lines[..] else {
        panic!("{said}")
    };
    assert!(enable.contains("--assumeno") && enable.ends_with("module enable postgresql:16"));
    assert!(
        install.contains("--setopt=bundle.module_hotfixes=1 "),
        "{install}"
    );
    assert!(!said.contains("dnf module enable"), "{said}");
}

#[test]
fn the_modules_of_packages_are_kept() {
    const ALL: &str = "---
document: modulemd
version: 2
data:
  name: nginx
  stream: \"1.24\"
  profiles:
    common:
      name: other
  artifacts:
    rpms:
    - nginx-1:1.24.0-1.x86_64
...
---
document: modulemd-defaults
version: 1
data:
  module: postgresql
  stream: \"13\"
...
---
document: modulemd-defaults
version: 1
data:
  module: nginx
...
---
document: modulemd
version: 2
data:
  name: postgresql
  stream: \"16\"
  artifacts:
    rpms:
    - postgresql-server-0:16.4-1.x86_64
...
";
    let before = format!(
        "mkdir -p n/cache/repodata\ncat >n/cache/repodata/1-modules.yaml <<'END'\n{ALL}END\n\
         gzip n/cache/repodata/1-modules.yaml\n\
         echo '- postgresql-server-0:16.4-1.x86_64' >p.rpm.header"
    );
    let (status, said) = sh(&before, "nothing=$PWD/n; modules_of p.rpm");
    assert_eq!(status, 0, "{said}");
    let documents: Vec<_> = ALL.split_inclusive("...\n").collect();
    assert_eq!(said, [documents[3], documents[1]].concat());
}
