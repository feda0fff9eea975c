# shellcheck shell=sh
# Dumps the database of K3s while K3s works with it: pg_dump sees one moment of it.
# Changes nothing.
# inputs: DB_NAME DB_PORT

refuses() {
    sql_works || return
    learn <<SQL || return 2
SELECT 'there=' || count(*) FROM pg_database WHERE datname = '$DB_NAME';
SELECT 'standby=' || pg_is_in_recovery();
SQL
    [ "$(of there)" = 1 ] || { say "there is no database $DB_NAME"; return 3; }
    [ "$(of standby)" = false ] ||
        { say 'this Postgres is a standby: the dump is taken from the primary'; return 3; }
}

act() {
    directory=$(psql_program)
    # The user of Postgres can take pg_dump over, so it gets a pipe and a file, and no output of the
    # connection.
    ended=$(mktemp)
    complaints=$(mktemp)
    {
        status=0
        as postgres "${directory%/*}/pg_dump" --format=custom --no-password \
            -p "$DB_PORT" -d "$DB_NAME" 2>"$complaints" || status=$?
        printf '%s' "$status" >"$ended"
    } | cat
    status=$(cat "$ended")
    cat "$complaints" >&2
    rm -f "$ended" "$complaints"
    # Without a status nothing is known of the end.
    return "${status:-1}"
}
