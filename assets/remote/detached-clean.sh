# Removes the files of a detached unit, once its result was read.
# inputs: UNIT
dir=/run/k3s-ha-wizard/$UNIT
if [ -s "$dir/pid" ] && [ ! -s "$dir/status" ]; then
    has_ended "$UNIT" || {
        echo "$UNIT is still running" >&2
        exit 1
    }
fi
rm -rf "$dir"
systemctl reset-failed "$UNIT.service" 2>/dev/null
:
