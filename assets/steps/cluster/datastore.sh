# shellcheck shell=sh
# The cluster's data is in Postgres, and every server's connections to it are encrypted and
# authenticated by its client certificate.
# inputs: DB_NAME DB_USER DB_PORT SERVERS WAIT

satisfied() {
    # shellcheck disable=SC2154 # learn sets learnt
    learn "$DB_NAME" <<SQL || { case $learnt in *'"kine" does not exist'*) return 1 ;; esac; return 2; }
SELECT 'standby=' || pg_is_in_recovery();
SELECT 'filled=' || EXISTS (SELECT FROM kine);
SELECT CASE WHEN s.ssl AND s.client_dn = '/CN=$DB_USER' THEN 'good=' ELSE 'bad=' END
    || host(a.client_addr)
FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
WHERE a.datname = '$DB_NAME' AND a.usename = '$DB_USER' AND a.client_addr IS NOT NULL;
SQL
    [ "$(of filled)" = true ] ||
        { say 'the table kine is empty: K3s stores its data elsewhere'; return 1; }
    # The servers are connected to the primary.
    [ "$(of standby)" = false ] || return 0
    for server in $SERVERS; do
        of good | grep -qxF "$server" || { say "no connection from $server"; return 1; }
    done
    [ -z "$(of bad)" ] && return 0
    say "connections without TLS or without the client certificate: $(of bad)"
    return 1
}

apply() {
    wait_for "$WAIT"
    say "$(printf 'SELECT count(*) FROM kine;\n' | sql "$DB_NAME") rows of the cluster in Postgres"
}
