# shellcheck shell=sh
# Postgres listens where the servers reach it, and has room for their connections (docs/facts.md,
# "Postgres settings").
# inputs: DB_NAME DB_PORT LISTEN_ADDRESS MAX_CONNECTIONS EXISTING (refuse or share)

listens_there() {
    [ -n "$(ss -Hltn "sport = :$DB_PORT" | awk -v want="$LISTEN_ADDRESS" '
        { address = $4; sub(/:[0-9]*$/, "", address); gsub(/[][]/, "", address); sub(/%.*/, "", address) }
        address == want || address == "*" || address == "0.0.0.0" || address == "::"')" ]
}

look() {
    learn <<SQL
SELECT 'addresses=' || current_setting('listen_addresses');
SELECT 'connections=' || current_setting('max_connections');
SELECT 'tls=' || current_setting('ssl_min_protocol_version');
SELECT 'data=' || current_setting('data_directory');
SELECT 'standbys=' || string_agg(name, ', ') FROM (
    SELECT application_name || coalesce(' at ' || host(client_addr), '') FROM pg_stat_replication
    WHERE state <> 'backup' AND NOT EXISTS (
        SELECT FROM pg_replication_slots WHERE active_pid = pid AND slot_type = 'logical')
    UNION ALL
    SELECT slot_name || ', which is disconnected' FROM pg_replication_slots
    WHERE slot_type = 'physical' AND NOT active
) AS standby (name);
SELECT 'others=' || string_agg(datname, ', ') FROM pg_database
WHERE NOT datistemplate AND datname NOT IN ('postgres', '$DB_NAME');
SQL
}

# The differences that need a restart, in a few words.
differs() {
    listens_there || say "Postgres does not listen on $LISTEN_ADDRESS"
    [ "$(of connections)" -ge "$MAX_CONNECTIONS" ] ||
        say "max_connections is $(of connections); $MAX_CONNECTIONS are needed"
}

refuses() {
    look || return 2
    restart=$(differs)
    if [ -n "$restart" ] && [ -n "$(of others)" ] && [ "$EXISTING" != share ]; then
        say "Postgres must be restarted ($restart), but it also serves other databases:" \
            "$(of others). Use a separate Postgres for the cluster, or allow the restart with" \
            'existing_postgres = "share" under [postgres] in the answers'
        return 3
    fi
    if [ "$(of connections)" -lt "$MAX_CONNECTIONS" ] && [ -n "$(of standbys)" ]; then
        say "max_connections must be raised to $MAX_CONNECTIONS, but this Postgres has standbys," \
            "which stop if theirs is lower: $(of standbys). Set max_connections =" \
            "$MAX_CONNECTIONS on each of them and restart it, then the same here; after that the" \
            'wizard has nothing to raise'
        return 3
    fi
}

satisfied() {
    [ -z "$restart" ] || { say "$restart"; return 1; }
    [ ! -e "$SETTINGS_BEFORE" ] || { say 'an earlier run was interrupted at the restart'; return 1; }
    case $(of tls) in
    TLSv1.2 | TLSv1.3) ;;
    *) say 'Postgres allows TLS below 1.2'; return 1 ;;
    esac
}

apply() {
    look
    restart=$(differs)
    [ -z "$restart" ] || keep_settings "$(of data)/postgresql.auto.conf"
    addresses=$(of addresses)
    case ", $addresses," in
    *'*'* | *", $LISTEN_ADDRESS,"* | *",$LISTEN_ADDRESS,"*) ;;
    *) addresses="${addresses:+$addresses, }$LISTEN_ADDRESS" ;;
    esac
    sql <<SQL
ALTER SYSTEM SET listen_addresses = '$addresses';
ALTER SYSTEM SET ssl_min_protocol_version = 'TLSv1.2';
SQL
    say "listen_addresses = $addresses"
    if [ "$(of connections)" -lt "$MAX_CONNECTIONS" ]; then
        printf "ALTER SYSTEM SET max_connections = '%s';\n" "$MAX_CONNECTIONS" | sql
        say "max_connections = $MAX_CONNECTIONS"
    fi
    if [ -z "$restart" ]; then
        reload_postgres
    else
        # shellcheck disable=SC2046 # version and name
        service=$(postgres_service $(postgres_cluster))
        bring_up restart "$service" || {
            settings_back
            bring_up restart "$service"
            say 'Postgres does not start with the new settings, for the reason above.' \
                'The old settings are restored, and it answers' >&2
            return 1
        }
    fi
    rm -f "$SETTINGS_BEFORE"
}
