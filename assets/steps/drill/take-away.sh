# shellcheck shell=sh
# Takes down a service or the whole host, and brings it back. A systemd timer brings it back too, whatever
# happens to this connection.
# inputs: HOW UNIT (empty for the one Postgres of K3s) SECONDS_AWAY SSH_PORT DB_PORT

UNDO=k3s-ha-wizard-undo
CUT=k3s_ha_wizard_drill
# The reset was ordered; the second file is gone after it.
RESET=$KEEP/drill-reset
BEFORE_RESET=$RUN/drill-before-reset

# unit: the service; without a name it is the cluster of Postgres that K3s uses.
# shellcheck disable=SC2046 # version and name
unit() { if [ -n "$UNIT" ]; then say "$UNIT"; else postgres_service $(postgres_cluster); fi; }

refuses() {
    case $HOW in
    cut)
        command -v nft >/dev/null || command -v iptables >/dev/null || {
            say 'cutting this host off needs nft or iptables, and neither is installed'
            return 3
        }
        ;;
    stop | kill)
        service=$(unit)
        [ "$(systemctl is-active "$service")" = active ] || { say "$service is not running"; return 3; }
        ;;
    esac
}

# arm COMMAND…: systemd runs it some time after the host should be back.
arm() {
    systemctl stop "$UNDO.timer" 2>/dev/null || :
    systemd-run --quiet --collect --unit="$UNDO" --on-active=$((SECONDS_AWAY + 60)) \
        --timer-property=AccuracySec=1s "$@"
    [ "$(systemctl is-active "$UNDO.timer")" = active ] || {
        say 'the timer that ends this drill is not active: nothing was taken down' >&2
        return 1
    }
    say "armed: in $((SECONDS_AWAY + 60)) s systemd runs: $*"
}

disarm() { systemctl stop "$UNDO.timer"; }

stop_service() {
    service=$(unit)
    arm systemctl start "$service"
    say "systemctl stop $service, for $SECONDS_AWAY s"
    systemctl stop "$service"
    sleep "$SECONDS_AWAY"
    say "systemctl start $service"
    systemctl start "$service"
    disarm
}

# Its own manager must start it again.
kill_service() {
    service=$(unit)
    arm systemctl start "$service"
    killed=$(systemctl show -p MainPID --value "$service")
    say "systemctl kill --signal=KILL $service"
    systemctl kill --signal=KILL "$service"
    began=$(date +%s)
    until is_back; do
        if [ $(($(date +%s) - began)) -ge 60 ]; then
            say "systemd has not restarted $service within 60 s after it was killed: the drill starts it now" >&2
            systemctl reset-failed "$service" || :
            systemctl start "$service"
            disarm
            return 1
        fi
        sleep 0.2
    done
    say "systemd restarted $service after $(($(date +%s) - began)) s"
    disarm
}

is_back() {
    [ "$(systemctl is-active "$service")" = active ] &&
        [ "$(systemctl show -p MainPID --value "$service")" != "$killed" ]
}

# Everything but SSH from outside is dropped, both ways.
cut_off() {
    if command -v nft >/dev/null; then
        nft -f - <<NFT
table inet $CUT {
    chain in { type filter hook input priority -300; iif lo accept; tcp dport $SSH_PORT accept; drop; }
    chain out { type filter hook output priority -300; oif lo accept; tcp sport $SSH_PORT accept; drop; }
    chain through { type filter hook forward priority -300; drop; }
}
NFT
        return
    fi
    for tables in iptables ip6tables; do
        command -v "$tables" >/dev/null || continue
        "$tables" -w -N "$CUT"
        "$tables" -w -A "$CUT" -i lo -j RETURN
        "$tables" -w -A "$CUT" -o lo -j RETURN
        "$tables" -w -A "$CUT" -p tcp --dport "$SSH_PORT" -j RETURN
        "$tables" -w -A "$CUT" -p tcp --sport "$SSH_PORT" -j RETURN
        "$tables" -w -A "$CUT" -j DROP
        for chain in INPUT OUTPUT FORWARD; do "$tables" -w -I "$chain" -j "$CUT"; done
    done
}

reconnect() {
    if command -v nft >/dev/null; then
        nft delete table inet "$CUT"
        return
    fi
    for tables in iptables ip6tables; do
        command -v "$tables" >/dev/null || continue
        for chain in INPUT OUTPUT FORWARD; do "$tables" -w -D "$chain" -j "$CUT"; done
        "$tables" -w -F "$CUT"
        "$tables" -w -X "$CUT"
    done
}

cut_host() {
    # The rules are gone after a reboot.
    arm systemctl reboot --force
    say "everything but SSH is dropped, for $SECONDS_AWAY s"
    cut_off
    sleep "$SECONDS_AWAY"
    reconnect
    say 'the host is on the network again'
    disarm
}

# A reset undoes itself. It ends this connection; on the next one this act is asked for again.
reset_host() {
    if was_reset; then
        rm -f "$RESET"
        say 'the host was reset, and is back'
        return
    fi
    keep
    make_run
    : >"$BEFORE_RESET"
    date +%s >"$RESET"
    sync "$RESET" "$KEEP"
    say 'systemctl reboot --force --force, as if the host had lost power'
    systemctl reboot --force --force
    sleep 60
    say 'the host was not reset within 60 s' >&2
    return 1
}

# A moment ago; one of an earlier drill does not count.
was_reset() {
    [ ! -e "$BEFORE_RESET" ] && ordered=$(cat "$RESET" 2>/dev/null) &&
        [ $(($(date +%s) - ordered)) -lt 900 ]
}

act() {
    case $HOW in
    stop) stop_service ;;
    kill) kill_service ;;
    cut) cut_host ;;
    reset) reset_host ;;
    *) say "no such drill: $HOW" >&2; return 1 ;;
    esac
}
