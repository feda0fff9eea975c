# shellcheck shell=sh
# The services of this host run again after a drill.
# inputs: SERVICES POSTGRES (not empty where the host has the one Postgres of K3s) DB_PORT

runs() { [ "$(systemctl is-active "$1")" = active ] || { say "$1 is not running"; return 1; }; }

satisfied() {
    for service in $SERVICES; do runs "$service" || return; done
    # shellcheck disable=SC2046 # version and name
    [ -z "$POSTGRES" ] || runs "$(postgres_service $(postgres_cluster))"
}

apply() {
    wait_for 300
    say "the host's services run again"
}
