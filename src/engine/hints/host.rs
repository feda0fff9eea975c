//! The host: its disk, its clock, its network, and the connection to it. Texts: curl, wget, libc,
//! `remote::RemoteError`, and those of apt 2.6 about the clock.

use crate::platform::hints::{Sign, sign};

const NAMES: &str = "The host cannot resolve names. `cat /etc/resolv.conf`, and `getent hosts \
    NAME` with the name in the line, show where it fails.";
const BEHIND: &str = "This host's clock is behind. Compare `date -u` with the other hosts', and \
                      turn on time synchronisation: `timedatectl set-ntp true`.";
const NO_TLS: &str = "The TLS handshake with that host fails: usually because of a proxy or \
                      firewall in between, or a wrong clock (`date -u`). `curl -v URL` shows where \
                      it ends.";
const REFUSED: &str = "The host cannot reach that address: a firewall blocks it, or a proxy must \
                       be set. k3s.install_url and k3s.artifact_url may name a mirror that it can \
                       reach.";
const FETCH: &str = "cannot fetch";

pub(super) const CAUSES: &[Sign] = &[
    // --- The clock -----------------------------------------------------------------------------
    sign(&["Release file", "is not valid yet"], BEHIND),
    sign(&["certificate is not yet valid"], BEHIND),
    sign(
        &["Release file", "is expired"],
        "A mirror is out of date, or this host's clock is ahead. Compare `date -u` with the other \
         hosts'; if the clock is right, use another mirror.",
    ),
    // --- Disk and memory -----------------------------------------------------------------------
    sign(
        &["Read-only file system"],
        "A file system is read-only, usually because the kernel found it damaged. `dmesg | tail` \
         shows it; check the disk, or use a host whose /etc, /usr and /var can be written.",
    ),
    sign(
        &["printf: I/O error"],
        "A file cannot be written whole: its disk is full, or it fails. `df -h` and `df -i` show \
         which is full, `dmesg | tail` which fails. Then retry.",
    ),
    sign(
        &["oom-kill"],
        "The host ran out of memory, and the kernel killed this process. `free -m` shows the \
         memory: add more, or stop other programs there.",
    ),
    sign(
        &["Cannot allocate memory"],
        "The host has no memory left. `free -m` shows the memory: add more, or stop other programs \
         there.",
    ),
    // --- Downloads: curl says its number, wget on standard error nothing at all -----------------
    sign(
        &["curl: (5)"],
        "The host cannot resolve the name of its proxy: check https_proxy in its environment and \
         ~/.curlrc.",
    ),
    sign(&["curl: (6)"], NAMES),
    sign(&["curl: (7)"], REFUSED),
    sign(
        &["curl: (22)"],
        "The server answers that the file does not exist or is not accessible. Are \
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
        "Is the host up, and the network to it? What runs there continues on its own: run the wizard again; it \
         waits for that and starts nothing twice.",
    ),
    sign(
        &["is left on the host: it was restarted meanwhile"],
        "The host was restarted during this step. Run the wizard again: it checks what is done, \
         and does the rest.",
    ),
    sign(
        &["is left in /run: the host was restarted"],
        "The host was restarted during this step. Run the wizard again: it checks what is done, \
         and does the rest.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    // wget's exit statuses: its manual. With curl, its own number has been found by now.
    sign(&[FETCH, "(status 4)"], REFUSED),
    sign(
        &[FETCH, "(status 8)"],
        "The server answers that the file does not exist or is not accessible. Is k3s.install_url \
         right?",
    ),
    sign(
        &["it was stopped"],
        "The step's unit was stopped on the host by hand or by a program. Run the wizard again: it \
         checks what is done, and does the rest.",
    ),
    sign(
        &["its process is gone without a status"],
        "A process on the host killed the step: `journalctl -n 50` there shows which. Run the \
         wizard again: it checks what is done, and does the rest.",
    ),
    sign(
        &["not finished after"],
        "The host is too slow, or hangs: try `uptime` and `dmesg | tail` there. Run the wizard \
         again: it waits for what is still running.",
    ),
    sign(
        &["not done after", "and stopped"],
        "The step took too long: the network or disk is slow, or a program is waiting. The last \
         lines show where it was; run the wizard again to continue.",
    ),
    sign(
        &["Operation not permitted"],
        "Even root may not do this here: a file may be immutable (`lsattr FILE`), or the host is a \
         container without that permission.",
    ),
    sign(
        &[": Permission denied"],
        "Even root may not do this here: usually because of SELinux or AppArmor (`journalctl -k | \
         grep -i denied`), or a file system's mount options.",
    ),
    sign(
        &[": not found"],
        "The program that the line names is missing on the host. Install its package, then retry.",
    ),
];
