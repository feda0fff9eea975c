//! The host: its disk, its clock, its network, and the connection to it. Texts: curl, wget, libc,
//! `remote::RemoteError`, and those of apt 2.6 that are about the clock.

use crate::platform::hints::{Sign, sign};

const NAMES: &str = "The host cannot resolve names. `cat /etc/resolv.conf`, and `getent hosts \
    NAME` with the name in the line, show where it fails.";
const BEHIND: &str = "This host's clock is behind. Compare `date -u` with the other hosts', and \
    let the clock be set by the network: `timedatectl set-ntp true`.";
const NO_TLS: &str = "TLS with that host does not come about: mostly a proxy or firewall in \
    between, or a clock that is far off (`date -u`). `curl -v URL` shows where it ends.";
const REFUSED: &str = "The host does not get through to that address: a firewall, or a proxy that \
    has to be set. k3s.install_url and k3s.artifact_url may name a mirror that it does reach.";
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
    // --- Disk and memory -----------------------------------------------------------------------
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
    sign(&["Temporary failure resolving"], NAMES),
    sign(&["Could not resolve"], NAMES),
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
    sign(
        &[FETCH, "(status 8)"],
        "The server answers that there is no such file, or that it may not be had. Is \
         k3s.install_url right?",
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
