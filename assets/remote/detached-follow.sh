# Prints the output of a detached unit from two offsets on, until it ends or the time is over.
# inputs: UNIT, OUT and ERR (the first byte wanted, counted from 1), TENTHS (of a second, at most)
# Its own status is 60 more than the unit's, where the unit ended with a small one and all was
# printed; with any other, detached-state.sh has to tell.
cd "/run/k3s-ha-wizard/$UNIT" || exit 0
# Standard error is only for the unit: output of this shell or of tail would shift the offset.
exec 3>&2 2>/dev/null

while [ ! -s pid ] && [ "$TENTHS" -gt 0 ]; do
    # No process yet. There may never be one: killed in the queue, or not started at all.
    if [ $((TENTHS % 10)) = 0 ]; then
        case $(systemctl show --property=LoadState,ActiveState "$UNIT.service") in
        *not-found* | *failed*) exit ;;
        esac
    fi
    # A step often takes less than a tenth.
    for _ in 1 2 3 4 5; do
        [ -s pid ] || sleep 0.02
    done
    TENTHS=$((TENTHS - 1))
done

wait=$((TENTHS / 10)).$((TENTHS % 10))
[ "$TENTHS" -gt 0 ] || wait=0.1 # 0 would mean forever
read -r process <pid || exit
timeout "$wait" tail -s 0.02 --pid="$process" -c "+$ERR" -f err >&3 &
errors=$!
timeout "$wait" tail -s 0.02 --pid="$process" -c "+$OUT" -f out
ended=$?
# A caller that asks again at once must not spin.
case $ended in
0) [ -s status ] || sleep 0.5 ;;
124) ;;
*) sleep 0.5 ;;
esac
wait "$errors" && [ "$ended" = 0 ] && read -r how <status && [ "$how" -le 60 ] &&
    exit $((60 + how))
exit 0
