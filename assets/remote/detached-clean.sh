# Removes the files of a detached unit, once its result was read.
# inputs: UNIT
dir=/run/k3s-ha-wizard/$UNIT
if [ -s "$dir/pid" ] && [ ! -s "$dir/status" ]; then
    case $(systemctl show --property=ActiveState "$UNIT.service") in
    ActiveState=inactive | ActiveState=failed) ;;
    *)
        echo "$UNIT is still running" >&2
        exit 1
        ;;
    esac
fi
rm -rf "$dir"
systemctl reset-failed "$UNIT.service" 2>/dev/null
:
