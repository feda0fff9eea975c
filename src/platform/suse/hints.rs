//! Messages of SUSE's programs, and of others where SUSE's packages and paths matter. Texts: zypper
//! 1.14, libzypp 17, postgresql-script.

use crate::platform::hints::{Hints, Sign, at, sign};

const HBA: &str = "Postgres does not start because it does not understand a line of pg_hba.conf. \
                   Its log under /var/lib/pgsql/data/log names the line: remove or fix it.";
const POSTGRES: &str = "The Postgres log is in /var/lib/pgsql/data/log, and the log of its first start in \
                        /var/lib/pgsql/initlog; or: `journalctl -u 'postgresql*' -n 50`. Fix the problem, then \
                        retry.";
const LOCKED: &str = "Another program uses zypper's lock, usually YaST, PackageKit or an automatic \
                      update. `cat /run/zypp.pid` and `ps` show which: wait for it to end, or \
                      `systemctl stop packagekit`, then retry.";
const NOT_FOUND: &str = "No repository that answers has this package: `zypper refresh` shows which \
                         answer. On SLES, nginx and Postgres are in the module Server \
                         Applications; `SUSEConnect --list-extensions` shows the command that adds \
                         it.";
const REPOSITORY: &str = "A repository does not answer. `zypper refresh` names it: fix its URL, \
                          disable it (`zypper mr -d NAME`), or set the proxy in /etc/sysconfig/proxy.";
const REGISTERED: &str = "The server refuses this host: its registration has expired, or belongs to another \
                          host. `SUSEConnect --status` shows it; `SUSEConnect -r CODE` registers it again.";
const SIGNATURE: &str = "The signature of a repository or package cannot be checked: its key is \
                         missing, or it is not signed. `zypper refresh` asks whether to trust the \
                         key; `rpm --import FILE` adds it.";
const BROKEN: &str = "The installed packages conflict with those of the repositories. `zypper \
                      verify` and the same `zypper install` by hand show the choices: take one, \
                      then retry.";
const SCRIPT: &str = "The package is installed, but its own script failed. `zypper install --force \
                      NAME` runs it again and shows why: fix that, then retry.";
const DISK: &str = "A disk is full. `df -h` and `df -i` show which; `zypper clean`, `snapper list` \
                    and `journalctl --vacuum-size=100M` help to free some space. Then retry.";
const TLS_TRUST: &str = "The host does not trust the server's certificate. If a proxy intercepts \
                         TLS, put its CA into /etc/pki/trust/anchors and run \
                         `update-ca-certificates`. Is `date -u` right?";
const NGINX: &str = "nginx cannot load its stream module, which is in the package nginx itself. \
                     `zypper install --force nginx`, then retry.";

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
        &["database files are incompatible with server"],
        "The data belongs to another version of Postgres. `update-alternatives --config postgresql` \
         selects that version, if it is installed; or upgrade the data with `pg_upgrade`.",
    ),
    sign(&["unknown directive \"stream\""], NGINX),
    sign(&["dlopen()", "failed"], NGINX),
    sign(
        &["getpwnam(", "failed"],
        "The user for nginx does not exist: the package is not fully installed. `zypper install \
         --force nginx`, then retry.",
    ),
    sign(
        &["of nginx does not exist"],
        "A script of the package nginx failed. `zypper install --force nginx` runs it again and \
         shows why: fix that, then retry.",
    ),
    // --- Packages ------------------------------------------------------------------------------
    sign(&["System management is locked"], LOCKED),
    sign(&["has held the lock of the packages"], LOCKED),
    sign(&["No provider of", "found"], NOT_FOUND),
    sign(&["Package", "not found"], NOT_FOUND),
    sign(
        &["No repositories defined"],
        "This host has no repository. On SLES, `SUSEConnect -r CODE` registers it and adds them; \
         elsewhere `zypper addrepo URL NAME` does.",
    ),
    sign(
        &["No repository is enabled"],
        "All repositories of this host are disabled. `zypper lr` lists them, `zypper mr -e NAME` \
         enables one.",
    ),
    sign(
        &["This is a transactional-server"],
        "This system takes packages only with `transactional-update` and a reboot, which the wizard \
         does not do. Use a host with SLES or Leap.",
    ),
    sign(&["scriptlet failed"], SCRIPT),
    sign(&["Signature verification failed"], SIGNATURE),
    sign(&["is signed with an unknown key"], SIGNATURE),
    sign(&["Permission to access", "denied"], REGISTERED),
    sign(&["Valid metadata not found"], REPOSITORY),
    sign(&["Failed to retrieve new repository metadata"], REPOSITORY),
    sign(&["temporarily unaccessible"], REPOSITORY),
    sign(&["Timeout exceeded when accessing"], REPOSITORY),
    sign(&["nothing provides"], BROKEN),
    sign(&["conflicts with"], BROKEN),
    // --- Disk and downloads --------------------------------------------------------------------
    sign(&["needs", "MB on the", "filesystem"], DISK),
    sign(&["No space left on device"], DISK),
    sign(&["Disk quota exceeded"], DISK),
    sign(&["curl: (60)"], TLS_TRUST),
    sign(&["Curl error 60"], TLS_TRUST),
    sign(
        &["curl: (77)"],
        "The host's CA certificates cannot be read. `zypper install --force \
         ca-certificates-mozilla`, then `update-ca-certificates`.",
    ),
    sign(
        &["there is neither curl nor wget"],
        "`zypper install curl` on this host, then retry.",
    ),
    sign(&["Curl error"], REPOSITORY),
];

const SYMPTOMS: &[Sign] = &[
    at(
        "load-balancer/",
        &["nginx rejects the configuration"],
        "The lines before say what is wrong. Usually the stream module does not match nginx: \
         `zypper install --force nginx`, then retry.",
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
    sign(&["is invalid"], REPOSITORY),
    sign(&["repositories have not been refreshed"], REPOSITORY),
    sign(&["Could not refresh the repositories"], REPOSITORY),
];
