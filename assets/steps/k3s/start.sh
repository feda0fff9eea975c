# shellcheck shell=sh
# K3s runs with the configuration that is there, and its node is Ready.
# inputs: KIND SERVICE NODE_NAME LOADED READS WAIT

kubectl() { /usr/local/bin/k3s kubectl "$@" 2>/dev/null; }

# Its start has read every file that it reads now.
reads_all() {
    for file in $READS; do
        grep -qF "  $file" "$LOADED" || return
    done
}

# It was started with the configuration and the program that are there now.
as_it_is_there() {
    loaded_is_there "$LOADED" && reads_all &&
        [ "$(cat "$LOADED.program" 2>/dev/null)" = "$(stat -c '%i %s %Y' /usr/local/bin/k3s)" ]
}

satisfied() {
    state=$(property "$SERVICE" ActiveState)
    [ "$state" = active ] || { say "$SERVICE is ${state:-unknown}"; return 1; }
    as_it_is_there || { say "$SERVICE runs with another configuration"; return 1; }
}

# Of an agent only its service is seen here: its node is looked at from a server.
ready() {
    [ "$KIND" = server ] || return 0
    [ "$(kubectl get --raw /readyz)" = ok ] || { say 'the API server is not ready'; return 1; }
    state=$(kubectl get nodes --no-headers | awk -v node="$NODE_NAME" '$1 == node { print $2 }')
    case $state in
    Ready | Ready,*) ;;
    *) say "the node $NODE_NAME is ${state:-not there yet}"; return 1 ;;
    esac
}

# The last thing that K3s said which was not good.
complaint() {
    journalctl -u "$SERVICE" -n 200 --no-pager -o cat --since "@$since" |
        grep -E 'level=(fatal|error)|Incorrect Usage' | tail -n 1
}

apply() {
    since=$(date +%s)
    state=$(property "$SERVICE" ActiveState)
    case $state in
    active)
        if ! as_it_is_there; then
            say "systemctl restart $SERVICE"
            systemctl restart --no-block "$SERVICE"
        fi
        ;;
    activating)
        # While it waits for its datastore it ignores SIGTERM, and a stop would take 90 s
        # (docs/facts.md, "Start").
        if ! as_it_is_there; then
            say "$SERVICE is waiting with another configuration: started again"
            systemctl kill --signal=SIGKILL "$SERVICE" || :
            systemctl restart --no-block "$SERVICE"
        fi
        ;;
    *)
        say "systemctl start $SERVICE"
        systemctl reset-failed "$SERVICE" 2>/dev/null || :
        systemctl start --no-block "$SERVICE"
        ;;
    esac
    restarts=$(property "$SERVICE" NRestarts)

    journalctl -u "$SERVICE" -f -n all --since "@$since" -o cat &
    journal=$!
    # shellcheck disable=SC2064 # this very process
    trap "kill $journal 2>/dev/null" EXIT
    tries=0
    until check >/dev/null; do
        tries=$((tries + 1))
        waited=$(($(date +%s) - since))
        again=$(($(property "$SERVICE" NRestarts) - restarts))
        if [ "$again" -ge 3 ]; then
            say "$SERVICE exited $again times: $(complaint)" >&2
            return 1
        fi
        refused=$(journalctl -u "$SERVICE" --no-pager -o cat --since "@$since" |
            grep -c 'Failed to ping database connection') || :
        if [ "$refused" -ge 45 ]; then
            say "$SERVICE cannot connect to its datastore: $(complaint)" >&2
            return 1
        fi
        if [ "$waited" -ge "$WAIT" ]; then
            say "$(check || :) after $WAIT s. $(complaint)" >&2
            return 1
        fi
        if [ "$tries" -lt 20 ]; then sleep 0.25; else sleep 1; fi
    done
    say "$SERVICE is active$([ "$KIND" != server ] || printf ', the node %s is Ready' "$NODE_NAME")"
}
