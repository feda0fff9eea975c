# shellcheck shell=sh
# The name of the Postgres host resolves to its address.
# inputs: DB_HOST DB_ADDRESS HOSTS_BEGIN HOSTS_END

resolved() { getent ahosts "$DB_HOST" | awk 'NR == 1 { print $1 }'; }

files() {
    # If DNS says the same, the operator's file needs no line.
    if grep -qxF "$HOSTS_BEGIN" /etc/hosts || [ "$(resolved)" != "$DB_ADDRESS" ]; then
        block /etc/hosts "$HOSTS_BEGIN" "$HOSTS_END" "$DB_ADDRESS $DB_HOST
"
    fi
}

satisfied() {
    found=$(resolved)
    [ "$found" = "$DB_ADDRESS" ] && return 0
    say "$DB_HOST resolves to ${found:-nothing}, not to $DB_ADDRESS"
    return 1
}
