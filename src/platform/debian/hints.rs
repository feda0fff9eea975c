//! Messages of Debian's programs, and of others where Debian's packages and paths matter. Texts:
//! apt 2.6, dpkg 1.21, nginx 1.22.

use crate::platform::hints::{Hints, Sign, at, sign};

const HBA: &str = "Postgres does not start because it does not understand a line of pg_hba.conf. \
                   Its log under /var/log/postgresql names the line: remove or fix it.";
const POSTGRES: &str = "The Postgres log has more: `tail -n 50 /var/log/postgresql/*.log` or `journalctl -u \
                        'postgresql*' -n 50`. Fix the problem, then retry.";
const LOCKED: &str = "Another program is using the package manager, usually the system's automatic \
                      updates. `fuser -v /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock` \
                      shows which: wait for it to end, then retry.";
const KEY_EXPIRED: &str = "A key of a package source has expired, or the clock is ahead. Install \
                           its new keyring (`apt-get install --reinstall debian-archive-keyring` \
                           for Debian's own), or remove the source from /etc/apt/sources.list.d.";
const NO_KEY: &str = "The key of a package source is missing. Put it into /etc/apt/keyrings, or \
                      remove that source from /etc/apt/sources.list.d; `apt-get update` names it.";
const STALE: &str = "A mirror no longer has the files in its index, or the mirrors have dropped \
                     this release. `apt-get update` must succeed: check /etc/apt/sources.list.";
const BROKEN: &str = "The installed packages conflict, or are held. `apt-mark showhold` and \
                      `apt-get -f install` show which: fix that, then retry.";
const DISK: &str = "A disk is full. `df -h` and `df -i` show which; `apt-get clean` and \
                    `journalctl --vacuum-size=100M` free some space. Then retry.";
const TLS_TRUST: &str = "The host does not trust the server's certificate. If a proxy intercepts \
                         TLS, put its CA into /usr/local/share/ca-certificates and run \
                         `update-ca-certificates`. Is `date -u` right?";
const MIRROR: &str = "The host cannot download packages from its mirror: a firewall blocks it, or \
                      a proxy must be set (`Acquire::http::Proxy` in /etc/apt/apt.conf.d). \
                      `apt-get update` shows which mirror it is.";

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
        "The data belongs to another version of Postgres. Start that version, or upgrade the data \
         with `pg_upgradecluster`.",
    ),
    sign(
        &["unknown directive \"stream\""],
        "This nginx has no stream module. `apt-get install libnginx-mod-stream`, then retry.",
    ),
    sign(
        &["dlopen()", "failed"],
        "nginx cannot load a module: it does not exist, or is for another version of nginx. \
         `apt-get install --reinstall nginx libnginx-mod-stream`, then retry.",
    ),
    sign(
        &["getpwnam(", "failed"],
        "The user for nginx does not exist: the package is not fully installed. `dpkg --configure \
         -a && apt-get install --reinstall nginx`.",
    ),
    sign(
        &["of nginx does not exist"],
        "A script of the package nginx failed. `dpkg --configure -a && apt-get install --reinstall \
         nginx` runs it again and shows why: fix that, then retry.",
    ),
    // --- Packages ------------------------------------------------------------------------------
    sign(&["Could not get lock"], LOCKED),
    sign(&["Unable to lock"], LOCKED),
    sign(&["Unable to acquire the dpkg frontend lock"], LOCKED),
    sign(&["was locked by another process"], LOCKED),
    sign(&["enough free space in"], DISK),
    sign(&["EXPKEYSIG"], KEY_EXPIRED),
    sign(&["KEYEXPIRED"], KEY_EXPIRED),
    sign(&["NO_PUBKEY"], NO_KEY),
    sign(&["Failed to fetch", "404 "], STALE),
    sign(&["a Release file"], STALE),
    sign(&["Failed to fetch", "403 "], MIRROR),
    sign(
        &["407 Proxy Authentication Required"],
        "The proxy needs a user name and a password. Set both in /etc/apt/apt.conf.d: \
         `Acquire::http::Proxy \"http://NAME:PASSWORD@PROXY:PORT\";`.",
    ),
    sign(
        &["Hash Sum mismatch"],
        "A download does not match the mirror's index: the mirror is being updated, or a proxy has \
         an old copy. Run the wizard again in a few minutes.",
    ),
    sign(
        &["Unable to locate package"],
        "No package source of this host has it. The sources for the base system must be enabled, \
         on Ubuntu also universe: check /etc/apt/sources.list and `apt-get update`.",
    ),
    sign(
        &["has no installation candidate"],
        "The sources of this host know this package only by name. The sources for the base system \
         must be enabled: check /etc/apt/sources.list and `apt-get update`.",
    ),
    sign(&["held broken packages"], BROKEN),
    sign(&["unmet dependencies"], BROKEN),
    sign(&["Unmet dependencies"], BROKEN),
    sign(
        &["dpkg was interrupted"],
        "An earlier installation was interrupted. `dpkg --configure -a` finishes it, or says what \
         blocks it.",
    ),
    // --- Disk and downloads --------------------------------------------------------------------
    sign(&["No space left on device"], DISK),
    sign(&["Disk quota exceeded"], DISK),
    sign(&["curl: (60)"], TLS_TRUST),
    sign(
        &["curl: (77)"],
        "The host's CA certificates cannot be read. `apt-get install --reinstall ca-certificates`.",
    ),
    sign(
        &["there is neither curl nor wget"],
        "`apt-get install -y curl` on this host, then retry.",
    ),
    sign(&["Could not connect to"], MIRROR),
    sign(&["Certificate verification failed"], TLS_TRUST),
];

const SYMPTOMS: &[Sign] = &[
    at(
        "load-balancer/",
        &["nginx rejects the configuration"],
        "The lines before say what is wrong. Usually the stream module does not match nginx: \
         `apt-get install --reinstall nginx libnginx-mod-stream`, then retry.",
    ),
    at(
        "postgres/",
        &["Postgres does not answer on port"],
        "Postgres is not running, or still starting. `pg_lsclusters` shows its state, and its log \
         under /var/log/postgresql the reason.",
    ),
    sign(
        &["connection to server on socket"],
        "Postgres is not running. `pg_lsclusters` shows its state, and its log under \
         /var/log/postgresql the reason; `systemctl start postgresql` starts it.",
    ),
    sign(&["cannot fetch", "(status 5)"], TLS_TRUST),
    sign(&["is not signed"], NO_KEY),
    sign(&["Unable to fetch some archives"], STALE),
    sign(&["Some index files failed to download"], MIRROR),
    sign(
        &["error processing package"],
        "A package cannot finish its installation. `dpkg --configure -a` says why; fix that, then \
         retry.",
    ),
    sign(
        &["Sub-process /usr/bin/dpkg returned an error code"],
        "A package cannot finish its installation. `dpkg --configure -a` says why; fix that, then \
         retry.",
    ),
];
