# shellcheck shell=sh
# Listens on ports briefly, so that other hosts can try to reach them. The unit ends by itself, even
# if the wizard is gone.
# inputs: LISTENER (unit) ADDRESS PORTS SECONDS_AT_MOST

listen() {
    systemctl stop "$LISTENER" 2>/dev/null
    case $ADDRESS in *:*) ADDRESS="[$ADDRESS]" ;; esac
    set --
    for port in $PORTS; do set -- "$@" -l "$ADDRESS:$port"; done
    why=$(systemd-run --quiet --collect --unit="$LISTENER" -p RuntimeMaxSec="$SECONDS_AT_MOST" \
        systemd-socket-activate "$@" --inetd -a cat 2>&1) || return
    tries=0
    until open; do
        tries=$((tries + 1))
        if [ "$tries" -gt 40 ] || [ "$(systemctl is-active "$LISTENER")" != active ]; then
            why=$(journalctl -q -u "$LISTENER" -n 20 --no-pager -o cat | grep -i failed | head -n 1)
            systemctl stop "$LISTENER" 2>/dev/null
            return 1
        fi
        sleep 0.05
    done
}

# open: a process listens on each of them.
open() {
    for port in $PORTS; do
        [ -n "$(ss -Hltn "src $ADDRESS and sport = :$port")" ] || return 1
    done
}

if listen; then
    echo listen=opened
else
    printf 'listen.failed=%s\n' "$(printf '%s' "$why" | tail -n 1)"
fi
