# shellcheck shell=sh
# The name of Postgres resolves to its addresses, and to no other.
# inputs: DB_HOST DB_ADDRESSES (sorted) HOSTS_BEGIN HOSTS_END

resolved() { getent ahosts "$DB_HOST" | awk '{ print $1 }' | LC_ALL=C sort -u | paste -s -d ' '; }

# A line for each address.
lines() { for address in $DB_ADDRESSES; do say "$address $DB_HOST"; done; }

files() {
    # If DNS says the same, the operator's file needs no line.
    if grep -qxF "$HOSTS_BEGIN" /etc/hosts || [ "$(resolved)" != "$DB_ADDRESSES" ]; then
        block /etc/hosts "$HOSTS_BEGIN" "$HOSTS_END" "$(lines)
"
    fi
}

satisfied() {
    found=$(resolved)
    [ "$found" = "$DB_ADDRESSES" ] && return 0
    say "$DB_HOST resolves to ${found:-nothing}, not to $DB_ADDRESSES"
    return 1
}
