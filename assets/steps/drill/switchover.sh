# shellcheck shell=sh
# Asks the monitor to let the standby take over, as before planned work on the primary, and waits until it
# has.
# inputs: MONITOR_PORT

ask() { printf '%s\n' "$1" | as postgres psql -X -q -A -t -v ON_ERROR_STOP=1 -p "$MONITOR_PORT" -d pg_auto_failover -f -; }

# The primary that both it and the monitor call so.
primary() { ask "SELECT nodename FROM pgautofailover.node WHERE reportedstate = 'primary' AND goalstate = 'primary'"; }

has_taken_over() { now=$(primary) && [ -n "$now" ] && [ "$now" != "$before" ]; }

act() {
    before=$(primary)
    [ -n "$before" ] || { say 'the monitor knows no primary' >&2; return 1; }
    say "$before is the primary: SELECT pgautofailover.perform_failover()"
    ask 'SELECT pgautofailover.perform_failover()' >/dev/null
    began=$(date +%s)
    until has_taken_over; do
        if [ $(($(date +%s) - began)) -ge 120 ]; then
            say "the standby has not taken over within 120 s: the primary is ${now:-unknown}" >&2
            return 1
        fi
        sleep 0.2
    done
    say "$now is the primary after $(($(date +%s) - began)) s"
}
