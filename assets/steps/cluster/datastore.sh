# shellcheck shell=sh
# The cluster's data is in Postgres, and every server's connections to it are encrypted and
# authenticated by its client certificate.
# inputs: DB_NAME DB_USER DB_PORT SERVERS WAIT

satisfied() {
    sql_works || return 2
    rows=$(printf "SELECT CASE WHEN to_regclass('public.kine') IS NULL THEN -1 ELSE 0 END;\n" |
        sql "$DB_NAME") || return 2
    [ "$rows" = 0 ] || { say 'there is no table kine: K3s keeps its data elsewhere'; return 1; }
    rows=$(printf 'SELECT count(*) FROM kine;\n' | sql "$DB_NAME") || return 2
    [ "$rows" -gt 0 ] || { say 'the table kine is empty: K3s keeps its data elsewhere'; return 1; }
    connections=$(sql <<SQL
SELECT host(a.client_addr), s.ssl AND s.client_dn = '/CN=$DB_USER'
FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
WHERE a.datname = '$DB_NAME' AND a.usename = '$DB_USER' AND a.client_addr IS NOT NULL;
SQL
    ) || return 2
    for server in $SERVERS; do
        printf '%s\n' "$connections" | grep -qxF "$server|t" ||
            { say "no connection from $server"; return 1; }
    done
    bad=$(printf '%s\n' "$connections" | grep -v '|t$') || return 0
    say "connections without TLS or without the client certificate: $bad"
    return 1
}

apply() {
    since=$(date +%s)
    until satisfied >/dev/null; do
        if [ $(($(date +%s) - since)) -ge "$WAIT" ]; then
            say "after $WAIT s $(satisfied || :)" >&2
            return 1
        fi
        sleep 0.5
    done
    say "$(printf 'SELECT count(*) FROM kine;\n' | sql "$DB_NAME") rows of the cluster in Postgres"
}
