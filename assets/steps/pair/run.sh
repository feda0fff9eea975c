# shellcheck shell=sh
# pg_auto_failover runs a member of the pair, or the monitor that decides which member is the primary.
# inputs: KIND (member or monitor) PG_BIN PGDATA DB_PORT ADDRESS NODE_NAME TLS_DIRECTORY
# inputs: MONITOR (how a member connects to it) SERVICE UNIT CONFIG HBA MAX_CONNECTIONS
# inputs: EXISTING (the hosts that show that the cluster exists: it must not be begun again)

UNIT_FILE=/etc/systemd/system/$SERVICE.service
# What the service was started with.
STARTED=$RUN/started-$SERVICE
# The creation has begun, and is complete. What exists between the two has never held data.
BEGUN=$KEEP/pair-begun
CREATED=$KEEP/pair-created

files() {
    directory "$TLS_DIRECTORY" 0755 root:root
    file "$TLS_DIRECTORY/postgresql.conf" 0644 root:root "$CONFIG"
    file "$TLS_DIRECTORY/pg_hba.conf" 0640 root:postgres "$HBA"
    file "$TLS_DIRECTORY/environment" 0640 root:postgres "\
PGDATA=$PGDATA
PATH=$PG_BIN:/usr/bin:/bin
PGSSLCERT=$TLS_DIRECTORY/replication.crt
PGSSLKEY=$TLS_DIRECTORY/replication.key
PGSSLROOTCERT=$TLS_DIRECTORY/ca.crt
"
    file "$UNIT_FILE" 0644 root:root "$UNIT"
}

look() {
    learn <<SQL
SELECT 'connections=' || current_setting('max_connections');
SELECT 'pending=' || string_agg(name, ', ') FROM pg_settings WHERE pending_restart
    AND name IN ('hba_file', 'max_connections', 'shared_buffers');
SELECT 'errors=' || string_agg(line_number || ': ' || error, '; ')
FROM pg_hba_file_rules WHERE error IS NOT NULL;
$ASK_LOADED;
SQL
}

refuses() {
    [ -e "$CREATED" ] || return 0
    look >/dev/null || return 0
    if [ "$KIND" = member ] && [ "$(of connections)" -lt "$MAX_CONNECTIONS" ]; then
        say "max_connections is $(of connections); $MAX_CONNECTIONS are needed. Set it in" \
            "$TLS_DIRECTORY/postgresql.conf on both members, and restart Postgres on the standby" \
            'first: pg_autoctl restarts it after pg_ctl stop'
        return 3
    fi
}

as_started() {
    [ "$(shown NeedDaemonReload)" = no ] && loaded_is_there "$STARTED"
}

satisfied() {
    [ -e "$CREATED" ] || { say "the $KIND is not created"; return 1; }
    files_are || return
    look_at "$SERVICE"
    [ "$(shown UnitFileState)" = enabled ] || { say "$SERVICE is not enabled at boot"; return 1; }
    [ "$(shown ActiveState)" = active ] || { say "$SERVICE is not running"; return 1; }
    as_started || { say "$SERVICE runs with an old unit"; return 1; }
    [ -n "$(of loaded)" ] || { look; return 1; }
    [ -z "$(of errors)" ] || { say "Postgres does not understand its rules: $(of errors)"; return 2; }
    loaded_after "$TLS_DIRECTORY/postgresql.conf" "$TLS_DIRECTORY/pg_hba.conf" \
        "$TLS_DIRECTORY/ca.crt" "$TLS_DIRECTORY/server.crt" "$TLS_DIRECTORY/server.key" ||
        { say 'Postgres has not loaded its current files'; return 1; }
    [ -z "$(of pending)" ] || { say "Postgres must be restarted for $(of pending)"; return 3; }
}

# What an interrupted creation has left, here and at the monitor.
forget() {
    systemctl stop "$SERVICE" 2>/dev/null || :
    if [ "$KIND" = member ]; then
        at_monitor <<SQL
SELECT pgautofailover.remove_node(node_id, true) FROM pgautofailover.get_nodes()
WHERE node_host = '$ADDRESS' AND node_port = $DB_PORT;
SQL
    fi
    program rm -rf -- "$PGDATA" "$HOME_OF_POSTGRES/.config/pg_autoctl$PGDATA" \
        "$HOME_OF_POSTGRES/.local/share/pg_autoctl$PGDATA"
}

# A Postgres with the wizard's own settings and rules, which are outside of its data.
init() {
    say "initdb $PGDATA"
    program initdb -D "$PGDATA" --auth-local=peer --auth-host=reject --encoding=UTF8 --locale=C \
        --data-checksums >/dev/null
    # shellcheck disable=SC2016 # the $ is of the shell that is started
    program sh -c 'cat >>"$1"' sh "$PGDATA/postgresql.conf" <<CONF
include_if_exists '$TLS_DIRECTORY/postgresql.conf'
CONF
}

# A monitor knows nothing of members that exist, and a member without others has an empty database.
may_begin() {
    [ -n "$EXISTING" ] || return 0
    say "The cluster exists on $EXISTING, so no new $KIND is created here. If the machine with this" \
        'role is lost for good: k3s-ha-wizard node replace NAME' >&2
    return 1
}

# learn_members: sets $own and $others to the number of members that the monitor knows.
learn_members() {
    members=$(at_monitor <<SQL
SELECT count(*) FILTER (WHERE own) || ' ' || count(*) FILTER (WHERE NOT own)
FROM (SELECT node_host = '$ADDRESS' AND node_port = $DB_PORT AS own FROM pgautofailover.get_nodes()) AS known;
SQL
)
    own=${members% *} others=${members#* }
}

create() {
    [ ! -e "$BEGUN" ] || forget
    if [ "$KIND" = monitor ]; then
        may_begin
    else
        learn_members
        if [ "$own" != 0 ]; then
            say "The monitor knows a member at $ADDRESS, and this host has never been one: the machine is" \
                "new. To replace the lost one: k3s-ha-wizard node replace $NODE_NAME" >&2
            return 1
        fi
        [ "$others" != 0 ] || may_begin
    fi
    : >"$BEGUN"
    sync "$BEGUN"
    set -- --pgdata "$PGDATA" --pgport "$DB_PORT" --hostname "$ADDRESS" --skip-pg-hba \
        --ssl-mode verify-full --ssl-ca-file "$TLS_DIRECTORY/ca.crt" \
        --server-cert "$TLS_DIRECTORY/server.crt" --server-key "$TLS_DIRECTORY/server.key"
    if [ "$KIND" = monitor ]; then
        init
        say 'pg_autoctl create monitor'
        program timeout 120 pg_autoctl create monitor "$@" 2>&1
    else
        # The first member has a new Postgres; another one copies that of the primary.
        [ "$others" != 0 ] || init
        # It waits for the other member without a limit of its own.
        say 'pg_autoctl create postgres'
        program timeout 300 pg_autoctl create postgres "$@" --listen "$ADDRESS" \
            --pghost /var/run/postgresql --name "$NODE_NAME" --monitor "$MONITOR" 2>&1
    fi
    : >"$CREATED"
    sync "$CREATED"
}

apply() {
    keep
    put_files
    systemctl daemon-reload
    [ -e "$CREATED" ] || create
    systemctl enable -q "$SERVICE"
    look_at "$SERVICE"
    if [ "$(shown ActiveState)" = active ] && as_started && sql_works >/dev/null; then
        reload_postgres
    else
        bring_up restart "$SERVICE"
    fi
}
