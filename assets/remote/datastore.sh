# What a Postgres of the datastore says of itself: primary or standby, who follows it, and the
# connections to the cluster's database with its role, a line for each address and kind.
# Reads only.
# inputs: DB_NAME DB_USER DB_PORT

# The psql in PATH may be a wrapper that starts the real one.
psql=$(command -v psql)
for program in /usr/lib/postgresql/*/bin/psql; do
    [ ! -x "$program" ] || psql=$program
done
cd / && PGCONNECT_TIMEOUT=5 setpriv --reuid=postgres --regid=postgres --init-groups "$psql" \
    -X -q -A -t -v ON_ERROR_STOP=1 -p "$DB_PORT" -d postgres -f - <<SQL
SET log_statement = none; SET log_min_duration_statement = -1; SET statement_timeout = '10s';
SELECT pg_is_in_recovery() AS standby \gset
\if :standby
SELECT 'standby', EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming');
\else
SELECT 'primary', current_setting('synchronous_standby_names') <> '';
SELECT 'follower', host(client_addr), state = 'streaming' AND sync_state IN ('sync', 'quorum'),
    greatest(coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0), 0)::bigint,
    round(1000 * coalesce(extract(epoch FROM replay_lag), 0))::bigint
FROM pg_stat_replication WHERE client_addr IS NOT NULL ORDER BY 2;
SELECT 'client', host(a.client_addr), coalesce(s.version, 'none'),
    s.ssl AND coalesce(s.client_dn = '/CN=$DB_USER', false), count(*)
FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
WHERE a.datname = '$DB_NAME' AND a.usename = '$DB_USER' AND a.client_addr IS NOT NULL
GROUP BY 2, 3, 4 ORDER BY 2, 3, 4;
\endif
SQL
