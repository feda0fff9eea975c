# shellcheck shell=sh
# The name of the Postgres host leads to its address.
# inputs: DB_HOST DB_ADDRESS HOSTS_BEGIN HOSTS_END

satisfied() {
    found=$(getent ahosts "$DB_HOST" | awk 'NR == 1 { print $1 }')
    [ "$found" = "$DB_ADDRESS" ] && return 0
    say "$DB_HOST leads to ${found:-nowhere}, not to $DB_ADDRESS"
    return 1
}

apply() {
    put_block /etc/hosts "$HOSTS_BEGIN" "$HOSTS_END" "$DB_ADDRESS $DB_HOST
"
}
