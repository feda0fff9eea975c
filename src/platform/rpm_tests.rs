//! What SUSE and Red Hat share, on fake hosts: `installed` lists the packages of rpm, `locks` is what
//! the kernel says of locks until the first `sleep`, `log` is what was run; `keys` are those that rpm
//! trusts, `FILE.header` is what it says of the package FILE.

use super::contract::FakeHost;
use super::{FAMILIES, Family};

const PROGRAMS: &str = r#"
stub bin/rpm <<'END'
case $* in
'-q --whatprovides gpg('*) grep -qxF -e "$3" "$ROOT/keys" ;;
'-qp --qf '*) cat "$4.header" ;;
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

/// Two packages, each a line for each property, and their index.
const PACKAGES: &str = r#"
header() { printf 'N\t%s\t%s\t%s\t1.el9\tx86_64\t70\t%s\tRSA/SHA256, Mon 30 Nov 2026, Key ID %s\n' "$@"; }
printf 'one' >a-1.2-1.el9.x86_64.rpm
{
    header a 1 1.2 'A & B' 00112233aabbccdd
    printf 'PROVIDE\ta\t=\t1:1.2-1.el9\nPROVIDE\ta(<x>)\t\t\n'
    printf 'REQUIRE\t/usr/share/b\t\t\nREQUIRE\tb\t>=\t2~rc1\nREQUIRE\tb\t>=\t2~rc1\n'
    printf 'REQUIRE\trpmlib(FileDigests)\t<=\t4.6.0-1\nCONFLICT\t(none)\t(none)\t(none)\n'
    printf 'FILE\t/usr/bin/a\nFILE\t/usr/share/a\n'
} >a-1.2-1.el9.x86_64.rpm.header
printf 'other' >b-2-1.el9.x86_64.rpm
{
    header b 0 2 '(none)' ffeeddccbbaa9988
    printf 'OBSOLETE\tc\t<\t2\nFILE\t/etc/b\nFILE\t/usr/share/b\nFILE\t/usr/share/c\n'
} >b-2-1.el9.x86_64.rpm.header
"#;

fn index() -> String {
    printed(PACKAGES, "describe a-*.rpm b-*.rpm")
}

/// What libsolv reads of it.
#[test]
fn an_index_describes_its_packages() {
    let [one, other] = ["one", "other"].map(|text| crate::hash::sha256(text.as_bytes()));
    let metadata = "<metadata xmlns=\"http://linux.duke.edu/metadata/common\" \
                    xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\" packages=\"2\">";
    let wanted = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
{metadata}
<package type="rpm"><name>a</name><arch>x86_64</arch><version epoch="1" ver="1.2" rel="1.el9"/><checksum type="sha256" pkgid="YES">{one}</checksum><size package="3" installed="70" archive="70"/>
<location href="a-1.2-1.el9.x86_64.rpm"/><!-- signed by 00112233aabbccdd -->
<format><rpm:vendor>A &amp; B</rpm:vendor>
<rpm:provides>
<rpm:entry name="a" flags="EQ" epoch="1" ver="1.2" rel="1.el9"/>
<rpm:entry name="a(&lt;x&gt;)"/>
</rpm:provides>
<rpm:requires>
<rpm:entry name="/usr/share/b"/>
<rpm:entry name="b" flags="GE" epoch="0" ver="2~rc1"/>
</rpm:requires>
<file>/usr/bin/a</file>
</format></package>
<package type="rpm"><name>b</name><arch>x86_64</arch><version epoch="0" ver="2" rel="1.el9"/><checksum type="sha256" pkgid="YES">{other}</checksum><size package="5" installed="70" archive="70"/>
<location href="b-2-1.el9.x86_64.rpm"/><!-- signed by ffeeddccbbaa9988 -->
<format><rpm:vendor></rpm:vendor>
<rpm:obsoletes>
<rpm:entry name="c" flags="LT" epoch="0" ver="2"/>
</rpm:obsoletes>
<file>/etc/b</file>
<file>/usr/share/b</file>
</format></package>
</metadata>
"#
    );
    assert_eq!(index(), wanted);
}

#[test]
fn a_repository_is_made_of_its_index() {
    let modules = "---\ndocument: modulemd\n...\n";
    let before = format!("mkdir f\ncat >f/index <<'END'\n{}{modules}END", index());
    let said = printed(
        &before,
        "make_repository \"$PWD/f\"; cat f/repodata/modules.yaml; \
         sed -n 's/<data type=\"\\(.*\\)\"><checksum type=\"sha256\">\\(.*\\)<.checksum>.*/\\1 \\2/p' \
         f/repodata/repomd.xml; grep gpgcheck f/repos/bundle.repo",
    );
    let (primary, yaml) = (index(), modules.to_owned());
    let [primary, yaml] = [primary, yaml].map(|text| crate::hash::sha256(text.as_bytes()));
    let checks = "gpgcheck=1\nrepo_gpgcheck=0\npkg_gpgcheck=1\n";
    assert_eq!(
        said,
        format!("{modules}primary {primary}\nmodules {yaml}\n{checks}")
    );
}

#[test]
fn a_key_that_the_host_does_not_trust_is_said() {
    let needed = |keys: &str| {
        let before = format!(
            "mkdir f\ncat >f/index <<'END'\n{}END\nprintf '%s\\n' {keys} >keys",
            index()
        );
        let resolved = "from_folder() { :; }; resolve() { echo a-1.2-1.el9.x86_64.rpm; }";
        printed(
            &before,
            &format!("POSTGRES= PACKAGES=a; {resolved}; needed_files f"),
        )
    };
    let file = "a-1.2-1.el9.x86_64.rpm\n";
    assert_eq!(needed("'gpg(00112233aabbccdd)'"), file);
    assert_eq!(
        needed("'gpg(ffeeddccbbaa9988)'"),
        format!("{file}key=00112233aabbccdd\n")
    );
}
