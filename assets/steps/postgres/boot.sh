# shellcheck shell=sh
# Postgres starts after the host has its addresses. It does not listen on an address that is missing
# when it starts, and does not try again (docs/facts.md, "Debian and Ubuntu"). If it is killed, it is
# started again: the distributions' units do not do that.
# inputs: DB_PORT

files() {
    drop_ins=$(postgres_drop_ins)
    directory "$drop_ins" 0755 root:root
    file "$drop_ins/10-k3s-ha-wizard.conf" 0644 root:root "\
# Written by k3s-ha-wizard.
[Unit]
Wants=network-online.target
After=network-online.target
[Service]
Restart=on-failure
RestartSec=5
"
}

satisfied() {
    files_are || return
    # shellcheck disable=SC2046 # version and name
    look_at "$(postgres_service $(postgres_cluster))"
    [ "$(shown NeedDaemonReload)" = no ] ||
        { say 'systemd has not read the unit of Postgres'; return 1; }
}

apply() {
    put_files
    systemctl daemon-reload
}
