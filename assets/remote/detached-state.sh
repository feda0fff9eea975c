# Prints the state of a detached unit: `exit STATUS`, `running`, or `died WHY`.
# inputs: UNIT
cd "/run/k3s-ha-wizard/$UNIT" 2>/dev/null || {
    echo "died nothing of $UNIT is left in /run: the host was restarted, or it was cleaned away"
    exit
}
# In this order: the status is written before the process ends.
# systemd is asked, not its process: the number may be another one's by now.
alive=no
case $(systemctl show --property=LoadState,ActiveState "$UNIT.service") in
*not-found* | *failed*) ;;
*inactive*) [ -s pid ] || alive=yes ;; # in the queue
*) alive=yes ;;
esac
if [ -s status ]; then
    read -r how <status
    echo "exit $how"
elif [ "$alive" = yes ]; then
    echo running
elif [ -e stopped ]; then
    echo "died it was stopped"
else
    # What systemd still reports: Result=oom-kill, Result=signal with ExecMainStatus=9 …
    known=$(systemctl show --property=Result,ExecMainStatus "$UNIT.service" | tr '\n' ' ')
    case $known in
    *Result=success*) known= ;;
    esac
    echo "died its process is gone without a status${known:+: ${known% }}"
fi
