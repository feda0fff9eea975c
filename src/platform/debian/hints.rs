//! What the programs of Debian mean by what they print, and what its packages and paths have to do
//! with what others print. Texts: apt 2.6, dpkg 1.21, nginx 1.22.

use crate::platform::hints::{Hints, Sign, at, sign};

const HBA: &str = "pg_hba.conf has a line that Postgres does not understand, and it does not start \
    with it. Its log under /var/log/postgresql names the line: take that out, or put it right.";
const POSTGRES: &str = "Postgres says more in its log: `tail -n 50 /var/log/postgresql/*.log` or \
    `journalctl -u 'postgresql*' -n 50`. Put it right, and start the wizard again: it goes on \
    here.";
const LOCKED: &str = "Another program works with the packages, mostly the system's own updates. \
    `fuser -v /var/lib/dpkg/lock-frontend /var/lib/apt/lists/lock` shows which: let it end, then \
    start the wizard again.";
const KEY_EXPIRED: &str = "A key of a package source has expired, or the clock is ahead. Install \
    its new keyring (`apt-get install --reinstall debian-archive-keyring` for Debian's own), or \
    take the source out of /etc/apt/sources.list.d.";
const NO_KEY: &str = "The key of a package source is not known here. Put it into \
    /etc/apt/keyrings, or take that source out of /etc/apt/sources.list.d; `apt-get update` names \
    it.";
const STALE: &str = "A mirror no longer has what its list names, or this release has left the \
    mirrors. `apt-get update` must pass: see /etc/apt/sources.list.";
const BROKEN: &str = "The packages that are there do not fit together, or are held. `apt-mark \
    showhold` and `apt-get -f install` show which: put that right, then start the wizard again.";
const DISK: &str = "A disk is full. `df -h` and `df -i` show which; `apt-get clean` and \
    `journalctl --vacuum-size=100M` make some room. Then start the wizard again.";
const TLS_TRUST: &str = "The host does not trust who answers. Is there a proxy that breaks TLS \
    open? Then its CA goes into /usr/local/share/ca-certificates, and `update-ca-certificates`. Is \
    `date -u` right?";
const MIRROR: &str = "The host does not get packages from its mirror: a firewall, or a proxy that \
    has to be set (`Acquire::http::Proxy` in /etc/apt/apt.conf.d). `apt-get update` shows which \
    mirror it is.";

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
        "The data is of another version of Postgres than the program. Start the program that fits \
         it, or move the data over with `pg_upgradecluster`.",
    ),
    sign(
        &["unknown directive \"stream\""],
        "This nginx has no stream module. `apt-get install libnginx-mod-stream`, or on RHEL `dnf \
         install nginx-mod-stream`; then start the wizard again.",
    ),
    sign(
        &["dlopen()", "failed"],
        "nginx cannot load a module: it is not there, or of another version of nginx. `apt-get \
         install --reinstall nginx libnginx-mod-stream`, and start the wizard again.",
    ),
    sign(
        &["getpwnam(", "failed"],
        "The user that nginx is to run as is not there: the package is not wholly installed. `dpkg \
         --configure -a && apt-get install --reinstall nginx`.",
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
        "The proxy wants a name and a password. Say it with both in /etc/apt/apt.conf.d: \
         `Acquire::http::Proxy \"http://NAME:PASSWORD@PROXY:PORT\";`.",
    ),
    sign(
        &["Hash Sum mismatch"],
        "What came is not what the mirror's list says: the mirror is being renewed, or a proxy has \
         an old copy. Start the wizard again in some minutes.",
    ),
    sign(
        &["Unable to locate package"],
        "No package source of this host has it. Sources for the base system must be on, on Ubuntu \
         also universe: see /etc/apt/sources.list and `apt-get update`.",
    ),
    sign(
        &["has no installation candidate"],
        "The sources of this host have this package only as a name. Sources for the base system \
         must be on: see /etc/apt/sources.list and `apt-get update`.",
    ),
    sign(&["held broken packages"], BROKEN),
    sign(&["unmet dependencies"], BROKEN),
    sign(&["Unmet dependencies"], BROKEN),
    sign(
        &["dpkg was interrupted"],
        "An earlier installation was cut off. `dpkg --configure -a` finishes it, and says what \
         stops it.",
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
        "`apt-get install -y curl` on this host, and start the wizard again.",
    ),
    sign(&["Could not connect to"], MIRROR),
    sign(&["Certificate verification failed"], TLS_TRUST),
];

const SYMPTOMS: &[Sign] = &[
    at(
        "load-balancer/",
        &["nginx does not take the configuration"],
        "The lines before say what nginx does not like. Mostly its stream module does not fit it: \
         `apt-get install --reinstall nginx libnginx-mod-stream`, and start the wizard again.",
    ),
    at(
        "postgres/",
        &["Postgres does not answer on port"],
        "Postgres does not run, or not yet. `pg_lsclusters` shows how it is, and its log under \
         /var/log/postgresql why.",
    ),
    sign(
        &["connection to server on socket"],
        "Postgres does not run. `pg_lsclusters` shows how it is, and its log under \
         /var/log/postgresql why; `systemctl start postgresql` starts it.",
    ),
    sign(&["cannot fetch", "(status 5)"], TLS_TRUST),
    sign(&["is not signed"], NO_KEY),
    sign(&["Unable to fetch some archives"], STALE),
    sign(&["Some index files failed to download"], MIRROR),
    sign(
        &["error processing package"],
        "A package cannot finish its installation. `dpkg --configure -a` says why; put that right, \
         then start the wizard again.",
    ),
    sign(
        &["Sub-process /usr/bin/dpkg returned an error code"],
        "A package cannot finish its installation. `dpkg --configure -a` says why; put that right, \
         then start the wizard again.",
    ),
];
