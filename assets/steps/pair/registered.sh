# shellcheck shell=sh
# A member is registered at its monitor; or it is detached from one that is lost, and stays what it is.
# Without a monitor, and until both members are registered, no standby takes over (docs/facts.md, "A pair
# of Postgres hosts").
# inputs: WANTED (registered or detached) MONITOR (how a member connects to it) PG_BIN PGDATA DB_PORT ADDRESS
# inputs: TLS_DIRECTORY

# As pg_autoctl writes it.
DETACHED=PG_AUTOCTL_DISABLED

# The monitor in the configuration of pg_autoctl, which may be writing it.
configured() {
    for _ in 1 2 3 4 5; do
        ! program pg_autoctl config get pg_autoctl.monitor --pgdata "$PGDATA" 2>/dev/null | grep . || return 0
        sleep 1
    done
}

# known_at MONITOR: how many members with this one's address it knows; fails if it does not answer.
known_at() {
    at_monitor "$1" 2>/dev/null <<SQL
SELECT count(*) FROM pgautofailover.get_nodes() WHERE node_host = '$ADDRESS' AND node_port = $DB_PORT;
SQL
}

refuses() {
    now=$(configured)
    [ -n "$now" ] || { say "pg_autoctl does not say which monitor it has"; return 2; }
    [ "$WANTED" = detached ] && [ "$now" != "$DETACHED" ] && [ "$now" != "$MONITOR" ] || return 0
    if [ "$(known_at "$now")" = 1 ]; then
        say 'the old monitor still answers: it is not lost. Stop k3s-postgres-monitor on its host first'
        return 3
    fi
}

satisfied() {
    known=$(known_at "$MONITOR") || known=unknown
    [ "$now $known" != "$MONITOR 1" ] || return 0
    if [ "$WANTED" = detached ]; then
        [ "$now" = "$DETACHED" ] || { say 'it waits for the lost monitor'; return 1; }
        return 0
    fi
    [ "$known" != unknown ] || { say 'the monitor does not answer'; return 2; }
    say 'the monitor does not know this member: no standby would take over'
    return 1
}

# follows: sets $primary, if this is the primary and another member follows it; fails if this one neither
# is followed nor follows. A former primary that was cut off must not be registered as the primary.
follows() {
    learn <<SQL
SELECT 'standby=' || pg_is_in_recovery();
SELECT 'followers=' || count(*) FROM pg_stat_replication
WHERE state = 'streaming' AND usename = 'pgautofailover_replicator';
SELECT 'receives=' || count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming';
SQL
    primary=
    if [ "$(of standby)" = true ]; then
        [ "$(of receives)" = 1 ] || { say 'this standby does not follow a primary' >&2; return 1; }
    else
        [ "$(of followers)" -ge 1 ] || { say 'no standby follows this Postgres' >&2; return 1; }
        primary=yes
    fi
}

detach() {
    [ "$now" != "$DETACHED" ] || return 0
    say 'pg_autoctl disable monitor --force'
    program timeout 120 pg_autoctl disable monitor --force --pgdata "$PGDATA" 2>&1
}

# What an interrupted registration has left: of the primary's, nothing of the standby's is worth more.
forget_registration() {
    at_monitor <<SQL
SELECT pgautofailover.remove_node(node_id, true) FROM pgautofailover.get_nodes()
WHERE '$primary' <> '' OR node_host = '$ADDRESS' AND node_port = $DB_PORT;
SQL
}

# wait_at_monitor ANSWER WHY: asks the query on standard input until it has this answer.
wait_at_monitor() {
    query=$(cat) tries=0
    until [ "$(printf '%s\n' "$query" | at_monitor)" = "$1" ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 240 ] || { say "$2 after 120 s" >&2; return 1; }
        sleep 0.5
    done
}

# The primary is registered first, because the monitor takes the first member for the primary.
wait_for_primary() {
    wait_at_monitor 1 'the primary is not registered' <<SQL
SELECT count(*) FROM pgautofailover.get_nodes() WHERE node_is_primary;
SQL
}

# Until both are in their places, pg_autoctl restarts the standby's Postgres.
wait_for_standby() {
    wait_at_monitor 'primary primary, secondary secondary' 'the members are not in their places' <<SQL
SELECT string_agg(current_group_state || ' ' || assigned_group_state, ', ' ORDER BY current_group_state::text)
FROM pgautofailover.current_state('default');
SQL
}

apply() {
    refuses
    # A monitor that is only away now is not lost.
    [ "$WANTED" = detached ] || known_at "$MONITOR" >/dev/null
    follows
    detach
    [ "$WANTED" = registered ] || return 0
    forget_registration >/dev/null
    [ -n "$primary" ] || wait_for_primary
    say 'pg_autoctl enable monitor'
    program timeout 120 pg_autoctl enable monitor "$MONITOR" --pgdata "$PGDATA" 2>&1
    [ -n "$primary" ] || wait_for_standby
}
