# shellcheck shell=sh
# The monitor no longer knows a member that is lost: the new one takes its place.
# inputs: LOST_ADDRESS MEMBER_PORT DB_PORT (the monitor's)
# inputs: IN_PLACE (not empty where the new machine has that address: then only what it has begun can report)

LOST="nodehost = '$LOST_ADDRESS' AND nodeport = $MEMBER_PORT"
REPORTS="reporttime > now() - interval '20 s'"

refuses() {
    learn pg_auto_failover <<SQL || return
SELECT 'known=' || count(*) FROM pgautofailover.node WHERE $LOST;
SELECT 'reports=' || count(*) FROM pgautofailover.node WHERE $LOST AND $REPORTS;
SELECT 'primary=' || string_agg(nodename, ' ') FROM pgautofailover.node WHERE NOT ($LOST) AND $REPORTS
    AND reportedstate IN ('primary', 'wait_primary', 'single');
SQL
    [ "$(of known)" != 0 ] || return 0
    if [ -z "$IN_PLACE" ] && [ "$(of reports)" != 0 ]; then
        say "the member at $LOST_ADDRESS still reports to the monitor: it is not lost. If it must go," \
            'switch it off first'
        return 3
    fi
    if [ -z "$(of primary)" ]; then
        say "the monitor knows no other member that is the primary: the data at $LOST_ADDRESS may be the" \
            'only one. Wait until the other member is the primary, or bring the lost one back'
        return 3
    fi
}

satisfied() {
    [ "$(of known)" = 0 ] || { say "the monitor still knows the lost member at $LOST_ADDRESS"; return 1; }
}

apply() {
    say "pgautofailover.remove_node('$LOST_ADDRESS', $MEMBER_PORT)"
    printf '%s\n' "SELECT pgautofailover.remove_node('$LOST_ADDRESS', $MEMBER_PORT, true);" |
        sql pg_auto_failover >/dev/null
    wait_for 60
}
