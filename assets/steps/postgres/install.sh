# shellcheck shell=sh
# Postgres is installed, enabled at boot, and answers on its port.
# inputs: DB_PORT   with a proxy: PROXY_HTTP PROXY_HTTPS PROXY_NOT_FOR   from a bundle: BUNDLE

OURS=$KEEP/postgres-is-ours

satisfied() {
    postgres_installed || return 1
    cluster=$(postgres_cluster)
    if [ -z "$cluster" ]; then
        others=$(postgres_elsewhere)
        if [ -n "$others" ] && [ ! -e "$OURS" ]; then
            say "Postgres is installed, but not on port $DB_PORT: $others." \
                "Set postgres.port in the answers"
            return 3
        fi
        say "no Postgres on port $DB_PORT"
        return 1
    fi
    postgres_enabled || { say 'Postgres is not enabled at boot'; return 1; }
    learn <<SQL || return 1
SELECT 'version=' || current_setting('server_version_num');
SELECT 'replica=' || pg_is_in_recovery();
SQL
    if [ "$(of version)" -lt 120000 ]; then
        say "this is Postgres $(($(of version) / 10000)): before version 12, clientcert=verify-full silently" \
            'means that no client certificate is needed'
        return 3
    fi
    if [ "$(of replica)" = true ]; then
        say 'this Postgres is a replica: the datastore must be a primary'
        return 3
    fi
}

# A process listens on the port or on its socket, even if it accepts no client yet.
answers_somehow() { listens "$DB_PORT" || ss -Hlx | grep -q "\.s\.PGSQL\.$DB_PORT "; }

apply() {
    if ! postgres_installed >/dev/null; then
        keep
        [ -n "$(postgres_cluster)$(postgres_elsewhere)" ] || : >"$OURS"
        ( use_proxy; install_postgres )
    fi
    [ -n "$(postgres_cluster)" ] || make_postgres_cluster
    enable_postgres
    if ! sql_works >/dev/null; then
        # shellcheck disable=SC2046 # version and name
        service=$(postgres_service $(postgres_cluster))
        # If an earlier run was interrupted between a failed restart and restoring the settings.
        settings_back
        how=start
        # If it was interrupted between a new port and the restart, Postgres still runs on the old one.
        [ ! -e "$OURS" ] || answers_somehow || how=restart
        bring_up "$how" "$service"
    fi
    say "$(printf 'SELECT version();\n' | sql)"
}
