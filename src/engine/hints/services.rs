//! Postgres, nginx and systemd. Texts: Postgres 15, nginx 1.22, systemd 252.

use crate::platform::hints::{Sign, at, sign};

const SHARED_MEMORY: &str = "The host lacks the shared memory that Postgres requests. Add memory, \
                             or lower shared_buffers in postgresql.conf; `free -m` shows the \
                             memory.";
const NO_ROOM: &str = "Postgres has no connection left. Find who holds them with `SELECT usename, \
                       count(*) FROM pg_stat_activity GROUP BY 1`, or raise max_connections.";

pub(super) const CAUSES: &[Sign] = &[
    // --- Postgres ------------------------------------------------------------------------------
    sign(
        &["has invalid permissions"],
        "Postgres does not start because other users can read its data directory. `chown -R \
         postgres:postgres DIRECTORY && chmod 0700 DIRECTORY`, with the one in the line.",
    ),
    sign(
        &["data directory", "has wrong ownership"],
        "Postgres's data directory belongs to another user. `chown -R postgres:postgres \
         DIRECTORY`, with the one in the line.",
    ),
    at(
        "postgres/",
        &["Address already in use"],
        "Another program uses the port of Postgres. `ss -ltnp` shows which: stop it, or set \
         another postgres.port in the answers.",
    ),
    sign(
        &["postmaster.pid", "already exists"],
        "Postgres is already running, or crashed and left its postmaster.pid. If no process has the number in \
         that file (`pgrep -a postgres`), remove that file from the data directory.",
    ),
    sign(
        &["postgresql.conf", "contains errors"],
        "A setting of Postgres is wrong; the line before names it. Correct it there, or undo it in \
         postgresql.auto.conf of the data directory, then retry.",
    ),
    sign(&["could not map anonymous shared memory"], SHARED_MEMORY),
    sign(&["could not create shared memory segment"], SHARED_MEMORY),
    sign(
        &["pre-existing shared memory block"],
        "Processes of a crashed Postgres are still running. `pgrep -a postgres` shows them: kill \
         them, then retry.",
    ),
    sign(
        &["could not create semaphores"],
        "The kernel allows too few semaphores for max_connections. `sysctl -w kernel.sem='250 \
         64000 32 1024'`, and put the same in a file in /etc/sysctl.d.",
    ),
    sign(
        &["has group or world access"],
        "Postgres refuses its key because other users can read it. Run the wizard again: it sets \
         root:postgres 0640.",
    ),
    sign(
        &["ALTER SYSTEM is not allowed"],
        "This Postgres has allow_alter_system off, but the wizard needs ALTER SYSTEM. Turn it on \
         in postgresql.conf, then `systemctl reload postgresql`.",
    ),
    sign(&["too many clients already"], NO_ROOM),
    sign(&["remaining connection slots are reserved"], NO_ROOM),
    sign(
        &["Peer authentication failed"],
        "Postgres does not let its own superuser in over the local socket. pg_hba.conf needs, as \
         its first local rule: `local all postgres peer`; then `systemctl reload postgresql`.",
    ),
    sign(
        &["the database system is"],
        "Postgres is starting, stopping or recovering. Wait until `pg_isready` on its host says \
         that it accepts connections, then retry.",
    ),
    // --- nginx ---------------------------------------------------------------------------------
    sign(
        &["module \"", "is already loaded"],
        "The configuration loads one nginx module twice. Remove the load_module that is not the \
         wizard's, or run the wizard again: it rewrites /etc/k3s-lb/nginx.conf.",
    ),
    sign(
        &["bind() to", "failed (98:"],
        "Another program uses the port of the load balancer. `ss -ltnp` shows which: stop it, or \
         set another load_balancer.port in the answers.",
    ),
    sign(
        &["bind() to", "failed (13:"],
        "nginx may not open this port, usually because of SELinux. `semanage port -a -t \
         http_port_t -p tcp 6443`, with your port, allows it.",
    ),
    sign(
        &["bind() to", "failed (99:"],
        "nginx is configured to listen on an address that this host does not have: `ip -br addr` \
         lists them.",
    ),
    sign(
        &["host not found in upstream"],
        "nginx cannot resolve the name of a server. Use addresses: set node_ip of every server in \
         the answers.",
    ),
    // --- systemd -------------------------------------------------------------------------------
    sign(
        &["is masked"],
        "The unit is masked, so it cannot start. If that was not intended: `systemctl unmask \
         UNIT`, then retry.",
    ),
    sign(
        &["203/EXEC"],
        "systemd cannot run the unit's program: it does not exist, is not executable, or is for \
         another processor. `systemctl cat UNIT` names it.",
    ),
    sign(
        &["Failed to connect to bus"],
        "systemd does not answer on this host. `systemctl is-system-running` shows its state; if \
         it hangs, restart the host.",
    ),
    sign(
        &["Job for", "a timeout was exceeded"],
        "The service did not start in time. `systemctl status UNIT` and `journalctl -u UNIT -n 50` say what it \
         waits for.",
    ),
];

pub(super) const SYMPTOMS: &[Sign] = &[
    sign(
        &["Is another postmaster already running"],
        "Another program uses the port of Postgres. `ss -ltnp` shows which: stop it, or set \
         another postgres.port in the answers.",
    ),
    sign(
        &["Start request repeated too quickly"],
        "The service failed several times in a row, and systemd gave up. The cause is further up \
         in `journalctl -u UNIT`; fix it, then `systemctl reset-failed UNIT`.",
    ),
    sign(
        &["start-limit-hit"],
        "The service failed several times in a row, and systemd gave up. The cause is further up \
         in `journalctl -u UNIT`; fix it, then `systemctl reset-failed UNIT`.",
    ),
    at(
        "postgres/settings",
        &["Postgres does not start with the new settings"],
        "Postgres runs with its old settings again. The FATAL line says why it did not start with \
         the new ones: fix that, then retry.",
    ),
    sign(
        &["Job for", "failed"],
        "The service did not start. `systemctl status UNIT` and `journalctl -u UNIT -n 50`, with \
         the unit that the line names, say why.",
    ),
    sign(
        &["Failed to start", "not found"],
        "systemd does not know the unit that the line names: its package is not fully installed. \
         `systemctl daemon-reload`, then retry.",
    ),
];
