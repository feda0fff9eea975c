# shellcheck shell=sh
# The name of the Postgres host leads to its address.
# inputs: DB_HOST DB_ADDRESS HOSTS_BEGIN HOSTS_END

leads_to() { getent ahosts "$DB_HOST" | awk 'NR == 1 { print $1 }'; }

files() {
    # Where DNS says the same, the operator's file needs no line of ours.
    if grep -qxF "$HOSTS_BEGIN" /etc/hosts || [ "$(leads_to)" != "$DB_ADDRESS" ]; then
        block /etc/hosts "$HOSTS_BEGIN" "$HOSTS_END" "$DB_ADDRESS $DB_HOST
"
    fi
}

satisfied() {
    found=$(leads_to)
    [ "$found" = "$DB_ADDRESS" ] && return 0
    say "$DB_HOST leads to ${found:-nowhere}, not to $DB_ADDRESS"
    return 1
}
