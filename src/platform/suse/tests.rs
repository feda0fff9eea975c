//! SUSE's own functions, with a stub of zypper: `status` is what it ends with, `repository` lists the
//! packages that it has, `xml` is what it would do, `args` has all that it was called with.

use super::FAMILY;
use crate::platform::rpm_tests;

const ZYPPER: &str = r#"
stub bin/zypper <<'END'
printf "%s\n" "$*" >>"$ROOT/args"
words=
while [ $# -gt 0 ]; do
    case $1 in
    --reposd-dir | --cache-dir) shift ;;
    --*) ;;
    *) words="$words $1" ;;
    esac
    shift
done
set -- $words
echo "zypper $*${ZYPP_LOCK_TIMEOUT:+ waits $ZYPP_LOCK_TIMEOUT}" >>"$ROOT/log"
case $1 in
refresh)
    cat "$ROOT/refreshed" 2>/dev/null
    exit "$(cat "$ROOT/refresh" 2>/dev/null || echo 0)"
    ;;
search)
    while read -r name; do echo "   | $name | about it | package"; done <"$ROOT/repository"
    ;;
install)
    ! cat "$ROOT/xml" 2>/dev/null || exit 0
    shift
    read -r status 2>/dev/null <"$ROOT/status" || status=0
    sed -i 1d "$ROOT/status" 2>/dev/null
    case $status in
    0 | 10[2367]) printf '%s\n' "$@" | grep -xF -f "$ROOT/repository" >>"$ROOT/installed" ;;
    esac
    exit "$status"
    ;;
esac
END
printf '%s\n' nginx postgresql16-server postgresql17-server postgresql96-server postgresql-server >repository
ends() { printf '%s\n' "$@" >status; }
"#;

fn sh(before: &str, script: &str) -> (i32, String) {
    rpm_tests::sh(&FAMILY, ZYPPER, before, script)
}

#[test]
fn zypper_waits_for_its_lock() {
    let (status, said) = sh("", "install_packages nginx >/dev/null; cat log");
    assert_eq!(status, 0, "{said}");
    assert_eq!(
        said,
        "zypper refresh waits 600\nzypper install nginx waits 600\n"
    );
    let (_, said) = sh("holds", "install_packages nginx >/dev/null; cat log");
    assert!(said.starts_with("sleep 5\nzypper refresh"), "{said}");
}

#[test]
fn its_statuses_are_judged_by_what_is_installed() {
    for (ends, wanted) in [
        ("102", "rebooted"),
        ("106", "status 106, but the packages are installed"),
        ("107", "a script of a package failed"),
    ] {
        let (status, said) = sh(&format!("ends {ends}"), "install_packages nginx");
        assert!(status == 0 && said.contains(wanted), "{ends}: {said}");
    }
    for ends in ["4", "7", "8", "104", "106"] {
        let (status, said) = sh(
            &format!("ends {ends}; : >repository"),
            "install_packages nginx",
        );
        assert_eq!(status.to_string(), ends);
        assert!(
            said.ends_with("the package nginx is not installed\n"),
            "{said}"
        );
    }
    // Success that installed nothing is none.
    assert_eq!(sh(": >repository", "install_packages nginx").0, 1);
    // A repository that does not answer is not needed.
    assert_eq!(sh("echo 4 >refresh", "install_packages nginx").0, 0);
}

#[test]
fn zypper_is_run_again_when_it_has_updated_itself() {
    let (status, said) = sh(
        "ends 103 0",
        "install_packages nginx >/dev/null; grep -c install log",
    );
    assert_eq!((status, &*said), (0, "2\n"));
}

#[test]
fn the_newest_postgres_is_installed() {
    assert_eq!(sh("", "newest_postgres"), (0, "17\n".into()));
    assert_eq!(
        sh("echo nginx >repository", "newest_postgres"),
        (0, String::new())
    );
    let (status, said) = sh("", "install_postgres >/dev/null; cat installed");
    assert_eq!((status, &*said), (0, "postgresql17-server\n"));
    let (status, said) = sh("ends 104; echo nginx >repository", "install_postgres");
    assert_eq!(status, 104, "{said}");
}

#[test]
fn a_repository_is_reached_or_it_is_said_why_not() {
    let refreshed = |status: u32, text: &str| {
        sh(
            &format!("echo {status} >refresh; echo \"{text}\" >refreshed"),
            "source_is_reached",
        )
    };
    assert_eq!(refreshed(0, "ok"), (0, String::new()));
    assert_eq!(
        refreshed(7, "System management is locked"),
        (0, String::new())
    );
    assert_eq!(refreshed(6, ""), (1, "no repository is enabled\n".into()));
    let one = "Some of the repositories have not been refreshed because of an error.";
    assert_eq!(refreshed(4, one), (0, String::new()));
    let (status, said) = refreshed(4, "Timeout exceeded when accessing x\nCould not refresh");
    assert_eq!((status, &*said), (1, "Timeout exceeded when accessing x\n"));
}

#[test]
fn the_first_start_creates_the_cluster() {
    let made = |port: u16| {
        let script = format!(
            "DB_PORT={port}; make_postgres_cluster >/dev/null; cat log; echo \"$(postgres_cluster)\""
        );
        sh(": >first-start", &script)
    };
    let starts = "systemctl start postgresql\n";
    assert_eq!(made(5432), (0, format!("{starts}postgresql\n")));
    let moved = format!("{starts}systemctl restart postgresql\npostgresql\n");
    assert_eq!(made(5433), (0, moved));
}

#[test]
fn from_a_bundle_nothing_else_is_asked() {
    let bundle = "mkdir -p b/packages; : >b/packages/index";
    let installs = "BUNDLE=$PWD/b; install_postgres >/dev/null; cat installed; \
                    grep -vc -e \"--reposd-dir $BUNDLE/packages/repos\" args || :";
    assert_eq!(sh(bundle, installs), (0, "postgresql17-server\n0\n".into()));
}

#[test]
fn what_it_would_install_is_needed() {
    let resolved = |xml: &str| {
        let (status, said) = sh(&format!("cat >xml <<'END'\n{xml}\nEND"), "resolve nginx");
        (status, said)
    };
    let solvable = |name: &str, edition: &str| {
        format!(
            "<solvable type=\"package\" name=\"{name}\" edition=\"{edition}\" arch=\"x86_64\" \
             repository=\"bundle\"/>\n"
        )
    };
    let (new, newer, old) = (
        solvable("nginx", "1:1.26-1"),
        solvable("libpq5", "17.2-150600.1"),
        solvable("other", "1-1"),
    );
    let xml = format!(
        "<install-summary>\n<to-install>\n{new}</to-install>\n<to-upgrade>\n{newer}</to-upgrade>\n\
         <to-remove>\n{old}</to-remove>\n</install-summary>"
    );
    let files = "nginx-1.26-1.x86_64.rpm\nlibpq5-17.2-150600.1.x86_64.rpm\n";
    assert_eq!(resolved(&xml), (0, files.into()));
    let error = "<stream>\n<message type=\"info\">x</message>\n\
                 <message type=\"error\">No provider of &apos;nginx&apos; found.</message>";
    assert_eq!(
        resolved(error),
        (1, "No provider of 'nginx' found.\n".into())
    );
}
