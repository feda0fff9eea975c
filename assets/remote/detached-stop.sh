# Stops a detached unit with all its processes: SIGTERM, then SIGKILL.
# inputs: UNIT
if [ -d "/run/k3s-ha-wizard/$UNIT" ]; then
    : >"/run/k3s-ha-wizard/$UNIT/stopped"
    rm -f "/run/k3s-ha-wizard/$UNIT/script"
fi
# Also removes its job from the queue. SIGTERM goes to the whole control group.
systemctl stop --no-block "$UNIT.service" 2>/dev/null
tries=0
until has_ended "$UNIT"; do
    if [ "$tries" = 50 ]; then
        systemctl kill --signal=KILL "$UNIT.service"
    elif [ "$tries" = 75 ]; then
        echo "$UNIT is still running after SIGKILL" >&2
        exit 1
    fi
    sleep 0.2
    tries=$((tries + 1))
done
