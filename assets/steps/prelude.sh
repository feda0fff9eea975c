# shellcheck shell=sh
# What every step may use, and what drives a step. A step is two functions:
#
#   satisfied   0 it is so · 1 it is not · 2 cannot tell · 3 must not; says why; changes nothing
#   apply       brings it there, and says what it does
#
# Inputs are variables, set in front of this file.

# Where the wizard keeps what it must remember on a host. Nothing secret is in it.
KEEP=/var/lib/k3s-ha-wizard

# What is made here is for everybody to read unless it says otherwise, as packages expect.
umask 022

say() { printf '%s\n' "$*"; }

keep() { [ -d "$KEEP" ] || mkdir -m 0700 "$KEEP"; }

# How a step ends for the wizard, when it did not simply succeed.
STILL_NOT=41
CANNOT_TELL=42
MUST_NOT=43
APPLY_FAILED=44
UNCHANGED=40

# drive: brings it there if it is not so, and looks again.
drive() {
    reason=$(satisfied)
    case $? in
    0)
        return "$UNCHANGED"
        ;;
    1)
        [ -z "$reason" ] || say "$reason"
        ;;
    3)
        say "$reason" >&2
        return "$MUST_NOT"
        ;;
    *)
        say "$reason" >&2
        return "$CANNOT_TELL"
        ;;
    esac
    ( set -eu; apply )
    status=$?
    if [ "$status" -ne 0 ]; then
        say "This ended with status $status." >&2
        return "$APPLY_FAILED"
    fi
    reason=$(satisfied)
    case $? in
    0)
        return 0
        ;;
    2)
        say "$reason" >&2
        return "$CANNOT_TELL"
        ;;
    *)
        say "Everything was done, and still: $reason" >&2
        return "$STILL_NOT"
        ;;
    esac
}

# wait_for SECONDS: until the step is satisfied; says what is missing when the time is over.
wait_for() {
    began=$(date +%s)
    until satisfied >/dev/null; do
        if [ $(($(date +%s) - began)) -ge "$1" ]; then
            say "after $1 s: $(satisfied || :)" >&2
            return 1
        fi
        sleep 0.5
    done
}

# --- Files -------------------------------------------------------------------------------------

# file_is PATH MODE OWNER:GROUP CONTENT: a regular file that is exactly so.
file_is() {
    if [ ! -f "$1" ] || [ -L "$1" ]; then say "$1 is not there"; return 1; fi
    [ "$(stat -c '%a %U:%G' "$1")" = "${2#0} $3" ] || { say "$1 has another mode or owner"; return 1; }
    printf '%s' "$4" | cmp -s - "$1" || { say "$1 has other contents"; return 1; }
}

# directory_is PATH MODE OWNER:GROUP
directory_is() {
    [ -d "$1" ] || { say "$1 is not there"; return 1; }
    [ "$(stat -c '%a %U:%G' "$1")" = "${2#0} $3" ] || { say "$1 has another mode or owner"; return 1; }
}

put_directory() {
    mkdir -p "$1"
    chown "$3" "$1"
    chmod "$2" "$1"
}

# Where the hash of what the wizard last wrote to a file is kept.
written_mark() { printf '%s/written/%s' "$KEEP" "$(printf '%s' "$1" | tr / %)"; }

hash_of() { sha256sum <"$1" | cut -d' ' -f1; }

# keep_backup PATH: what somebody else put there is kept beside it; what the wizard itself wrote
# last is not worth it.
keep_backup() {
    [ -e "$1" ] || return 0
    mark=$(written_mark "$1")
    if [ -f "$mark" ] && [ "$(cat "$mark")" = "$(hash_of "$1")" ]; then
        return 0
    fi
    backup="$1.before-k3s-ha-wizard-$(date -u +%Y%m%dT%H%M%SZ)"
    cp -p "$1" "$backup"
    say "$1 was there already: kept as $backup"
}

# replace PATH TEMPORARY: puts a finished file in another's place, whole or not at all.
replace() {
    sync "$2"
    mv -f "$2" "$1"
    keep
    [ -d "$KEEP/written" ] || mkdir "$KEEP/written"
    hash_of "$1" >"$(written_mark "$1")"
    say "wrote $1"
}

# put_file PATH MODE OWNER:GROUP CONTENT: never readable by others on the way.
put_file() {
    directory=$(dirname "$1")
    [ -d "$directory" ] || mkdir -p "$directory"
    if [ ! -f "$1" ] || ! printf '%s' "$4" | cmp -s - "$1"; then
        keep_backup "$1"
    fi
    temporary=$(mktemp "$directory/.k3s-ha-wizard.XXXXXX")
    printf '%s' "$4" >"$temporary"
    chown "$3" "$temporary"
    chmod "$2" "$temporary"
    replace "$1" "$temporary"
}

# with_block PATH BEGIN END LINES: a file with a marked block of ours on top, and everything else
# as it was.
with_block() {
    printf '%s\n%s%s\n' "$2" "$4" "$3"
    awk -v begin="$2" -v end="$3" '
        $0 == begin { inside = 1 }
        !inside { print }
        $0 == end { inside = 0 }' "$1"
}

# block_is PATH BEGIN END LINES: the block is on top, as it should be.
block_is() {
    with_block "$@" | cmp -s - "$1" || { say "$1 does not have our lines on top"; return 1; }
}

# put_block PATH BEGIN END LINES: the file keeps its owner and mode.
put_block() {
    keep_backup "$1"
    temporary=$(mktemp "$(dirname "$1")/.k3s-ha-wizard.XXXXXX")
    with_block "$@" >"$temporary"
    chown --reference="$1" "$temporary"
    chmod --reference="$1" "$temporary"
    replace "$1" "$temporary"
}

# --- Services ----------------------------------------------------------------------------------

# property UNIT NAME
property() { systemctl show -p "$2" --value "$1" 2>/dev/null; }

# loaded_is_there RECORD: the files whose hashes a service recorded when it last started (its
# ExecStartPre does) are still the same, so what it runs with is what is there.
loaded_is_there() { [ -s "$1" ] && sha256sum --status -c "$1" 2>/dev/null; }

# listens PORT: somebody does.
listens() { [ -n "$(ss -Hltn "sport = :$1" 2>/dev/null)" ]; }

# --- Postgres ----------------------------------------------------------------------------------

# shellcheck disable=SC2120 # the database may be left out
# sql [DATABASE]: runs what comes on standard input as the superuser, and prints rows alone.
# Nothing of it lands in a history or, whatever the server is set to, in its log.
sql() {
    {
        printf '%s\n' 'SET log_statement = none; SET log_min_duration_statement = -1;' \
            'SET log_min_error_statement = panic; SET client_min_messages = error;'
        cat
    } | ( cd / && setpriv --reuid=postgres --regid=postgres --init-groups "$(psql_program)" \
        -X -q -A -t -v ON_ERROR_STOP=1 -p "$DB_PORT" -d "${1:-postgres}" -f - )
}

# sql_works: Postgres answers; says why not.
sql_works() {
    answer=$(printf 'SELECT 1;\n' | sql 2>&1) && [ "$answer" = 1 ] && return 0
    say "Postgres does not answer on port $DB_PORT: $answer"
    return 2
}

# wait_for_postgres SERVICE: until it answers, or shows what its service said.
wait_for_postgres() {
    tries=0
    until sql_works >/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -ge 120 ]; then
            journalctl -u "$1" -n 20 --no-pager -o cat >&2
            sql_works >&2
            return 1
        fi
        sleep 0.5
    done
}

# shellcheck disable=SC2120 # the database may be left out
# learn [DATABASE]: asks Postgres once for all that a step wants to know, because starting psql is
# what takes the time. The rows are NAME=VALUE, for `of`.
learn() {
    learnt=$(sql "$@" 2>&1) && return 0
    say "Postgres on port $DB_PORT: $learnt"
    return 2
}

# of NAME: what was learnt.
of() { printf '%s\n' "$learnt" | sed -n "s/^$1=//p"; }

# When Postgres last read its configuration, for `learn`: seconds since 1970.
ASK_LOADED="SELECT 'loaded=' || extract(epoch FROM pg_conf_load_time())"

# loaded_after FILE…: Postgres has read its configuration after the last change to them.
loaded_after() {
    newest=$(stat -c %.9Y "$@" | sort -n | tail -n 1)
    awk -v loaded="$(of loaded)" -v newest="$newest" 'BEGIN { exit !(loaded > newest) }'
}

# Makes Postgres read its configuration again, and waits until it has.
reload_postgres() {
    mark=$(mktemp)
    printf 'SELECT pg_reload_conf();\n' | sql >/dev/null
    tries=0
    # shellcheck disable=SC2119
    until learn <<SQL && loaded_after "$mark"; do
$ASK_LOADED;
SQL
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || { say 'Postgres did not read its configuration again within 10 s' >&2; return 1; }
        sleep 0.2
    done
    rm -f "$mark"
    say 'Postgres has read its configuration again'
}
