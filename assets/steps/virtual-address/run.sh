# shellcheck shell=sh
# An instance of keepalived of its own gives the virtual address to this load balancer or to the other
# one, whichever holds it. The configuration of the package's own keepalived is not touched.
# inputs: VIRTUAL_IP OWN_IP KEEPALIVED VIP_CONFIG VIP_CHECK VIP_UNIT

UNIT=/etc/systemd/system/k3s-vip.service
CONFIG=/etc/k3s-vip/keepalived.conf
# Where the policy of SELinux has scripts of keepalived.
CHECK=/usr/libexec/keepalived/k3s-vip
# What keepalived runs with.
STARTED=/run/k3s-vip/started

# The interface that has this host's own address.
interface_of() {
    ip -o addr show 2>/dev/null | awk -v own="$OWN_IP" '{ sub("/.*", "", $4) } $4 == own { print $2; exit }'
}

refuses() {
    interface=$(interface_of)
    [ -n "$interface" ] || { say "no interface has the address $OWN_IP"; return 3; }
    look_at k3s-vip
    state=$(shown ActiveState)
}

# on_interface TEXT: with a trailing dot that preserves its last line.
on_interface() { printf '%s.' "$1" | sed "s/@INTERFACE@/$interface/"; }

files() {
    [ -n "${config-}" ] || config=$(on_interface "$VIP_CONFIG") unit=$(on_interface "$VIP_UNIT")
    directory /etc/k3s-vip 0755 root:root
    file $CONFIG 0644 root:root "${config%.}"
    file $CHECK 0755 root:root "$VIP_CHECK"
    file $UNIT 0644 root:root "${unit%.}"
}

as_it_is_there() {
    [ "$(shown NeedDaemonReload)" = no ] && loaded_is_there "$STARTED" &&
        same "/proc/$(shown MainPID)/exe" "$KEEPALIVED"
}

# is_held: this host has the address, or another one in its network answers that it has it.
is_held() {
    [ -z "$(ip -o addr show to "$VIRTUAL_IP" 2>/dev/null)" ] || return 0
    ping -n -c 1 -W 1 "$VIRTUAL_IP" >/dev/null 2>&1 || curl -sk -m 1 "https://$bracketed/" -o /dev/null || :
    case $(ip neigh show to "$VIRTUAL_IP") in *' lladdr '*) return 0 ;; esac
    say "no load balancer holds $VIRTUAL_IP"
    return 1
}
case $VIRTUAL_IP in *:*) bracketed="[$VIRTUAL_IP]" ;; *) bracketed=$VIRTUAL_IP ;; esac

satisfied() {
    files_are || return
    [ "$(shown UnitFileState)" = enabled ] || { say 'k3s-vip is not enabled at boot'; return 1; }
    [ "$state" = active ] || { say "k3s-vip is ${state:-unknown}"; return 1; }
    as_it_is_there || { say 'k3s-vip runs with an old unit, configuration or keepalived'; return 1; }
    is_held
}

apply() {
    refuses
    put_files
    relabel /etc/k3s-vip /usr/libexec/keepalived
    systemctl daemon-reload
    systemctl enable -q k3s-vip
    look_at k3s-vip
    if [ "$(shown ActiveState)" != active ] || ! as_it_is_there; then
        say 'systemctl restart k3s-vip'
        systemctl restart k3s-vip
        # An election takes up to 4 s: one that does not hear the other takes the address, too.
        sleep 5
    fi
    tries=0
    until is_held >/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 20 ] || {
            is_held >&2 || :
            journalctl -u k3s-vip -n 20 --no-pager -o cat >&2
            return 1
        }
        sleep 0.5
    done
}

remove() {
    systemctl disable -q --now k3s-vip
    remove_files
    systemctl daemon-reload
}
