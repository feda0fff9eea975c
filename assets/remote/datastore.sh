# shellcheck shell=sh
# The connections to the cluster's database with its role: a line for each address and kind.
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
DO \$\$ BEGIN RAISE 'this Postgres is the standby: the servers are connected to the primary'; END \$\$;
\endif
SELECT host(a.client_addr), coalesce(s.version, 'none'),
    s.ssl AND coalesce(s.client_dn = '/CN=$DB_USER', false), count(*)
FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
WHERE a.datname = '$DB_NAME' AND a.usename = '$DB_USER' AND a.client_addr IS NOT NULL
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SQL
