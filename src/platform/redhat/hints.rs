//! Messages of Red Hat's programs, and of others where Red Hat's packages and paths matter. Texts:
//! dnf 4, postgresql-setup.

use crate::platform::hints::{Hints, Sign, at, sign};

const HBA: &str = "Postgres does not start because it does not understand a line of pg_hba.conf. \
                   Its log under /var/lib/pgsql/data/log names the line: remove or fix it.";
const POSTGRES: &str = "The Postgres log is in /var/lib/pgsql/data/log, and the log of its initialisation in \
                        /var/lib/pgsql/initdb_postgresql.log; or: `journalctl -u 'postgresql*' -n 50`. Fix the \
                        problem, then retry.";
const LOCKED: &str = "Another program is using dnf, usually dnf-automatic or PackageKit. `ps -C \
                      dnf,yum,packagekitd,rpm` shows which: wait for it to end, then retry.";
const NOT_FOUND: &str = "No repository of this host has this package: nginx and Postgres are in AppStream. \
                         `dnf repolist` must list it; on RHEL, `subscription-manager status` must report no \
                         problem.";
const MODULES: &str = "A stream of a module hides this package. `dnf module list postgresql nginx` \
                       shows the streams; `dnf module reset NAME` lets the wizard take the newest \
                       one.";
const REPOSITORY: &str = "A repository does not answer. `dnf makecache` names it: fix its URL, disable \
                          it (`dnf config-manager --set-disabled NAME`), or set the proxy in \
                          /etc/dnf/dnf.conf.";
const UNREGISTERED: &str = "This host has no repository. On RHEL, `subscription-manager register` \
                            adds them; elsewhere check /etc/yum.repos.d.";
const SIGNATURE: &str = "The signature of a package cannot be checked: its key is missing, or it is \
                         not signed. `rpm --import FILE` adds the key that gpgkey names in \
                         /etc/yum.repos.d.";
const BROKEN: &str = "The installed packages conflict with those of the repositories. `dnf check` and \
                      the same `dnf install` by hand show which: fix that, then retry.";
const SCRIPT: &str = "The package is installed, but its own script failed. `dnf reinstall NAME` runs \
                      it again and shows why: fix that, then retry.";
const DISK: &str = "A disk is full. `df -h` and `df -i` show which; `dnf clean all` and `journalctl \
                    --vacuum-size=100M` free some space. Then retry.";
const TLS_TRUST: &str = "The host does not trust the server's certificate. If a proxy intercepts \
                         TLS, put its CA into /etc/pki/ca-trust/source/anchors and run \
                         `update-ca-trust`. Is `date -u` right?";
const NGINX: &str = "This nginx has no stream module that fits it. `dnf install nginx-mod-stream`, or \
                     `dnf reinstall nginx nginx-mod-stream`; then retry.";
const NO_DATA: &str = "Postgres has no data yet. `postgresql-setup --initdb` creates it, and says in \
                       /var/lib/pgsql/initdb_postgresql.log why it cannot.";

pub(super) const HINTS: Hints = Hints {
    causes: CAUSES,
    symptoms: SYMPTOMS,
    general: &[at("postgres/", &[], POSTGRES)],
};

const CAUSES: &[Sign] = &[
    // --- Postgres and nginx --------------------------------------------------------------------
    sign(&["could not load", "pg_hba.conf"], HBA),
    sign(&["pg_hba.conf was not reloaded"], HBA),
    sign(
        &["An old version of the database format was found"],
        "The data belongs to an older version of Postgres. `dnf install postgresql-upgrade` and \
         `postgresql-setup --upgrade` upgrade it, or use the module stream of that version.",
    ),
    sign(
        &["database files are incompatible with server"],
        "The data belongs to another version of Postgres. `postgresql-setup --upgrade` upgrades it \
         from the previous major version; otherwise use the module stream of the version that wrote it.",
    ),
    sign(&["is missing or empty"], NO_DATA),
    sign(&["unknown directive \"stream\""], NGINX),
    sign(&["dlopen()", "failed"], NGINX),
    sign(
        &["getpwnam(", "failed"],
        "The user for nginx does not exist: the package is not fully installed. `dnf reinstall \
         nginx nginx-core`, then retry.",
    ),
    sign(
        &["of nginx does not exist"],
        "A script of the package nginx failed. `dnf reinstall nginx` runs it again and shows why: \
         fix that, then retry.",
    ),
    // --- Packages ------------------------------------------------------------------------------
    sign(&["already locked by"], LOCKED),
    sign(&["has held the lock of the packages"], LOCKED),
    sign(&["filtered out by modular filtering"], MODULES),
    sign(&["not possible to switch enabled streams"], MODULES),
    sign(&["Unable to find a match"], NOT_FOUND),
    sign(&["No match for argument"], NOT_FOUND),
    sign(&["There are no enabled repositories"], UNREGISTERED),
    sign(&["not registered with an entitlement server"], UNREGISTERED),
    sign(&["scriptlet in rpm package"], SCRIPT),
    sign(&["scriptlet failed"], SCRIPT),
    sign(&["GPG check FAILED"], SIGNATURE),
    sign(&["is not installed. Failing package"], SIGNATURE),
    sign(&["nothing provides"], BROKEN),
    sign(&["conflicting requests"], BROKEN),
    // --- Disk and downloads --------------------------------------------------------------------
    sign(&["more space needed on the"], DISK),
    sign(&["No space left on device"], DISK),
    sign(&["Disk quota exceeded"], DISK),
    sign(&["curl: (60)"], TLS_TRUST),
    sign(&["Curl error (60)"], TLS_TRUST),
    sign(
        &["curl: (77)"],
        "The host's CA certificates cannot be read. `dnf reinstall ca-certificates`, then \
         `update-ca-trust`.",
    ),
    sign(
        &["there is neither curl nor wget"],
        "`dnf install curl` on this host, then retry.",
    ),
    sign(&["Curl error"], REPOSITORY),
];

const SYMPTOMS: &[Sign] = &[
    at(
        "load-balancer/",
        &["nginx rejects the configuration"],
        "The lines before say what is wrong. Usually the stream module does not match nginx: `dnf \
         reinstall nginx nginx-mod-stream`, then retry.",
    ),
    at(
        "postgres/",
        &["Postgres does not answer on port"],
        "Postgres is not running, or still starting. `systemctl status postgresql` shows its state, \
         and its log under /var/lib/pgsql/data/log the reason.",
    ),
    sign(
        &["connection to server on socket"],
        "Postgres is not running. `systemctl status postgresql` shows its state, and its log under \
         /var/lib/pgsql/data/log the reason; `systemctl start postgresql` starts it.",
    ),
    sign(&["cannot fetch", "(status 5)"], TLS_TRUST),
    sign(&["Failed to download metadata for repo"], REPOSITORY),
    sign(&["All mirrors were tried"], REPOSITORY),
];
