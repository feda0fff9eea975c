# shellcheck shell=sh
# Asks the monitor to let the standby take over, as before planned work on the primary.
# inputs: MONITOR_PORT

act() {
    say 'SELECT pgautofailover.perform_failover()'
    as postgres psql -X -q -A -t -p "$MONITOR_PORT" -d pg_auto_failover \
        -c 'SELECT pgautofailover.perform_failover()'
}
