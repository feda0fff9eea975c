//! The host: its packages, its disk, its clock, its network, and the connection to it. Texts: apt
//! 2.6, dpkg 1.21, curl, wget, libc, `remote::RemoteError`.

use super::{Sign, sign};

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
const NAMES: &str = "The host cannot resolve names. `cat /etc/resolv.conf`, and `getent hosts \
    NAME` with the name in the line, show where it fails.";
const DISK: &str = "A disk is full. `df -h` and `df -i` show which; `apt-get clean` and \
    `journalctl --vacuum-size=100M` make some room. Then start the wizard again.";
const BEHIND: &str = "This host's clock is behind. Compare `date -u` with the other hosts', and \
    let the clock be set by the network: `timedatectl set-ntp true`.";
const TLS_TRUST: &str = "The host does not trust who answers. Is there a proxy that breaks TLS \
    open? Then its CA goes into /usr/local/share/ca-certificates, and `update-ca-certificates`. Is \
    `date -u` right?";
const NO_TLS: &str = "TLS with that host does not come about: mostly a proxy or firewall in \
    between, or a clock that is far off (`date -u`). `curl -v URL` shows where it ends.";
const REFUSED: &str = "The host does not get through to that address: a firewall, or a proxy that \
    has to be set. k3s.install_url and k3s.artifact_url may name a mirror that it does reach.";
const MIRROR: &str = "The host does not get packages from its mirror: a firewall, or a proxy that \
    has to be set (`Acquire::http::Proxy` in /etc/apt/apt.conf.d). `apt-get update` shows which \
    mirror it is.";
const FETCH: &str = "cannot fetch";

pub(super) const CAUSES: &[Sign] = &[
    // --- The clock -----------------------------------------------------------------------------
    sign(&["Release file", "is not valid yet"], BEHIND),
    sign(&["certificate is not yet valid"], BEHIND),
    sign(
        &["Release file", "is expired"],
        "A mirror has not been renewed for long, or this host's clock is ahead. Compare `date -u` \
         with the other hosts'; if it is right, take another mirror.",
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
    // --- Disk and memory -----------------------------------------------------------------------
    sign(&["No space left on device"], DISK),
    sign(&["Disk quota exceeded"], DISK),
    sign(
        &["Read-only file system"],
        "A file system takes no more writing, mostly because the kernel found it damaged. `dmesg | \
         tail` says so; check it, or take a host whose /etc, /usr and /var can be written.",
    ),
    sign(
        &["oom-kill"],
        "The host ran out of memory, and the kernel ended this. `free -m` shows what there is: \
         give it more, or end what else runs there.",
    ),
    sign(
        &["Cannot allocate memory"],
        "The host has no memory left. `free -m` shows what there is: give it more, or end what \
         else runs there.",
    ),
    // --- Downloads: curl says its number, wget on standard error nothing at all -----------------
    sign(
        &["curl: (5)"],
        "The host cannot resolve the name of its proxy: see https_proxy in its environment and \
         ~/.curlrc.",
    ),
    sign(&["curl: (6)"], NAMES),
    sign(&["curl: (7)"], REFUSED),
    sign(
        &["curl: (22)"],
        "The server answers that there is no such file, or that it may not be had. Are \
         k3s.install_url, k3s.artifact_url and k3s.version right?",
    ),
    sign(&["curl: (28)"], REFUSED),
    sign(&["curl: (35)"], NO_TLS),
    sign(&["curl: (56)"], REFUSED),
    sign(&["curl: (60)"], TLS_TRUST),
    sign(
        &["curl: (77)"],
        "The host's CA certificates cannot be read. `apt-get install --reinstall ca-certificates`.",
    ),
    sign(
        &["there is neither curl nor wget"],
        "`apt-get install -y curl` on this host, and start the wizard again.",
    ),
    sign(&["Temporary failure resolving"], NAMES),
    sign(&["Could not resolve"], NAMES),
    sign(&["Could not connect to"], MIRROR),
    sign(&["Certificate verification failed"], TLS_TRUST),
    // --- The connection ------------------------------------------------------------------------
    sign(
        &["the connection was lost"],
        "Is the host up, and the way to it? What was begun there goes on by itself: start the \
         wizard again, it waits for that and begins nothing twice.",
    ),
    sign(
        &["is left on the host: it was restarted meanwhile"],
        "The host was restarted in the middle of this step. Start the wizard again: it looks at \
         what is there, and does the rest.",
    ),
    sign(
        &["is left in /run: the host was restarted"],
        "The host was restarted in the middle of this step. Start the wizard again: it looks at \
         what is there, and does the rest.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    // wget's exit statuses: its manual. With curl, its own number has been found by now.
    sign(&[FETCH, "(status 4)"], REFUSED),
    sign(&[FETCH, "(status 5)"], TLS_TRUST),
    sign(
        &[FETCH, "(status 8)"],
        "The server answers that there is no such file, or that it may not be had. Is \
         k3s.install_url right?",
    ),
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
    sign(
        &["it was stopped"],
        "Somebody on the host has stopped the step's unit. Start the wizard again: it looks at \
         what is there, and does the rest.",
    ),
    sign(
        &["its process is gone without a status"],
        "Something on the host has killed the step: `journalctl -n 50` there says what. Start the \
         wizard again: it looks at what is there, and does the rest.",
    ),
    sign(
        &["no end after"],
        "The host is too slow, or hangs: try `uptime` and `dmesg | tail` there. Start the wizard \
         again: what still runs is waited for.",
    ),
    sign(
        &["not done after", "and stopped"],
        "The step took longer than any should: a slow network or disk, or a program that waits. \
         The last lines show where it stood; start the wizard again to go on.",
    ),
    sign(
        &["Operation not permitted"],
        "Even root may not do this here: a file may be immutable (`lsattr FILE`), or the host is a \
         container without that right.",
    ),
    sign(
        &[": Permission denied"],
        "Even root may not do this here: mostly SELinux or AppArmor (`journalctl -k | grep -i \
         denied`), or a file system that is mounted so.",
    ),
    sign(
        &[": not found"],
        "A program is missing on the host, the one that the line names. Install the package that \
         has it, and start the wizard again.",
    ),
];
